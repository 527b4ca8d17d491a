-- title: People, permission sets and accounts of Identity Center
-- description: One row per person, permission set and account, with the person's own addresses from the portal.
-- id: A39
-- theme: federation
SELECT
    session_name AS person,
    role_account,
    permission_set,
    count(*) AS sessions,
    min(issued_at) AS first_at,
    max(issued_at) AS last_at,
    max(last_event_at) AS last_event_at,
    sum(event_count) AS events,
    sum(write_count) AS writes,
    array_sort(array_agg(DISTINCT requester_ip) FILTER (WHERE requester_ip IS NOT NULL)) AS portal_addresses,
    array_sort(array_distinct(flatten(array_agg(used_ips)))) AS used_addresses
FROM sessions
WHERE permission_set IS NOT NULL
GROUP BY 1, 2, 3
ORDER BY person, role_account, permission_set
