-- title: Why calls of STS failed
-- description: One row per reason, caller and role: which kind of policy refused, or what was wrong. The reason is read from the error message, and "denied" where that does not say. A role that does not exist is refused in the same words.
-- id: A46
-- theme: failures
-- param: include_services bool = false AWS services too.
SELECT
    reason,
    arn_short(coalesce(caller_arn, origin)) AS caller,
    arn_short(role_arn) AS role,
    count(*) AS count,
    count(succeeded_at) AS succeeded_within_a_minute,
    array_sort(array_agg(DISTINCT api)) AS apis,
    array_sort(array_agg(DISTINCT error_code)) AS codes,
    min(event_time) AS first,
    max(event_time) AS last,
    max(error_message) AS example
FROM failures
WHERE $include_services OR (caller_type IS DISTINCT FROM 'AWSService')
GROUP BY reason, 2, role_arn
ORDER BY count DESC, reason, caller, role
