-- title: One session name, several callers
-- description: Names under which more than one caller acts: who it was cannot be told from the name. The callers are those at the top of the chains.
-- id: A4
-- theme: role session names
-- param: include_services bool = false Sessions that AWS services took too.
SELECT
    session_name,
    array_sort(array_agg(DISTINCT arn_short(coalesce(origin, caller)))) AS callers,
    array_sort(array_agg(DISTINCT arn_short(role_arn))) AS roles,
    count(*) AS sessions,
    count(DISTINCT coalesce(origin, caller)) AS caller_count,
    min(issued_at) AS first,
    max(issued_at) AS last
FROM sessions
WHERE session_name IS NOT NULL
    AND role_arn IS NOT NULL
    AND ($include_services OR caller_type IS DISTINCT FROM 'AWSService')
GROUP BY session_name
HAVING count(DISTINCT coalesce(origin, caller)) > 1
ORDER BY caller_count DESC, sessions DESC, session_name
