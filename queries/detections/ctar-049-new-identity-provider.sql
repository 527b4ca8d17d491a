-- title: A provider of identities was made or changed
-- description: An OIDC or SAML provider was made, or changed in whom it vouches for. What comes in through it is told by CTAR-004, CTAR-044 and CTAR-045.
-- id: CTAR-049
-- severity: medium
-- attack: T1484.002, T1136.003
-- needs: nothing; who always does so is low where there is history
-- false_positives: Set-up of a pipeline or of single sign-on: announce it in [[planned]].
-- reference: elastic persistence_iam_oidc_provider_created.toml
-- tags: content
-- param: from timestamp The first moment.
-- param: until timestamp The end, exclusive.
WITH acts AS (
    SELECT e.event_id, e.event_time, e.event_name, e.source_ip_address AS ip, e.access_key_id, e.recipient_account_id AS account, coalesce(t.who, e.session_issuer_arn, e.identity_arn, e.invoked_by, e.recipient_account_id) AS who, t.session_id,
           coalesce(e.session_issuer_arn, e.identity_arn) AS issuer, coalesce(json_get_str(e.request_parameters, 'url'), json_get_str(e.request_parameters, 'openIDConnectProviderArn'), json_get_str(e.request_parameters, 'sAMLProviderArn'), json_get_str(e.request_parameters, 'name'), 'a provider') AS provider
    FROM events e
    LEFT JOIN session_events l ON l.event_id = e.event_id AND l.recipient_account_id = e.recipient_account_id AND l.event_time >= $from AND l.event_time < $until AND l.event_name IN ('CreateOpenIDConnectProvider', 'AddClientIDToOpenIDConnectProvider', 'UpdateOpenIDConnectProviderThumbprint', 'CreateSAMLProvider', 'UpdateSAMLProvider')
    LEFT JOIN tonight t ON t.session_id = l.session_id
    WHERE e.event_time >= $from AND e.event_time < $until AND e.event_source = 'iam.amazonaws.com' AND e.event_name IN ('CreateOpenIDConnectProvider', 'AddClientIDToOpenIDConnectProvider', 'UpdateOpenIDConnectProviderThumbprint', 'CreateSAMLProvider', 'UpdateSAMLProvider') AND e.error_code IS NULL
)
SELECT a.who AS entity, a.provider AS target, 8.0 AS score, CASE WHEN min(coalesce(k.days, 0)) = 0 THEN 'medium' ELSE 'low' END AS severity,
       concat(arn_short(a.who), ' made or changed the identity provider ', a.provider) AS title,
       concat(array_to_string(array_sort(array_agg(DISTINCT a.event_name)), ', '), '; so did this caller on ', max(coalesce(k.days, 0)), ' days before') AS reason,
       array_agg(DISTINCT a.session_id) FILTER (WHERE a.session_id IS NOT NULL) AS session_ids, array_agg(DISTINCT a.access_key_id) FILTER (WHERE a.access_key_id IS NOT NULL) AS access_keys, array_agg(DISTINCT a.who) AS principals,
       array_agg(DISTINCT a.ip) FILTER (WHERE ip_kind(a.ip) IN ('public', 'private', 'cgnat')) AS source_ips, array_agg(DISTINCT a.account) AS accounts, array_agg(DISTINCT a.event_id) AS event_ids,
       count(DISTINCT a.event_id) AS event_count, min(a.event_time) AS first_at, max(a.event_time) AS last_at
FROM acts a
LEFT JOIN known k ON k.feature = 'call' AND k.entity_type IN ('role', 'who') AND k.entity = a.issuer AND k.value = concat('iam.amazonaws.com:', a.event_name)
GROUP BY a.who, a.provider
