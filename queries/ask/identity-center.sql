-- title: People, permission sets and accounts of Identity Center
-- description: One row per person, account and permission set, with the person's own addresses from the portal.
-- id: A39
-- theme: federation
SELECT
    session_name AS "user",
    role_account AS account,
    permission_set AS role,
    count(*) AS sessions,
    array_sort(array_distinct(flatten(array_agg(used_user_agents)))) AS uas,
    min(issued_at) AS first,
    coalesce(max(last_event_at), max(issued_at)) AS last,
    CAST(sum(event_count) AS BIGINT) AS events,
    CAST(sum(write_count) AS BIGINT) AS writes,
    array_sort(array_agg(DISTINCT requester_ip) FILTER (WHERE requester_ip IS NOT NULL)) AS portal_ips,
    array_sort(array_distinct(flatten(array_agg(used_ips)))) AS ips
FROM sessions
WHERE permission_set IS NOT NULL
GROUP BY 1, 2, 3
ORDER BY "user", account, role
