-- title: Who else has tonight's values
-- description: Per kind of entity, feature and value of tonight: how many entities had it on the days before, on how many days (bits, one a day of the window), and how many entities there are. What findings named that nobody has dismissed speaks for nobody.
-- param: since date The first day that counts.
-- param: night date The night; its own day does not count.
WITH having AS (
    SELECT entity_type, feature, value, count(*) AS entities, CAST(days_set(bit_or(recent), bit_or(older)) AS BIGINT) AS days
    FROM (SELECT entity_type, feature, value, entity,
                 bit_or(CASE WHEN age <= 45 THEN 1 << (age - 1) ELSE 0 END) AS recent, bit_or(CASE WHEN age > 45 THEN 1 << (age - 46) ELSE 0 END) AS older
          FROM (SELECT d.entity_type, d.feature, d.value, d.entity, CAST($night - d.event_date AS BIGINT) AS age
                FROM daily d
                LEFT SEMI JOIN (SELECT DISTINCT entity_type, feature, value FROM tonight_values) t
                    ON t.entity_type = d.entity_type AND t.feature = d.feature AND t.value = d.value
                LEFT ANTI JOIN untaught u ON u.night = d.event_date AND u.entity = d.entity AND u.value = d.value
                WHERE d.event_date >= $since AND d.event_date < $night) d
          GROUP BY entity_type, feature, value, entity) e
    GROUP BY entity_type, feature, value
), whole AS (
    SELECT d.entity_type, d.feature, count(DISTINCT d.entity) AS total, count(DISTINCT d.event_date) AS history_days
    FROM daily d
    WHERE d.event_date >= $since AND d.event_date < $night
    GROUP BY d.entity_type, d.feature
)
SELECT t.entity_type, t.feature, t.value, coalesce(h.entities, 0) AS entities, coalesce(h.days, 0) AS days, coalesce(w.total, 0) AS total, coalesce(w.history_days, 0) AS history_days
FROM (SELECT DISTINCT entity_type, feature, value FROM tonight_values) t
LEFT JOIN having h ON h.entity_type = t.entity_type AND h.feature = t.feature AND h.value = t.value
LEFT JOIN whole w ON w.entity_type = t.entity_type AND w.feature = t.feature
