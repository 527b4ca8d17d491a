-- title: Chains of three roles and more
-- description: One row per origin and path; the path reads account/role from the first role to the last. Every session of at least that depth counts with its whole path.
-- id: A21
-- param: min_depth int = 3 Roles from the origin to the last.
-- theme: accounts and chains
SELECT
    origin,
    origin_class,
    chain_depth,
    regexp_replace(array_to_string(chain_path, ' > '), 'arn:[^:]*:iam::([^:]*):role/([^ ]*/)?', '\1/', 'g') AS path,
    cardinality(array_distinct(chain_accounts)) AS accounts,
    count(*) AS sessions,
    min(issued_at) AS first_at,
    max(issued_at) AS last_at,
    sum(event_count) AS events,
    sum(write_count) AS writes,
    array_sort(array_distinct(flatten(array_agg(used_ips)))) AS addresses
FROM sessions
WHERE chain_depth >= $min_depth
GROUP BY origin, origin_class, chain_depth, chain_path, chain_accounts
ORDER BY chain_depth DESC, sessions, origin, path
