-- title: A function's credentials are used outside it
-- description: Sessions of functions and container tasks used both with the marks of their runtime (the function named in the record, exec-env in the program's name) and without; or without, from a new network with a new program, where the role always shows them.
-- id: CTAR-015
-- severity: high
-- attack: T1552.005, T1078.004
-- needs: nothing; the role's programs where there is history
-- false_positives: A program that names itself otherwise: where the role always had calls without marks, nothing is said.
-- reference: elastic defense_evasion_lambda_execution_role_credentials_used_outside_lambda.toml
-- tags: client
WITH marked AS (
    SELECT c.*, t.role_arn, t.session_name, t.who,
           c.in_scope_of_arn IS NOT NULL OR coalesce(c.user_agent LIKE '%exec-env/%', false) AS inside
    FROM calls c
    JOIN tonight t ON t.session_id = c.session_id
    WHERE t.invoked_by IN ('lambda.amazonaws.com', 'ecs-tasks.amazonaws.com') AND c.invoked_by IS NULL AND c.ip_kind IN ('public', 'private', 'cgnat')
), roles AS (
    SELECT role_arn, bool_or(inside) AS marks FROM marked GROUP BY role_arn
)
SELECT m.role_arn AS entity, m.session_name AS target, 13.0 AS score,
       concat('Credentials of ', m.session_name, ' are used outside their runtime') AS title,
       concat(CAST(sum(m.n) AS BIGINT), ' calls without the marks of the runtime, from ', min(m.ip), ' by ', min(m.agent)) AS reason,
       array_agg(DISTINCT m.session_id) AS session_ids, array_agg(DISTINCT m.ip) AS source_ips, array_agg(DISTINCT m.event_id) AS event_ids,
       CAST(sum(m.n) AS BIGINT) AS event_count, min(m.first_at) AS first_at, max(m.last_at) AS last_at
FROM marked m
JOIN roles r ON r.role_arn = m.role_arn
LEFT JOIN known k ON k.entity_type = 'role' AND k.entity = m.role_arn AND k.feature = 'agent' AND k.value = m.agent
LEFT JOIN novel g ON g.entity_type = 'role' AND g.entity = m.role_arn AND g.feature = 'agent' AND g.value = m.agent
LEFT JOIN novel w ON w.entity_type = 'role' AND w.entity = m.role_arn AND w.feature = 'network' AND w.value = ip_neighbourhood(m.ip)
WHERE NOT m.inside AND k.value IS NULL AND (r.marks OR g.days >= 7 AND w.seen_days = 0)
GROUP BY m.role_arn, m.session_name
