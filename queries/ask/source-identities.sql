-- title: Source identities, and roles that go without
-- description: How many sessions of each role carry a source identity, the one name that cannot be changed along a chain.
-- id: A57
-- param: include_services bool = false AWS services' own sessions too.
-- theme: role session names
SELECT
    role_account,
    coalesce(permission_set, role_name) AS role,
    count(*) AS sessions,
    count(source_identity) AS with_source_identity,
    array_sort(array_agg(DISTINCT source_identity) FILTER (WHERE source_identity IS NOT NULL)) AS source_identities,
    count(DISTINCT origin) FILTER (WHERE source_identity IS NULL) AS origins_without
FROM sessions
WHERE role_arn IS NOT NULL
    AND issue_seen
    AND ($include_services OR coalesce(caller_type, '') <> 'AWSService')
GROUP BY 1, 2
ORDER BY with_source_identity DESC, sessions DESC, role_account, role
