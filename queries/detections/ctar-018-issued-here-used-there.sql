-- title: Asked for here, used there
-- description: The address that asked for a session and those that used it differ, though for this caller and role they agree on 95 of 100 sessions.
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
SELECT t.caller AS entity, t.role_arn AS target, 8.0 AS score,
       concat('A session that ', arn_short(t.caller), ' asked for is used elsewhere') AS title,
       concat('asked for from ', min(t.issued_ip), ', used from ', array_to_string(array_sort(array_distinct(flatten(array_agg(t.used_ips)))), ', '), '; ', max(h.agreed), ' of ', max(h.sessions), ' sessions agreed') AS reason,
       array_agg(DISTINCT t.session_id) AS session_ids, array_distinct(flatten(array_agg(array_append(t.used_ips, t.issued_ip)))) AS source_ips,
       CAST(sum(t.event_count) AS BIGINT) AS event_count, min(t.issued_at) AS first_at, max(t.last_event_at) AS last_at
FROM tonight t
JOIN habit h ON h.entity = concat(t.caller, ' > ', t.role_arn) AND h.agreed * 100 >= h.sessions * 95 AND h.sessions >= 10 AND h.days >= 5
WHERE t.issued_tonight AND ip_kind(t.issued_ip) = 'public' AND cardinality(t.used_ips) > 0 AND NOT array_has(t.used_ips, t.issued_ip)
GROUP BY t.caller, t.role_arn
