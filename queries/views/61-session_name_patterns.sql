-- title: The patterns of each role's session names
-- description: One row per role and pattern; the most frequent one is what the role's names are like, the others depart from it.
SELECT role_arn, pattern, kind, sessions, CAST(round(100.0 * sessions / sum(sessions) OVER (PARTITION BY role_arn)) AS BIGINT) AS percent,
       CAST(row_number() OVER (PARTITION BY role_arn ORDER BY sessions DESC, pattern, kind) AS BIGINT) AS rank,
       names, callers, first_at, last_at
FROM (
    SELECT n.role_arn, n.pattern, n.kind, count(*) AS sessions, count(DISTINCT n.session_name) AS names, count(DISTINCT s.caller) AS callers,
           min(s.issued_at) AS first_at, max(s.issued_at) AS last_at
    FROM session_names n
    JOIN sessions s ON s.session_id = n.session_id
    WHERE n.role_arn IS NOT NULL
    GROUP BY n.role_arn, n.pattern, n.kind
) AS patterns
