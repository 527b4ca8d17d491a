-- title: Addresses that many share
-- description: Addresses behind which many stand: an office, a VPN, NAT. Such an address names nobody. principals are the origins of sessions and the users of long-term keys.
-- id: A17
-- theme: source IPs
-- param: min_principals int = 3 Different principals.
WITH used AS (
    SELECT u.ip, coalesce(s.origin, s.role_arn || '/' || s.session_name, s.session_id) AS principal, s.role_arn
    FROM session_addresses u
    JOIN sessions s ON s.session_id = u.session_id
    WHERE u.ip_kind IN ('public', 'private', 'cgnat')
    UNION
    SELECT source_ip_address, identity_arn, NULL
    FROM activity
    WHERE access_key_id LIKE 'AKIA%' AND source_ip_kind IN ('public', 'private', 'cgnat')
),
days AS (
    SELECT source_ip_address AS ip, count(DISTINCT event_date) AS days FROM activity GROUP BY 1
)
SELECT
    u.ip,
    count(DISTINCT u.principal) AS principals,
    count(DISTINCT u.role_arn) AS roles,
    max(d.days) AS days,
    array_slice(array_sort(array_agg(DISTINCT arn_short(u.principal))), 1, 5) AS examples
FROM used u
LEFT JOIN days d ON d.ip = u.ip
GROUP BY u.ip
HAVING count(DISTINCT u.principal) >= $min_principals
ORDER BY principals DESC, roles DESC, u.ip
