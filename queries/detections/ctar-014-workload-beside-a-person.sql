-- title: A workload's credentials come from a person's address
-- description: A session of an instance, a function or a task was used from an address that a user or a person used the same day, and that the role is not known by.
-- id: CTAR-014
-- severity: high
-- attack: T1552.005
-- needs: nothing
-- false_positives: A bastion or a NAT that staff share: list it in [[network]] as egress.
-- reference: none found in public rule sets
-- tags: network
-- param: from timestamp The first moment.
-- param: until timestamp The end, exclusive.
WITH people AS (
    SELECT DISTINCT c.ip, coalesce(t.who, c.identity_arn) AS person
    FROM calls c
    LEFT JOIN tonight t ON t.session_id = c.session_id
    WHERE c.ip_kind IN ('public', 'private', 'cgnat') AND c.invoked_by IS NULL AND c.vpc_endpoint_id IS NULL
        AND (c.identity_type IN ('IAMUser', 'Root', 'IdentityCenterUser') OR t.class = 'human')
    UNION
    SELECT source_ip, user_name FROM logins WHERE event_time >= $from AND event_time < $until AND success
), shared AS (
    SELECT c.session_id, c.ip, p.person, c.event_id, c.n, c.first_at, c.last_at, t.role_arn, t.session_name
    FROM calls c
    JOIN tonight t ON t.session_id = c.session_id
    JOIN people p ON p.ip = c.ip
    LEFT JOIN known k ON k.entity_type = 'role' AND k.entity = t.role_arn AND k.feature = 'ip' AND k.value = c.ip AND k.days >= 3
    WHERE t.class = 'service' AND t.chain_depth = 1 AND c.ip_kind IN ('public', 'private', 'cgnat') AND c.invoked_by IS NULL AND c.vpc_endpoint_id IS NULL
        AND (t.session_name_kind IN ('instance', 'ecs_task', 'eks_pod', 'lambda') OR t.invoked_by IN ('ec2.amazonaws.com', 'lambda.amazonaws.com', 'ecs-tasks.amazonaws.com', 'pods.eks.amazonaws.com'))
        AND k.value IS NULL AND p.person IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM known_networks n WHERE n.kind = 'egress' AND ip_in(c.ip, n.cidr))
)
SELECT concat(role_arn, '/', session_name) AS entity, min(person) AS target, 13.0 AS score,
       concat('Credentials of ', session_name, ' come from the address of ', arn_short(min(person))) AS title,
       concat(min(ip), ' was used the same day by ', arn_short(min(person)), '; the role is not known by it') AS reason,
       array_agg(DISTINCT session_id) AS session_ids, array_agg(DISTINCT ip) AS source_ips, array_agg(DISTINCT person) AS principals,
       array_agg(DISTINCT event_id) AS event_ids, CAST(sum(n) AS BIGINT) AS event_count, min(first_at) AS first_at, max(last_at) AS last_at
FROM shared
GROUP BY role_arn, session_name
