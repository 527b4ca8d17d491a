-- title: Source identities, and roles that go without
-- description: The share of each role's sessions that carry a source identity, the one name that cannot be changed along a chain, and who took the role without.
-- id: A57
-- theme: external ID, MFA, session policy, tags, source identity
-- param: include_services bool = false Sessions that AWS services took too.
SELECT
    arn_short(role_arn) AS role,
    CAST(round(100.0 * count(source_identity) / count(*)) AS BIGINT) AS pct_set,
    array_sort(array_agg(DISTINCT arn_short(coalesce(origin, caller))) FILTER (WHERE source_identity IS NULL)) AS callers_missing,
    count(*) AS sessions,
    array_sort(array_agg(DISTINCT source_identity) FILTER (WHERE source_identity IS NOT NULL)) AS source_identities
FROM sessions
WHERE role_arn IS NOT NULL
    AND issue_seen
    AND ($include_services OR caller_type IS DISTINCT FROM 'AWSService')
GROUP BY role_arn
ORDER BY pct_set DESC, sessions DESC, role
