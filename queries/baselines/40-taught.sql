-- title: What tonight's entities did before
-- description: Sums over the days before the night, per entity, feature and value, for the entities that are there tonight. What findings named counts less on their days: nothing where they are open and of high severity, a quarter where they are of medium severity and nobody has judged them; days counts whole days, so that four such days make one, and unreviewed counts them. Those with a whole day are known.
-- param: since date The first day that counts.
-- param: night date The night; its own day does not count.
-- param: half_life float Days in which a day loses half its weight.
SELECT d.entity_type, d.entity, d.feature, d.value,
       CAST(floor(sum(coalesce(u.weight, 1.0))) AS BIGINT) AS days, count(u.weight) AS unreviewed,
       CAST(floor(sum(d.n * coalesce(u.weight, 1.0))) AS BIGINT) AS n, CAST(sum(d.n_err) AS BIGINT) AS n_err, CAST(sum(d.n_sessions) AS BIGINT) AS sessions,
       sum(d.n * coalesce(u.weight, 1.0) * decay(CAST($night - d.event_date AS BIGINT), $half_life)) AS weight,
       min(d.event_date) AS first_day, max(d.event_date) AS last_day
FROM daily d
LEFT SEMI JOIN (SELECT DISTINCT entity_type, entity FROM tonight_values) t ON t.entity_type = d.entity_type AND t.entity = d.entity
LEFT JOIN untaught u ON u.night = d.event_date AND u.entity = d.entity AND u.value = d.value
WHERE d.event_date >= $since AND d.event_date < $night AND coalesce(u.weight, 1.0) > 0
GROUP BY d.entity_type, d.entity, d.feature, d.value
