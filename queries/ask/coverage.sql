-- title: Which accounts and regions the logs cover
-- description: One row per account and region between its first and its last hour: how many hours hold events, the longest silence, how late the files came, and whether reading calls are there at all: a trail of writing calls alone holds no AssumeRole. A silence can be a gap in the logs, or nothing to tell.
-- theme: hygiene
WITH hours AS (
    SELECT account, region, hour, objects, events, lateness, read_only_events,
        date_part('epoch', hour - lag(hour) OVER (PARTITION BY account, region ORDER BY hour)) / 3600 - 1 AS silent_before
    FROM coverage
)
SELECT
    h.account,
    a.name,
    h.region,
    min(h.hour) AS first_hour,
    max(h.hour) AS last_hour,
    count(*) AS hours,
    CAST(date_part('epoch', max(h.hour) - min(h.hour)) / 3600 + 1 AS BIGINT) - count(*) AS silent_hours,
    CAST(coalesce(max(h.silent_before), 0) AS BIGINT) AS longest_silence_hours,
    sum(h.events) AS events,
    sum(h.read_only_events) = 0 AS writes_only,
    max(h.lateness) AS worst_lateness_seconds
FROM hours h
LEFT JOIN accounts a ON a.account_id = h.account
GROUP BY 1, 2, 3
ORDER BY h.account, h.region
