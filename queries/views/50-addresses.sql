-- title: Addresses, and what is known of them
-- description: Every address that credentials were asked for or used from, or that somebody signed in from; service names and "AWS Internal" left out. Of several configured networks around an address the smallest counts.
WITH seen AS (
    SELECT ip FROM session_addresses
    UNION SELECT issued_ip FROM sessions
    UNION SELECT requester_ip FROM sessions
    UNION SELECT source_ip FROM failures
    UNION SELECT source_ip FROM logins
),
inside AS (
    SELECT s.ip, n.name, n.kind,
           row_number() OVER (PARTITION BY s.ip ORDER BY CAST(nullif(split_part(n.cidr, '/', 2), '') AS INT) DESC NULLS FIRST, n.name, n.kind, n.cidr) AS place
    FROM seen s
    JOIN known_networks n ON ip_in(s.ip, n.cidr)
)
SELECT s.ip, ip_kind(s.ip) AS ip_kind, geo_country(s.ip) AS country, geo_asn(s.ip) AS asn, geo_org(s.ip) AS organization,
       i.name AS network, i.kind AS network_kind,
       coalesce(i.name, 'AS' || CAST(geo_asn(s.ip) AS VARCHAR), ip_neighbourhood(s.ip)) AS network_key
FROM seen s
LEFT JOIN inside i ON i.ip = s.ip AND i.place = 1
WHERE ip_neighbourhood(s.ip) IS NOT NULL
