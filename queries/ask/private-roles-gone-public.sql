-- title: Roles used inside only, now from a public address
-- description: Roles whose sessions were first used from private addresses or through a VPC endpoint only, with the sessions and addresses of the first use from outside on.
-- id: A14
-- theme: source IPs
-- attack: T1552.005
-- param: min_private int = 3 Calls from inside before the first one from outside.
-- false_positives: A subnet that lost its endpoint, so that calls go out through NAT.
WITH used AS (
    SELECT s.role_arn, u.session_id, u.ip, u.first_at, u.event_count,
        u.vpc_endpoint_id IS NOT NULL OR u.ip_kind IN ('private', 'cgnat') AS inside
    FROM session_addresses u
    JOIN sessions s ON s.session_id = u.session_id
    WHERE s.role_arn IS NOT NULL AND u.ip_kind IN ('public', 'private', 'cgnat')
),
roles AS (
    SELECT role_arn, min(first_at) FILTER (WHERE NOT inside) AS first_public
    FROM used
    GROUP BY role_arn
),
closed AS (
    SELECT r.role_arn, r.first_public, sum(u.event_count) AS before
    FROM roles r
    JOIN used u ON u.role_arn = r.role_arn AND u.inside AND u.first_at < r.first_public
    GROUP BY 1, 2
)
SELECT
    arn_short(c.role_arn) AS role,
    u.session_id AS session,
    u.ip,
    c.first_public,
    CAST(max(c.before) AS BIGINT) AS calls_from_inside,
    CAST(sum(u.event_count) AS BIGINT) AS calls_from_there
FROM closed c
JOIN used u ON u.role_arn = c.role_arn AND NOT u.inside
WHERE c.before >= $min_private
GROUP BY c.role_arn, u.session_id, u.ip, c.first_public
ORDER BY c.first_public, role, session, u.ip
