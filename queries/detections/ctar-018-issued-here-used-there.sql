-- title: Asked for here, used there
-- description: The address that asked for a session and those that used it differ, though for this caller and role they agree on 95 of 100 sessions. It alarms where they always did and the network is new for this identity.
-- id: CTAR-018
-- severity: medium
-- attack: T1550.001
-- needs: baseline of 14 days
-- false_positives: Brokers hand sessions on: they are learned as such.
-- reference: none found in public rule sets
-- tags: network
WITH habit AS (
    SELECT entity, CAST(sum(CASE WHEN value = 'true' THEN sessions ELSE 0 END) AS BIGINT) AS agreed, CAST(sum(sessions) AS BIGINT) AS sessions, max(days) AS days
    FROM known
    WHERE entity_type = 'edge' AND feature = 'agree'
    GROUP BY entity
)
SELECT t.caller AS entity, t.role_arn AS target, CASE WHEN bool_or(n.seen_days = 0 AND n.learned AND n.bits >= 3) THEN 12.0 ELSE 8.0 END AS score,
       CASE WHEN bool_or(n.seen_days = 0 AND n.learned AND n.bits >= 3) AND max(h.agreed) = max(h.sessions) THEN 'high' ELSE 'medium' END AS severity,
       concat('A session that ', arn_short(t.caller), ' asked for is used elsewhere') AS title,
       concat('asked for from ', min(t.issued_ip), ', used from ', array_to_string(array_sort(array_agg(DISTINCT u.ip)), ', '), '; ', max(h.agreed), ' of ', max(h.sessions), ' sessions agreed') AS reason,
       array_agg(DISTINCT t.session_id) AS session_ids, array_distinct(flatten(array_agg(array_append(t.used_ips, t.issued_ip)))) AS source_ips,
       CAST(sum(u.event_count) AS BIGINT) AS event_count, min(t.issued_at) AS first_at, max(t.last_event_at) AS last_at
FROM tonight t
JOIN habit h ON h.entity = concat(t.caller, ' > ', t.role_arn) AND h.agreed * 100 >= h.sessions * 95 AND h.sessions >= 10 AND h.days >= 5
JOIN session_addresses u ON u.session_id = t.session_id AND u.ip_kind IN ('public', 'private', 'cgnat')
LEFT JOIN novel n ON n.entity_type = 'who' AND n.entity = t.who AND n.feature = 'network' AND n.value = ip_neighbourhood(u.ip)
WHERE t.issued_tonight AND ip_kind(t.issued_ip) = 'public' AND cardinality(t.used_ips) > 0 AND NOT array_has(t.used_ips, t.issued_ip)
GROUP BY t.caller, t.role_arn
