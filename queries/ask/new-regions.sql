-- title: Regions in which a role acts for the first time
-- description: Roles that were used before, and since then in a region in which they never were: in the last seven days, or the last quarter where the logs span less than four weeks. Calls to global services are recorded in us-east-1.
-- id: A60
-- theme: endpoints and regions
-- attack: T1535
-- param: since timestamp = null New from this time on.
-- param: include_services bool = false Calls that AWS services made themselves too.
WITH used AS (
    SELECT session_issuer_arn AS role_arn, effective_region AS region, first_at, event_count, write_count
    FROM activity
    WHERE identity_type = 'AssumedRole'
        AND session_issuer_arn IS NOT NULL
        AND ($include_services OR source_ip_kind NOT IN ('service_host', 'aws_internal'))
),
roles AS (
    SELECT role_arn, min(first_at) AS first_at FROM used GROUP BY role_arn
)
SELECT
    arn_short(u.role_arn) AS role,
    u.region,
    min(u.first_at) AS first,
    CAST(sum(u.event_count) AS BIGINT) AS events,
    CAST(sum(u.write_count) AS BIGINT) AS writes,
    r.first_at AS role_first
FROM used u
JOIN roles r ON r.role_arn = u.role_arn
CROSS JOIN period p
GROUP BY u.role_arn, u.region, r.first_at, p.recent_at
HAVING min(u.first_at) >= coalesce($since, p.recent_at)
    AND r.first_at < coalesce($since, p.recent_at)
ORDER BY first, role, u.region
