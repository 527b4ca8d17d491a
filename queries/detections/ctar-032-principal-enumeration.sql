-- title: Somebody finds out which principals exist
-- description: Ten refused trust or resource policies for a malformed principal within an hour: each tells whether a principal exists.
-- id: CTAR-032
-- severity: medium
-- attack: T1087.004, T1069.003
-- needs: nothing
-- false_positives: A pipeline that loops over a mistake.
-- reference: elastic discovery_iam_principal_enumeration_via_update_assume_role_policy.toml
-- tags: volume
SELECT coalesce(t.who, c.identity_arn) AS entity, min(c.event_name) AS target, 9.0 AS score,
       CASE WHEN sum(c.n) >= 25 THEN 'high' ELSE 'medium' END AS severity,
       concat(arn_short(coalesce(t.who, c.identity_arn)), ' sent ', CAST(sum(c.n) AS BIGINT), ' malformed policies') AS title,
       concat(CAST(sum(c.n) AS BIGINT), ' times ', min(c.error_code), ' for ', min(c.event_name), ': each answer tells whether a principal exists') AS reason,
       array_agg(DISTINCT c.session_id) FILTER (WHERE c.session_id IS NOT NULL) AS session_ids, array_agg(DISTINCT c.access_key_id) FILTER (WHERE c.access_key_id IS NOT NULL) AS access_keys,
       array_agg(DISTINCT c.ip) AS source_ips, array_agg(DISTINCT c.account) AS accounts, array_agg(DISTINCT c.event_id) AS event_ids,
       CAST(sum(c.n) AS BIGINT) AS event_count, min(c.first_at) AS first_at, max(c.last_at) AS last_at
FROM calls c
LEFT JOIN tonight t ON t.session_id = c.session_id
WHERE c.event_name IN ('UpdateAssumeRolePolicy', 'PutBucketPolicy', 'PutKeyPolicy', 'SetQueueAttributes', 'CreateRole') AND c.error_code LIKE 'MalformedPolicy%' AND coalesce(t.who, c.identity_arn) IS NOT NULL
GROUP BY coalesce(t.who, c.identity_arn)
HAVING sum(c.n) >= 10 AND max(c.last_at) - min(c.first_at) <= INTERVAL '6 hours'
