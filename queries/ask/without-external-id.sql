-- title: Third parties without an external id
-- description: Sessions that accounts which are not one's own asked for without an external id: the guard against a deputy that is talked into serving somebody else. Not one's own: not in the organisation where the configuration tells it, else not among the accounts that deliver these logs.
-- id: A52
-- theme: external ID, MFA, session policy, tags, source identity
-- attack: T1199
WITH vendors AS (
    SELECT account_id, min(name) AS name FROM known_vendors GROUP BY account_id
)
SELECT
    s.caller_account AS account,
    coalesce(max(v.name), max(a.name)) AS vendor,
    arn_short(s.role_arn) AS role,
    count(*) AS count,
    min(s.issued_at) AS first,
    max(s.issued_at) AS last,
    CAST(sum(s.write_count) AS BIGINT) AS writes,
    array_sort(array_agg(DISTINCT s.issued_ip)) AS ips
FROM sessions s
LEFT JOIN accounts a ON a.account_id = s.caller_account
LEFT JOIN vendors v ON v.account_id = s.caller_account
WHERE s.cross_account
    AND s.role_arn IS NOT NULL
    AND s.external_id IS NULL
    AND NOT coalesce(a.ours, false)
GROUP BY s.caller_account, s.role_arn
ORDER BY count DESC, account, role
