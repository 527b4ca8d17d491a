-- title: Credentials that are expired or revoked are still tried
-- description: Calls by a session more than a minute after its revocation: success is critical; high where sessions that it asked for go on. Or ten expired tokens and more from an address that the identity is not known by.
-- id: CTAR-034
-- severity: medium
-- attack: T1550.001
-- needs: nothing; addresses where there is history
-- false_positives: Laptops that wake up: same address.
-- reference: none found in public rule sets
-- tags: content
WITH revoked AS (
    SELECT t.who, t.role_arn, t.session_id, c.ip, c.n, c.error_code, c.event_id, c.first_at, c.last_at, t.revoked_at
    FROM calls c
    JOIN tonight t ON t.session_id = c.session_id
    WHERE t.revoked_at IS NOT NULL AND c.last_at > t.revoked_at + INTERVAL '60 seconds' AND c.invoked_by IS NULL
), children AS (
    SELECT t.who, t.session_id, r.revoked_at, r.role_arn, c.ip, c.n, c.event_id, c.first_at, c.last_at
    FROM (SELECT session_id, unnest(ancestor_ids) AS ancestor FROM tonight) a
    JOIN profiled r ON r.session_id = a.ancestor AND r.revoked_at IS NOT NULL
    JOIN tonight t ON t.session_id = a.session_id AND t.revoked_at IS NULL
    JOIN calls c ON c.session_id = a.session_id AND c.last_at > r.revoked_at + INTERVAL '60 seconds' AND c.error_code IS NULL AND c.invoked_by IS NULL
), expired AS (
    SELECT coalesce(t.who, c.identity_arn, c.session_issuer_arn, c.access_key_id) AS who, t.role_arn, coalesce(t.session_id, c.access_key_id) AS session_id, c.ip, c.n, c.event_id, c.first_at, c.last_at
    FROM calls c
    LEFT JOIN tonight t ON t.session_id = c.session_id
    LEFT JOIN known k ON k.entity_type = 'who' AND k.entity = coalesce(t.who, c.identity_arn) AND k.feature = 'ip' AND k.value = c.ip
    WHERE (c.error_code LIKE 'ExpiredToken%' OR c.error_code IN ('InvalidClientTokenId', 'RequestExpired')) AND k.value IS NULL AND c.ip_kind = 'public'
)
SELECT who AS entity, 'revoked' AS target, CASE WHEN bool_or(error_code IS NULL) THEN 16.0 ELSE 8.0 END AS score,
       CASE WHEN bool_or(error_code IS NULL) THEN 'critical' ELSE 'medium' END AS severity,
       concat('A revoked session of ', arn_short(who), CASE WHEN bool_or(error_code IS NULL) THEN ' still works' ELSE ' is still tried' END) AS title,
       concat('revoked at ', CAST(min(revoked_at) AS VARCHAR), '; calls until ', CAST(max(last_at) AS VARCHAR)) AS reason,
       array_agg(DISTINCT session_id) AS session_ids, array_agg(DISTINCT ip) AS source_ips, array_agg(DISTINCT event_id) AS event_ids, CAST(sum(n) AS BIGINT) AS event_count, min(first_at) AS first_at, max(last_at) AS last_at
FROM revoked
GROUP BY who
UNION ALL
SELECT who, 'expired', 8.0, 'medium', concat('Expired credentials of ', arn_short(who), ' are tried from ', min(ip)),
       concat(CAST(sum(n) AS BIGINT), ' expired tokens from ', min(ip), ', an address it is not known by'),
       array_agg(DISTINCT session_id) FILTER (WHERE session_id IS NOT NULL), array_agg(DISTINCT ip), array_agg(DISTINCT event_id), CAST(sum(n) AS BIGINT), min(first_at), max(last_at)
FROM expired
WHERE who IS NOT NULL
GROUP BY who
HAVING sum(n) >= 10
UNION ALL
SELECT who, 'children', 12.0, 'high', concat('Sessions that a revoked session of ', arn_short(who), ' asked for go on'),
       concat(arn_short(min(role_arn)), ' was revoked at ', CAST(min(revoked_at) AS VARCHAR), '; what it asked for before still works: calls until ', CAST(max(last_at) AS VARCHAR)),
       array_agg(DISTINCT session_id), array_agg(DISTINCT ip), array_agg(DISTINCT event_id), CAST(sum(n) AS BIGINT), min(first_at), max(last_at)
FROM children
WHERE who IS NOT NULL
GROUP BY who
