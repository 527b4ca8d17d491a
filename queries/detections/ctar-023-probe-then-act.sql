-- title: A credential is tried out, then used
-- description: GetCallerIdentity for the first time ever for an identity, or from a network it never used, and within ten minutes a role is assumed or a token asked for, or, from a new network, lists of what there is. It counts for more where the network is new, and alarms where a long-term key, which does not travel, then gets a session.
-- id: CTAR-023
-- severity: low
-- attack: T1087.004
-- needs: baseline of 10 days
-- false_positives: Tools that always ask: they are learned.
-- reference: elastic discovery_new_terms_sts_getcalleridentity.toml
-- tags: content
WITH probes AS (
    SELECT coalesce(t.who, c.identity_arn) AS who, coalesce(c.session_issuer_arn, c.identity_arn) AS caller, c.session_id, c.ip, c.first_at, c.event_id, c.access_key_id,
           coalesce(w.bits, 0.0) AS network_bits, coalesce(v.bits, 0.0) AS call_bits, coalesce(v.learned, false) AS learned
    FROM calls c
    LEFT JOIN tonight t ON t.session_id = c.session_id
    LEFT JOIN novel v ON v.feature = 'call' AND v.value = 'sts.amazonaws.com:GetCallerIdentity' AND v.seen_days = 0
        AND v.entity = coalesce(c.session_issuer_arn, c.identity_arn) AND v.entity_type = CASE WHEN c.session_issuer_arn IS NULL THEN 'who' ELSE 'role' END
    LEFT JOIN novel w ON w.entity_type = 'who' AND w.entity = coalesce(t.who, c.identity_arn) AND w.feature = 'network' AND w.value = ip_neighbourhood(c.ip) AND w.seen_days = 0
    WHERE c.event_source = 'sts.amazonaws.com' AND c.event_name = 'GetCallerIdentity' AND c.invoked_by IS NULL
), then_ AS (
    SELECT p.*, s.session_id AS next_session, concat('took ', arn_short(coalesce(s.role_arn, s.api))) AS next
    FROM probes p
    JOIN tonight s ON s.issued_tonight AND s.issued_at >= p.first_at AND s.issued_at <= p.first_at + INTERVAL '10 minutes'
        AND (s.parent_session_id = p.session_id OR s.caller_key_id = p.access_key_id)
    WHERE p.learned AND p.call_bits >= 3 OR p.network_bits >= 3
    UNION ALL
    SELECT p.*, CAST(NULL AS VARCHAR), concat('called ', c.event_name)
    FROM probes p
    JOIN calls c ON c.access_key_id = p.access_key_id AND c.ip = p.ip AND c.first_at >= p.first_at AND c.first_at <= p.first_at + INTERVAL '10 minutes'
        AND c.event_name LIKE 'List%' AND c.event_source IN ('iam.amazonaws.com', 'organizations.amazonaws.com', 's3.amazonaws.com', 'secretsmanager.amazonaws.com', 'lambda.amazonaws.com')
    WHERE p.network_bits >= 3
)
SELECT who AS entity, 'probe' AS target, 4.0 + least(max(greatest(call_bits, network_bits)), 6.0) AS score,
       CASE WHEN bool_or(network_bits >= 5 AND next_session IS NOT NULL AND access_key_id LIKE 'AKIA%') THEN 'high' WHEN max(network_bits) >= 5 THEN 'medium' ELSE 'low' END AS severity,
       concat(arn_short(who), ' asked who it is, then ', min(next)) AS title,
       concat('GetCallerIdentity from ', min(ip), CASE WHEN max(network_bits) >= 3 THEN ', a network never used' ELSE ', the first one ever' END, ', then more within ten minutes') AS reason,
       array_distinct(array_concat(coalesce(array_agg(DISTINCT next_session) FILTER (WHERE next_session IS NOT NULL), make_array()), coalesce(array_agg(DISTINCT session_id) FILTER (WHERE session_id IS NOT NULL), make_array()))) AS session_ids,
       array_agg(DISTINCT access_key_id) AS access_keys, array_agg(DISTINCT ip) AS source_ips,
       array_agg(DISTINCT event_id) AS event_ids, count(DISTINCT event_id) AS event_count, min(first_at) AS first_at, max(first_at) AS last_at
FROM then_
WHERE who IS NOT NULL
GROUP BY who
