-- title: A role calls a service that it never calls
-- description: Calls to a sensitive service that the role never called, judged by how often it takes up new ones and by how common that is among roles. Two at once count for more; three alarm.
-- id: CTAR-027
-- severity: low
-- attack: T1078.004
-- needs: baseline of 30 days
-- false_positives: New releases.
-- reference: splunk cloud_api_calls_from_previously_unseen_user_roles.yml
-- tags: content
SELECT v.entity AS entity, 'services' AS target, max(v.bits) AS score,
       CASE WHEN NOT bool_or(v.learned) THEN 'info' WHEN count(DISTINCT CASE WHEN v.bits >= 5 AND v.learned THEN v.value END) >= 3 THEN 'high' WHEN max(v.bits) >= 5.9 OR count(DISTINCT CASE WHEN v.bits >= 4 THEN v.value END) >= 2 THEN 'medium' ELSE 'low' END AS severity,
       concat(arn_short(v.entity), ' calls ', min(v.value), CASE WHEN count(DISTINCT v.value) > 1 THEN concat(' and ', count(DISTINCT v.value) - 1, ' more') ELSE '' END, ' for the first time') AS title,
       concat(min(v.value), ': ', max(v.words)) AS reason,
       array_agg(DISTINCT c.session_id) FILTER (WHERE c.session_id IS NOT NULL) AS session_ids, array_slice(array_sort(array_agg(DISTINCT c.event_id)), 1, 20) AS event_ids,
       CAST(sum(c.n) AS BIGINT) AS event_count, min(c.first_at) AS first_at, max(c.last_at) AS last_at
FROM novel v
JOIN calls c ON c.event_source = v.value AND (v.entity_type = 'role' AND c.session_issuer_arn = v.entity OR v.entity_type = 'who' AND c.identity_arn = v.entity) AND c.invoked_by IS NULL
WHERE v.feature = 'service' AND v.entity_type IN ('role', 'who') AND v.seen_days = 0 AND v.bits >= 3
    AND regexp_like(v.value, '^(iam|sts|kms|secretsmanager|ssm|organizations|sso|sso-directory|identitystore|bedrock|ec2|lambda|cloudtrail|guardduty|signin|rolesanywhere|cognito-identity)[.]')
GROUP BY v.entity
