-- title: Chains that come back
-- description: Chains that return to a role or an account that they had left: a way around the one-hour limit of chained sessions, or a shared tooling account.
-- id: A22
-- theme: cross-account and chains
-- attack: T1550.001
SELECT
    origin AS root,
    regexp_replace(array_to_string(chain_path, ' > '), 'arn:[^:]*:iam::([^:]*):role/([^ ]*/)?', '\1/', 'g') AS cycle,
    count(*) AS times,
    min(issued_at) AS first,
    max(issued_at) AS last,
    chain_depth AS depth,
    cardinality(chain_path) > cardinality(array_distinct(chain_path)) AS same_role_again,
    max(valid_until) AS access_until,
    array_sort(array_distinct(flatten(array_agg(used_ips)))) AS ips
FROM sessions
WHERE chain_depth >= 2
    AND (cardinality(chain_path) > cardinality(array_distinct(chain_path))
        OR (chain_accounts[1] = chain_accounts[-1] AND cardinality(array_distinct(chain_accounts)) > 1))
GROUP BY origin, chain_depth, chain_path
ORDER BY same_role_again DESC, depth DESC, times DESC, root, cycle
