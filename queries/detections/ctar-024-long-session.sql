-- title: A session much longer than usual
-- description: A life at least twice as long as this identity ever had, and rare among its peers. Services are left out.
-- id: CTAR-024
-- severity: low
-- attack: T1550.001
-- needs: baseline of 30 days
-- false_positives: A role whose maximum was raised.
-- reference: none found in public rule sets
-- tags: volume
WITH usual AS (
    SELECT entity, max(CAST(value AS BIGINT)) AS longest, max(days) AS days
    FROM known
    WHERE entity_type = 'who' AND feature = 'seconds'
    GROUP BY entity
)
SELECT t.who AS entity, coalesce(t.shape, t.api) AS target, least(max(v.novelty), 8.0) + CASE WHEN max(t.granted_seconds) >= 43200 THEN 2.0 ELSE 0.0 END AS score,
       CASE WHEN NOT bool_or(v.learned) THEN 'info' WHEN max(v.bits) >= 7.5 THEN 'medium' ELSE 'low' END AS severity,
       concat(arn_short(t.who), ' got a session of ', CAST(round(max(t.granted_seconds) / 3600.0, 1) AS VARCHAR), ' hours') AS title,
       concat('the longest before was ', CAST(round(max(u.longest) / 3600.0, 1) AS VARCHAR), ' hours; ', max(v.words)) AS reason,
       array_agg(DISTINCT t.session_id) AS session_ids, count(*) AS event_count, min(t.issued_at) AS first_at, max(t.issued_at) AS last_at
FROM tonight t
JOIN usual u ON u.entity = t.who AND t.granted_seconds >= u.longest * 3 / 2
JOIN novel v ON v.entity_type = 'who' AND v.entity = t.who AND v.feature = 'seconds' AND v.value = CAST(t.granted_seconds AS VARCHAR) AND v.seen_days = 0
WHERE t.issued_tonight AND t.class <> 'service' AND t.granted_seconds > 3600
GROUP BY t.who, coalesce(t.shape, t.api)
