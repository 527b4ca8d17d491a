-- title: A role is taken by a web identity that never took it
-- description: The subject's repository, project or namespace never took this role. Another owner than those the organisation's roles know is critical; a pull request or a subject without a branch on a role of much power is high.
-- id: CTAR-044
-- severity: low
-- attack: T1078.004, T1199, T1528
-- needs: baseline of 30 days
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
           coalesce(c.seen_days, 0) AS caller_days, coalesce(c.days, 0) AS role_days
    FROM tonight t
    JOIN novel v ON v.entity_type = 'role' AND v.entity = t.role_arn AND v.feature = 'subject' AND v.value = subject_prefix(t.origin)
    LEFT JOIN novel c ON c.entity_type = 'role' AND c.entity = t.role_arn AND c.feature = 'caller' AND c.value = t.caller
    LEFT JOIN owners o ON o.owner = subject_owner(t.origin)
    WHERE t.issued_tonight AND t.api = 'AssumeRoleWithWebIdentity'
)
SELECT role_arn AS entity, subject_prefix(origin) AS target, CASE WHEN bool_or(foreign_) THEN 16.0 ELSE greatest(max(bits), 4.0) END AS score,
       CASE WHEN max(history_days) < 3 THEN 'info' WHEN bool_or(foreign_ AND seen_days = 0 AND days >= 3) THEN 'critical'
            WHEN bool_or(foreign_ AND seen_days = 0) THEN 'high'
            WHEN bool_or(origin LIKE '%:pull_request%') AND max(caller_days) = 0 AND max(role_days) >= 7 THEN 'high'
            WHEN max(seen_days) = 0 AND max(days) >= 7 THEN 'medium' ELSE 'low' END AS severity,
       concat(arn_short(role_arn), ' was taken by ', min(origin), ', which never took it') AS title,
       concat(subject_prefix(origin), ': ', max(words), CASE WHEN bool_or(foreign_) THEN '; its owner is known for no role of ours' ELSE '' END) AS reason,
       array_agg(DISTINCT session_id) AS session_ids, array_agg(DISTINCT issued_ip) FILTER (WHERE ip_kind(issued_ip) = 'public') AS source_ips,
       count(*) AS event_count, min(issued_at) AS first_at, max(issued_at) AS last_at
FROM fresh
WHERE seen_days = 0 OR caller_days = 0 AND role_days >= 7
GROUP BY role_arn, subject_prefix(origin)
