-- title: Calls through somebody else's VPC endpoint
-- description: Calls that came through a VPC endpoint of an account that is not one's own: not in the organisation where the configuration tells it, else not among the accounts that deliver these logs. Older records do not name the endpoint's account; the configuration can.
-- id: A15
-- theme: source IPs
SELECT
    e.vpc_endpoint_id AS vpce,
    coalesce(e.vpc_endpoint_account_id, k.account_id) AS owner,
    arn_short(coalesce(e.identity_arn, e.identity_principal_id, e.identity_type)) AS identity,
    replace(e.event_source, '.amazonaws.com', '') || ':' || e.event_name AS api,
    count(*) AS count,
    min(e.event_time) AS first,
    max(e.event_time) AS last
FROM events e
LEFT JOIN known_vpc_endpoints k ON k.vpc_endpoint_id = e.vpc_endpoint_id
LEFT JOIN accounts a ON a.account_id = coalesce(e.vpc_endpoint_account_id, k.account_id)
WHERE e.vpc_endpoint_id IS NOT NULL
    AND coalesce(e.vpc_endpoint_account_id, k.account_id) IS NOT NULL
    AND NOT coalesce(a.ours, false)
GROUP BY 1, 2, 3, 4
ORDER BY count DESC, vpce, owner, identity, api
