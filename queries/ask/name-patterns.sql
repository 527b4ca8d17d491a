-- title: What a role's session names are like, and which depart
-- description: The pattern that most sessions of a role keep to, the share that does, and the names that do not. What changes from session to session is replaced: <n> for long numbers, <hex>, <uuid>, i-<id>, and the part of an e-mail address before the @.
-- theme: role session names
-- param: role text = null The role's name or ARN, or a permission set.
-- param: min_sessions int = 3 Sessions of the role, at least.
-- param: include_services bool = false Roles that only AWS services take too.
WITH sizes AS (
    SELECT role_arn, sum(sessions) AS sessions, count(*) AS patterns FROM session_name_patterns GROUP BY role_arn
),
departing AS (
    SELECT n.role_arn, count(*) AS sessions, array_slice(array_sort(array_agg(DISTINCT n.session_name)), 1, 5) AS names,
        array_sort(array_agg(DISTINCT arn_short(coalesce(s.origin, s.caller)))) AS origins, max(s.issued_at) AS last_at
    FROM session_names n
    JOIN session_name_patterns p ON p.role_arn = n.role_arn AND p.pattern = n.pattern AND p.kind = n.kind AND p.rank > 1
    JOIN sessions s ON s.session_id = n.session_id
    GROUP BY n.role_arn
)
SELECT
    arn_short(p.role_arn) AS role,
    p.pattern,
    p.kind,
    CAST(z.sessions AS BIGINT) AS sessions,
    p.percent AS percent_kept,
    coalesce(d.sessions, 0) AS departing,
    d.names AS departing_names,
    d.origins AS departing_origins,
    d.last_at AS last_departure
FROM session_name_patterns p
JOIN sizes z ON z.role_arn = p.role_arn
LEFT JOIN departing d ON d.role_arn = p.role_arn
WHERE p.rank = 1
    AND z.sessions >= $min_sessions
    AND ($role IS NULL OR p.role_arn = $role OR arn_name(p.role_arn) = $role OR arn_short(p.role_arn) LIKE '%/' || $role)
    AND ($include_services OR p.role_arn IN (SELECT e.role_arn FROM role_edges e WHERE e.caller_type IS DISTINCT FROM 'AWSService'))
ORDER BY departing DESC, sessions DESC, role
