-- title: Sessions of many hours
-- description: Who was granted sessions this long, per role. A role's own maximum is not in the calls of STS; at_longest says whether it is the longest that the role was granted in these logs.
-- id: A29
-- theme: durations and expiry
-- param: min_hours float = 8 Hours granted, at least.
-- param: include_services bool = false Sessions that AWS services asked for too.
WITH longest AS (
    SELECT role_arn, max(granted_seconds) AS seconds FROM sessions WHERE issue_seen GROUP BY role_arn
)
SELECT
    arn_short(coalesce(s.caller, s.origin)) AS caller,
    coalesce(arn_short(s.role_arn), s.api) AS role,
    round(s.granted_seconds / 3600.0, 1) AS hours,
    count(*) AS count,
    bool_or(s.granted_seconds = l.seconds) AS at_longest,
    count(s.requested_seconds) AS asked,
    max(s.issued_at) AS last
FROM sessions s
LEFT JOIN longest l ON (l.role_arn IS NOT DISTINCT FROM s.role_arn)
WHERE s.granted_seconds >= CAST($min_hours * 3600 AS BIGINT) - 1
    AND ($include_services OR s.caller_type IS DISTINCT FROM 'AWSService')
GROUP BY 1, 2, 3
ORDER BY hours DESC, count DESC, caller, role
