-- title: Who used a role, by session name
-- description: One row per role (account/name), session name and origin: how often, when, with how many changes, from where. Without a role, every role that something other than an AWS service took. What SDKs and EKS make up in names is shown as <n> and <id>.
-- id: A1
-- param: role text = null The role's name or ARN, or a permission set.
-- param: include_services bool = false AWS services' own sessions too; always so for a named role.
-- theme: role session names
SELECT
    role_account || '/' || coalesce(permission_set, role_name) AS role,
    CASE
        WHEN session_name_kind IN ('sdk_default', 'epoch') THEN regexp_replace(session_name, '[0-9]{8,}', '<n>')
        WHEN session_name_kind = 'eks_pod' THEN regexp_replace(session_name, '[0-9a-f]{8}-[0-9a-f-]{27}$', '<id>')
        ELSE session_name
    END AS session_name,
    origin,
    count(*) AS sessions,
    min(issued_at) AS first_at,
    coalesce(max(last_event_at), max(issued_at)) AS last_at,
    sum(write_count) AS writes,
    array_sort(array_distinct(flatten(array_agg(used_ips)))) AS addresses
FROM sessions
WHERE role_arn IS NOT NULL
    AND ($role IS NULL OR role_arn = $role OR role_name = $role OR permission_set = $role)
    AND ($include_services OR $role IS NOT NULL OR origin_class IS DISTINCT FROM 'service')
GROUP BY 1, 2, 3
ORDER BY role, sessions DESC, session_name, origin
