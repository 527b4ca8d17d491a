-- title: Sessions on two networks at once
-- description: Sessions whose calls from one network fall into the time of their calls from another, or into the minutes next to it (within). A network is a configured one, else the autonomous system, else the /24 (IPv6: /48); one network in two countries counts as two. Countries need a database in the configuration, and km one with places (city): the distance between the first addresses seen of each. kmh is the speed that it takes from the last call here to the first there; null where they overlap.
-- id: A13
-- theme: source IPs
-- attack: T1550.001
-- param: within duration = 0s Time between the two that still counts as at once.
-- param: include_services bool = false AWS services' own sessions too.
-- false_positives: A VPN that comes up in the middle of a session; private addresses and NAT of one network.
WITH used AS (
    SELECT u.session_id, a.network_key AS network, coalesce(a.country, '') AS country, min(u.first_at) AS first_at, max(u.last_at) AS last_at,
        first_value(u.ip ORDER BY u.first_at, u.ip) AS ip
    FROM session_addresses u
    JOIN addresses a ON a.ip = u.ip
    WHERE u.ip_kind = 'public'
    GROUP BY 1, 2, 3
),
pairs AS (
    SELECT one.session_id, one.network AS one, other.network AS other, nullif(one.country, '') AS one_country, nullif(other.country, '') AS other_country,
        CAST(date_part('epoch', least(one.last_at, other.last_at) - greatest(one.first_at, other.first_at)) AS BIGINT) AS overlap_seconds,
        geo_distance_km(one.ip, other.ip) AS km
    FROM used one
    JOIN used other ON other.session_id = one.session_id
        AND (other.network > one.network OR (other.network = one.network AND other.country > one.country))
    WHERE greatest(one.first_at, other.first_at) <= least(one.last_at, other.last_at) + $within
)
SELECT
    p.session_id AS session,
    array_sort(array_distinct(array_concat(array_agg(p.one), array_agg(p.other)))) AS networks,
    array_sort(array_distinct(array_concat(array_agg(p.one_country) FILTER (WHERE p.one_country IS NOT NULL), array_agg(p.other_country) FILTER (WHERE p.other_country IS NOT NULL)))) AS countries,
    max(p.overlap_seconds) AS overlap_seconds,
    max(p.km) AS km,
    max(CASE WHEN p.overlap_seconds < 0 THEN p.km * 3600 / -p.overlap_seconds END) AS kmh,
    s.origin,
    arn_short(s.role_arn) AS role,
    s.session_name
FROM pairs p
JOIN sessions s ON s.session_id = p.session_id
WHERE $include_services OR (s.origin_class IS DISTINCT FROM 'service')
GROUP BY p.session_id, s.origin, s.role_arn, s.session_name
ORDER BY overlap_seconds DESC, session
