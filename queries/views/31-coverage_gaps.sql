-- title: Where the logs fall silent
-- description: Per account and region: silences longer than three times what is usual there. Usual is the 95th percentile of the time from one hour with events to the next, and needs at least eight of these.
WITH steps AS (
  SELECT account, region, events, hour, lead(hour) OVER (PARTITION BY account, region ORDER BY hour) AS next_hour
  FROM coverage
), spaced AS (
  SELECT account, region, events, hour, next_hour IS NULL AS lasting,
         coalesce(next_hour, (SELECT max(hour) FROM coverage) + INTERVAL '1 hour') AS until
  FROM steps
), counted AS (
  SELECT *, CAST((to_unixtime(until) - to_unixtime(hour)) / 3600 AS BIGINT) AS hours FROM spaced
), ranked AS (
  SELECT account, region, hours,
         row_number() OVER (PARTITION BY account, region ORDER BY hours) AS place,
         count(*) OVER (PARTITION BY account, region) AS steps
  FROM counted WHERE NOT lasting
), usual AS (
  SELECT account, region, min(hours) AS usual_hours FROM ranked
  WHERE steps >= 8 AND place * 100 >= steps * 95
  GROUP BY account, region
), means AS (
  SELECT account, region, CAST(round(avg(events)) AS BIGINT) AS events_per_hour FROM coverage GROUP BY account, region
)
SELECT c.account, c.region, c.hour + INTERVAL '1 hour' AS silent_from, c.until AS silent_until, c.hours - 1 AS silent_hours,
       u.usual_hours, m.events_per_hour, c.lasting
FROM counted c
JOIN usual u ON u.account = c.account AND u.region = c.region
JOIN means m ON m.account = c.account AND m.region = c.region
WHERE c.hours > 3 * u.usual_hours
