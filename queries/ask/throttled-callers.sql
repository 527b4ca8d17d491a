-- title: Callers that STS throttled
-- description: Calls refused for their rate; per_min_peak is the most refusals within one minute of the clock. The calls that went through count towards the limit too, and do not show here.
-- id: A49
-- theme: failures
-- param: include_services bool = false AWS services too.
WITH minutes AS (
    SELECT coalesce(caller_arn, origin) AS who, user_agent, date_trunc('minute', event_time) AS minute, count(*) AS refusals, min(event_time) AS first_at, max(event_time) AS last_at
    FROM failures
    WHERE reason = 'throttled'
        AND ($include_services OR caller_type IS DISTINCT FROM 'AWSService')
    GROUP BY 1, 2, 3
)
SELECT
    arn_short(who) AS caller,
    max(refusals) AS per_min_peak,
    user_agent AS ua,
    CAST(sum(refusals) AS BIGINT) AS refusals,
    min(first_at) AS first,
    max(last_at) AS last
FROM minutes
GROUP BY who, user_agent
ORDER BY per_min_peak DESC, refusals DESC, caller, ua
