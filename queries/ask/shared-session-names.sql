-- title: One session name, several callers
-- description: Names under which more than one caller acts: who it was cannot be told from the name.
-- id: A4
-- param: include_services bool = false Sessions that AWS services took too.
-- theme: role session names
SELECT
    session_name,
    count(DISTINCT origin) AS origin_count,
    array_sort(array_agg(DISTINCT origin) FILTER (WHERE origin IS NOT NULL)) AS origins,
    array_sort(array_agg(DISTINCT role_name)) AS roles,
    array_sort(array_agg(DISTINCT role_account)) AS accounts,
    count(*) AS sessions,
    min(issued_at) AS first_at,
    max(issued_at) AS last_at
FROM sessions
WHERE session_name IS NOT NULL
    AND role_arn IS NOT NULL
    AND ($include_services OR coalesce(caller_type, '') <> 'AWSService')
GROUP BY session_name
HAVING count(DISTINCT origin) > 1
ORDER BY origin_count DESC, sessions DESC, session_name
