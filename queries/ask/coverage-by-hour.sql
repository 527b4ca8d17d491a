-- title: What the logs cover, hour by hour
-- description: One row per account, region and hour that holds events: files, events, the delay within which 95 in 100 were delivered (seconds), the share of events that only read, and the silent hours before. A silence can be a gap, or nothing to tell. An account with no reading events at all has a trail that leaves them out: it cannot hold an AssumeRole.
-- id: A72
-- theme: hygiene
-- param: account text = null Only this account.
SELECT
    account,
    region,
    hour,
    objects AS files,
    events,
    lag_p95,
    round(read_only_events / CAST(events AS DOUBLE), 3) AS readonly_share,
    CAST(coalesce(date_part('epoch', hour - lag(hour) OVER (PARTITION BY account, region ORDER BY hour)) / 3600 - 1, 0) AS BIGINT) AS silent_hours_before
FROM coverage
WHERE $account IS NULL OR account = $account
ORDER BY account, region, hour
