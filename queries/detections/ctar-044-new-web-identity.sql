-- title: A role is taken by a web identity that never took it
-- description: The subject's repository, project or namespace never took this role. Another owner than those the organisation's roles know is critical; a pull request, or a new branch on a role of much power or of production, is high, and so is a cluster's service account from an address that is not its cluster's (not Amazon's, where networks' numbers are known), or a provider that AWS all at once checks by its thumbprint.
-- id: CTAR-044
-- severity: low
-- attack: T1078.004, T1199, T1528
-- needs: baseline of 30 days; web identities
-- false_positives: New repositories of one's own.
-- reference: elastic initial_access_assume_role_with_web_identity_kubernetes_sa_from_external_asn.toml
-- tags: graph
-- param: night date The night.
-- param: since date The first day that counts.
WITH owners AS (
    SELECT DISTINCT subject_owner(value) AS owner
    FROM daily
    WHERE entity_type = 'role' AND feature = 'subject' AND event_date >= $since AND event_date < $night
), fresh AS (
    SELECT t.*, v.bits, v.words, v.days, v.seen_days, v.history_days, o.owner IS NULL AND t.origin LIKE '%:%' AS foreign_,
           t.privileged OR regexp_like(lower(t.role_name), '(^|[^a-z])(prod|production|live)([^a-z]|$)') AS power, coalesce(c.bits, 0.0) AS caller_bits,
           t.origin LIKE 'system:serviceaccount:%' AND CASE WHEN geo_asn(t.issued_ip) IS NULL THEN coalesce(n.seen_days, 1) = 0 AND n.bits >= 3 AND n.learned ELSE geo_asn(t.issued_ip) NOT IN (16509, 14618, 8987) END AS abroad,
           coalesce(c.seen_days, 0) AS caller_days, coalesce(c.days, 0) AS role_days
    FROM tonight t
    JOIN novel v ON v.entity_type = 'role' AND v.entity = t.role_arn AND v.feature = 'subject' AND v.value = subject_prefix(t.origin)
    LEFT JOIN novel c ON c.entity_type = 'role' AND c.entity = t.role_arn AND c.feature = 'caller' AND c.value = t.caller
    LEFT JOIN novel n ON n.entity_type = 'who' AND n.entity = t.who AND n.feature = 'ip' AND n.value = t.issued_ip
    LEFT JOIN owners o ON o.owner = subject_owner(t.origin)
    WHERE t.issued_tonight AND t.api = 'AssumeRoleWithWebIdentity'
)
SELECT role_arn AS entity, subject_prefix(origin) AS target, CASE WHEN bool_or(foreign_) THEN 16.0 ELSE greatest(max(bits), 4.0) END AS score,
       CASE WHEN max(history_days) < 3 THEN 'info' WHEN bool_or(foreign_ AND seen_days = 0 AND days >= 3) THEN 'critical'
            WHEN bool_or(foreign_ AND seen_days = 0) OR bool_or(abroad) THEN 'high'
            WHEN bool_or(origin LIKE '%:pull_request%') AND max(caller_days) = 0 AND max(role_days) >= 7 THEN 'high'
            WHEN bool_or(power AND caller_days = 0 AND caller_bits >= 3) AND max(role_days) >= 7 THEN 'high'
            WHEN max(seen_days) = 0 AND max(days) >= 7 THEN 'medium' ELSE 'low' END AS severity,
       concat(arn_short(role_arn), ' was taken by ', min(origin), CASE WHEN bool_or(abroad) THEN concat(' from ', min(issued_ip), ', which is not its cluster''s') ELSE ', which never took it' END) AS title,
       concat(subject_prefix(origin), ': ', max(words), CASE WHEN bool_or(foreign_) THEN '; its owner is known for no role of ours' ELSE '' END) AS reason,
       array_agg(DISTINCT session_id) AS session_ids, array_agg(DISTINCT issued_ip) FILTER (WHERE ip_kind(issued_ip) = 'public') AS source_ips,
       count(*) AS event_count, min(issued_at) AS first_at, max(issued_at) AS last_at
FROM fresh
WHERE seen_days = 0 OR caller_days = 0 AND role_days >= 7 OR abroad
GROUP BY role_arn, subject_prefix(origin)
UNION ALL
SELECT v.entity, 'verification', 12.0, 'high', concat(arn_short(v.entity), ' is checked by its thumbprint all at once'),
       concat('AWS checked this provider by its trust store before (', max(v.words), '): its certificate may be another one'),
       array_agg(DISTINCT t.session_id), array_agg(DISTINCT t.issued_ip) FILTER (WHERE ip_kind(t.issued_ip) = 'public'), count(*), min(t.issued_at), max(t.issued_at)
FROM novel v
JOIN tonight t ON t.origin_provider = v.entity AND t.issued_tonight AND t.api = 'AssumeRoleWithWebIdentity'
WHERE v.entity_type = 'provider' AND v.feature = 'verification' AND v.value = 'Thumbprint' AND v.seen_days = 0 AND v.days >= 3
GROUP BY v.entity
