-- title: MFA is gone, or comes from a new device
-- description: A user who took a role with MFA on 95 of 100 sessions takes it without, which alarms where it was always so or the role has much power; or names an MFA device never seen with them.
-- id: CTAR-039
-- severity: medium
-- attack: T1556.006, T1078.004
-- needs: baseline of 30 days
-- false_positives: A new phone.
-- reference: elastic persistence_sts_assume_role_with_new_mfa.toml
-- tags: content
-- param: from timestamp The first moment.
-- param: until timestamp The end, exclusive.
WITH habit AS (
    SELECT entity, CAST(sum(CASE WHEN value = 'true' THEN sessions ELSE 0 END) AS BIGINT) AS with_mfa, CAST(sum(sessions) AS BIGINT) AS sessions, max(days) AS days
    FROM known
    WHERE entity_type = 'edge' AND feature = 'mfa'
    GROUP BY entity
)
SELECT t.caller AS entity, t.role_arn AS target, CASE WHEN bool_or(t.privileged) THEN 13.0 ELSE 9.0 END AS score,
       CASE WHEN bool_or(t.privileged) OR max(h.with_mfa) = max(h.sessions) AND max(h.sessions) >= 20 THEN 'high' ELSE 'medium' END AS severity,
       concat(arn_short(t.caller), ' took ', arn_short(t.role_arn), ' without MFA') AS title,
       concat(max(h.with_mfa), ' of ', max(h.sessions), ' sessions before were with MFA') AS reason,
       array_agg(DISTINCT t.session_id) AS session_ids, array_agg(DISTINCT t.caller_key_id) AS access_keys, array_agg(DISTINCT t.issued_ip) AS source_ips,
       count(*) AS event_count, min(t.issued_at) AS first_at, max(t.issued_at) AS last_at
FROM tonight t
JOIN habit h ON h.entity = concat(t.caller, ' > ', t.role_arn) AND h.sessions >= 10 AND h.with_mfa * 100 >= h.sessions * 95 AND h.days >= 5
WHERE t.issued_tonight AND t.caller_type = 'IAMUser' AND NOT coalesce(t.mfa_at_issue, false)
GROUP BY t.caller, t.role_arn
UNION ALL
SELECT v.entity, 'device', v.bits, 'low', concat(arn_short(v.entity), ' uses a new MFA device'), concat(arn_short(v.value), ': ', v.words),
       make_array(c.key_id), make_array(c.caller_key_id), make_array(c.source_ip_address), CAST(1 AS BIGINT), c.event_time AS first_at, c.event_time AS last_at
FROM novel v
JOIN credential_calls c ON c.caller_arn = v.entity AND c.serial_number = v.value AND c.kind = 'issue' AND c.event_time >= $from AND c.event_time < $until
WHERE v.entity_type = 'caller' AND v.feature = 'serial' AND v.seen_days = 0 AND v.days >= 5
