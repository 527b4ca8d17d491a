-- title: One identity in two places too far apart
-- description: Consecutive calls of one person or user from two addresses at least 500 kilometres apart, faster than 1000 km/h, the second or the first network new for them. Without a database of places: from two countries less than an hour apart. Addresses of hosting and of listed networks count for nothing; how exact a place is, the database does not tell.
-- id: CTAR-017
-- severity: medium
-- attack: T1078.004, T1539
-- needs: [enrichment] city, or country
-- false_positives: VPNs: list them in [[network]].
-- reference: Datadog impossible travel; elastic initial_access_console_login_iam_user_multiple_geolocations.toml
-- tags: network
WITH seen AS (
    SELECT coalesce(t.who, c.identity_arn) AS who, c.session_id, CASE WHEN c.session_id IS NULL THEN c.access_key_id END AS key, c.ip, geo_country(c.ip) AS country, c.first_at, c.last_at, c.n, c.event_id
    FROM calls c
    LEFT JOIN tonight t ON t.session_id = c.session_id
    WHERE c.ip_kind = 'public' AND c.invoked_by IS NULL AND (t.class IN ('human', 'iam_user') OR c.identity_type IN ('IAMUser', 'Root'))
        AND NOT EXISTS (SELECT 1 FROM known_networks n WHERE n.kind IN ('ci', 'egress', 'vpn', 'hosting') AND ip_in(c.ip, n.cidr))
        AND NOT coalesce(regexp_like(lower(geo_org(c.ip)), 'amazon|google|microsoft|azure|oracle|digitalocean|linode|akamai|cloudflare|ovh|hetzner|vultr|hosting|hosted|datacamp|m247|vpn'), false)
    UNION ALL
    SELECT t.who, t.session_id, CAST(NULL AS VARCHAR), coalesce(t.requester_ip, t.issued_ip), geo_country(coalesce(t.requester_ip, t.issued_ip)), t.issued_at AS first_at, t.issued_at AS last_at, CAST(1 AS BIGINT), CAST(NULL AS VARCHAR)
    FROM tonight t
    WHERE t.issued_tonight AND t.class IN ('human', 'iam_user') AND t.chain_depth <= 1 AND ip_kind(coalesce(t.requester_ip, t.issued_ip)) = 'public'
        AND NOT EXISTS (SELECT 1 FROM known_networks n WHERE n.kind IN ('ci', 'egress', 'vpn', 'hosting') AND ip_in(coalesce(t.requester_ip, t.issued_ip), n.cidr))
), moved AS (
    SELECT a.who, a.ip AS ip1, b.ip AS ip2, a.country AS country1, b.country AS country2, b.session_id, b.key, b.event_id, b.n, b.first_at, b.last_at,
           geo_distance_km(a.ip, b.ip) AS km, date_part('epoch', b.first_at - a.last_at) AS seconds
    FROM seen a
    JOIN seen b ON b.who = a.who AND b.ip <> a.ip AND b.first_at >= a.first_at AND b.first_at <= a.last_at + INTERVAL '24 hours'
)
SELECT m.who AS entity, coalesce(min(m.country2), '') AS target, 8.0 AS score,
       concat(arn_short(m.who), ' calls from ', coalesce(concat(min(m.country1), ' and ', min(m.country2)), concat(min(m.ip1), ' and ', min(m.ip2))), CASE WHEN max(m.km) IS NULL THEN ' within an hour' ELSE concat(', ', CAST(max(m.km) AS VARCHAR), ' km apart') END) AS title,
       concat(min(m.ip1), ' and ', min(m.ip2), CASE WHEN max(m.km) IS NULL THEN concat(' lie in ', min(m.country1), ' and ', min(m.country2)) ELSE concat(' lie ', CAST(max(m.km) AS VARCHAR), ' km apart, ', CAST(greatest(CAST(min(m.seconds) AS BIGINT), 0) AS VARCHAR), ' seconds between them') END, '; one of the networks is new') AS reason,
       array_agg(DISTINCT m.session_id) FILTER (WHERE m.session_id IS NOT NULL) AS session_ids, array_agg(DISTINCT m.key) FILTER (WHERE m.key IS NOT NULL) AS access_keys,
       array_distinct(array_concat(array_agg(DISTINCT m.ip1), array_agg(DISTINCT m.ip2))) AS source_ips,
       array_agg(DISTINCT m.event_id) FILTER (WHERE m.event_id IS NOT NULL) AS event_ids, CAST(sum(m.n) AS BIGINT) AS event_count, min(m.first_at) AS first_at, max(m.last_at) AS last_at
FROM moved m
LEFT JOIN known k ON k.entity_type = 'who' AND k.entity = m.who AND k.feature = 'network' AND k.value = ip_neighbourhood(m.ip2)
LEFT JOIN known o ON o.entity_type = 'who' AND o.entity = m.who AND o.feature = 'network' AND o.value = ip_neighbourhood(m.ip1)
WHERE (k.value IS NULL OR o.value IS NULL)
    AND CASE WHEN m.km IS NULL THEN m.country1 <> m.country2 AND m.seconds <= 3600
             ELSE m.km >= 500 AND (m.seconds <= 0 OR m.km * 3600.0 / m.seconds >= 1000) END
GROUP BY m.who
