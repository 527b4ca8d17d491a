-- title: Sessions used from elsewhere than they were issued
-- description: One row per session with calls from another address than its issue came from. Where AWS's own address stands in the issue, the person's from the portal or the console counts, else the first address that used it. Most suspicious first: at the same time as home, with another program. gap is the seconds from the issue to the first call from elsewhere.
-- id: A12
-- theme: source IPs
-- attack: T1550.001, T1552.005
-- param: include_services bool = false AWS services' own sessions too.
-- false_positives: A laptop that changes its network or its VPN; several instances behind one role session never share a key.
WITH used AS (
    SELECT session_id, ip, min(first_at) AS first_at, max(last_at) AS last_at, sum(event_count) AS events, array_agg(DISTINCT user_agent) AS uas
    FROM session_addresses
    WHERE ip_kind IN ('public', 'private', 'cgnat')
    GROUP BY session_id, ip
),
first_use AS (
    SELECT session_id, first_value(ip ORDER BY first_at, ip) AS ip FROM used GROUP BY session_id
),
home AS (
    SELECT
        s.session_id,
        CASE
            WHEN s.requester_ip IS NOT NULL THEN s.requester_ip
            WHEN ip_kind(s.issued_ip) IN ('public', 'private', 'cgnat') THEN s.issued_ip
            ELSE f.ip
        END AS ip
    FROM sessions s
    LEFT JOIN first_use f ON f.session_id = s.session_id
)
SELECT
    s.origin,
    arn_short(s.role_arn) AS role,
    s.session_name,
    home.ip AS issue_ip,
    array_sort(array_agg(DISTINCT away.ip)) AS use_ips,
    CAST(date_part('epoch', min(away.first_at) - coalesce(s.issued_at, min(away.first_at))) AS BIGINT) AS gap,
    bool_or(coalesce(away.first_at <= at_home.last_at AND away.last_at >= at_home.first_at, false)) AS same_time,
    bool_or(coalesce(NOT array_has_any(away.uas, at_home.uas), false)) AS other_program,
    CAST(sum(away.events) AS BIGINT) AS events,
    min(away.first_at) AS first,
    max(away.last_at) AS last,
    array_sort(array_distinct(flatten(array_agg(away.uas)))) AS uas,
    s.session_id AS session
FROM used away
JOIN home ON home.session_id = away.session_id AND home.ip <> away.ip
JOIN sessions s ON s.session_id = away.session_id
LEFT JOIN used at_home ON at_home.session_id = home.session_id AND at_home.ip = home.ip
WHERE $include_services OR (s.origin_class IS DISTINCT FROM 'service')
GROUP BY s.session_id, s.origin, s.role_arn, s.session_name, s.issued_at, home.ip
ORDER BY same_time DESC, other_program DESC, first, session
