-- title: A role that only services take was taken by somebody
-- description: The role's callers were AWS services alone, on a week of days and more; now it was taken by an identity.
-- id: CTAR-010
-- severity: high
-- attack: T1078.004, T1548.005
-- needs: baseline of 14 days
-- false_positives: A platform team that looks for a mistake.
-- reference: panther aws_potentially_compromised_service_role_query.yml
-- tags: graph
WITH callers AS (
    SELECT entity, bool_and(value = 'AWSService') AS services_only, max(days) AS days
    FROM known
    WHERE entity_type = 'role' AND feature = 'caller_type'
    GROUP BY entity
)
SELECT t.role_arn AS entity, t.caller AS target, 12.0 AS score,
       concat(arn_short(t.caller), ' took ', arn_short(t.role_arn), ', which only services take') AS title,
       concat('only services took it, on ', max(c.days), ' days') AS reason,
       array_agg(DISTINCT t.session_id) AS session_ids, count(*) AS event_count, min(t.issued_at) AS first_at, max(t.issued_at) AS last_at
FROM tonight t
JOIN callers c ON c.entity = t.role_arn AND c.services_only AND c.days >= 7
WHERE t.issued_tonight AND t.caller_type <> 'AWSService'
GROUP BY t.role_arn, t.caller
