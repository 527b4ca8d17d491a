-- title: A session bears a name that is not its owner's
-- description: For this caller and role the session name was the caller's own on 95 of 100 sessions, and now is not; or the name is that of another person or user, which alarms unless this caller mostly uses other names.
-- id: CTAR-037
-- severity: medium
-- attack: T1036.010
-- needs: baseline of 30 days
-- false_positives: Renamed people: [[person]] with aliases.
-- reference: none found in public rule sets
-- tags: content
-- param: night date The night.
-- param: since date The first day that counts.
WITH habit AS (
    SELECT entity, CAST(sum(CASE WHEN value = 'true' THEN sessions ELSE 0 END) AS BIGINT) AS named, CAST(sum(sessions) AS BIGINT) AS sessions, max(days) AS days
    FROM known
    WHERE entity_type = 'edge' AND feature = 'named'
    GROUP BY entity
), people AS (
    SELECT DISTINCT lower(entity) AS name, CAST(NULL AS VARCHAR) AS account FROM daily
    WHERE entity_type = 'who' AND feature = 'role' AND entity LIKE '%@%' AND entity NOT LIKE 'arn:%' AND event_date >= $since AND event_date < $night
    UNION
    -- First and last name are a person's without the mail's domain, too; a single word may be anything's.
    SELECT DISTINCT lower(split_part(entity, '@', 1)), CAST(NULL AS VARCHAR) FROM daily
    WHERE entity_type = 'who' AND feature = 'role' AND entity LIKE '%.%@%' AND entity NOT LIKE 'arn:%' AND event_date >= $since AND event_date < $night
    UNION
    SELECT DISTINCT lower(alias), CAST(NULL AS VARCHAR) FROM known_people
    UNION
    SELECT DISTINCT lower(arn_name(entity)), arn_account(entity) FROM daily
    WHERE entity_type = 'who' AND feature IN ('role', 'call') AND entity LIKE 'arn:%:user/%' AND event_date >= $since AND event_date < $night
), judged AS (
    SELECT t.*, h.named, h.sessions AS before,
           p.name IS NOT NULL AS another,
           NOT (coalesce(names_identity(t.session_name, t.origin), false) OR coalesce(names_identity(t.session_name, t.source_identity), false)) AS strange
    FROM tonight t
    LEFT JOIN habit h ON h.entity = concat(t.caller, ' > ', t.role_arn)
    LEFT JOIN people p ON lower(t.session_name) = p.name AND lower(coalesce(arn_name(t.origin), t.origin)) <> p.name AND coalesce(p.account, t.origin_account, '') = coalesce(t.origin_account, '')
        AND coalesce(h.named, 0) * 2 >= coalesce(h.sessions, 0)
    WHERE t.issued_tonight AND t.session_name IS NOT NULL AND t.origin_type IN ('iam_user', 'identity_center', 'saml', 'oidc', 'outside_principal')
        AND NOT EXISTS (SELECT 1 FROM known_people a JOIN known_people b ON b.person = a.person WHERE lower(a.alias) = lower(t.session_name) AND lower(b.alias) = lower(t.origin))
)
SELECT who AS entity, CASE WHEN bool_or(another AND strange) THEN lower(min(session_name)) ELSE min(shape) END AS target, CASE WHEN bool_or(another AND strange) THEN 13.0 ELSE 7.0 END AS score,
       CASE WHEN bool_or(another AND strange) THEN 'high' ELSE 'medium' END AS severity,
       concat(arn_short(who), ' uses the session name ', min(session_name), CASE WHEN bool_or(another AND strange) THEN ', which is another person''s' ELSE '' END) AS title,
       concat('the name was the caller''s own in ', coalesce(max(named), 0), ' of ', coalesce(max(before), 0), ' sessions') AS reason,
       array_agg(DISTINCT session_id) AS session_ids, count(DISTINCT session_id) AS event_count, min(issued_at) AS first_at, max(issued_at) AS last_at
FROM judged
WHERE strange AND (another OR before >= 20 AND named * 100 >= before * 95)
GROUP BY who, caller, role_arn
