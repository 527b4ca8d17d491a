-- title: Callers and roles that met for the first time
-- description: Pairs of caller and role whose first session is new: of the last seven days, or of the last quarter where the logs span less than four weeks. Where the logs begin later than the pair, it is new to the logs and not to the world.
-- id: A26
-- theme: cross-account and chains
-- param: since timestamp = null New from this time on.
-- param: include_services bool = false AWS services too.
SELECT
    arn_short(e.caller) AS caller,
    arn_short(e.role_arn) AS role,
    e.first_at AS first_seen,
    e.sessions AS count,
    e.caller_type,
    e.caller_account
FROM role_edges e
CROSS JOIN period p
WHERE e.first_at >= coalesce($since, p.recent_at)
    AND ($include_services OR e.caller_type IS DISTINCT FROM 'AWSService')
ORDER BY first_seen DESC, caller, role, e.caller_type, e.caller_account
