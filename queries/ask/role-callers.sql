-- title: Roles with one caller only, and roles with very many
-- description: A role with exactly one caller shows at once when another one comes; a role with many is a hub that leads anywhere. AWS services do not count as callers unless asked for.
-- id: A70
-- theme: hygiene
-- param: many int = 5 Callers that are many.
-- param: include_services bool = false AWS services too.
SELECT
    arn_short(role_arn) AS role,
    count(DISTINCT caller) AS callers,
    CAST(sum(sessions) AS BIGINT) AS sessions,
    count(DISTINCT caller_account) AS accounts,
    min(first_at) AS first,
    max(last_at) AS last,
    array_slice(array_sort(array_agg(DISTINCT arn_short(caller)) FILTER (WHERE caller IS NOT NULL)), 1, 5) AS examples
FROM role_edges
WHERE $include_services OR (caller_type IS DISTINCT FROM 'AWSService')
GROUP BY role_arn
HAVING count(DISTINCT caller) = 1 OR count(DISTINCT caller) >= $many
ORDER BY callers DESC, sessions DESC, role
