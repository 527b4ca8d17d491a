-- title: A third party gives no external id
-- description: An account that is not ours assumes a role and gives no external id: whoever can make that third party act can act here (the confused deputy). Known for long it is hygiene; new, it alarms.
-- id: CTAR-035
-- severity: medium
-- attack: T1199
-- needs: organisation list, where there is one; no history
-- false_positives: Own accounts outside the organisation: [[account]].
-- reference: Datadog def-000-au9
-- tags: content
SELECT t.caller_account AS entity, t.shape AS target, CASE WHEN max(coalesce(k.days, 0)) = 0 THEN 12.0 ELSE 2.0 END AS score,
       CASE WHEN max(coalesce(k.days, 0)) > 0 THEN 'info' WHEN max(p.history_days) < 3 THEN 'medium' ELSE 'high' END AS severity,
       concat('Account ', t.caller_account, ' takes ', arn_short(min(t.role_arn)), ' without an external id') AS title,
       concat('no external id in ', count(*), ' sessions; the account was seen on ', max(coalesce(k.days, 0)), ' days before') AS reason,
       array_agg(DISTINCT t.session_id) AS session_ids, array_agg(DISTINCT t.caller_account) AS accounts, count(*) AS event_count, min(t.issued_at) AS first_at, max(t.issued_at) AS last_at
FROM tonight t
LEFT JOIN known k ON k.entity_type = 'account' AND k.entity = t.caller_account AND k.feature = 'account' AND k.value = t.role_account
CROSS JOIN (SELECT coalesce(max(history_days), 0) AS history_days FROM peers WHERE entity_type = 'account' AND feature = 'hour') p
WHERE t.issued_tonight AND t.cross_account AND t.external_id IS NULL AND (t.outside_organization OR t.outside_organization IS NULL AND NOT coalesce(t.caller_is_ours, false))
GROUP BY t.caller_account, t.shape
