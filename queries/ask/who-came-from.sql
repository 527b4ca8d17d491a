-- title: Who came from an address
-- description: Every identity that called from an address or network, with or without a role: sessions, users with long-term keys, sign-ins.
-- id: A11
-- param: address text An address or a network such as 203.0.113.0/24.
-- theme: addresses
SELECT
    coalesce(identity_arn, identity_principal_id, identity_user_name, identity_type) AS identity,
    identity_type,
    access_key_id,
    source_ip_address AS ip,
    array_sort(array_agg(DISTINCT recipient_account_id)) AS accounts,
    count(*) AS events,
    count(error_code) AS errors,
    count(*) FILTER (WHERE read_only = false) AS writes,
    min(event_time) AS first_at,
    max(event_time) AS last_at,
    count(DISTINCT event_name) AS calls,
    array_sort(array_agg(DISTINCT user_agent) FILTER (WHERE user_agent IS NOT NULL)) AS agents
FROM events
WHERE source_ip_address = $address OR ip_in(source_ip_address, $address)
GROUP BY 1, 2, 3, 4
ORDER BY first_at, identity, access_key_id, ip
