-- title: Session names that are not the caller's
-- description: Sessions whose name is not the name the caller is known by: the IAM user's name, the federated subject, the source identity, or the name of the session that asked. Letter case and what follows an @ do not count. Identity Center sets the name itself, and is left out.
-- id: A6
-- theme: role session names
-- param: include_services bool = false AWS services' own sessions too.
SELECT
    arn_short(s.caller) AS caller,
    n.pattern AS session_name,
    n.expected,
    arn_short(n.role_arn) AS role,
    count(*) AS count,
    array_sort(array_agg(DISTINCT s.origin) FILTER (WHERE s.origin IS NOT NULL)) AS origins
FROM session_names n
JOIN sessions s ON s.session_id = n.session_id
WHERE n.names_caller = false
    AND s.permission_set IS NULL
    AND ($include_services OR s.origin_class IS DISTINCT FROM 'service')
GROUP BY 1, 2, 3, 4
ORDER BY count DESC, caller, session_name, n.expected, role
