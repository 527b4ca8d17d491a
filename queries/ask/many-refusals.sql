-- title: Who tries many roles and is refused
-- description: Callers refused on several different roles; a refusal that the same caller overcame within a minute is left out, since a new role is refused until it is known everywhere. window is the seconds from the first to the last refusal, successes the sessions that the caller did get.
-- id: A45
-- theme: failures
-- attack: T1087.004, T1078.004
-- param: min_roles int = 3 Different roles.
WITH refused AS (
    SELECT
        coalesce(caller_arn, origin) AS who,
        max(origin) AS origin,
        count(DISTINCT role_arn) AS roles,
        count(DISTINCT role_account) AS accounts,
        count(*) AS denials,
        min(event_time) AS first_at,
        max(event_time) AS last_at,
        array_sort(array_agg(DISTINCT source_ip) FILTER (WHERE source_ip IS NOT NULL)) AS ips,
        array_sort(array_agg(DISTINCT arn_short(role_arn))) AS role_names
    FROM failures
    WHERE role_arn IS NOT NULL AND succeeded_at IS NULL
    GROUP BY 1
    HAVING count(DISTINCT role_arn) >= $min_roles
)
SELECT
    arn_short(r.who) AS caller,
    r.roles AS distinct_roles,
    r.accounts,
    CAST(date_part('epoch', r.last_at - r.first_at) AS BIGINT) AS "window",
    count(s.session_id) AS successes,
    r.denials,
    r.origin,
    r.first_at AS first,
    r.last_at AS last,
    r.ips,
    r.role_names
FROM refused r
LEFT JOIN sessions s ON coalesce(s.caller_arn, s.origin) = r.who
GROUP BY r.who, r.origin, r.roles, r.accounts, r.denials, r.first_at, r.last_at, r.ips, r.role_names
ORDER BY distinct_roles DESC, r.denials DESC, caller
