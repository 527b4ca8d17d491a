-- title: Who Identity Center's users are
-- description: The names that records tell for the ids of Identity Center's users: what a sign-in says of itself first, then the sessions that the portal handed out for the user at that moment, by their names. One row per id and name, with how often.
WITH told AS (
    SELECT on_behalf_of_user_id AS id, caller_user_name AS name, 1 AS place
    FROM credential_calls
    WHERE on_behalf_of_user_id IS NOT NULL AND caller_user_name IS NOT NULL AND caller_user_name <> on_behalf_of_user_id
    UNION ALL
    SELECT c.on_behalf_of_user_id, p.origin, 2
    FROM credential_calls c
    JOIN profiled p ON p.permission_set = c.permission_set AND p.role_account = c.target_account AND p.requester_ip = c.source_ip_address
        AND p.issued_at >= c.event_time - INTERVAL '5 seconds' AND p.issued_at <= c.event_time + INTERVAL '5 seconds'
    WHERE c.kind = 'portal' AND c.on_behalf_of_user_id IS NOT NULL AND p.origin_type = 'identity_center'
)
SELECT id, name, CAST(min(place) AS BIGINT) AS place, count(*) AS n
FROM told
WHERE name IS NOT NULL
GROUP BY id, name
