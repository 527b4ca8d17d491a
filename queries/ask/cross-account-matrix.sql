-- title: Which account reaches into which
-- description: One row per pair of accounts with sessions from one in the other; the account of the last caller, not of the origin. Both are named where the configuration names them.
-- id: A19
-- theme: cross-account and chains
SELECT
    s.caller_account AS "from",
    s.role_account AS "to",
    array_sort(array_agg(DISTINCT s.role_name) FILTER (WHERE s.role_name IS NOT NULL)) AS roles,
    count(*) AS sessions,
    count(DISTINCT s.caller) AS callers,
    max(f.name) AS from_name,
    max(t.name) AS to_name,
    count(DISTINCT s.origin) AS origins,
    CAST(sum(s.write_count) AS BIGINT) AS writes,
    min(s.issued_at) AS first,
    max(s.issued_at) AS last
FROM sessions s
LEFT JOIN accounts f ON f.account_id = s.caller_account
LEFT JOIN accounts t ON t.account_id = s.role_account
WHERE s.cross_account
GROUP BY 1, 2
ORDER BY sessions DESC, "from", "to"
