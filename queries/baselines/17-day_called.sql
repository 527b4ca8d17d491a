-- title: What was called in a stretch of days
-- description: One row per day, role or user, and call. What our own roles ([self]) do is left out.
-- param: from timestamp The first moment.
-- param: until timestamp The end, exclusive.
WITH made AS (
    SELECT event_date AS day, session_issuer_arn AS role_arn, CASE WHEN identity_type = 'IAMUser' THEN identity_arn END AS who,
           event_source, event_name, count(*) AS n, count(error_code) AS n_err, min(event_time) AS first_at, max(event_time) AS last_at
    FROM events
    WHERE event_time >= $from AND event_time < $until AND (session_issuer_arn IS NOT NULL OR identity_type = 'IAMUser') AND invoked_by IS NULL
    GROUP BY 1, 2, 3, 4, 5
)
SELECT m.*
FROM made m
WHERE NOT EXISTS (SELECT 1 FROM known_self k WHERE m.role_arn LIKE k.pattern OR split_part(m.role_arn, '/', -1) LIKE k.pattern)
