-- title: A role that slept was taken
-- description: Nobody took the role for sixty days; now a person or an outside account did. It alarms on roles of much power.
-- id: CTAR-009
-- severity: medium
-- attack: T1078.004
-- needs: baseline of 90 days
-- false_positives: Quarterly jobs, exercises for disasters: announce them in [[planned]].
-- reference: none found in public rule sets
-- tags: graph
-- param: night date The night.
SELECT t.role_arn AS entity, t.who AS target, 9.0 AS score, CASE WHEN bool_or(t.privileged) THEN 'high' ELSE 'medium' END AS severity,
       concat(arn_short(t.role_arn), ', untouched since ', CAST(max(h.last_day) AS VARCHAR), ', was taken by ', arn_short(t.who)) AS title,
       concat('last taken on ', CAST(max(h.last_day) AS VARCHAR), ', before that on ', max(h.days), ' days') AS reason,
       array_agg(DISTINCT t.session_id) AS session_ids, count(*) AS event_count, min(t.issued_at) AS first_at, max(t.issued_at) AS last_at
FROM tonight t
JOIN habits h ON h.entity_type = 'role' AND h.entity = t.role_arn AND h.feature = 'caller'
WHERE t.issued_tonight AND t.class <> 'service' AND h.last_day <= $night - 60
GROUP BY t.role_arn, t.who
