-- title: A console session was made from keys
-- description: A workload's, a user's or a pipeline's credentials were turned into a console session or an OAuth token (GetSigninToken, ConsoleLogin, CreateOAuth2Token) by a role or user that never did so, or for a person by a program that they never used.
-- id: CTAR-042
-- severity: high
-- attack: T1550.001, T1538, T1021.007
-- needs: no history; who always does so is left out where there is history
-- false_positives: aws-vault, granted: learned by role.
-- reference: sigma aws_console_getsignintoken.yml; elastic lateral_movement_ec2_instance_console_login.toml
-- tags: content
WITH turned AS (
    SELECT c.*, coalesce(t.who, c.identity_arn) AS who, t.role_arn, t.class, t.origin_type, coalesce(v.seen_days, 0) AS seen_days, coalesce(v.words, 'no history') AS words, coalesce(v.peers_with, 0) AS peers_with, a.value IS NOT NULL AND c.agent NOT LIKE 'browser%' AS new_program,
           (SELECT count(*) FROM habits) AS history
    FROM calls c
    LEFT JOIN tonight t ON t.session_id = c.session_id
    LEFT JOIN novel v ON v.entity = coalesce(c.session_issuer_arn, c.identity_arn) AND v.feature = 'call' AND v.value = concat(c.event_source, ':', c.event_name)
    LEFT JOIN novel a ON a.entity_type = 'who' AND a.entity = t.who AND a.feature = 'agent' AND a.value = c.agent AND a.seen_days = 0 AND a.learned
    WHERE c.event_source = 'signin.amazonaws.com' AND c.event_name IN ('GetSigninToken', 'ConsoleLogin', 'CreateOAuth2Token', 'AuthorizeOAuth2Access')
        AND c.error_code IS NULL AND c.access_key_id IS NOT NULL AND (t.session_id IS NOT NULL OR c.access_key_id LIKE 'AKIA%')
)
SELECT who AS entity, coalesce(min(role_arn), '') AS target, CASE WHEN bool_or(class = 'service') THEN 14.0 ELSE 10.0 END AS score,
       CASE WHEN bool_or(class IN ('service', 'oidc')) OR bool_or(access_key_id LIKE 'AKIA%') OR bool_or(class = 'iam_user') OR bool_or(new_program) THEN 'high' ELSE 'medium' END AS severity,
       concat(arn_short(who), ' made a console session from keys') AS title,
       concat(array_to_string(array_sort(array_agg(DISTINCT event_name)), ', '), ' from ', min(ip), ': ', max(words)) AS reason,
       array_agg(DISTINCT session_id) FILTER (WHERE session_id IS NOT NULL) AS session_ids, array_agg(DISTINCT access_key_id) AS access_keys, array_agg(DISTINCT ip) AS source_ips,
       array_agg(DISTINCT event_id) AS event_ids, CAST(sum(n) AS BIGINT) AS event_count, min(first_at) AS first_at, max(last_at) AS last_at
FROM turned
WHERE who IS NOT NULL AND (seen_days = 0 AND ((class IS DISTINCT FROM 'human') OR peers_with = 0) OR class = 'human' AND new_program)
GROUP BY who
