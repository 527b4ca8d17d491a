-- title: Instances, their addresses and their metadata version
-- description: One row per instance and role. More than one address, or keys of metadata version 1, are worth a look: a stolen instance key shows as a second address of the same instance.
-- id: A62
-- theme: workloads
-- attack: T1552.005
WITH calls AS (
    SELECT session_name, role_arn, session_id, source_ip_address, vpc_endpoint_id, user_agent, ec2_role_delivery, count(*) AS n
    FROM session_events
    WHERE session_name LIKE 'i-%'
        AND session_name_kind(session_name) = 'instance'
        AND source_ip_kind IN ('public', 'private', 'cgnat')
        AND invoked_by IS NULL
    GROUP BY 1, 2, 3, 4, 5, 6, 7
)
-- Lists are made of what differs, not of every call.
SELECT
    session_name AS instance,
    arn_short(role_arn) AS role,
    array_sort(array_agg(DISTINCT source_ip_address)) AS ips,
    coalesce(sum(n) FILTER (WHERE ec2_role_delivery = '1.0'), 0) AS v1_events,
    coalesce(sum(n) FILTER (WHERE ec2_role_delivery = '2.0'), 0) AS v2_events,
    sum(n) AS events,
    count(DISTINCT session_id) AS sessions,
    count(DISTINCT source_ip_address) AS ip_count,
    array_sort(array_agg(DISTINCT vpc_endpoint_id) FILTER (WHERE vpc_endpoint_id IS NOT NULL)) AS vpc_endpoints,
    array_sort(array_agg(DISTINCT user_agent) FILTER (WHERE user_agent IS NOT NULL)) AS uas
FROM calls
GROUP BY session_name, role_arn
ORDER BY ip_count DESC, v1_events DESC, role, instance
