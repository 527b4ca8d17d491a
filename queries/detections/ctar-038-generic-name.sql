-- title: A person's session with a name that names nobody
-- description: A person or user takes a role under a name that an SDK or a tutorial chose, though the sessions of this caller and role used to bear names.
-- id: CTAR-038
-- severity: low
-- attack: T1036.010
-- needs: baseline of 14 days
-- false_positives: Scripts.
-- reference: none found in public rule sets
-- tags: content
WITH habit AS (
    SELECT entity, CAST(sum(CASE WHEN value = 'true' THEN sessions ELSE 0 END) AS BIGINT) AS named, CAST(sum(sessions) AS BIGINT) AS sessions
    FROM known
    WHERE entity_type = 'edge' AND feature = 'named'
    GROUP BY entity
)
SELECT t.who AS entity, t.shape AS target, 4.0 AS score,
       concat(arn_short(t.who), ' took ', arn_short(min(t.role_arn)), ' under the name ', min(t.session_name)) AS title,
       concat('a name of the kind ', min(t.session_name_kind), '; ', max(h.named), ' of ', max(h.sessions), ' sessions before were named after the caller') AS reason,
       array_agg(DISTINCT t.session_id) AS session_ids, count(*) AS event_count, min(t.issued_at) AS first_at, max(t.issued_at) AS last_at
FROM tonight t
JOIN habit h ON h.entity = concat(t.caller, ' > ', t.role_arn) AND h.sessions >= 10 AND h.named * 10 >= h.sessions * 8
WHERE t.issued_tonight AND t.session_name_kind IN ('sdk_default', 'tutorial_default', 'epoch') AND t.class IN ('human', 'iam_user')
GROUP BY t.who, t.shape
