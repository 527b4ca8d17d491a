-- title: A guest got credentials from an identity pool
-- description: Credentials that a Cognito identity pool gave to somebody who did not sign in, from a pool that gave none to guests before. The calls are data events: they are in the logs where a trail records those.
-- id: CTAR-047
-- severity: medium
-- attack: T1078.004, T1528
-- needs: data events of Cognito; pools by habit where there is history
-- false_positives: Apps with guests: learned.
-- reference: elastic credential_access_cognito_unauthenticated
-- tags: content
-- param: from timestamp The first moment.
-- param: until timestamp The end, exclusive.
WITH acts AS (
    SELECT e.event_id, e.event_time, e.event_name, e.source_ip_address AS ip, e.access_key_id, e.recipient_account_id AS account, coalesce(t.who, e.session_issuer_arn, e.identity_arn, e.invoked_by, e.recipient_account_id) AS who, t.session_id,
           coalesce(json_get_str(e.additional_event_data, 'identityPoolId'), json_get_str(e.request_parameters, 'identityPoolId'), json_get_str(e.request_parameters, 'customRoleArn'), 'unknown') AS pool
    FROM events e
    LEFT JOIN session_events l ON l.event_id = e.event_id AND l.recipient_account_id = e.recipient_account_id AND l.event_time >= $from AND l.event_time < $until AND l.event_name IN ('GetCredentialsForIdentity')
    LEFT JOIN tonight t ON t.session_id = l.session_id
    WHERE e.event_time >= $from AND e.event_time < $until AND e.event_source = 'cognito-identity.amazonaws.com' AND e.event_name IN ('GetCredentialsForIdentity') AND e.error_code IS NULL AND NOT coalesce(e.request_parameters LIKE '%"logins"%', false)
)
SELECT a.account AS entity, a.pool AS target, CASE WHEN max(coalesce(k.days, 0)) = 0 THEN 8.0 ELSE 2.0 END AS score,
       CASE WHEN max(coalesce(k.days, 0)) > 0 THEN 'info' ELSE 'medium' END AS severity,
       concat('Guests get credentials from the identity pool ', a.pool, ' of account ', a.account) AS title,
       concat('nobody signed in for them; the pool gave some to guests on ', max(coalesce(k.days, 0)), ' days before') AS reason,
       array_agg(DISTINCT a.session_id) FILTER (WHERE a.session_id IS NOT NULL) AS session_ids, array_agg(DISTINCT a.access_key_id) FILTER (WHERE a.access_key_id IS NOT NULL) AS access_keys, array_agg(DISTINCT a.who) AS principals,
       array_agg(DISTINCT a.ip) FILTER (WHERE ip_kind(a.ip) IN ('public', 'private', 'cgnat')) AS source_ips, array_agg(DISTINCT a.account) AS accounts, array_agg(DISTINCT a.event_id) AS event_ids,
       count(DISTINCT a.event_id) AS event_count, min(a.event_time) AS first_at, max(a.event_time) AS last_at
FROM acts a
LEFT JOIN known k ON k.entity_type = 'account' AND k.entity = a.account AND k.feature = 'guest_pool' AND k.value = a.pool
GROUP BY a.account, a.pool
