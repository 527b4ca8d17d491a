-- title: How long sessions were asked for and granted
-- description: One row per role and call, in seconds: the median and the 95th percentile of what was asked for and of what was granted, and the longest. Many callers ask for no duration; granted is counted from the expiry in the answer.
-- id: A28
-- theme: durations and expiry
-- param: include_services bool = false AWS services' own sessions too.
SELECT
    arn_short(role_arn) AS role,
    api,
    count(*) AS sessions,
    count(requested_seconds) AS asked,
    CAST(median(requested_seconds) AS BIGINT) AS p50_requested,
    CAST(percentile_cont(0.95) WITHIN GROUP (ORDER BY requested_seconds) AS BIGINT) AS p95_requested,
    CAST(median(granted_seconds) AS BIGINT) AS p50_granted,
    CAST(percentile_cont(0.95) WITHIN GROUP (ORDER BY granted_seconds) AS BIGINT) AS p95_granted,
    max(granted_seconds) AS max
FROM sessions
WHERE issue_seen
    AND ($include_services OR origin_class IS DISTINCT FROM 'service')
GROUP BY role_arn, api
ORDER BY max DESC, sessions DESC, role, api
