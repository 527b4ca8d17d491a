-- title: Access without a break, session after session
-- description: Runs of sessions of one caller, role and session name, each issued before the last one had ended: from the first issue to the end of the last one.
-- id: A34
-- theme: durations and expiry
-- param: min_sessions int = 2 Sessions in a run, at least.
-- param: include_services bool = false Sessions that AWS services took too.
SELECT
    arn_short(f.caller) AS caller,
    arn_short(f.role_arn) AS role,
    f.first_at AS start,
    arrow_cast(CAST(f.first_at AS BIGINT) + f.unbroken_seconds * 1000000, 'Timestamp(Microsecond, Some("UTC"))') AS "end",
    round(f.unbroken_seconds / 3600.0, 1) AS hours,
    f.sessions,
    f.session_name,
    f.period_seconds
FROM session_families f
WHERE f.sessions >= $min_sessions
    AND ($include_services OR NOT f.caller LIKE '%.amazonaws.com')
ORDER BY f.unbroken_seconds DESC, f.sessions DESC, caller, role, f.session_name, start
