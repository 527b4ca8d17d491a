-- title: How much of the granted time is used
-- description: Per role: the median of the time between a session's first and last call as a share of its granted life, and the share of sessions that made no call at all. SDKs often ask twice and use one; calls that no trail records do not count.
-- id: A30
-- theme: durations and expiry
-- param: include_services bool = false AWS services' own sessions too.
SELECT
    arn_short(role_arn) AS role,
    round(median(CASE WHEN event_count > 0 THEN used_seconds / CAST(granted_seconds AS DOUBLE) END), 3) AS median_use_ratio,
    round(count(*) FILTER (WHERE event_count = 0) / CAST(count(*) AS DOUBLE), 3) AS unused_share,
    count(*) AS sessions,
    CAST(median(granted_seconds) AS BIGINT) AS granted_median,
    CAST(median(CASE WHEN event_count > 0 THEN used_seconds END) AS BIGINT) AS used_median
FROM sessions
WHERE issue_seen
    AND role_arn IS NOT NULL
    AND granted_seconds > 0
    AND ($include_services OR origin_class IS DISTINCT FROM 'service')
GROUP BY role_arn
ORDER BY unused_share DESC, sessions DESC, role
