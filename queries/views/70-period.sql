-- title: The time the logs span
-- description: From the first to the last issue, failed call or use, and where the latest part of it begins.
WITH span AS (
    SELECT min(at) AS first_at, max(at) AS last_at
    FROM (
        SELECT CASE WHEN issue_seen THEN issued_at ELSE first_event_at END AS at FROM sessions
        UNION ALL SELECT last_event_at FROM sessions
        UNION ALL SELECT event_time FROM failures
    ) AS moments
)
SELECT first_at, last_at, greatest(last_at - INTERVAL '7 days',
           arrow_cast(CAST(last_at AS BIGINT) - (CAST(last_at AS BIGINT) - CAST(first_at AS BIGINT)) / 4, 'Timestamp(Microsecond, Some("UTC"))')) AS recent_at
FROM span
