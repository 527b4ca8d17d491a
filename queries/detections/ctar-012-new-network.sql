-- title: Somebody comes from a network never seen
-- description: A person, user, pipeline or outside account calls from a network (/24, /48) it never called from, judged by how often it moves and by who else is there; users and outside accounts, which are machines for the most part, count for more. It alarms where nobody ever came from there and the program is new for the caller, too. Networks of [[network]] count as known.
-- id: CTAR-012
-- severity: low
-- attack: T1078.004
-- needs: baseline of 30 days
-- false_positives: Travel, a new VPN: roaming people are judged by their roaming.
-- reference: elastic credential_access_iam_long_term_access_key_first_seen_from_source_ip.toml
-- tags: network
-- param: from timestamp The first moment.
-- param: until timestamp The end, exclusive.
WITH there AS (
    SELECT t.who, t.class, t.session_id, a.ip, ip_neighbourhood(a.ip) AS network, agent_family(a.user_agent) AS agent, a.first_at, a.last_at, a.event_count
    FROM session_addresses a
    JOIN tonight t ON t.session_id = a.session_id
    WHERE a.ip_kind = 'public' AND t.class NOT IN ('service', 'oidc') AND a.last_at >= $from AND a.first_at < $until
    UNION ALL
    SELECT c.identity_arn, 'iam_user', CAST(NULL AS VARCHAR), c.ip, ip_neighbourhood(c.ip), c.agent, c.first_at, c.last_at, c.n
    FROM calls c
    WHERE c.identity_type IN ('IAMUser', 'Root') AND c.ip_kind = 'public' AND c.session_id IS NULL
)
SELECT v.entity AS entity, 'network' AS target, max(v.bits) AS score,
       CASE WHEN NOT bool_or(v.learned) THEN 'info' WHEN bool_or(v.bits >= 3 AND v.peers_with = 0 AND g.value IS NOT NULL) THEN 'high' WHEN max(v.bits) >= 6.5 OR max(v.bits) >= 5 AND bool_and(t.class IN ('iam_user', 'account')) THEN 'medium' ELSE 'low' END AS severity,
       concat(arn_short(v.entity), ' comes from ', min(v.value), ', a network never seen') AS title,
       concat(min(v.value), ': ', max(v.words), '; ', max(v.new_days), ' of ', max(v.days), ' days brought a new one', CASE WHEN bool_or(g.value IS NOT NULL) THEN concat('; ', min(g.value), ' is new for it, too') ELSE '' END) AS reason,
       array_agg(DISTINCT t.session_id) FILTER (WHERE t.session_id IS NOT NULL) AS session_ids, array_agg(DISTINCT t.ip) AS source_ips,
       CAST(sum(t.event_count) AS BIGINT) AS event_count, min(t.first_at) AS first_at, max(t.last_at) AS last_at
FROM novel v
JOIN there t ON t.who = v.entity AND t.network = v.value
LEFT JOIN novel g ON g.entity_type = 'who' AND g.entity = t.who AND g.feature = 'agent' AND g.value = t.agent AND g.seen_days = 0 AND g.learned AND g.bits >= 3
WHERE v.entity_type = 'who' AND v.feature = 'network' AND v.seen_days = 0 AND v.bits > 1.5
    AND NOT EXISTS (SELECT 1 FROM known_networks n WHERE n.kind IN ('office', 'vpn', 'egress', 'ci', 'vendor') AND ip_in(t.ip, n.cidr))
GROUP BY v.entity
