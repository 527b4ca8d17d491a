-- title: What the logs cover
-- description: Per account, region and hour: the objects and events there are, the delay between an event and its delivery in seconds (the longest, and that of 95 in 100), and the events that only read.
SELECT account, region, hour, count(*) AS objects, CAST(sum(events) AS BIGINT) AS events, max(lateness) AS lateness,
       array_element(array_sort(flatten(array_agg(lags))), CAST(ceil(0.95 * sum(delivered)) AS BIGINT)) AS lag_p95,
       CAST(sum(read_only_events) AS BIGINT) AS read_only_events
FROM (
  -- An object a row: to tell objects apart for every hour at once takes several times the memory.
  SELECT recipient_account_id AS account, aws_region AS region, date_trunc('hour', event_time) AS hour, source_object,
         count(*) AS events, count(delivered_at) AS delivered,
         max(to_unixtime(delivered_at) - to_unixtime(event_time)) AS lateness,
         array_agg(to_unixtime(delivered_at) - to_unixtime(event_time)) FILTER (WHERE delivered_at IS NOT NULL) AS lags,
         sum(CASE WHEN read_only THEN 1 ELSE 0 END) AS read_only_events
  FROM events
  GROUP BY 1, 2, 3, 4
)
GROUP BY 1, 2, 3
