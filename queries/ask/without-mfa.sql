-- title: Roles that IAM users took without MFA
-- description: Users and their own temporary keys alone: what an identity provider asked for does not show in CloudTrail, so federated people are left out.
-- id: A54
-- theme: external ID, MFA, session policy, tags, source identity
-- param: role text = null Only this role: name or ARN.
-- param: tier int = null Only roles that the configuration puts into this tier or above, 0 being the highest.
WITH sensitive AS (
    SELECT DISTINCT e.role_arn FROM role_edges e JOIN known_roles k ON (e.role_arn LIKE k.pattern OR arn_name(e.role_arn) LIKE k.pattern) AND k.tier <= $tier
)
SELECT
    arn_short(origin) AS caller,
    arn_short(role_arn) AS role,
    count(*) FILTER (WHERE mfa_at_issue IS DISTINCT FROM true) AS count,
    array_sort(array_distinct(array_concat(array_agg(issued_ip) FILTER (WHERE ip_kind(issued_ip) IN ('public', 'private', 'cgnat')), flatten(array_agg(used_ips))))) AS ips,
    count(*) FILTER (WHERE mfa_at_issue) AS with_mfa,
    min(issued_at) AS first,
    max(issued_at) AS last,
    CAST(sum(write_count) AS BIGINT) AS writes
FROM sessions
WHERE caller_type = 'IAMUser'
    AND role_arn IS NOT NULL
    AND ($role IS NULL OR role_arn = $role OR role_name = $role)
GROUP BY origin, role_arn
HAVING ($tier IS NULL OR role_arn IN (SELECT role_arn FROM sensitive))
    AND count(*) FILTER (WHERE mfa_at_issue IS DISTINCT FROM true) > 0
ORDER BY count DESC, caller, role
