-- title: Who reaches a role, over how many hops
-- description: The roots of all chains that end in the role; one hop is the role taken directly.
-- id: A24
-- theme: cross-account and chains
-- param: role text The role's name or ARN, or a permission set.
-- param: min_hops int = 1 Roles from the root to this one, itself included.
-- param: include_services bool = false AWS services' own sessions too.
SELECT
    origin AS root,
    chain_depth AS hops,
    count(*) AS sessions,
    max(issued_at) AS last,
    origin_class AS root_class,
    arn_short(role_arn) AS role,
    array_sort(array_agg(DISTINCT arn_short(caller)) FILTER (WHERE caller IS NOT NULL)) AS last_callers
FROM sessions
WHERE (role_arn = $role OR role_name = $role OR permission_set = $role)
    AND chain_depth >= $min_hops
    AND ($include_services OR origin_class IS DISTINCT FROM 'service')
GROUP BY origin, origin_class, chain_depth, role_arn
ORDER BY hops DESC, sessions DESC, root, role, root_class
