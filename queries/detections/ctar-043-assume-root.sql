-- title: Somebody acted as root of a member account
-- description: AssumeRoot: high where caller and account are new, for more than three accounts, or with a task that unlocks policies or makes a root password.
-- id: CTAR-043
-- severity: medium
-- attack: T1548.005, T1098.003
-- needs: no history; without history every pair is new
-- false_positives: The central job that looks after root.
-- reference: elastic privilege_escalation_sts_assume_root_from_rare_user_and_member_account.toml
-- tags: content
-- param: from timestamp The first moment.
-- param: until timestamp The end, exclusive.
WITH roots AS (
    SELECT e.event_id, e.event_time, e.recipient_account_id, coalesce(e.session_issuer_arn, e.identity_arn) AS caller, e.access_key_id, l.session_id, e.source_ip_address AS ip, e.error_code,
           json_get_str(e.request_parameters, 'targetPrincipal') AS target, e.request_parameters LIKE '%UnlockBucketPolicy%' OR e.request_parameters LIKE '%UnlockQueuePolicy%' OR e.request_parameters LIKE '%CreateRootUserPassword%' AS grave,
           json_get_str(json_get_json(e.response_elements, 'credentials'), 'accessKeyId') AS issued
    FROM events e
    LEFT JOIN session_events l ON l.event_id = e.event_id AND l.recipient_account_id = e.recipient_account_id AND l.event_time >= $from AND l.event_time < $until AND l.event_name = 'AssumeRoot'
    WHERE e.event_time >= $from AND e.event_time < $until AND e.event_source = 'sts.amazonaws.com' AND e.event_name = 'AssumeRoot' AND e.identity_arn IS NOT NULL
)
SELECT r.caller AS entity, min(r.target) AS target, 13.0 AS score,
       CASE WHEN bool_or(r.grave) OR count(DISTINCT r.target) > 3 OR max(coalesce(k.days, 0)) = 0 OR min(coalesce(a.days, 0)) = 0 THEN 'high' ELSE 'medium' END AS severity,
       concat(arn_short(r.caller), ' acted as root of ', count(DISTINCT r.target), CASE WHEN count(DISTINCT r.target) = 1 THEN ' account' ELSE ' accounts' END) AS title,
       concat('AssumeRoot for ', array_to_string(array_sort(array_agg(DISTINCT r.target)), ', '), '; this caller did so on ', max(coalesce(k.days, 0)), ' days before') AS reason,
       array_distinct(array_concat(coalesce(array_agg(DISTINCT r.session_id) FILTER (WHERE r.session_id IS NOT NULL), make_array()), coalesce(array_agg(DISTINCT r.issued) FILTER (WHERE r.issued IS NOT NULL), make_array()))) AS session_ids,
       array_agg(DISTINCT r.access_key_id) FILTER (WHERE r.access_key_id IS NOT NULL) AS access_keys, array_agg(DISTINCT r.caller) AS principals,
       array_agg(DISTINCT r.ip) AS source_ips, array_agg(DISTINCT r.event_id) AS event_ids, count(DISTINCT r.event_id) AS event_count, min(r.event_time) AS first_at, max(r.event_time) AS last_at
FROM roots r
LEFT JOIN known k ON k.entity = r.caller AND k.feature = 'call' AND k.value = 'sts.amazonaws.com:AssumeRoot'
LEFT JOIN known a ON a.entity_type = 'caller' AND a.entity = r.caller AND a.feature = 'root' AND a.value = coalesce(arn_account(r.target), r.target)
GROUP BY r.caller
