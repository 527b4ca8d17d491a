-- title: Calls through somebody else's VPC endpoint
-- description: A session of ours calls through a VPC endpoint of an account that is not ours; or a role that always comes through known endpoints comes through a new one.
-- id: CTAR-019
-- severity: high
-- attack: T1090, T1550.001
-- needs: VPC endpoints; organisation list, where there is one; the role's endpoints where there is history
-- false_positives: Applications that a partner hosts: [[vpc_endpoint]].
-- reference: GuardDuty InstanceCredentialExfiltration.InsideAWS; hackingthe.cloud steal-keys-undetected
-- tags: network
WITH through AS (
    SELECT c.*, coalesce(t.who, c.identity_arn) AS who, t.role_arn,
           c.vpc_endpoint_account_id IS NOT NULL AND NOT coalesce(a.ours, false) AND e.vpc_endpoint_id IS NULL AS foreign_,
           coalesce(v.bits, 0.0) AS bits, coalesce(v.learned, false) AS learned, v.words
    FROM calls c
    LEFT JOIN tonight t ON t.session_id = c.session_id
    LEFT JOIN accounts a ON a.account_id = c.vpc_endpoint_account_id
    LEFT JOIN known_vpc_endpoints e ON e.vpc_endpoint_id = c.vpc_endpoint_id
    LEFT JOIN novel v ON v.entity_type = 'role' AND v.entity = t.role_arn AND v.feature = 'vpc_endpoint' AND v.value = c.vpc_endpoint_id AND v.seen_days = 0
    WHERE c.vpc_endpoint_id IS NOT NULL
)
SELECT who AS entity, CASE WHEN bool_or(foreign_) THEN 'foreign' ELSE 'new' END AS target, CASE WHEN bool_or(foreign_) THEN 13.0 ELSE max(bits) END AS score,
       CASE WHEN bool_or(foreign_) THEN 'high' ELSE 'low' END AS severity,
       concat(arn_short(who), ' calls through ', CASE WHEN bool_or(foreign_) THEN 'a foreign' ELSE 'a new' END, ' VPC endpoint ', min(vpc_endpoint_id)) AS title,
       CASE WHEN bool_or(foreign_) THEN concat('the endpoint belongs to account ', max(vpc_endpoint_account_id), ', which is not ours') ELSE concat('endpoints of this role: ', max(words)) END AS reason,
       array_agg(DISTINCT session_id) FILTER (WHERE session_id IS NOT NULL) AS session_ids, array_agg(DISTINCT ip) AS source_ips, array_agg(DISTINCT event_id) AS event_ids,
       CAST(sum(n) AS BIGINT) AS event_count, min(first_at) AS first_at, max(last_at) AS last_at
FROM through
WHERE who IS NOT NULL AND (foreign_ OR learned AND bits >= 3)
GROUP BY who
