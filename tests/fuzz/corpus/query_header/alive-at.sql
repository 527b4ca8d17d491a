-- title: Who could act at a time
-- description: Every session that was issued and had not run out or been revoked at that time, whether it was used or not, people first, unused credentials last. in_use: it made calls both before and after.
-- id: A31
-- param: at timestamp = null The time, UTC; without one, that of the last event.
-- param: account text = null Only roles of this account.
-- param: include_services bool = false AWS services' own sessions too.
-- theme: durations
WITH moment AS (
    SELECT coalesce($at, max(last_event_at)) AS at FROM sessions
)
SELECT
    s.origin,
    s.role_account,
    coalesce(s.permission_set, s.role_name, s.api) AS role,
    s.session_name,
    s.issued_at,
    s.valid_until,
    s.event_count AS events,
    coalesce(s.first_event_at <= m.at AND s.last_event_at >= m.at, false) AS in_use,
    s.used_ips AS addresses,
    s.session_id
FROM sessions s
CROSS JOIN moment m
WHERE coalesce(s.issued_at, s.first_event_at) <= m.at
    AND s.valid_until > m.at
    AND ($account IS NULL OR s.role_account = $account)
    AND ($include_services OR s.origin_class IS DISTINCT FROM 'service')
ORDER BY
    s.event_count = 0,
    CASE s.origin_class WHEN 'human' THEN 0 WHEN 'workload' THEN 2 WHEN 'service' THEN 3 ELSE 1 END,
    s.origin,
    s.issued_at,
    s.session_id
