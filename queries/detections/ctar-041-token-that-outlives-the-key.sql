-- title: A user makes a token that outlives the key
-- description: GetFederationToken or GetSessionToken for the first time by a user. Twelve hours or no limiting policy make it high; a token that acts after its user's key was switched off is critical.
-- id: CTAR-041
-- severity: high
-- attack: T1550.001, T1098.001
-- needs: baseline of 30 days; without history every federation token
-- false_positives: Old brokers: they are learned.
-- reference: elastic defense_evasion_sts_get_federation_token.toml; sigma aws_sts_getsessiontoken_misuse.yml
-- tags: content
-- param: from timestamp The first moment.
-- param: until timestamp The end, exclusive.
WITH tokens AS (
    SELECT t.*, coalesce(v.seen_days, 0) AS seen_days, coalesce(v.words, 'no history') AS words
    FROM tonight t
    LEFT JOIN novel v ON v.entity_type = 'caller' AND v.entity = t.caller AND v.feature = 'api' AND v.value = t.api
    WHERE t.api IN ('GetFederationToken', 'GetSessionToken') AND t.caller_type IN ('IAMUser', 'Root')
), cut AS (
    SELECT json_get_str(e.request_parameters, 'accessKeyId') AS key, min(e.event_time) AS at
    FROM events e
    WHERE e.event_time >= $from - INTERVAL '2 days' AND e.event_time < $until AND e.event_source = 'iam.amazonaws.com' AND e.error_code IS NULL
        AND (e.event_name = 'DeleteAccessKey' OR e.event_name = 'UpdateAccessKey' AND json_get_str(e.request_parameters, 'status') = 'Inactive')
    GROUP BY 1
)
SELECT k.caller AS entity, k.api AS target,
       CASE WHEN bool_or(c.key IS NOT NULL) THEN 16.0 WHEN bool_or(k.api = 'GetFederationToken') THEN 12.0 ELSE 5.0 END AS score,
       CASE WHEN bool_or(c.key IS NOT NULL) THEN 'critical' WHEN bool_or(k.api = 'GetFederationToken' AND (k.granted_seconds >= 43200 OR k.session_policy IS NULL OR k.session_policy LIKE '%*%')) THEN 'high'
            WHEN bool_or(k.api = 'GetFederationToken') OR bool_or(k.granted_seconds > 43200) THEN 'medium' ELSE 'low' END AS severity,
       concat(arn_short(k.caller), ' made a token by ', k.api, CASE WHEN bool_or(c.key IS NOT NULL) THEN ', which acts after the key was switched off' ELSE '' END) AS title,
       concat(k.api, ': ', max(k.words), '; ', CAST(round(max(k.granted_seconds) / 3600.0, 1) AS VARCHAR), ' hours') AS reason,
       array_agg(DISTINCT k.session_id) AS session_ids, array_agg(DISTINCT k.caller_key_id) AS access_keys, array_agg(DISTINCT k.issued_ip) AS source_ips,
       count(*) AS event_count, min(k.issued_at) AS first_at, max(coalesce(k.last_event_at, k.issued_at)) AS last_at
FROM tokens k
LEFT JOIN cut c ON c.key = k.caller_key_id AND k.last_event_at > c.at + INTERVAL '60 seconds'
WHERE k.issued_tonight AND k.seen_days = 0 OR c.key IS NOT NULL
GROUP BY k.caller, k.api
