-- title: Where the logs fall silent
-- description: Per account and region: silences longer than three times what is usual there. Usual is the 95th percentile of the time from one hour with events to the next, and needs at least eight of these.
WITH steps AS (
  SELECT account, region, hour, lead(hour) OVER (PARTITION BY account, region ORDER BY hour) AS next_hour,
         avg(events) OVER (PARTITION BY account, region) AS mean, max(hour) OVER () AS last_hour
  FROM coverage
), spaced AS (
  SELECT account, region, hour, mean, next_hour IS NULL AS lasting, coalesce(next_hour, last_hour + INTERVAL '1 hour') AS until
  FROM steps
), counted AS (
  SELECT *, CAST((to_unixtime(until) - to_unixtime(hour)) / 3600 AS BIGINT) AS hours FROM spaced
), ranked AS (
  SELECT *, row_number() OVER (PARTITION BY account, region, lasting ORDER BY hours) AS place,
         sum(CASE WHEN lasting THEN 0 ELSE 1 END) OVER (PARTITION BY account, region) AS steps
  FROM counted
), usual AS (
  SELECT *, min(CASE WHEN NOT lasting AND steps >= 8 AND place * 100 >= steps * 95 THEN hours END)
              OVER (PARTITION BY account, region) AS usual_hours
  FROM ranked
)
SELECT account, region, hour + INTERVAL '1 hour' AS silent_from, until AS silent_until, hours - 1 AS silent_hours,
       usual_hours, CAST(round(mean) AS BIGINT) AS events_per_hour, lasting
FROM usual
WHERE hours > 3 * usual_hours
