-- title: Names that look like a person's
-- description: Session names that differ from a person's name by one letter, by letter case, dots and dashes only, or not at all, taken by somebody who is not that person. Names are compared up to an @.
-- id: A8
-- theme: role session names
-- attack: T1036
-- param: min_length int = 5 Shorter names are not compared.
-- false_positives: People whose names are one letter apart; one person with two accounts, unless the configuration knows both names.
WITH people AS (
    SELECT lower(split_part(session_name, '@', 1)) AS plain, min(session_name) AS name, array_agg(DISTINCT origin) AS origins
    FROM sessions
    WHERE origin_class = 'human'
        AND chain_depth <= 1
        AND session_name IS NOT NULL
        AND (permission_set IS NOT NULL OR api = 'AssumeRoleWithSAML' OR arn_name(origin) = session_name)
    GROUP BY 1
),
names AS (
    SELECT lower(split_part(session_name, '@', 1)) AS plain, session_name AS name, role_arn, caller, origin, min(issued_at) AS first
    FROM sessions
    WHERE session_name IS NOT NULL
        AND session_name_kind IN ('email', 'other')
        AND (caller_type IS DISTINCT FROM 'AWSService')
    GROUP BY 1, 2, 3, 4, 5
),
same AS (
    SELECT DISTINCT lower(one.alias) AS alias, lower(other.alias) AS other
    FROM known_people one
    JOIN known_people other ON other.person = one.person
)
SELECT
    n.name,
    p.name AS look_alike_of,
    arn_short(n.role_arn) AS role,
    arn_short(n.caller) AS caller,
    n.first,
    n.origin
FROM names n
JOIN people p ON abs(length(n.plain) - length(p.plain)) <= 2
LEFT JOIN same ON same.alias = lower(p.name) AND same.other = lower(n.origin)
WHERE length(n.plain) >= $min_length
    AND NOT coalesce(array_has(p.origins, n.origin), false)
    AND (levenshtein(n.plain, p.plain) <= 1
        OR regexp_replace(n.plain, '[._-]', '', 'g') = regexp_replace(p.plain, '[._-]', '', 'g'))
    AND same.alias IS NULL
ORDER BY n.first, n.name, look_alike_of, role, caller, n.origin
