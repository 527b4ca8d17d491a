-- title: From where a role is assumed and used
-- description: One row per role, address and phase: assume is where the call came from that took the role (the person's own address, where AWS's stands in the record), use where the session's calls came from. Network and country need a database in the configuration.
-- id: A10
-- theme: source IPs
-- param: role text = null The role's name or ARN, or a permission set.
-- param: include_services bool = false Calls that AWS services made themselves too.
WITH seen AS (
    SELECT session_id, 'use' AS phase, ip, ip_kind, user_agent, first_at, last_at, event_count
    FROM session_addresses
    UNION ALL
    SELECT session_id, 'assume', coalesce(requester_ip, issued_ip), ip_kind(coalesce(requester_ip, issued_ip)),
        coalesce(requester_user_agent, issued_user_agent), issued_at AS first_at, issued_at AS last_at, 1
    FROM sessions
    WHERE issue_seen
)
SELECT
    arn_short(s.role_arn) AS role,
    seen.ip,
    seen.ip_kind,
    a.asn,
    a.organization,
    a.country,
    seen.phase,
    sum(seen.event_count) AS events,
    min(seen.first_at) AS first,
    max(seen.last_at) AS last,
    count(DISTINCT seen.session_id) AS sessions,
    array_sort(array_agg(DISTINCT s.origin) FILTER (WHERE s.origin IS NOT NULL)) AS origins
FROM seen
JOIN sessions s ON s.session_id = seen.session_id
LEFT JOIN addresses a ON a.ip = seen.ip
WHERE s.role_arn IS NOT NULL
    AND ($role IS NULL OR s.role_arn = $role OR s.role_name = $role OR s.permission_set = $role)
    AND ($include_services OR seen.ip_kind NOT IN ('service_host', 'aws_internal', 'absent'))
GROUP BY 1, 2, 3, 4, 5, 6, 7
ORDER BY role, seen.phase, sessions DESC, events DESC, seen.ip
