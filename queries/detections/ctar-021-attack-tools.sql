-- title: A program made for attacks
-- description: Calls whose user agent names a tool of attackers or penetration testers, or the system they bring along.
-- id: CTAR-021
-- severity: high
-- attack: T1078.004
-- needs: nothing; no history
-- false_positives: Authorised tests; announce them in [[planned]].
-- reference: elastic initial_access_suspicious_user_agent_detected_in_cloudtrail.toml; sigma aws_sts_getcalleridentity_trufflehog.yml
-- tags: client
SELECT coalesce(t.who, c.identity_arn, c.session_issuer_arn, c.access_key_id, c.ip) AS entity,
       c.tool AS target, 12.0 AS score,
       concat(c.tool, ' called as ', arn_short(coalesce(max(t.who), max(c.identity_arn), max(c.access_key_id), 'nobody known'))) AS title,
       concat(CAST(sum(c.n) AS BIGINT), ' calls by ', c.tool, ' (', min(c.user_agent), ')') AS reason,
       array_agg(DISTINCT c.session_id) FILTER (WHERE c.session_id IS NOT NULL) AS session_ids,
       array_agg(DISTINCT c.access_key_id) FILTER (WHERE c.access_key_id IS NOT NULL) AS access_keys,
       array_agg(DISTINCT c.identity_arn) FILTER (WHERE c.identity_arn IS NOT NULL) AS principals,
       array_agg(DISTINCT c.ip) FILTER (WHERE c.ip_kind IN ('public', 'private', 'cgnat')) AS source_ips,
       array_agg(DISTINCT c.account) AS accounts,
       array_agg(DISTINCT c.event_id) AS event_ids,
       CAST(sum(c.n) AS BIGINT) AS event_count, min(c.first_at) AS first_at, max(c.last_at) AS last_at
FROM calls c
LEFT JOIN tonight t ON t.session_id = c.session_id
WHERE c.tool IS NOT NULL
GROUP BY coalesce(t.who, c.identity_arn, c.session_issuer_arn, c.access_key_id, c.ip), c.tool
