-- title: How long sessions were asked for, granted and used
-- description: One row per role and call. Medians and the longest, in seconds; used is from the first call to the last. Sessions that were never used are common: SDKs ask twice and use one.
-- id: A28, A30
-- param: include_services bool = false AWS services' own sessions too.
-- theme: durations
SELECT
    role_account,
    coalesce(permission_set, role_name) AS role,
    api,
    count(*) AS sessions,
    count(requested_seconds) AS asked_for_a_time,
    CAST(median(requested_seconds) AS BIGINT) AS requested_median,
    max(requested_seconds) AS requested_max,
    CAST(median(granted_seconds) AS BIGINT) AS granted_median,
    max(granted_seconds) AS granted_max,
    CAST(median(used_seconds) AS BIGINT) AS used_median,
    max(used_seconds) AS used_max,
    count(*) FILTER (WHERE event_count = 0) AS never_used
FROM sessions
WHERE issue_seen
    AND ($include_services OR origin_class IS DISTINCT FROM 'service')
GROUP BY 1, 2, 3
ORDER BY granted_max DESC, sessions DESC, role_account, role, api
