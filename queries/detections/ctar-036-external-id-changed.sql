-- title: An external id changed, or is shared
-- description: A caller that always gave one external id for a role gives another, which alarms from a new address, or none; or two outside accounts, not of one vendor, give the same, one of them for the first time. That one id serves roles of several teams cannot be told: CloudTrail knows no teams.
-- id: CTAR-036
-- severity: medium
-- attack: T1199
-- needs: baseline of 90 days
-- false_positives: A rotation: one change, after which the old one never returns.
-- reference: none found in public rule sets
-- tags: content
SELECT t.caller AS entity, t.role_arn AS target, 8.0 AS score, CASE WHEN bool_or(n.seen_days = 0 AND n.bits >= 3) OR bool_or(t.external_id IS NULL) THEN 'high' ELSE 'medium' END AS severity,
       concat(arn_short(t.caller), ' gives another external id for ', arn_short(t.role_arn)) AS title,
       concat('the external id: ', max(v.words), CASE WHEN bool_or(t.external_id IS NULL) THEN '; now there is none' ELSE '' END) AS reason,
       array_agg(DISTINCT t.session_id) AS session_ids, count(*) AS event_count, min(t.issued_at) AS first_at, max(t.issued_at) AS last_at
FROM tonight t
JOIN novel v ON v.entity_type = 'edge' AND v.entity = concat(t.caller, ' > ', t.role_arn) AND v.feature = 'external_id' AND v.value = coalesce(text_hash(t.external_id), '')
LEFT JOIN novel n ON n.entity_type = 'who' AND n.entity = t.who AND n.feature = 'ip' AND n.value = t.issued_ip
WHERE t.issued_tonight AND v.seen_days = 0 AND v.days >= 7 AND v.values_seen <= 2 AND NOT coalesce(t.caller_is_ours, false)
GROUP BY t.caller, t.role_arn
UNION ALL
SELECT text_hash(t.external_id), 'shared', 12.0, 'high', 'Two outside accounts give the same external id', concat('accounts ', array_to_string(array_sort(array_agg(DISTINCT t.caller_account)), ', '), ' give one external id'),
       array_agg(DISTINCT t.session_id), count(*), min(t.issued_at), max(t.issued_at)
FROM tonight t
LEFT JOIN novel v ON v.entity_type = 'edge' AND v.entity = concat(t.caller, ' > ', t.role_arn) AND v.feature = 'external_id' AND v.value = text_hash(t.external_id)
WHERE t.issued_tonight AND t.external_id IS NOT NULL AND t.cross_account AND NOT coalesce(t.caller_is_ours, false)
GROUP BY t.external_id
HAVING count(DISTINCT coalesce(t.vendor, t.caller_account)) > 1 AND min(coalesce(v.seen_days, 0)) = 0
