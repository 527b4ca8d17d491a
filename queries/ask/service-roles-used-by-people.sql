-- title: Roles of services that others take too
-- description: Roles that an AWS service takes, and a user, a person or another role as well: what is done with them can no longer be told to be the machine's.
-- id: A65
-- theme: workloads
-- attack: T1078.004
SELECT
    arn_short(role_arn) AS role,
    array_sort(array_agg(DISTINCT caller) FILTER (WHERE caller_type = 'AWSService')) AS service_callers,
    array_sort(array_agg(DISTINCT arn_short(caller)) FILTER (WHERE caller_type IS DISTINCT FROM 'AWSService')) AS human_callers,
    CAST(sum(sessions) FILTER (WHERE caller_type = 'AWSService') AS BIGINT) AS service_sessions,
    CAST(sum(sessions) FILTER (WHERE caller_type IS DISTINCT FROM 'AWSService') AS BIGINT) AS other_sessions,
    max(last_at) FILTER (WHERE caller_type IS DISTINCT FROM 'AWSService') AS last_other
FROM role_edges
GROUP BY role_arn
HAVING count(*) FILTER (WHERE caller_type = 'AWSService') > 0
    AND count(*) FILTER (WHERE caller_type IS DISTINCT FROM 'AWSService') > 0
ORDER BY other_sessions DESC, role
