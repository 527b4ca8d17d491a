-- title: Callers and roles that stopped
-- description: Pairs of caller and role with sessions before, and none in the last seven days, or the last quarter where the logs span less than four weeks. usual_rate is the sessions of a day on which there were any.
-- id: A27
-- theme: cross-account and chains
-- param: since timestamp = null None from this time on.
-- param: min_sessions int = 2 Sessions before.
-- param: include_services bool = false AWS services too.
SELECT
    arn_short(e.caller) AS caller,
    arn_short(e.role_arn) AS role,
    e.last_at AS last_seen,
    round(e.sessions / CAST(e.days AS DOUBLE), 1) AS usual_rate,
    e.days,
    e.first_at AS first_seen,
    e.caller_type,
    e.caller_account
FROM role_edges e
CROSS JOIN period p
WHERE e.last_at < coalesce($since, p.recent_at)
    AND e.sessions >= $min_sessions
    AND ($include_services OR e.caller_type IS DISTINCT FROM 'AWSService')
ORDER BY usual_rate DESC, last_seen DESC, caller, role, e.caller_type, e.caller_account
