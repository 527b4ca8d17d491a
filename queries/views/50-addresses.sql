-- title: Addresses, and what is known of them
-- description: Every address that credentials were asked for or used from, or that somebody signed in from; service names and "AWS Internal" left out.
WITH seen AS (
    SELECT ip FROM session_addresses
    UNION SELECT issued_ip FROM sessions
    UNION SELECT requester_ip FROM sessions
    UNION SELECT source_ip FROM failures
    UNION SELECT source_ip FROM logins
)
SELECT ip, ip_kind(ip) AS ip_kind,
       CAST(NULL AS VARCHAR) AS country, CAST(NULL AS BIGINT) AS asn, CAST(NULL AS VARCHAR) AS organization,
       CAST(NULL AS VARCHAR) AS network, CAST(NULL AS VARCHAR) AS network_kind,
       ip_neighbourhood(ip) AS network_key
FROM seen
WHERE ip_neighbourhood(ip) IS NOT NULL
