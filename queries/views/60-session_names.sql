-- title: Session names, and what they tell
-- description: One row per session with a name. Who set it is judged by the issuing call and the role first, and by the name's own form last.
WITH named AS (
    SELECT s.session_id, s.role_arn, s.session_name, s.session_name_kind AS kind, session_name_pattern(s.session_name) AS pattern,
           s.permission_set, s.api, s.caller_type, s.invoked_by, s.issued_ip, s.issue_seen, s.origin_type, s.origin,
           CASE WHEN s.caller_type = 'IAMUser' THEN arn_name(s.caller_arn) END AS user_name,
           CASE
               WHEN s.caller_type IN ('SAMLUser', 'WebIdentityUser') THEN s.origin
               WHEN s.source_identity IS NOT NULL THEN s.source_identity
               WHEN s.caller_type = 'IAMUser' THEN arn_name(s.caller_arn)
               WHEN s.caller_type = 'AssumedRole' THEN split_part(s.caller_arn, '/', 3)
           END AS expected
    FROM sessions s
    WHERE s.session_name IS NOT NULL
)
SELECT session_id, role_arn, session_name, kind, pattern,
       CASE
           WHEN permission_set IS NOT NULL THEN 'Identity Center'
           WHEN api = 'AssumeRoleWithSAML' THEN 'SAML provider'
           WHEN caller_type = 'AWSService' THEN invoked_by
           WHEN user_name = session_name AND issued_ip LIKE 'AWS Internal%' THEN 'console, switched role'
           ELSE coalesce(session_name_origin(session_name), 'caller')
       END AS set_by,
       CASE
           WHEN permission_set IS NOT NULL OR api = 'AssumeRoleWithSAML' THEN 'human'
           WHEN caller_type = 'AWSService' AND regexp_like(invoked_by, '^(ec2|lambda|ecs-tasks|pods\.eks|rolesanywhere)\.') THEN 'workload'
           WHEN caller_type = 'AWSService' THEN 'service'
           WHEN user_name = session_name AND issued_ip LIKE 'AWS Internal%' THEN 'human'
           WHEN caller_type = 'WebIdentityUser' AND starts_with(origin, 'system:serviceaccount:') THEN 'workload'
           ELSE session_name_class(session_name)
       END AS class,
       expected,
       lower(split_part(session_name, '@', 1)) = lower(split_part(expected, '@', 1)) AS names_caller
FROM named
