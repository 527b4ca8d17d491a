-- title: An Identity Center token in the wrong hands
-- description: One portal credential on two networks at once, the second new for that person; a device-code token redeemed from an address where nobody signed in; ten accounts and roles and more, five of them new for that person, pulled within five minutes; a person's token renewed or exchanged by a principal that did not begin it. That a person takes roles from a new program or network is told by CTAR-020 and CTAR-012.
-- id: CTAR-046
-- severity: high
-- attack: T1528, T1566.002, T1550.001
-- needs: events of Identity Center; no history; networks of the person where there is history
-- false_positives: aws sso login on a remote machine.
-- reference: panther aws_sso_access_token_retrieved_by_unauthenticated_ip.yml
-- tags: network
-- param: from timestamp The first moment.
-- param: until timestamp The end, exclusive.
WITH portal AS (
    SELECT e.event_id, e.event_time, e.event_name, e.source_ip_address AS ip, ip_neighbourhood(e.source_ip_address) AS network, e.credential_id, coalesce(e.on_behalf_of_user_id, e.identity_principal_id, e.identity_user_name) AS person,
           e.recipient_account_id AS account, e.request_parameters, e.extra
    FROM events e
    WHERE e.event_time >= $from AND e.event_time < $until AND e.event_source IN ('sso.amazonaws.com', 'sso-oauth.amazonaws.com', 'sso-oidc.amazonaws.com')
        AND e.event_name IN ('GetRoleCredentials', 'CreateToken', 'CreateTokenWithIAM', 'Federate', 'ListAccounts', 'ListAccountRoles') AND e.error_code IS NULL
), owner AS (
    SELECT p.event_id, p.person, t.session_id, t.who, t.role_arn
    FROM portal p
    JOIN tonight t ON t.requester_ip = p.ip AND t.issued_at >= p.event_time - INTERVAL '5 seconds' AND t.issued_at <= p.event_time + INTERVAL '5 seconds' AND t.permission_set IS NOT NULL
    WHERE p.event_name = 'GetRoleCredentials'
), pairs AS (
    SELECT b.credential_id, b.person, a.ip AS ip1, b.ip AS ip2, b.event_id, b.event_time, o.session_id, o.who, k.value AS known_network, coalesce(h.new_days, 0) AS new_days, coalesce(h.days, 0) AS days,
           (SELECT coalesce(max(history_days), 0) FROM peers) AS history_days
    FROM portal a
    JOIN portal b ON b.credential_id = a.credential_id AND b.network <> a.network AND b.event_time >= a.event_time AND b.event_time <= a.event_time + INTERVAL '60 minutes'
    LEFT JOIN owner o ON o.event_id = b.event_id
    LEFT JOIN known k ON k.entity_type = 'who' AND k.entity = o.who AND k.feature = 'network' AND k.value = b.network
    LEFT JOIN habits h ON h.entity_type = 'who' AND h.entity = o.who AND h.feature = 'network'
), asked AS (
    -- Which account and permission set, also where the account's own logs are not here.
    SELECT p.*, o.session_id, o.who, coalesce(o.role_arn, concat(json_get_str(json_get_json(p.extra, 'serviceEventDetails'), 'account_id'), '/', json_get_str(json_get_json(p.extra, 'serviceEventDetails'), 'role_name')), p.event_id) AS pair
    FROM portal p
    LEFT JOIN owner o ON o.event_id = p.event_id
    WHERE p.event_name = 'GetRoleCredentials' AND p.person IS NOT NULL
), pulled AS (
    SELECT a.person, date_bin(INTERVAL '5 minutes', a.event_time) AS bin, count(DISTINCT a.pair) AS roles, array_agg(DISTINCT a.session_id) FILTER (WHERE a.session_id IS NOT NULL) AS session_ids,
           count(DISTINCT CASE WHEN k.value IS NULL THEN a.pair END) AS fresh, array_agg(DISTINCT a.ip) AS ips, array_agg(DISTINCT a.event_id) AS event_ids, min(a.event_time) AS first_at, max(a.event_time) AS last_at, min(a.who) AS who
    FROM asked a
    LEFT JOIN known k ON k.entity_type = 'who' AND k.entity = a.who AND k.feature = 'role' AND k.value = a.pair
    GROUP BY 1, 2
    HAVING count(DISTINCT a.pair) >= 10 AND count(DISTINCT CASE WHEN k.value IS NULL THEN a.pair END) >= 5
), device AS (
    SELECT p.*, t.session_id
    FROM portal p
    LEFT JOIN tonight t ON t.requester_ip = p.ip AND t.issued_tonight AND t.issued_at >= p.event_time AND t.issued_at <= p.event_time + INTERVAL '1 hour'
    WHERE p.event_name = 'CreateToken' AND (p.request_parameters LIKE '%device_code%' OR p.extra LIKE '%device_code%')
        AND NOT EXISTS (SELECT 1 FROM logins l WHERE l.source_ip = p.ip AND l.event_time >= p.event_time - INTERVAL '15 minutes' AND l.event_time <= p.event_time + INTERVAL '15 minutes' AND l.kind <> 'device_code')
), grants AS (
    SELECT e.event_id, e.event_time, e.source_ip_address AS ip, coalesce(e.on_behalf_of_user_id, e.identity_user_name, e.identity_principal_id) AS person, coalesce(e.session_issuer_arn, e.identity_arn, e.identity_principal_id) AS principal, e.access_key_id, e.credential_id,
           json_get_str(e.request_parameters, 'clientId') AS client, json_get_str(e.request_parameters, 'grantType') AS grant_type
    FROM events e
    WHERE e.event_time >= $from - INTERVAL '2 days' AND e.event_time < $until AND e.event_source IN ('sso.amazonaws.com', 'sso-oauth.amazonaws.com', 'sso-oidc.amazonaws.com')
        AND e.event_name IN ('CreateToken', 'CreateTokenWithIAM') AND e.error_code IS NULL
), begun AS (
    SELECT coalesce(client, credential_id, '') AS chain, person, principal
    FROM grants
    WHERE grant_type IN ('authorization_code', 'urn:ietf:params:oauth:grant-type:jwt-bearer', 'urn:ietf:params:oauth:grant-type:device_code')
    GROUP BY 1, 2, 3
), gone_on AS (
    SELECT g.*
    FROM grants g
    LEFT JOIN known k ON k.feature = 'call' AND k.entity_type IN ('role', 'who') AND k.entity = g.principal AND k.value IN ('sso.amazonaws.com:CreateTokenWithIAM', 'sso-oauth.amazonaws.com:CreateTokenWithIAM')
    WHERE g.event_time >= $from AND (g.grant_type = 'refresh_token' OR g.grant_type LIKE '%token-exchange') AND g.person IS NOT NULL AND g.principal IS NOT NULL AND k.value IS NULL
        AND EXISTS (SELECT 1 FROM begun b WHERE b.chain = coalesce(g.client, g.credential_id, '') AND b.person = g.person)
        AND NOT EXISTS (SELECT 1 FROM begun b WHERE b.chain = coalesce(g.client, g.credential_id, '') AND b.person = g.person AND b.principal = g.principal)
)
SELECT coalesce(min(who), person) AS entity, 'networks' AS target, 13.0 AS score,
       CASE WHEN max(days) >= 7 AND max(new_days) * 8 < max(days) THEN 'high' WHEN max(days) = 0 AND max(history_days) >= 3 THEN 'info'
            WHEN max(days) = 0 THEN 'medium' ELSE 'low' END AS severity,
       concat('One portal credential of ', coalesce(min(who), person), ' is used from two networks') AS title,
       concat(min(ip1), ' and ', min(ip2), ' within an hour; the second is new for this person') AS reason,
       array_agg(DISTINCT session_id) FILTER (WHERE session_id IS NOT NULL) AS session_ids, array_distinct(array_concat(array_agg(DISTINCT ip1), array_agg(DISTINCT ip2))) AS source_ips,
       CAST(NULL AS VARCHAR[]) AS access_keys, array_agg(DISTINCT event_id) AS event_ids, count(DISTINCT event_id) AS event_count, min(event_time) AS first_at, max(event_time) AS last_at
