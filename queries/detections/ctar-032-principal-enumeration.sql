-- title: Somebody finds out which principals exist
-- description: Ten refused trust or resource policies for a malformed principal within an hour: each tells whether a principal exists.
-- id: CTAR-032
-- severity: medium
-- attack: T1087.004, T1069.003
-- needs: nothing
-- false_positives: A pipeline that loops over a mistake.
-- reference: elastic discovery_iam_principal_enumeration_via_update_assume_role_policy.toml
-- tags: volume
-- param: from timestamp The first moment.
-- param: until timestamp The end, exclusive.
WITH refused AS (
    SELECT e.event_id, e.event_time, e.event_name, e.error_code, e.access_key_id, e.source_ip_address AS ip, e.recipient_account_id AS account, coalesce(t.who, e.session_issuer_arn, e.identity_arn) AS who, t.session_id
    FROM events e
    LEFT JOIN session_events l ON l.event_id = e.event_id AND l.recipient_account_id = e.recipient_account_id AND l.event_time >= $from AND l.event_time < $until AND l.error_code LIKE 'MalformedPolicy%'
    LEFT JOIN tonight t ON t.session_id = l.session_id
    WHERE e.event_time >= $from AND e.event_time < $until AND e.error_code LIKE 'MalformedPolicy%'
        AND e.event_name IN ('UpdateAssumeRolePolicy', 'CreateRole', 'PutBucketPolicy', 'PutKeyPolicy', 'CreateKey', 'SetQueueAttributes', 'SetTopicAttributes', 'SetRepositoryPolicy', 'PutResourcePolicy', 'AddPermission')
), hours AS (
    SELECT who, date_trunc('hour', event_time) AS hour
    FROM refused
    GROUP BY 1, 2
    HAVING count(*) >= 10
)
SELECT r.who AS entity, min(r.event_name) AS target, 9.0 AS score,
       CASE WHEN count(*) >= 25 THEN 'high' ELSE 'medium' END AS severity,
       concat(arn_short(r.who), ' sent ', count(*), ' malformed policies') AS title,
       concat(count(*), ' times ', min(r.error_code), ' for ', min(r.event_name), ': each answer tells whether a principal exists') AS reason,
       array_agg(DISTINCT r.session_id) FILTER (WHERE r.session_id IS NOT NULL) AS session_ids, array_agg(DISTINCT r.access_key_id) FILTER (WHERE r.access_key_id IS NOT NULL) AS access_keys,
       array_agg(DISTINCT r.ip) AS source_ips, array_agg(DISTINCT r.account) AS accounts, array_slice(array_sort(array_agg(DISTINCT r.event_id)), 1, 20) AS event_ids,
       count(*) AS event_count, min(r.event_time) AS first_at, max(r.event_time) AS last_at
FROM refused r
JOIN hours h ON h.who = r.who AND h.hour = date_trunc('hour', r.event_time)
GROUP BY r.who
