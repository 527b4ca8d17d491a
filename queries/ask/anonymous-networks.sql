-- title: Callers from Tor, rented machines and other networks of a list
-- description: Identities that called from networks given here, or from configured networks of these kinds. rolecall ships no list of its own: without networks and without a configuration the answer is empty.
-- id: A16
-- theme: source IPs
-- attack: T1090
-- param: networks list = '' Networks in CIDR form, separated by commas.
-- param: kinds list = tor,hosting Kinds of configured networks that count.
WITH given AS (
    SELECT unnest(CAST($networks AS TEXT[])) AS cidr
),
tagged AS (
    SELECT ip, asn, network_kind AS tag FROM addresses WHERE array_has($kinds, lower(network_kind))
    UNION
    SELECT a.ip, a.asn, g.cidr FROM addresses a JOIN given g ON ip_in(a.ip, g.cidr)
)
SELECT
    arn_short(coalesce(u.identity_arn, u.identity_principal_id)) AS identity,
    t.asn,
    t.tag,
    CAST(sum(u.event_count) AS BIGINT) AS events,
    array_sort(array_agg(DISTINCT u.source_ip_address)) AS ips,
    min(u.first_at) AS first,
    max(u.last_at) AS last
FROM activity u
JOIN tagged t ON t.ip = u.source_ip_address
GROUP BY 1, 2, 3
ORDER BY events DESC, identity, t.tag, t.asn
