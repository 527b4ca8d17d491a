-- title: Revoked sessions, and what they still did
-- description: Sessions that somebody revoked before they ran out, with the calls made after that, refused or not.
-- id: A67
-- theme: durations
SELECT
    s.role_account,
    coalesce(s.permission_set, s.role_name) AS role,
    s.session_name,
    s.origin,
    s.issued_at,
    s.revoked_at,
    s.expires_at,
    s.last_event_at,
    count(e.event_id) AS calls_after,
    count(e.event_id) FILTER (WHERE e.error_code IS NULL) AS succeeded_after,
    array_sort(array_agg(DISTINCT e.source_ip_address) FILTER (WHERE e.source_ip_address IS NOT NULL)) AS addresses_after,
    s.session_id
FROM sessions s
LEFT JOIN session_events e ON e.session_id = s.session_id AND e.event_time > s.revoked_at
WHERE s.revoked_at IS NOT NULL
GROUP BY s.role_account, s.permission_set, s.role_name, s.session_name, s.origin, s.issued_at, s.revoked_at, s.expires_at, s.last_event_at, s.session_id
ORDER BY s.revoked_at, s.role_account, role, s.issued_at, s.session_id
