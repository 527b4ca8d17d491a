-- title: What the logs cover
-- description: Per account, region and hour: the objects and events there are, and the longest delay between an event and its delivery, in seconds.
SELECT recipient_account_id AS account, aws_region AS region, date_trunc('hour', event_time) AS hour,
       count(DISTINCT source_object) AS objects, count(*) AS events,
       max(to_unixtime(delivered_at) - to_unixtime(event_time)) AS lateness
FROM events
GROUP BY 1, 2, 3
