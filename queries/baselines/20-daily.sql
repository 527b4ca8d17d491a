-- title: What each identity and role did in a day
-- description: The rows of the table daily for the days from $from up to $until: per entity, feature and value how often, how often in vain, in how many sessions. Baselines are sums over them, so that a day can be made anew at any time. What our own roles ([self]) do is left out.
-- param: from timestamp The first moment.
-- param: until timestamp The end, exclusive.
WITH own AS (
    SELECT event_date AS day, identity_arn AS who, source_ip_address AS ip, source_ip_kind AS ip_kind, user_agent, first_at, last_at, event_count, error_count
    FROM activity
    WHERE identity_type IN ('IAMUser', 'Root') AND first_at >= $from AND first_at < $until AND source_ip_kind IN ('public', 'private', 'cgnat')
), heard AS (
    SELECT event_date AS day, recipient_account_id AS account, CAST(date_part('hour', event_time) AS BIGINT) AS hour, count(*) AS n,
           count(error_code) AS n_err, min(event_time) AS first_at, max(event_time) AS last_at
    FROM events
    WHERE event_time >= $from AND event_time < $until
    GROUP BY 1, 2, 3
), refused AS (
    SELECT CAST(event_time AS DATE) AS day, coalesce(caller_arn, origin) AS who, role_arn, event_time
    FROM failures
    WHERE event_time >= $from AND event_time < $until AND reason LIKE 'denied%' AND succeeded_at IS NULL AND role_arn IS NOT NULL
), gave AS (
    SELECT CAST(event_time AS DATE) AS day, caller_arn, serial_number, provider, identity_provider, event_time,
           CASE WHEN api = 'AssumeRoot' THEN coalesce(caller_issuer_arn, caller_arn) END AS root_caller, target_account
    FROM credential_calls
    WHERE kind = 'issue' AND event_time >= $from AND event_time < $until AND (serial_number IS NOT NULL OR identity_provider IS NOT NULL OR api = 'AssumeRoot')
), checked AS (
    SELECT event_date AS day, json_get_str(response_elements, 'provider') AS provider, json_get_str(additional_event_data, 'identityProviderConnectionVerificationMethod') AS method, event_time
    FROM events
    WHERE event_time >= $from AND event_time < $until AND event_source = 'sts.amazonaws.com' AND event_name = 'AssumeRoleWithWebIdentity' AND error_code IS NULL
), guests AS (
    SELECT event_date AS day, recipient_account_id AS account, event_time,
           coalesce(json_get_str(additional_event_data, 'identityPoolId'), json_get_str(request_parameters, 'identityPoolId'), json_get_str(request_parameters, 'customRoleArn'), 'unknown') AS pool
    FROM events
    WHERE event_time >= $from AND event_time < $until AND event_source = 'cognito-identity.amazonaws.com' AND event_name = 'GetCredentialsForIdentity' AND error_code IS NULL
        AND NOT coalesce(request_parameters LIKE '%"logins"%', false)
), trusts AS (
    SELECT event_date AS day, concat(recipient_account_id, '/', json_get_str(request_parameters, 'roleName')) AS role,
           trusted(coalesce(json_get_str(request_parameters, 'policyDocument'), json_get_str(request_parameters, 'assumeRolePolicyDocument'))) AS principals, event_time
    FROM events
    WHERE event_time >= $from AND event_time < $until AND event_source = 'iam.amazonaws.com' AND event_name IN ('UpdateAssumeRolePolicy', 'CreateRole') AND error_code IS NULL
), fans AS (
    SELECT day, who, root_session_id, count(DISTINCT role_arn) AS roles, min(issued_at) AS first_at, max(issued_at) AS last_at
    FROM day_issued
    GROUP BY day, who, root_session_id
), raw AS (
    SELECT day, 'caller' AS entity_type, caller AS entity, 'role' AS feature, role_arn AS value, 1 AS n, 0 AS n_err, issued_at AS first_at, issued_at AS last_at, session_id FROM day_issued WHERE role_arn IS NOT NULL
    UNION ALL SELECT day, 'caller', caller, 'shape', shape, 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued WHERE role_arn IS NOT NULL
    UNION ALL SELECT day, 'caller', caller, 'api', api, 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued
    UNION ALL SELECT day, 'caller', caller, 'seconds', CAST(granted_seconds AS VARCHAR), 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued
    UNION ALL SELECT day, 'role', role_arn, 'caller', caller, 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued
    UNION ALL SELECT day, 'role', role_arn, 'caller_type', caller_type, 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued
    UNION ALL SELECT day, 'role', role_arn, 'seconds', CAST(granted_seconds AS VARCHAR), 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued
    UNION ALL SELECT day, 'role', role_arn, 'addresses', CASE WHEN cardinality(used_ips) > 1 THEN 'many' ELSE 'one' END, 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued WHERE role_arn IS NOT NULL AND cardinality(used_ips) > 0
    UNION ALL SELECT day, 'role', role_arn, 'name', coalesce(session_name_pattern(session_name), ''), 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued
    UNION ALL SELECT day, 'role', role_arn, 'subject', subject_prefix(origin), 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued WHERE api = 'AssumeRoleWithWebIdentity'
    UNION ALL SELECT day, 'role', role_arn, 'provider', origin_provider, 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued WHERE origin_provider IS NOT NULL
    UNION ALL SELECT day, 'who', who, 'role', role_arn, 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued WHERE role_arn IS NOT NULL
    UNION ALL SELECT day, 'who', who, 'shape', shape, 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued WHERE role_arn IS NOT NULL
    UNION ALL SELECT day, 'who', who, 'seconds', CAST(granted_seconds AS VARCHAR), 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued
    UNION ALL SELECT day, 'who', who, 'hour', CAST(CAST(date_part('hour', issued_at) AS BIGINT) + CASE WHEN date_part('dow', issued_at) IN (0, 6) THEN 24 ELSE 0 END AS VARCHAR), 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued WHERE class = 'human'
    UNION ALL SELECT day, 'who', who, 'depth', CAST(chain_depth AS VARCHAR), 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued
    UNION ALL SELECT day, 'account', caller_account, 'account', role_account, 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued WHERE cross_account
    UNION ALL SELECT day, 'path', 'all', 'shape', path_shape, 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued WHERE chain_depth > 1
    UNION ALL SELECT day, 'edge', caller || ' > ' || role_arn, 'external_id', coalesce(text_hash(external_id), ''), 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued WHERE cross_account
    UNION ALL SELECT day, 'edge', caller || ' > ' || role_arn, 'policy', CASE WHEN session_policy IS NULL THEN 'none' WHEN session_policy LIKE '%AdministratorAccess%' THEN 'administrator' ELSE 'some' END, 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued WHERE role_arn IS NOT NULL
    UNION ALL SELECT day, 'edge', caller || ' > ' || role_arn, 'tags', coalesce(tag_keys(session_tags), ''), 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued WHERE role_arn IS NOT NULL
    UNION ALL SELECT day, 'edge', caller || ' > ' || role_arn, 'mfa', CASE WHEN mfa_at_issue THEN 'true' ELSE 'false' END, 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued WHERE role_arn IS NOT NULL AND caller_type = 'IAMUser'
    UNION ALL SELECT day, 'edge', caller || ' > ' || role_arn, 'agree', CASE WHEN array_has(used_ips, issued_ip) THEN 'true' ELSE 'false' END, 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued WHERE role_arn IS NOT NULL AND ip_kind(issued_ip) = 'public' AND cardinality(used_ips) > 0
    UNION ALL SELECT day, 'edge', caller || ' > ' || role_arn, 'named', CASE WHEN coalesce(names_identity(session_name, origin), false) OR coalesce(names_identity(session_name, source_identity), false) THEN 'true' ELSE 'false' END, 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued WHERE role_arn IS NOT NULL AND origin_type <> 'service'
    UNION ALL SELECT day, 'who', who, 'ip', issued_ip, 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued WHERE ip_kind(issued_ip) = 'public' AND class <> 'service'
    UNION ALL SELECT day, 'who', who, 'ip', requester_ip, 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued WHERE ip_kind(requester_ip) = 'public'
    UNION ALL SELECT day, 'who', who, 'requester_agent', agent_family(requester_user_agent), 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued WHERE requester_user_agent IS NOT NULL
    UNION ALL SELECT day, 'role', role_arn, 'ip', ip, event_count, error_count, first_at, last_at, session_id FROM day_used
    UNION ALL SELECT day, 'role', role_arn, 'network', ip_neighbourhood(ip), event_count, error_count, first_at, last_at, session_id FROM day_used WHERE ip_kind = 'public'
    UNION ALL SELECT day, 'role', role_arn, 'agent', agent_family(user_agent), event_count, error_count, first_at, last_at, session_id FROM day_used
    UNION ALL SELECT day, 'role', role_arn, 'vpc_endpoint', coalesce(vpc_endpoint_id, ''), event_count, error_count, first_at, last_at, session_id FROM day_used
    UNION ALL SELECT day, 'who', who, 'ip', ip, event_count, error_count, first_at, last_at, session_id FROM day_used
    UNION ALL SELECT day, 'who', who, 'network', ip_neighbourhood(ip), event_count, error_count, first_at, last_at, session_id FROM day_used WHERE ip_kind = 'public'
    UNION ALL SELECT day, 'who', who, 'agent', agent_family(user_agent), event_count, error_count, first_at, last_at, session_id FROM day_used
    UNION ALL SELECT day, 'who', who, 'ip', ip, event_count, error_count, first_at, last_at, NULL FROM own
    UNION ALL SELECT day, 'who', who, 'network', ip_neighbourhood(ip), event_count, error_count, first_at, last_at, NULL FROM own WHERE ip_kind = 'public'
    UNION ALL SELECT day, 'who', who, 'agent', agent_family(user_agent), event_count, error_count, first_at, last_at, NULL FROM own
    UNION ALL SELECT day, 'account', account, 'hour', CAST(hour AS VARCHAR), n, n_err, first_at, last_at, NULL FROM heard
    UNION ALL SELECT day, 'all', 'all', 'hour', CAST(CAST(date_part('hour', issued_at) AS BIGINT) AS VARCHAR), 1, 0, issued_at, issued_at AS last_at, session_id FROM day_issued
    UNION ALL SELECT day, 'who', who, 'fan', CAST(roles AS VARCHAR), 1, 0, first_at, last_at, root_session_id FROM fans
    UNION ALL SELECT day, 'who', who, 'denied', role_arn, 1, 1, event_time, event_time AS last_at, NULL FROM refused
    UNION ALL SELECT day, 'caller', caller_arn, 'serial', serial_number, 1, 0, event_time, event_time AS last_at, NULL FROM gave WHERE serial_number IS NOT NULL
    UNION ALL SELECT day, 'provider', provider, 'issuer', identity_provider, 1, 0, event_time, event_time AS last_at, NULL FROM gave WHERE provider LIKE '%:saml-provider/%'
    UNION ALL SELECT day, 'caller', root_caller, 'root', target_account, 1, 0, event_time, event_time AS last_at, NULL FROM gave WHERE root_caller IS NOT NULL
    UNION ALL SELECT day, 'provider', provider, 'verification', method, 1, 0, event_time, event_time AS last_at, NULL FROM checked WHERE method IS NOT NULL
    UNION ALL SELECT day, 'account', account, 'guest_pool', pool, 1, 0, event_time, event_time AS last_at, NULL FROM guests
    UNION ALL SELECT day, 'trust', role, 'principal', unnest(string_to_array(principals, ' ')), 1, 0, event_time, event_time AS last_at, NULL FROM trusts WHERE principals IS NOT NULL
    UNION ALL SELECT day, 'role', role_arn, 'service', event_source, n, n_err, first_at, last_at, NULL FROM day_called WHERE role_arn IS NOT NULL
    UNION ALL SELECT day, 'role', role_arn, 'call', event_source || ':' || event_name, n, n_err, first_at, last_at, NULL FROM day_called WHERE role_arn IS NOT NULL
    UNION ALL SELECT day, 'who', who, 'service', event_source, n, n_err, first_at, last_at, NULL FROM day_called WHERE role_arn IS NULL
    UNION ALL SELECT day, 'who', who, 'call', event_source || ':' || event_name, n, n_err, first_at, last_at, NULL FROM day_called WHERE role_arn IS NULL
)
SELECT day AS event_date, entity_type, entity, feature, value, CAST(sum(n) AS BIGINT) AS n, CAST(sum(n_err) AS BIGINT) AS n_err,
       min(first_at) AS first_at, max(last_at) AS last_at, count(DISTINCT session_id) AS n_sessions
FROM raw
WHERE entity IS NOT NULL AND value IS NOT NULL
GROUP BY 1, 2, 3, 4, 5
