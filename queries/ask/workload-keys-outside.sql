-- title: Keys of functions and tasks used outside them
-- description: Credentials of Lambda functions and container tasks that were used both with the marks of their runtime (the function named in the record, or exec-env in the program's name) and without: the key has left the function. A runtime without marks cannot be told.
-- id: A63
-- theme: workloads
-- attack: T1552.005, T1550.001
WITH calls AS (
    SELECT e.session_id, e.source_ip_address, e.user_agent, e.event_time,
        e.in_scope_of_arn IS NOT NULL OR coalesce(e.user_agent LIKE '%exec-env/%', false) AS inside
    FROM session_events e
    JOIN sessions s ON s.session_id = e.session_id
    WHERE s.invoked_by IN ('lambda.amazonaws.com', 'ecs-tasks.amazonaws.com')
        AND e.invoked_by IS NULL
        AND e.source_ip_kind IN ('public', 'private', 'cgnat')
)
SELECT
    arn_short(s.role_arn) AS role,
    c.session_id AS key,
    count(*) FILTER (WHERE c.inside) AS inside,
    count(*) FILTER (WHERE NOT c.inside) AS outside,
    array_sort(array_agg(DISTINCT c.source_ip_address) FILTER (WHERE NOT c.inside)) AS ips,
    array_sort(array_agg(DISTINCT c.user_agent) FILTER (WHERE NOT c.inside AND c.user_agent IS NOT NULL)) AS uas,
    s.session_name,
    min(c.event_time) FILTER (WHERE NOT c.inside) AS first_outside
FROM calls c
JOIN sessions s ON s.session_id = c.session_id
GROUP BY s.role_arn, c.session_id, s.session_name
HAVING count(*) FILTER (WHERE c.inside) > 0 AND count(*) FILTER (WHERE NOT c.inside) > 0
ORDER BY outside DESC, role, key
