-- title: A SAML sign-in that does not fit
-- description: An assertion that was used twice, from two addresses or minutes apart; a provider whose issuer changed; a session through a provider within a day after its metadata was changed; a subject never seen, which alarms on roles of much power. Whether SAML may still be used beside Identity Center cannot be told from the logs.
-- id: CTAR-045
-- severity: high
-- attack: T1606.002, T1484.002
-- needs: SAML sessions; issuers where there is history
-- false_positives: A planned roll of the provider's certificate: [[planned]].
-- reference: splunk aws_saml_access_by_provider_user_and_principal.yml
-- tags: content
-- param: from timestamp The first moment.
-- param: until timestamp The end, exclusive.
WITH entries AS (
    SELECT e.event_id, e.event_time, e.source_ip_address AS ip, e.recipient_account_id AS account, json_get_str(e.request_parameters, 'sAMLAssertionID') AS assertion,
           json_get_str(e.request_parameters, 'principalArn') AS provider, json_get_str(e.request_parameters, 'roleArn') AS role_arn, e.identity_user_name,
           json_get_str(json_get_json(e.response_elements, 'credentials'), 'accessKeyId') AS key
    FROM events e
    WHERE e.event_time >= $from AND e.event_time < $until AND e.event_source = 'sts.amazonaws.com' AND e.event_name = 'AssumeRoleWithSAML' AND e.error_code IS NULL
), changed AS (
    SELECT coalesce(json_get_str(e.request_parameters, 'sAMLProviderArn'), json_get_str(e.response_elements, 'sAMLProviderArn')) AS provider, min(e.event_time) AS at, min(e.identity_arn) AS by_, array_agg(e.event_id) AS event_ids
    FROM events e
    WHERE e.event_time >= $from - INTERVAL '1 day' AND e.event_time < $until AND e.event_source = 'iam.amazonaws.com' AND e.event_name IN ('UpdateSAMLProvider', 'CreateSAMLProvider') AND e.error_code IS NULL
    GROUP BY 1
)
SELECT coalesce(min(identity_user_name), assertion) AS entity, 'assertion' AS target, 13.0 AS score, 'high' AS severity,
       concat('One SAML assertion was used ', count(DISTINCT event_id), ' times') AS title,
       concat('from ', count(DISTINCT ip), ' addresses, ', CAST(CAST(date_part('epoch', max(event_time) - min(event_time)) AS BIGINT) AS VARCHAR), ' seconds apart') AS reason,
       array_agg(DISTINCT key) AS session_ids, array_agg(DISTINCT ip) FILTER (WHERE ip_kind(ip) = 'public') AS source_ips, array_agg(DISTINCT event_id) AS event_ids, count(DISTINCT event_id) AS event_count, min(event_time) AS first_at, max(event_time) AS last_at
FROM entries
WHERE assertion IS NOT NULL
GROUP BY assertion
HAVING count(DISTINCT event_id) > 1 AND (count(DISTINCT ip) > 1 OR max(event_time) - min(event_time) > INTERVAL '5 minutes')
UNION ALL
SELECT e.provider, 'changed', 13.0, 'high', concat('Sessions through ', arn_short(e.provider), ' after its metadata was changed'),
       concat('changed at ', CAST(min(c.at) AS VARCHAR), ' by ', arn_short(min(c.by_)), '; ', count(DISTINCT e.event_id), ' sessions since'),
       array_agg(DISTINCT e.key), array_agg(DISTINCT e.ip) FILTER (WHERE ip_kind(e.ip) = 'public'), array_concat(array_slice(array_sort(array_agg(DISTINCT e.event_id)), 1, 18), first_value(c.event_ids)), count(DISTINCT e.event_id), min(c.at), max(e.event_time)
FROM entries e
JOIN changed c ON c.provider = e.provider AND e.event_time >= c.at
GROUP BY e.provider
UNION ALL
SELECT v.entity, 'issuer', 13.0, 'high', concat('The issuer behind ', arn_short(v.entity), ' is another one'), concat('the name qualifier: ', max(v.words)),
       array_agg(DISTINCT e.key), array_agg(DISTINCT e.ip) FILTER (WHERE ip_kind(e.ip) = 'public'), array_agg(DISTINCT e.event_id), count(DISTINCT e.event_id), min(v.first_at), max(v.last_at)
FROM novel v
JOIN credential_calls cc ON cc.provider = v.entity AND cc.identity_provider = v.value AND cc.event_time >= $from AND cc.event_time < $until
JOIN entries e ON e.event_id = cc.event_id
WHERE v.entity_type = 'provider' AND v.feature = 'issuer' AND v.seen_days = 0 AND v.days >= 3
GROUP BY v.entity
UNION ALL
SELECT t.who, 'subject', CASE WHEN bool_or(t.privileged) THEN 8.0 ELSE 4.0 END, CASE WHEN bool_or(t.privileged) THEN 'medium' ELSE 'low' END,
       concat(arn_short(t.who), ', whom nobody knows, came through ', arn_short(min(t.origin_provider))), concat('the first session of this subject; it took ', arn_short(min(t.role_arn))),
       array_agg(DISTINCT t.session_id), array_agg(DISTINCT t.issued_ip) FILTER (WHERE ip_kind(t.issued_ip) = 'public'), array_agg(DISTINCT e.event_id), count(DISTINCT t.session_id), min(t.issued_at), max(t.issued_at)
FROM tonight t
JOIN entries e ON e.key = t.session_id
JOIN novel p ON p.entity_type = 'role' AND p.entity = t.role_arn AND p.feature = 'provider' AND p.value = t.origin_provider AND p.seen_days >= 7
JOIN novel w ON w.entity_type = 'who' AND w.entity = t.who AND w.feature = 'role' AND w.value = t.role_arn AND w.days = 0
WHERE t.issued_tonight AND t.origin_type = 'saml'
GROUP BY t.who
