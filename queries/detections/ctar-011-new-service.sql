-- title: A service took a role that it never took
-- description: An AWS service assumed a role for the first time, though the role has been there for a week and more. Services that run code count for more, and a role of much power alarms.
-- id: CTAR-011
-- severity: low
-- attack: T1648, T1548.005
-- needs: baseline of 14 days
-- false_positives: A new use of an old role.
-- reference: elastic privilege_escalation_role_assumption_by_service.toml
-- tags: graph
SELECT v.entity AS entity, v.value AS target,
       max(v.bits) + CASE WHEN regexp_like(v.value, '^(lambda|ec2|codebuild|glue|sagemaker|ssm|cloudformation|datapipeline|bedrock-agentcore|ecs-tasks)[.]') THEN 4.0 ELSE 0.0 END AS score,
       CASE WHEN bool_or(t.privileged) AND max(v.bits) >= 4 THEN 'high' WHEN regexp_like(v.value, '^(lambda|ec2|codebuild|glue|sagemaker|ssm|cloudformation|datapipeline|bedrock-agentcore|ecs-tasks)[.]') AND max(v.bits) >= 4 THEN 'medium' ELSE 'low' END AS severity,
       concat(v.value, ' took ', arn_short(v.entity), ' for the first time') AS title,
       concat('the role''s callers: ', max(v.words)) AS reason,
       array_agg(DISTINCT t.session_id) AS session_ids, count(*) AS event_count, min(t.issued_at) AS first_at, max(t.issued_at) AS last_at
FROM novel v
JOIN tonight t ON t.role_arn = v.entity AND t.caller = v.value AND t.issued_tonight AND t.caller_type = 'AWSService'
WHERE v.entity_type = 'role' AND v.feature = 'caller' AND v.seen_days = 0 AND v.days >= 7
GROUP BY v.entity, v.value
