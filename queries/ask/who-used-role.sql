-- title: Who used a role, by session name
-- description: One row per role (account/name), session name, caller and origin: how often, when, from where. Without a role, every role that something other than an AWS service took. What SDKs and EKS make up in names is shown as <n> and <id>. The caller is who asked for the session, the origin who stands at the top of the chain.
-- id: A1
-- theme: role session names
-- param: role text = null The role's name or ARN, or a permission set.
-- param: include_services bool = false AWS services' own sessions too; always so for a named role.
SELECT
    arn_short(role_arn) AS role,
    CASE
        WHEN session_name_kind IN ('sdk_default', 'epoch') THEN regexp_replace(session_name, '[0-9]{8,}', '<n>')
        WHEN session_name_kind = 'eks_pod' THEN regexp_replace(session_name, '[0-9a-f]{8}-[0-9a-f-]{27}$', '<id>')
        ELSE session_name
    END AS session_name,
    arn_short(caller) AS caller,
    origin,
    count(*) AS sessions,
    min(issued_at) AS first,
    coalesce(max(last_event_at), max(issued_at)) AS last,
    array_sort(array_distinct(flatten(array_agg(used_ips)))) AS ips
FROM sessions
WHERE role_arn IS NOT NULL
    AND ($role IS NULL OR role_arn = $role OR role_name = $role OR permission_set = $role)
    AND ($include_services OR $role IS NOT NULL OR origin_class IS DISTINCT FROM 'service')
GROUP BY 1, 2, 3, 4
ORDER BY role, sessions DESC, session_name, caller, origin
