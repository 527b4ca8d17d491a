-- title: Sessions of a name, in any account
-- description: Every session whose role session name is this one, letter case aside. A name is chosen by the caller: equal names do not prove one person; see origin.
-- id: A2
-- theme: role session names
-- param: name text The role session name.
SELECT
    role_account AS account,
    coalesce(permission_set, role_name) AS role,
    session_id AS access_key,
    coalesce(issued_at, first_event_at) AS first,
    coalesce(last_event_at, issued_at) AS last,
    event_count AS events,
    session_name,
    origin,
    used_key_ids AS used_keys
FROM sessions
WHERE lower(session_name) = lower($name)
ORDER BY first, account, role, access_key
