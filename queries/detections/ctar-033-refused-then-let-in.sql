-- title: Refused again and again, then let in
-- description: Five refusals and more of one role to one caller over more than five minutes, then success, after the role's trust or the caller's permissions were changed, or from another address or program.
-- id: CTAR-033
-- severity: medium
-- attack: T1548.005
-- needs: nothing
-- false_positives: A developer who mends a policy.
-- reference: none found in public rule sets
-- tags: content
-- param: from timestamp The first moment.
-- param: until timestamp The end, exclusive.
WITH refused AS (
    SELECT coalesce(caller_arn, origin) AS who, role_arn, count(*) AS n, min(event_time) AS first_at, max(event_time) AS last_at, min(source_ip) AS ip, array_agg(DISTINCT agent_family(user_agent)) AS programs, array_agg(DISTINCT event_id) AS event_ids
    FROM failures
    WHERE event_time >= $from AND event_time < $until AND reason LIKE 'denied%' AND succeeded_at IS NULL AND role_arn IS NOT NULL
    GROUP BY 1, 2
    HAVING count(*) >= 5 AND max(event_time) - min(event_time) > INTERVAL '5 minutes'
), changed AS (
    -- Whose permissions were changed; a policy of its own concerns whoever has it.
    SELECT e.event_time AS at, e.event_name, coalesce(e.session_issuer_arn, e.identity_arn) AS by_,
           coalesce(json_get_str(e.request_parameters, 'roleName'), json_get_str(e.request_parameters, 'userName')) AS of_
    FROM events e
    WHERE e.event_time >= $from AND e.event_time < $until AND e.event_source = 'iam.amazonaws.com' AND e.error_code IS NULL
        AND e.event_name IN ('UpdateAssumeRolePolicy', 'PutRolePolicy', 'AttachRolePolicy', 'PutUserPolicy', 'AttachUserPolicy', 'CreatePolicyVersion', 'SetDefaultPolicyVersion', 'AddUserToGroup', 'PutGroupPolicy', 'AttachGroupPolicy', 'DeleteRolePolicy', 'DetachRolePolicy', 'DeleteUserPolicy', 'DetachUserPolicy')
)
SELECT r.who AS entity, r.role_arn AS target, 8.0 AS score,
       CASE WHEN bool_or(c.by_ = coalesce(t.caller, r.who)) THEN 'low' ELSE 'medium' END AS severity,
       concat(arn_short(r.who), ' was refused ', arn_short(r.role_arn), ' ', max(r.n), ' times, then got it') AS title,
       concat(max(r.n), ' refusals over ', CAST(CAST(date_part('epoch', max(r.last_at) - min(r.first_at)) / 60 AS BIGINT) AS VARCHAR), ' minutes, then a session',
              CASE WHEN bool_or(c.at IS NOT NULL) THEN concat(', after ', min(c.event_name)) WHEN bool_or(t.issued_ip <> r.ip) THEN ' from another address' ELSE ' with another program' END) AS reason,
       array_agg(DISTINCT t.session_id) AS session_ids, array_distinct(flatten(array_agg(r.event_ids))) AS event_ids, array_agg(DISTINCT t.issued_ip) FILTER (WHERE ip_kind(t.issued_ip) = 'public') AS source_ips,
       max(r.n) AS event_count, min(r.first_at) AS first_at, max(t.issued_at) AS last_at
FROM refused r
JOIN tonight t ON t.issued_tonight AND coalesce(t.caller_arn, t.origin) = r.who AND t.role_arn = r.role_arn AND t.issued_at > r.last_at
LEFT JOIN changed c ON c.at > r.first_at AND c.at < t.issued_at AND (c.of_ IS NULL OR c.of_ IN (arn_name(r.role_arn), arn_name(t.caller)))
WHERE c.at IS NOT NULL OR t.issued_ip <> r.ip OR NOT array_has(r.programs, agent_family(t.issued_user_agent))
GROUP BY r.who, r.role_arn
