-- title: A session without the limits it always had
-- description: A caller that always passed a session policy, or session tags, for a role does no longer; or passes AdministratorAccess for the first time. It alarms where a session policy was always there. Which values of tags stand for power, CloudTrail does not tell.
-- id: CTAR-040
-- severity: medium
-- attack: T1548.005
-- needs: baseline of 30 days
-- false_positives: An upgrade of the broker.
-- reference: elastic privilege_escalation_sts_get_federation_token_administrator_access.toml
-- tags: content
WITH habit AS (
    SELECT entity, feature, CAST(sum(CASE WHEN value IN ('none', '') THEN 0 ELSE sessions END) AS BIGINT) AS limited, CAST(sum(sessions) AS BIGINT) AS sessions, max(days) AS days
    FROM known
    WHERE entity_type = 'edge' AND feature IN ('policy', 'tags')
    GROUP BY entity, feature
), dropped AS (
    SELECT t.*, h.feature, h.limited, h.sessions AS before,
           CASE WHEN h.feature = 'policy' AND t.session_policy LIKE '%AdministratorAccess%' THEN 'administrator' WHEN h.feature = 'policy' THEN 'no session policy' ELSE 'no session tags' END AS what
    FROM tonight t
    JOIN habit h ON h.entity = concat(t.caller, ' > ', t.role_arn)
    LEFT JOIN novel v ON v.entity_type = 'edge' AND v.entity = h.entity AND v.feature = 'policy' AND v.value = 'administrator' AND v.seen_days = 0
    WHERE t.issued_tonight AND h.sessions >= 10 AND h.days >= 5
        AND (h.limited * 100 >= h.sessions * 95 AND (h.feature = 'policy' AND t.session_policy IS NULL OR h.feature = 'tags' AND t.session_tags IS NULL)
            OR h.feature = 'policy' AND t.session_policy LIKE '%AdministratorAccess%' AND v.value IS NOT NULL)
)
SELECT caller AS entity, role_arn AS target, 8.0 AS score,
       CASE WHEN bool_or(what = 'administrator') OR bool_or(feature = 'policy' AND limited = before AND before >= 20) THEN 'high' ELSE 'medium' END AS severity,
       concat(arn_short(caller), ' took ', arn_short(role_arn), ' with ', min(what)) AS title,
       concat(max(limited), ' of ', max(before), ' sessions before had one') AS reason,
       array_agg(DISTINCT session_id) AS session_ids, count(*) AS event_count, min(issued_at) AS first_at, max(issued_at) AS last_at
FROM dropped
GROUP BY caller, role_arn
