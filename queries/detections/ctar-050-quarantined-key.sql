-- title: AWS found a user's key in the open
-- description: The policy AWSCompromisedKeyQuarantine was attached to a user: AWS found a key of that user published. It is critical where somebody takes it off again.
-- id: CTAR-050
-- severity: high
-- attack: T1552.001
-- needs: nothing
-- false_positives: None known: the key is in the open.
-- reference: elastic credential_access_iam_compromisedkeyquarantine_policy_attached_to_user.toml
-- tags: content
-- param: from timestamp The first moment.
-- param: until timestamp The end, exclusive.
WITH acts AS (
    SELECT e.event_id, e.event_time, e.event_name, e.source_ip_address AS ip, e.access_key_id, e.recipient_account_id AS account, coalesce(t.who, e.session_issuer_arn, e.identity_arn, e.invoked_by, e.recipient_account_id) AS who, t.session_id,
           coalesce(e.session_issuer_arn, e.identity_arn) AS issuer, json_get_str(e.request_parameters, 'userName') AS user_name
    FROM events e
    LEFT JOIN session_events l ON l.event_id = e.event_id AND l.recipient_account_id = e.recipient_account_id AND l.event_time >= $from AND l.event_time < $until AND l.event_name IN ('AttachUserPolicy', 'DetachUserPolicy', 'PutUserPolicy', 'DeleteUserPolicy')
    LEFT JOIN tonight t ON t.session_id = l.session_id
    WHERE e.event_time >= $from AND e.event_time < $until AND e.event_source = 'iam.amazonaws.com' AND e.event_name IN ('AttachUserPolicy', 'DetachUserPolicy', 'PutUserPolicy', 'DeleteUserPolicy') AND e.error_code IS NULL AND e.request_parameters LIKE '%CompromisedKeyQuarantine%'
)
SELECT concat('arn:aws:iam::', a.account, ':user/', a.user_name) AS entity, 'quarantine' AS target, CASE WHEN bool_or(a.event_name LIKE 'De%') THEN 16.0 ELSE 12.0 END AS score,
       CASE WHEN bool_or(a.event_name LIKE 'De%') THEN 'critical' ELSE 'high' END AS severity,
       concat('A key of the user ', a.user_name, ' in account ', a.account, ' is in the open', CASE WHEN bool_or(a.event_name LIKE 'De%') THEN ', and somebody took its quarantine off' ELSE '' END) AS title,
       concat(array_to_string(array_sort(array_agg(DISTINCT a.event_name)), ', '), ' of AWSCompromisedKeyQuarantine by ', arn_short(min(a.who))) AS reason,
       array_agg(DISTINCT a.session_id) FILTER (WHERE a.session_id IS NOT NULL) AS session_ids, array_agg(DISTINCT a.access_key_id) FILTER (WHERE a.access_key_id IS NOT NULL) AS access_keys, array_agg(DISTINCT a.who) AS principals,
       array_agg(DISTINCT a.ip) FILTER (WHERE ip_kind(a.ip) IN ('public', 'private', 'cgnat')) AS source_ips, array_agg(DISTINCT a.account) AS accounts, array_agg(DISTINCT a.event_id) AS event_ids,
       count(DISTINCT a.event_id) AS event_count, min(a.event_time) AS first_at, max(a.event_time) AS last_at
FROM acts a
WHERE a.user_name IS NOT NULL
GROUP BY a.account, a.user_name
