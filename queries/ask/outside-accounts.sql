-- title: Outside accounts that assumed roles here
-- description: Sessions asked for from accounts that are not one's own: not in the organisation where the configuration tells it, else not among the accounts that deliver these logs. A refused attempt from outside is recorded in the caller's account alone, so that it cannot be seen here.
-- id: A18
-- theme: cross-account and chains
WITH vendors AS (
    SELECT account_id, min(name) AS name FROM known_vendors GROUP BY account_id
)
SELECT
    s.caller_account AS ext_account,
    coalesce(max(v.name), max(a.name)) AS label,
    arn_short(s.role_arn) AS role,
    count(*) AS sessions,
    min(s.issued_at) AS first,
    max(s.issued_at) AS last,
    CASE count(s.external_id) WHEN 0 THEN 'never' WHEN count(*) THEN 'always' ELSE 'sometimes' END AS ext_id_used,
    CAST(sum(s.event_count) AS BIGINT) AS events,
    CAST(sum(s.write_count) AS BIGINT) AS writes,
    array_sort(array_agg(DISTINCT s.issued_ip)) AS ips
FROM sessions s
LEFT JOIN accounts a ON a.account_id = s.caller_account
LEFT JOIN vendors v ON v.account_id = s.caller_account
WHERE s.cross_account
    AND s.role_arn IS NOT NULL
    AND NOT coalesce(a.ours, false)
GROUP BY s.caller_account, s.role_arn
ORDER BY ext_id_used DESC, ext_account, role
