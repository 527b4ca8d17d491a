-- title: How tonight's entities usually are
-- description: Per entity and feature: active days (counted as bits, one a day of the window), days that brought a value never seen before, values, and how much there is of it all.
-- param: since date The first day that counts.
-- param: night date The night; its own day does not count.
WITH active AS (
    SELECT entity_type, entity, feature,
           CAST(days_set(bit_or(CASE WHEN age <= 45 THEN 1 << (age - 1) ELSE 0 END), bit_or(CASE WHEN age > 45 THEN 1 << (age - 46) ELSE 0 END)) AS BIGINT) AS days,
           min(event_date) AS first_day, max(event_date) AS last_day
    FROM (SELECT d.entity_type, d.entity, d.feature, d.event_date, CAST($night - d.event_date AS BIGINT) AS age
          FROM daily d
          LEFT SEMI JOIN (SELECT DISTINCT entity_type, entity FROM tonight_values) t ON t.entity_type = d.entity_type AND t.entity = d.entity
          WHERE d.event_date >= $since AND d.event_date < $night) d
    GROUP BY entity_type, entity, feature
), fresh AS (
    SELECT entity_type, entity, feature, count(DISTINCT first_day) - 1 AS new_days, count(*) AS values_seen, CAST(sum(n) AS BIGINT) AS n, sum(weight) AS weight
    FROM known
    GROUP BY entity_type, entity, feature
)
SELECT a.entity_type, a.entity, a.feature, a.days, a.first_day, a.last_day, coalesce(f.new_days, 0) AS new_days, coalesce(f.values_seen, 0) AS values_seen,
       coalesce(f.n, 0) AS n, coalesce(f.weight, 0) AS weight
FROM active a
LEFT JOIN fresh f ON f.entity_type = a.entity_type AND f.entity = a.entity AND f.feature = a.feature
