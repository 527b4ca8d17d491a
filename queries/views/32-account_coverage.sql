-- title: What each account delivers
-- description: Per account: events, regions, first and last, and whether its trail delivers management events that only read; a trail without them holds no AssumeRole.
WITH counted AS (
  SELECT recipient_account_id AS account, count(*) AS events, count(DISTINCT aws_region) AS regions,
         min(event_time) AS first_event_at, max(event_time) AS last_event_at,
         count(CASE WHEN read_only THEN 1 END) AS read_only_events,
         count(CASE WHEN coalesce(management_event, true) THEN 1 END) AS management_events,
         count(CASE WHEN read_only AND coalesce(management_event, true) THEN 1 END) AS management_reads
  FROM events
  WHERE recipient_account_id IS NOT NULL
  GROUP BY 1
)
SELECT account, events, regions, first_event_at, last_event_at, read_only_events,
       CASE WHEN management_reads > 0 THEN true WHEN management_events >= 20 THEN false END AS delivers_read_only
FROM counted
