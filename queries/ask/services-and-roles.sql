-- title: Which AWS service assumed which role
-- description: One row per service and role; is_new where the first time lies in the last seven days, or the last quarter where the logs span less than four weeks.
-- id: A64
-- theme: workloads
SELECT
    s.invoked_by AS service,
    arn_short(s.role_arn) AS role,
    min(s.issued_at) AS first,
    count(*) AS count,
    min(s.issued_at) >= p.recent_at AS is_new,
    max(s.issued_at) AS last,
    count(*) FILTER (WHERE s.event_count = 0) AS never_used
FROM sessions s
CROSS JOIN period p
WHERE s.caller_type = 'AWSService'
    AND s.role_arn IS NOT NULL
GROUP BY s.invoked_by, s.role_arn, p.recent_at
ORDER BY first DESC, service, role
