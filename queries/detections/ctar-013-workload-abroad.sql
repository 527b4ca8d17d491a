-- title: An instance's credentials are used away from it
-- description: Keyed on the whole role session (role and instance id), over all its keys: its home is the first address it was used from, a private one only behind a VPC endpoint, and the networks that the role's instances are known by. Any other address is a theft until shown otherwise; critical with a tool of attackers or from a network that is not Amazon's, where networks' numbers are known. Which metadata service handed the key out weighs nothing here: the question `instances` tells it.
-- id: CTAR-013
-- severity: high
-- attack: T1552.005, T1550.001
-- needs: nothing; networks of the role where there is history
-- false_positives: A new elastic address (looked for), several interfaces, proxies: list them in [[network]] as egress.
-- reference: Netflix-Skunkworks/aws-credential-compromise-detection; GuardDuty InstanceCredentialExfiltration
-- tags: network
-- param: from timestamp The first moment.
-- param: until timestamp The end, exclusive.
WITH used AS (
    SELECT p.role_arn, p.session_name, p.session_id, a.ip, a.ip_kind, a.vpc_endpoint_id, a.user_agent, a.first_at, a.last_at, a.event_count
    FROM session_addresses a
    JOIN profiled p ON p.session_id = a.session_id
    WHERE p.session_name_kind = 'instance' AND a.ip_kind IN ('public', 'private', 'cgnat')
), home AS (
    SELECT role_arn, session_name, first_value(ip ORDER BY first_at, ip) AS ip, first_value(agent_family(user_agent) ORDER BY first_at, ip) AS agent
    FROM used
    GROUP BY role_arn, session_name
), away AS (
    SELECT u.*, h.ip AS home, h.agent AS home_agent
    FROM used u
    JOIN home h ON h.role_arn = u.role_arn AND h.session_name = u.session_name
    LEFT JOIN known k ON k.entity_type = 'role' AND k.entity = u.role_arn AND k.feature = 'network' AND k.value = ip_neighbourhood(u.ip)
    WHERE u.ip <> h.ip AND k.value IS NULL AND (u.ip_kind = 'public' OR u.vpc_endpoint_id IS NULL)
        AND u.last_at >= $from AND u.first_at < $until
        AND NOT EXISTS (SELECT 1 FROM known_networks n WHERE n.kind IN ('egress', 'ci') AND ip_in(u.ip, n.cidr))
), moved AS (
    SELECT DISTINCT json_get_str(e.request_parameters, 'instanceId') AS instance
    FROM events e
    WHERE e.event_time >= $from - INTERVAL '2 days' AND e.event_time < $until AND e.event_source = 'ec2.amazonaws.com'
        AND e.event_name IN ('AssociateAddress', 'AttachNetworkInterface') AND e.error_code IS NULL
)
SELECT concat(a.role_arn, '/', a.session_name) AS entity, 'address' AS target,
       CASE WHEN bool_or(agent_family(a.user_agent) <> a.home_agent) THEN 15.0 ELSE 12.0 END AS score,
       CASE WHEN max(m.instance) IS NOT NULL THEN 'medium' WHEN bool_or(attack_tool(a.user_agent) IS NOT NULL OR geo_asn(a.ip) NOT IN (16509, 14618, 8987)) THEN 'critical' ELSE 'high' END AS severity,
       concat('Credentials of ', a.session_name, ' (', arn_short(a.role_arn), ') are used from ', min(a.ip)) AS title,
       concat('its home is ', min(a.home), '; ', min(a.ip), ' is known for no instance of this role',
              CASE WHEN bool_or(agent_family(a.user_agent) <> a.home_agent) THEN concat('; the program differs, too: ', min(agent_family(a.user_agent))) ELSE '' END) AS reason,
       array_agg(DISTINCT a.session_id) AS session_ids, array_agg(DISTINCT a.ip) AS source_ips, array_agg(DISTINCT a.session_name) AS principals,
       CAST(sum(a.event_count) AS BIGINT) AS event_count, min(a.first_at) AS first_at, max(a.last_at) AS last_at
FROM away a
LEFT JOIN moved m ON m.instance = a.session_name
GROUP BY a.role_arn, a.session_name
