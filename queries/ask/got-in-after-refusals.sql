-- title: The first success after several refusals
-- description: Callers that were refused a role this often in a row and then got it, within the time; calls refused for their rate do not count. A new role that is not known everywhere yet looks the same, but takes seconds.
-- id: A51
-- theme: failures
-- attack: T1078.004
-- param: min_failures int = 3 Refusals before, at least.
-- param: within duration = 1d From the first refusal to the success, at most.
WITH tries AS (
    SELECT coalesce(caller_arn, origin) AS who, role_arn, event_time AS at, event_id AS id, false AS success, source_ip AS ip
    FROM failures
    WHERE role_arn IS NOT NULL AND reason <> 'throttled'
    UNION ALL
    SELECT coalesce(caller_arn, origin), role_arn, issued_at, session_id, true, coalesce(requester_ip, issued_ip)
    FROM sessions
    WHERE issue_seen AND role_arn IS NOT NULL
),
runs AS (
    SELECT *, coalesce(sum(CASE WHEN success THEN 1 ELSE 0 END) OVER (PARTITION BY who, role_arn ORDER BY at, success, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS run
    FROM tries
)
SELECT
    arn_short(who) AS caller,
    arn_short(role_arn) AS role,
    count(*) FILTER (WHERE NOT success) AS failures,
    max(at) FILTER (WHERE success) AS success_time,
    max(ip) FILTER (WHERE success) AS ip,
    CAST(date_part('epoch', max(at) FILTER (WHERE success) - min(at)) AS BIGINT) AS seconds,
    max(id) FILTER (WHERE success) AS session
FROM runs
WHERE who IS NOT NULL
GROUP BY who, role_arn, run
HAVING bool_or(success)
    AND count(*) FILTER (WHERE NOT success) >= $min_failures
    AND max(at) FILTER (WHERE success) <= min(at) + $within
ORDER BY success_time, caller, role, session
