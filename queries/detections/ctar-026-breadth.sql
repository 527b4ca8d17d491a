-- title: A session that asks about everything
-- description: Distinct calls in the first quarter of an hour, compared with what the role (or user) calls in a day, as a robust z-score on a logarithmic scale; mostly reading, and stronger where much is refused.
-- id: CTAR-026
-- severity: medium
-- attack: T1580, T1526, T1087.004
-- needs: baseline of 14 days; without history fifty distinct calls
-- false_positives: Inventory roles: they are their own measure. Console pages are left out.
-- reference: splunk aws_excessive_security_scanning.yml; elastic discovery_multiple_discovery_api_calls_via_cli.toml
-- tags: volume
WITH early AS (
    SELECT coalesce(t.session_id, c.access_key_id) AS id, t.session_id, c.access_key_id, coalesce(t.who, c.identity_arn) AS who,
           coalesce(t.role_arn, c.identity_arn) AS entity, CASE WHEN t.role_arn IS NULL THEN 'who' ELSE 'role' END AS entity_type,
           concat(c.event_source, ':', c.event_name) AS call, c.n, c.error_code, c.read_only, c.ip, c.ip_kind, c.first_at, c.last_at, c.event_id, c.event_name,
           date_bin(INTERVAL '15 minutes', c.first_at) AS bin
    FROM calls c
    LEFT JOIN tonight t ON t.session_id = c.session_id
    WHERE c.invoked_by IS NULL AND NOT coalesce(c.from_console, false) AND coalesce(t.role_arn, c.identity_arn) IS NOT NULL
        AND (t.session_id IS NOT NULL OR c.identity_type IN ('IAMUser', 'Root'))
), broad AS (
    -- Lists are made of the few that call much, not of everybody.
    SELECT id, entity_type, entity, bin
    FROM (SELECT DISTINCT id, entity_type, entity, bin, call FROM early)
    GROUP BY id, entity_type, entity, bin
    HAVING count(*) >= 15
), wide AS (
    SELECT e.id, e.entity_type, e.entity, min(e.who) AS who, min(e.session_id) AS session_id, min(e.access_key_id) AS access_key_id, e.bin,
           count(DISTINCT e.call) AS breadth, count(DISTINCT CASE WHEN v.seen_days = 0 THEN e.call END) AS fresh,
           CAST(sum(CASE WHEN coalesce(e.read_only, true) OR regexp_like(e.event_name, '^(Get|List|Describe|Lookup|Search|BatchGet)') THEN e.n ELSE 0 END) AS DOUBLE) / sum(e.n) AS reading,
           CAST(sum(CASE WHEN e.error_code IS NOT NULL THEN e.n ELSE 0 END) AS DOUBLE) / sum(e.n) AS refused,
           array_agg(DISTINCT e.ip) FILTER (WHERE e.ip_kind IN ('public', 'private', 'cgnat')) AS ips, CAST(sum(e.n) AS BIGINT) AS n, min(e.first_at) AS first_at, max(e.last_at) AS last_at, array_slice(array_agg(e.event_id ORDER BY e.first_at, e.event_id), 1, 20) AS event_ids
    FROM early e
    JOIN broad b ON b.id = e.id AND b.entity_type = e.entity_type AND b.entity = e.entity AND b.bin = e.bin
    LEFT JOIN novel v ON v.entity_type = e.entity_type AND v.entity = e.entity AND v.feature = 'call' AND v.value = e.call
    GROUP BY e.id, e.entity_type, e.entity, e.bin
), usual AS (
    SELECT k.entity_type, k.entity, CAST(sum(k.days) AS DOUBLE) / max(h.days) AS a_day, max(h.days) AS days
    FROM known k
    JOIN habits h ON h.entity_type = k.entity_type AND h.entity = k.entity AND h.feature = k.feature
    WHERE k.feature = 'call'
    GROUP BY k.entity_type, k.entity
), scored AS (
    SELECT w.*, coalesce(u.days, 0) AS days, coalesce(u.a_day, 0.0) AS a_day, robust_z(w.breadth, ln(1.0 + coalesce(u.a_day, 0.0)), 0.0) AS z
    FROM wide w
    LEFT JOIN usual u ON u.entity_type = w.entity_type AND u.entity = w.entity
)
SELECT entity AS entity, coalesce(min(who), '') AS target, least(max(z), 16.0) AS score,
       CASE WHEN max(days) >= 5 AND max(fresh) >= 15 AND max(breadth) >= 25 OR max(refused) >= 0.3 AND max(fresh) >= 15 THEN 'high' ELSE 'medium' END AS severity,
       concat(arn_short(coalesce(min(who), entity)), ' made ', max(breadth), ' different calls in a quarter of an hour as ', arn_short(entity)) AS title,
       concat(max(breadth), ' different calls, ', max(fresh), ' of them never made before; ', CAST(round(max(a_day)) AS BIGINT), ' a day are usual on ', max(days), ' days; ',
              CAST(round(100 * max(refused)) AS BIGINT), ' of 100 refused') AS reason,
       array_agg(DISTINCT session_id) FILTER (WHERE session_id IS NOT NULL) AS session_ids, array_agg(DISTINCT access_key_id) FILTER (WHERE session_id IS NULL) AS access_keys,
       array_distinct(flatten(array_agg(ips))) AS source_ips, array_distinct(flatten(array_agg(event_ids))) AS event_ids, CAST(sum(n) AS BIGINT) AS event_count, min(first_at) AS first_at, max(last_at) AS last_at
FROM scored
WHERE reading >= 0.7 AND (days >= 5 AND z >= 5 AND fresh >= 8 OR days < 5 AND breadth >= 50)
GROUP BY entity
