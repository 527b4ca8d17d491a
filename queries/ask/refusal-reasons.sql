-- title: Why STS calls failed
-- description: One row per error code, reason and call.
-- id: A46, A47, A48
-- theme: failures
SELECT
    error_code,
    reason,
    api,
    count(*) AS failures,
    count(succeeded_at) AS succeeded_within_a_minute,
    count(DISTINCT coalesce(caller_arn, origin)) AS callers,
    count(DISTINCT role_arn) AS roles,
    min(event_time) AS first_at,
    max(event_time) AS last_at,
    max(error_message) AS example
FROM failures
GROUP BY 1, 2, 3
ORDER BY failures DESC, error_code, reason, api
