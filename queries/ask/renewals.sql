-- title: How regularly a caller takes a role
-- description: The median time between one session and the next of the same caller and role, in seconds, and the median distance from it (mad): a machine is regular, a person is not. n counts the times between. A steady period close to the granted time is a refresh.
-- id: A33
-- theme: durations and expiry
-- param: min_sessions int = 4 Sessions, at least.
-- param: include_services bool = false AWS services' own sessions too.
WITH moments AS (
    SELECT DISTINCT caller, role_arn, issued_at
    FROM sessions
    WHERE issue_seen
        AND caller IS NOT NULL
        AND role_arn IS NOT NULL
        AND ($include_services OR origin_class IS DISTINCT FROM 'service')
),
gaps AS (
    SELECT caller, role_arn, date_part('epoch', issued_at - lag(issued_at) OVER (PARTITION BY caller, role_arn ORDER BY issued_at)) AS gap
    FROM moments
),
medians AS (
    SELECT caller, role_arn, median(gap) AS period, count(gap) AS n
    FROM gaps
    GROUP BY caller, role_arn
    HAVING count(gap) >= $min_sessions - 1
)
SELECT
    arn_short(m.caller) AS caller,
    arn_short(m.role_arn) AS role,
    CAST(m.period AS BIGINT) AS period_median,
    CAST(median(abs(g.gap - m.period)) AS BIGINT) AS mad,
    m.n
FROM medians m
JOIN gaps g ON g.caller = m.caller AND g.role_arn = m.role_arn
WHERE g.gap IS NOT NULL
GROUP BY m.caller, m.role_arn, m.period, m.n
ORDER BY mad / greatest(m.period, 1), m.n DESC, caller, role, period_median
