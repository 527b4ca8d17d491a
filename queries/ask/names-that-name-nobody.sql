-- title: Session names that name nobody
-- description: Names that say neither which person nor which workload it was: an SDK's default, a name from a tutorial, or free text that is not the caller's own name. What changes from session to session is shown as <n>, <hex>, <uuid>.
-- id: A3
-- theme: role session names
-- param: include_services bool = false Sessions that AWS services took too.
-- false_positives: A script with a fixed name of its own is told apart only by its origin.
SELECT
    arn_short(n.role_arn) AS role,
    n.pattern AS session_name,
    n.kind AS class,
    count(*) AS sessions,
    array_sort(array_agg(DISTINCT arn_short(s.caller))) AS callers,
    array_sort(array_agg(DISTINCT s.origin) FILTER (WHERE s.origin IS NOT NULL)) AS origins,
    array_sort(array_agg(DISTINCT s.source_identity) FILTER (WHERE s.source_identity IS NOT NULL)) AS source_identities,
    min(s.issued_at) AS first,
    max(s.issued_at) AS last
FROM session_names n
JOIN sessions s ON s.session_id = n.session_id
WHERE n.role_arn IS NOT NULL
    AND n.kind IN ('sdk_default', 'tutorial_default', 'epoch', 'other')
    AND (n.class IS DISTINCT FROM 'human')
    AND (n.names_caller IS DISTINCT FROM true)
    AND (s.session_name IS DISTINCT FROM arn_name(s.origin))
    AND (lower(s.session_name) IS DISTINCT FROM lower(split_part(s.origin, '@', 1)))
    AND ($include_services OR s.caller_type IS DISTINCT FROM 'AWSService')
GROUP BY 1, 2, 3
ORDER BY class DESC, sessions DESC, session_name, role
