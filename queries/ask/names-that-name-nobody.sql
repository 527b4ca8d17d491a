-- title: Session names that name nobody
-- description: Names that say neither which person nor which workload it was: an SDK's default, a name from a tutorial, or free text that is not the caller's own name. Long numbers are shown as <n>.
-- id: A3
-- param: include_services bool = false Sessions that AWS services took too.
-- theme: role session names
-- false_positives: A script with a fixed name of its own is told apart only by its origin.
SELECT
    regexp_replace(session_name, '[0-9]{8,}', '<n>') AS session_name,
    session_name_kind AS kind,
    role_account,
    role_name,
    count(*) AS sessions,
    array_sort(array_agg(DISTINCT origin) FILTER (WHERE origin IS NOT NULL)) AS origins,
    array_sort(array_agg(DISTINCT source_identity) FILTER (WHERE source_identity IS NOT NULL)) AS source_identities,
    min(issued_at) AS first_issued_at,
    max(issued_at) AS last_issued_at,
    array_sort(array_distinct(flatten(array_agg(used_ips)))) AS addresses
FROM sessions
WHERE role_arn IS NOT NULL
    AND permission_set IS NULL
    AND session_name_kind IN ('sdk_default', 'tutorial_default', 'epoch', 'other')
    AND (session_name IS DISTINCT FROM arn_name(caller_arn))
    AND (session_name IS DISTINCT FROM arn_name(origin))
    AND (lower(session_name) IS DISTINCT FROM lower(split_part(origin, '@', 1)))
    AND ($include_services OR coalesce(caller_type, '') <> 'AWSService')
GROUP BY 1, 2, 3, 4
ORDER BY kind DESC, sessions DESC, session_name, role_account, role_name
