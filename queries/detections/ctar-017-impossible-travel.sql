-- title: One identity in two countries within an hour
-- description: Calls of one person or user from two countries, less than an hour apart, one of them new. Needs a database of countries.
-- id: CTAR-017
-- severity: medium
-- attack: T1078.004, T1539
-- needs: [enrichment] country
-- false_positives: VPNs: list them in [[network]].
-- reference: elastic initial_access_console_login_iam_user_multiple_geolocations.toml
-- tags: network
WITH seen AS (
    SELECT coalesce(t.who, c.identity_arn) AS who, c.session_id, c.ip, geo_country(c.ip) AS country, c.first_at, c.last_at, c.n, c.event_id
    FROM calls c
    LEFT JOIN tonight t ON t.session_id = c.session_id
    WHERE c.ip_kind = 'public' AND c.invoked_by IS NULL AND (t.class = 'human' OR c.identity_type IN ('IAMUser', 'Root'))
        AND NOT EXISTS (SELECT 1 FROM known_networks n WHERE n.kind IN ('ci', 'egress', 'vpn', 'hosting') AND ip_in(c.ip, n.cidr))
)
SELECT a.who AS entity, b.country AS target, 8.0 AS score,
       concat(arn_short(a.who), ' calls from ', min(a.country), ' and ', b.country, ' within an hour') AS title,
       concat(min(a.ip), ' and ', min(b.ip), ' lie in ', min(a.country), ' and ', b.country, '; the second network is new') AS reason,
       array_agg(DISTINCT b.session_id) FILTER (WHERE b.session_id IS NOT NULL) AS session_ids, array_distinct(array_concat(array_agg(DISTINCT a.ip), array_agg(DISTINCT b.ip))) AS source_ips,
       array_agg(DISTINCT b.event_id) AS event_ids, CAST(sum(b.n) AS BIGINT) AS event_count, min(b.first_at) AS first_at, max(b.last_at) AS last_at
FROM seen a
JOIN seen b ON b.who = a.who AND b.country <> a.country AND b.first_at >= a.first_at AND b.first_at <= a.last_at + INTERVAL '60 minutes'
LEFT JOIN known k ON k.entity_type = 'who' AND k.entity = b.who AND k.feature = 'network' AND k.value = ip_neighbourhood(b.ip)
WHERE k.value IS NULL
GROUP BY a.who, b.country
