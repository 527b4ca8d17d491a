-- title: Somebody uses a program never seen with them
-- description: A program (without its versions) that this identity never used, judged by how often it brings new ones and by who else uses it.
-- id: CTAR-020
-- severity: low
-- attack: T1078.004
-- needs: baseline of 30 days
-- false_positives: New tools: what the whole organisation takes up is common among peers.
-- reference: panther anomalous_role_assume_query.yml
-- tags: client
SELECT v.entity AS entity, v.value AS target, max(v.bits) AS score,
       CASE WHEN NOT max(v.learned) THEN 'info' ELSE 'low' END AS severity,
       concat(arn_short(v.entity), ' uses ', v.value, ' for the first time') AS title,
       concat(v.value, ': ', max(v.words)) AS reason,
       array_agg(DISTINCT c.session_id) FILTER (WHERE c.session_id IS NOT NULL) AS session_ids, array_agg(DISTINCT c.ip) FILTER (WHERE c.ip_kind = 'public') AS source_ips,
       array_agg(DISTINCT c.event_id) AS event_ids, CAST(sum(c.n) AS BIGINT) AS event_count, min(c.first_at) AS first_at, max(c.last_at) AS last_at
FROM novel v
JOIN (SELECT c.*, coalesce(t.who, c.identity_arn) AS who FROM calls c LEFT JOIN tonight t ON t.session_id = c.session_id) c
    ON c.who = v.entity AND c.agent = v.value
WHERE v.entity_type = 'who' AND v.feature = 'agent' AND v.seen_days = 0 AND v.bits > 1.5
GROUP BY v.entity, v.value
