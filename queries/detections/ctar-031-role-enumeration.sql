-- title: Somebody tries roles out
-- description: Five different roles and more refused to one caller within an hour, or ten over the night; refusals that turn into success within a minute (a role that is just being made) and those that come every night are left out. It alarms at ten, or where one of the neighbours was got.
-- id: CTAR-031
-- severity: medium
-- attack: T1087.004, T1580
-- needs: nothing; nightly refusals are left out where there is history
-- false_positives: A list of roles that was deployed wrongly: the same refusals every night.
-- reference: splunk aws_iam_accessdenied_discovery_events.yml
-- tags: volume
-- param: from timestamp The first moment.
-- param: until timestamp The end, exclusive.
WITH refused AS (
    SELECT coalesce(f.caller_arn, f.origin) AS who, f.caller_key_id, f.caller_session_id, f.role_arn, f.event_id, f.source_ip, f.event_time, date_trunc('hour', f.event_time) AS hour
    FROM failures f
    LEFT JOIN known k ON k.entity_type = 'who' AND k.entity = coalesce(f.caller_arn, f.origin) AND k.feature = 'denied' AND k.value = f.role_arn AND k.days >= 3
    WHERE f.event_time >= $from AND f.event_time < $until AND f.reason LIKE 'denied%' AND f.succeeded_at IS NULL AND f.role_arn IS NOT NULL AND k.value IS NULL
), hourly AS (
    SELECT who, hour, count(DISTINCT role_arn) AS roles
    FROM refused
    GROUP BY who, hour
    HAVING count(DISTINCT role_arn) >= 5
), all_ AS (
    SELECT r.*
    FROM refused r
    WHERE r.who IN (SELECT who FROM hourly) OR r.who IN (SELECT who FROM refused GROUP BY who HAVING count(DISTINCT role_arn) >= 10)
)
SELECT a.who AS entity, 'roles' AS target, least(8.0 + count(DISTINCT a.role_arn) / 5.0, 16.0) AS score,
       CASE WHEN count(DISTINCT a.role_arn) >= 10 OR bool_or(t.session_id IS NOT NULL) THEN 'high' ELSE 'medium' END AS severity,
       concat(arn_short(a.who), ' was refused ', count(DISTINCT a.role_arn), ' different roles') AS title,
       concat(count(DISTINCT a.role_arn), ' roles refused, none of them got within a minute', CASE WHEN bool_or(t.session_id IS NOT NULL) THEN concat('; afterwards it got ', arn_short(min(t.role_arn))) ELSE '' END) AS reason,
       array_distinct(array_concat(coalesce(array_agg(DISTINCT a.caller_session_id) FILTER (WHERE a.caller_session_id IS NOT NULL), make_array()), coalesce(array_agg(DISTINCT t.session_id) FILTER (WHERE t.session_id IS NOT NULL), make_array()))) AS session_ids,
       array_agg(DISTINCT a.caller_key_id) FILTER (WHERE a.caller_key_id IS NOT NULL) AS access_keys, array_slice(array_sort(array_agg(DISTINCT a.role_arn)), 1, 50) AS role_arns, array_agg(DISTINCT a.source_ip) AS source_ips,
       array_slice(array_sort(array_agg(DISTINCT a.event_id)), 1, 20) AS event_ids, count(DISTINCT a.event_id) AS event_count, min(a.event_time) AS first_at, max(a.event_time) AS last_at
FROM all_ a
LEFT JOIN tonight t ON t.issued_tonight AND t.caller_arn = a.who AND t.role_arn = a.role_arn AND t.issued_at > a.event_time
GROUP BY a.who
