-- title: What the logs cover
-- description: Per account, region and hour: the objects and events there are, the delay between an event and its delivery in seconds (the longest, and that of 95 in 100), and the events that only read.
SELECT recipient_account_id AS account, aws_region AS region, date_trunc('hour', event_time) AS hour,
       count(DISTINCT source_object) AS objects, count(*) AS events,
       max(to_unixtime(delivered_at) - to_unixtime(event_time)) AS lateness,
       CAST(round(approx_percentile_cont(0.95) WITHIN GROUP (ORDER BY to_unixtime(delivered_at) - to_unixtime(event_time))) AS BIGINT) AS lag_p95,
       sum(CASE WHEN read_only THEN 1 ELSE 0 END) AS read_only_events
FROM events
GROUP BY 1, 2, 3
