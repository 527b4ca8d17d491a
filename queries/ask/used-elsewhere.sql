-- title: Sessions used from elsewhere than they were issued
-- description: One row per session and strange address. Home is where the credential was asked for; where AWS's own address stands there, the person's from the portal or the console, else the first address that used it. Most suspicious first: at the same time as home, with another program.
-- id: A12
-- attack: T1550.001, T1552.005
-- false_positives: A laptop that changes its network or its VPN; several instances behind one role session never share a key.
-- theme: addresses
WITH used AS (
    SELECT session_id, ip, ip_kind, min(first_at) AS first_at, max(last_at) AS last_at, sum(event_count) AS events, array_sort(array_agg(DISTINCT user_agent)) AS agents
    FROM session_addresses
    WHERE ip_kind IN ('public', 'private', 'cgnat')
    GROUP BY session_id, ip, ip_kind
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
    s.role_account,
    coalesce(s.permission_set, s.role_name, s.api) AS role,
    s.session_name,
    home.ip AS home_ip,
    away.ip AS other_ip,
    away.first_at,
    away.last_at,
    away.events,
    coalesce(away.first_at <= at_home.last_at AND away.last_at >= at_home.first_at, false) AS same_time,
    coalesce(NOT array_has_any(away.agents, at_home.agents), false) AS other_program,
    array_to_string(away.agents, ' | ') AS other_agents,
    s.session_id
FROM used away
JOIN home ON home.session_id = away.session_id AND home.ip <> away.ip
JOIN sessions s ON s.session_id = away.session_id
LEFT JOIN used at_home ON at_home.session_id = home.session_id AND at_home.ip = home.ip
ORDER BY same_time DESC, other_program DESC, away.first_at, s.session_id, other_ip
