-- title: Which account reaches into which
-- description: One row per pair of accounts with sessions from one in the other; the account of the last caller, not of the origin.
-- id: A19
-- theme: accounts and chains
SELECT
    s.caller_account AS from_account,
    f.name AS from_name,
    s.role_account AS to_account,
    t.name AS to_name,
    count(*) AS sessions,
    count(DISTINCT s.origin) AS origins,
    array_sort(array_agg(DISTINCT s.role_name) FILTER (WHERE s.role_name IS NOT NULL)) AS roles,
    count(*) FILTER (WHERE s.external_id IS NOT NULL) AS with_external_id,
    sum(s.write_count) AS writes,
    min(s.issued_at) AS first_at,
    max(s.issued_at) AS last_at
FROM sessions s
LEFT JOIN accounts f ON f.account_id = s.caller_account
LEFT JOIN accounts t ON t.account_id = s.role_account
WHERE s.cross_account
GROUP BY 1, 2, 3, 4
ORDER BY sessions DESC, from_account, to_account
