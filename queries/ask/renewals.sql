-- title: Who keeps a role open, session after session
-- description: Families of sessions that renew each other: how regularly, and how long access lasted without a break.
-- id: A33, A34
-- param: min_sessions int = 3 Sessions in the family.
-- theme: durations
SELECT
    caller,
    arn_account(role_arn) AS role_account,
    arn_name(role_arn) AS role,
    session_name,
    sessions,
    first_at,
    last_at,
    period_seconds,
    unbroken_seconds,
    round(unbroken_seconds / 3600.0, 1) AS unbroken_hours
FROM session_families
WHERE sessions >= $min_sessions
ORDER BY unbroken_seconds DESC, sessions DESC, caller, role_account, role, session_name