FROM pairs
WHERE known_network IS NULL AND person IS NOT NULL
GROUP BY person
UNION ALL
SELECT coalesce(min(who), person), 'roles', 12.0, 'high', concat(coalesce(min(who), person), ' pulled ', max(roles), ' roles from the portal within five minutes'), concat(max(roles), ' accounts and roles in five minutes, ', max(fresh), ' of them new for this person'),
       array_distinct(flatten(array_agg(session_ids))), array_distinct(flatten(array_agg(ips))), CAST(NULL AS VARCHAR[]), array_slice(array_distinct(flatten(array_agg(event_ids))), 1, 20), max(roles), min(first_at), max(last_at)
FROM pulled
GROUP BY person
UNION ALL
SELECT coalesce(person, ip), 'device', 12.0, 'high', concat('A device code was redeemed from ', min(ip), ', where nobody signed in'), 'no sign-in from that address within a quarter of an hour: somebody else may have confirmed the code',
       array_agg(DISTINCT session_id) FILTER (WHERE session_id IS NOT NULL), array_agg(DISTINCT ip), CAST(NULL AS VARCHAR[]), array_agg(DISTINCT event_id), count(DISTINCT event_id), min(event_time), max(event_time)
FROM device
GROUP BY coalesce(person, ip)
UNION ALL
SELECT person, 'continued', 13.0, 'high', concat(arn_short(min(principal)), ' went on with a token of ', person, ' that it did not begin'),
       concat(min(grant_type), ' by ', arn_short(min(principal)), ', who neither began it nor ever made tokens for others'),
       array_agg(DISTINCT access_key_id) FILTER (WHERE access_key_id LIKE 'ASIA%'), array_agg(DISTINCT ip), array_agg(DISTINCT access_key_id) FILTER (WHERE access_key_id IS NOT NULL), array_agg(DISTINCT event_id), count(DISTINCT event_id), min(event_time), max(event_time)
FROM gone_on
GROUP BY person
