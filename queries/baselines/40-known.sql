-- title: What tonight's entities did before
-- description: Sums over the days before the night, per entity, feature and value, for the entities that are there tonight. Days of open findings of high severity are left out for what those findings name.
-- param: since date The first day that counts.
-- param: night date The night; its own day does not count.
-- param: half_life float Days in which a day loses half its weight.
SELECT d.entity_type, d.entity, d.feature, d.value,
       count(*) AS days, CAST(sum(d.n) AS BIGINT) AS n, CAST(sum(d.n_err) AS BIGINT) AS n_err, CAST(sum(d.n_sessions) AS BIGINT) AS sessions,
       sum(d.n * decay(CAST($night - d.event_date AS BIGINT), $half_life)) AS weight,
       min(d.event_date) AS first_day, max(d.event_date) AS last_day
FROM daily d
LEFT SEMI JOIN (SELECT DISTINCT entity_type, entity FROM tonight_values) t ON t.entity_type = d.entity_type AND t.entity = d.entity
LEFT ANTI JOIN untaught u ON u.night = d.event_date AND u.entity = d.entity AND u.value = d.value
WHERE d.event_date >= $since AND d.event_date < $night
GROUP BY d.entity_type, d.entity, d.feature, d.value
