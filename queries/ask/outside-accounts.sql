-- title: Outside accounts and their external ids
-- description: Sessions whose caller is known by an account and an id only, because the caller's own logs are not here: vendors, partners, and accounts without a trail. A third party without an external id is worth a look.
-- id: A18, A52
-- theme: accounts and chains
SELECT
    s.caller_account,
    s.origin,
    s.role_account,
    s.role_name,
    s.external_id,
    count(*) AS sessions,
    min(s.issued_at) AS first_at,
    max(s.issued_at) AS last_at,
    sum(s.event_count) AS events,
    sum(s.write_count) AS writes,
    array_sort(array_agg(DISTINCT s.issued_ip)) AS addresses
FROM sessions s
WHERE s.caller_type = 'AWSAccount' AND s.parent_session_id IS NULL
GROUP BY 1, 2, 3, 4, 5
ORDER BY s.external_id IS NOT NULL, s.caller_account, s.role_account, s.role_name
