-- title: A session much longer than usual
-- description: A life at least one and a half times as long as this identity ever had, or twice as long as anybody's session of the role. Services are left out.
-- id: CTAR-024
-- severity: low
-- attack: T1550.001
-- needs: baseline of 30 days
-- false_positives: A role whose maximum was raised.
-- reference: none found in public rule sets
-- tags: volume
WITH usual AS (
    SELECT entity_type, entity, max(CAST(value AS BIGINT)) AS longest, max(days) AS days
    FROM known
    WHERE entity_type IN ('who', 'role') AND feature = 'seconds'
    GROUP BY entity_type, entity
), longer AS (
    SELECT t.*, u.longest, v.novelty, v.bits, v.learned, v.words
    FROM tonight t
    JOIN usual u ON u.entity_type = 'who' AND u.entity = t.who AND t.granted_seconds >= u.longest * 3 / 2
    JOIN novel v ON v.entity_type = 'who' AND v.entity = t.who AND v.feature = 'seconds' AND v.value = CAST(t.granted_seconds AS VARCHAR) AND v.seen_days = 0
    UNION ALL
    SELECT t.*, u.longest, v.novelty, v.bits, v.learned, v.words
    FROM tonight t
    JOIN usual u ON u.entity_type = 'role' AND u.entity = t.role_arn AND t.granted_seconds >= u.longest * 2
    JOIN novel v ON v.entity_type = 'role' AND v.entity = t.role_arn AND v.feature = 'seconds' AND v.value = CAST(t.granted_seconds AS VARCHAR) AND v.seen_days = 0
)
SELECT who AS entity, coalesce(shape, api) AS target, least(max(novelty), 8.0) + CASE WHEN max(granted_seconds) >= 43200 THEN 2.0 ELSE 0.0 END AS score,
       CASE WHEN NOT bool_or(learned) THEN 'info' WHEN max(bits) >= 7.5 OR max(bits) >= 5 AND max(granted_seconds) >= 4 * min(longest) THEN 'medium' ELSE 'low' END AS severity,
       concat(arn_short(who), ' got a session of ', CAST(round(max(granted_seconds) / 3600.0, 1) AS VARCHAR), ' hours') AS title,
       concat('the longest before was ', CAST(round(min(longest) / 3600.0, 1) AS VARCHAR), ' hours; ', max(words)) AS reason,
       array_agg(DISTINCT session_id) AS session_ids, count(DISTINCT session_id) AS event_count, min(issued_at) AS first_at, max(issued_at) AS last_at
FROM longer
WHERE issued_tonight AND class <> 'service' AND granted_seconds > 3600
GROUP BY who, coalesce(shape, api)
