-- title: Instances, their addresses and their metadata version
-- description: One row per instance and role. More than one address, or keys of metadata version 1, are worth a look: a stolen instance key shows as a second address of the same instance.
-- id: A62
-- attack: T1552.005
-- theme: workloads
SELECT
    session_name AS instance,
    recipient_account_id AS account,
    arn_name(role_arn) AS role,
    count(DISTINCT session_id) AS sessions,
    count(*) AS events,
    count(*) FILTER (WHERE ec2_role_delivery = '1.0') AS v1_events,
    count(*) FILTER (WHERE ec2_role_delivery = '2.0') AS v2_events,
    count(DISTINCT source_ip_address) AS address_count,
    array_sort(array_agg(DISTINCT source_ip_address)) AS addresses,
    array_sort(array_agg(DISTINCT vpc_endpoint_id) FILTER (WHERE vpc_endpoint_id IS NOT NULL)) AS vpc_endpoints,
    array_sort(array_agg(DISTINCT user_agent)) AS agents
FROM session_events
WHERE session_name_kind(session_name) = 'instance'
    AND source_ip_kind IN ('public', 'private', 'cgnat')
    AND invoked_by IS NULL
GROUP BY 1, 2, 3
ORDER BY address_count DESC, v1_events DESC, account, role, instance
