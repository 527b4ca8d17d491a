-- title: Keys of functions and tasks used outside them
-- description: Credentials of Lambda functions and container tasks that were used both with the marks of their runtime (the function named in the record, or exec-env in the program's name) and without: the key has left the function. A runtime without marks cannot be told.
-- id: A63
-- theme: workloads
-- attack: T1552.005, T1550.001
WITH calls AS (
    SELECT session_id, source_ip_address, user_agent, event_time,
        in_scope_of_arn IS NOT NULL OR coalesce(user_agent LIKE '%exec-env/%', false) AS inside
    FROM session_events
    WHERE session_id IN (SELECT session_id FROM sessions WHERE invoked_by IN ('lambda.amazonaws.com', 'ecs-tasks.amazonaws.com'))
        AND invoked_by IS NULL
        AND source_ip_kind IN ('public', 'private', 'cgnat')
),
-- Lists are made of the few sessions that show both; to make them of all costs far more than to find those.
sums AS (
    SELECT session_id, inside, source_ip_address, user_agent, count(*) AS n, min(event_time) AS first_at
    FROM calls
    GROUP BY session_id, inside, source_ip_address, user_agent
),
marked AS (
    SELECT *, bool_or(inside) OVER (PARTITION BY session_id) AND bool_or(NOT inside) OVER (PARTITION BY session_id) AS both
    FROM sums
)
SELECT
    arn_short(s.role_arn) AS role,
    m.session_id AS key,
    sum(m.n) FILTER (WHERE m.inside) AS inside,
    sum(m.n) FILTER (WHERE NOT m.inside) AS outside,
    array_sort(array_agg(DISTINCT m.source_ip_address) FILTER (WHERE NOT m.inside)) AS ips,
    array_sort(array_agg(DISTINCT m.user_agent) FILTER (WHERE NOT m.inside AND m.user_agent IS NOT NULL)) AS uas,
    s.session_name,
    min(m.first_at) FILTER (WHERE NOT m.inside) AS first_outside
FROM marked m
JOIN sessions s ON s.session_id = m.session_id
WHERE m.both
GROUP BY s.role_arn, m.session_id, s.session_name
ORDER BY outside DESC, role, key
