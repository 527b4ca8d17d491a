-- title: Chains of three roles and more
-- description: One row per root and path; the path reads account/role from the first role to the last. Every session of at least that depth counts with its whole path. span is the longest time, in seconds, from the first session of the chain to the last call of the last one.
-- id: A21
-- theme: cross-account and chains
-- param: min_depth int = 3 Roles from the origin to the last.
SELECT
    s.origin AS root,
    regexp_replace(array_to_string(s.chain_path, ' > '), 'arn:[^:]*:iam::([^:]*):role/([^ ]*/)?', '\1/', 'g') AS path,
    s.chain_depth AS depth,
    cardinality(array_distinct(s.chain_accounts)) AS accounts,
    max(CAST(date_part('epoch', coalesce(s.last_event_at, s.issued_at) - r.issued_at) AS BIGINT)) AS span,
    s.origin_class AS root_class,
    count(*) AS sessions,
    min(s.issued_at) AS first,
    max(s.issued_at) AS last,
    CAST(sum(s.event_count) AS BIGINT) AS events,
    CAST(sum(s.write_count) AS BIGINT) AS writes,
    array_sort(array_distinct(flatten(array_agg(s.used_ips)))) AS ips
FROM sessions s
JOIN sessions r ON r.session_id = s.root_session_id
WHERE s.chain_depth >= $min_depth
GROUP BY s.origin, s.origin_class, s.chain_depth, s.chain_path, s.chain_accounts
ORDER BY depth DESC, sessions, root, path, root_class
