-- title: Who tries many roles and is refused
-- description: Callers refused on several different roles; a refusal that the same caller overcame within a minute is left out, since a new role is refused until it is known everywhere. The caller reads account/role/session or account/user.
-- id: A45
-- param: min_roles int = 3 Different roles.
-- attack: T1087.004, T1078.004
-- theme: failures
SELECT
    regexp_replace(coalesce(caller_arn, origin), '^arn:[^:]*:(sts|iam)::([0-9]*):(assumed-role/|user/|role/)?', '\2/') AS caller,
    max(origin) AS origin,
    count(DISTINCT role_arn) AS roles,
    count(DISTINCT role_account) AS accounts,
    count(*) AS refusals,
    min(event_time) AS first_at,
    max(event_time) AS last_at,
    array_sort(array_agg(DISTINCT source_ip) FILTER (WHERE source_ip IS NOT NULL)) AS addresses,
    array_sort(array_agg(DISTINCT arn_name(role_arn))) AS role_names
FROM failures
WHERE role_arn IS NOT NULL AND succeeded_at IS NULL
GROUP BY 1
HAVING count(DISTINCT role_arn) >= $min_roles
ORDER BY roles DESC, refusals DESC, caller
