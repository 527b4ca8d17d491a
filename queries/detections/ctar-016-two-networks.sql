-- title: One credential on two networks at once
-- description: A session or a user's key is used from two networks within an hour, by two programs or from a network its owner never used; at any time where both network and program are new for the owner. It alarms, too, for a machine whose role's sessions stay on one address. Pairs of IPv4 and IPv6 of one program are one network.
-- id: CTAR-016
-- severity: medium
-- attack: T1550.001
-- needs: nothing; networks of the owner where there is history
-- false_positives: Split tunnels, mobile hand-over: same program, known networks.
-- reference: elastic initial_access_iam_session_token_used_from_multiple_addresses.toml; splunk aws_concurrent_sessions_from_different_ips.yml
-- tags: network
WITH used AS (
    SELECT coalesce(t.session_id, c.access_key_id) AS id, t.session_id, CASE WHEN t.session_id IS NULL THEN c.access_key_id END AS key, coalesce(t.who, c.identity_arn) AS who, t.role_arn, t.class, coalesce(p.seen_days = 0 AND p.learned, false) AS new_agent, c.ip, ip_neighbourhood(c.ip) AS network, c.agent, min(c.first_at) AS first_at, max(c.last_at) AS last_at, CAST(sum(c.n) AS BIGINT) AS n, min(c.event_id) AS event_id
    FROM calls c
    LEFT JOIN tonight t ON t.session_id = c.session_id
    LEFT JOIN novel p ON p.entity_type = 'who' AND p.entity = coalesce(t.who, c.identity_arn) AND p.feature = 'agent' AND p.value = c.agent
    WHERE c.ip_kind = 'public' AND c.invoked_by IS NULL AND (t.session_id IS NOT NULL OR c.identity_type = 'IAMUser' AND c.access_key_id LIKE 'AKIA%')
        AND NOT EXISTS (SELECT 1 FROM known_networks n WHERE n.kind IN ('ci', 'egress', 'vpn') AND ip_in(c.ip, n.cidr))
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
), habit AS (
    -- Whether the sessions of a role stay on one address.
    SELECT entity, CAST(sum(CASE WHEN value = 'one' THEN sessions ELSE 0 END) AS BIGINT) AS one, CAST(sum(sessions) AS BIGINT) AS sessions, max(days) AS days
    FROM known
    WHERE entity_type = 'role' AND feature = 'addresses'
    GROUP BY entity
), pairs AS (
    SELECT a.session_id, a.key, a.who, a.role_arn, a.ip AS ip1, b.ip AS ip2, a.agent AS agent1, b.agent AS agent2, b.n, b.event_id, b.first_at, b.last_at, b.first_at < a.last_at AS overlaps,
           b.class NOT IN ('human', 'service') AND g.one * 100 >= g.sessions * 99 AND g.sessions >= 30 AND g.days >= 7 AS never,
           CASE WHEN coalesce(k.days, 0) = 0 THEN 1 ELSE 0 END AS strange, h.days AS history, coalesce(h.new_days, 0) AS new_days
    FROM used a
    JOIN used b ON b.id = a.id AND b.network <> a.network
        AND (b.first_at, b.ip) > (a.first_at, a.ip)
        AND (b.first_at <= a.last_at + INTERVAL '60 minutes' OR b.new_agent)
        AND NOT (a.ip LIKE '%:%' AND b.ip NOT LIKE '%:%' AND a.agent = b.agent OR b.ip LIKE '%:%' AND a.ip NOT LIKE '%:%' AND a.agent = b.agent)
    LEFT JOIN habit g ON g.entity = b.role_arn
    LEFT JOIN known k ON k.entity_type = 'who' AND k.entity = a.who AND k.feature = 'network' AND k.value = b.network
    LEFT JOIN habits h ON h.entity_type = 'who' AND h.entity = a.who AND h.feature = 'network'
), made AS (
    -- What a user's key asked for from the second network.
    SELECT p.key, p.ip2, array_agg(DISTINCT t.session_id) AS session_ids
    FROM (SELECT DISTINCT key, ip2 FROM pairs) p
    JOIN tonight t ON t.caller_key_id = p.key AND t.issued_ip = p.ip2 AND t.issued_tonight
    GROUP BY p.key, p.ip2
)
SELECT who AS entity, coalesce(min(role_arn), '') AS target, CASE WHEN bool_or(agent1 <> agent2) AND max(strange) = 1 THEN 14.0 WHEN max(strange) = 1 THEN 8.0 ELSE 4.0 END AS score,
       CASE WHEN bool_or(agent1 <> agent2 AND strange = 1) OR bool_or(strange = 1 AND never) OR bool_or(strange = 1 AND overlaps AND new_days * 8 < history AND history >= 7) THEN 'high' WHEN max(strange) = 1 AND max(new_days) * 5 < max(history) THEN 'medium' ELSE 'low' END AS severity,
       concat('A credential of ', arn_short(who), ' is used from ', min(ip1), ' and ', min(p.ip2)) AS title,
       concat(min(ip1), ' (', min(agent1), ') and ', min(p.ip2), ' (', min(agent2), ')',
              CASE WHEN max(strange) = 1 THEN concat('; the second was never seen for this identity on ', coalesce(max(history), 0), ' days') ELSE '; both are known' END) AS reason,
       array_distinct(flatten(array_agg(coalesce(m.session_ids, make_array(p.session_id))))) AS session_ids, array_agg(DISTINCT p.key) FILTER (WHERE p.key IS NOT NULL) AS access_keys, array_distinct(array_concat(array_agg(DISTINCT ip1), array_agg(DISTINCT p.ip2))) AS source_ips,
       array_agg(DISTINCT event_id) AS event_ids, CAST(sum(n) AS BIGINT) AS event_count, min(first_at) AS first_at, max(last_at) AS last_at
FROM pairs p
LEFT JOIN made m ON m.key = p.key AND m.ip2 = p.ip2
GROUP BY who
