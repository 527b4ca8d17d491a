-- title: Who came from an address
-- description: Every identity that called from an address or network, with or without a role: sessions, users with long-term keys, sign-ins. apis counts the different calls.
-- id: A11
-- theme: source IPs
-- param: address text An address or a network such as 203.0.113.0/24.
SELECT
    coalesce(identity_arn, identity_principal_id, identity_user_name, on_behalf_of_user_id, identity_type) AS identity,
    identity_account_id AS account,
    access_key_id AS key,
    source_ip_address AS ip,
    count(*) AS events,
    count(DISTINCT event_source || ':' || event_name) AS apis,
    min(event_time) AS first,
    max(event_time) AS last,
    count(error_code) AS errors,
    count(*) FILTER (WHERE read_only = false) AS writes,
    array_sort(array_agg(DISTINCT user_agent) FILTER (WHERE user_agent IS NOT NULL)) AS uas
FROM events
WHERE source_ip_address = $address OR ip_in(source_ip_address, $address)
GROUP BY 1, 2, 3, 4
ORDER BY first, identity, account, key, ip
