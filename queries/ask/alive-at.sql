-- title: Who could act at a time
-- description: Every session that was issued and had not run out or been revoked at that time, whether it was used or not, people first, unused credentials last. in_use: it made calls both before and after.
-- id: A31
-- theme: durations and expiry
-- param: at timestamp = null The time, UTC; without one, that of the last event.
-- param: account text = null Only roles of this account.
-- param: include_services bool = false AWS services' own sessions too.
WITH moment AS (
    SELECT coalesce($at, last_at) AS at FROM period
)
SELECT
    s.origin,
    arn_short(coalesce(s.caller, s.origin)) AS caller,
    coalesce(arn_short(s.role_arn), s.api) AS role,
    s.session_name,
    s.issued_at AS issued,
    s.valid_until AS expires,
    s.last_event_at AS last_use,
    coalesce(s.first_event_at <= m.at AND s.last_event_at >= m.at, false) AS in_use,
    s.event_count AS events,
    s.used_ips AS ips,
    s.session_id AS session
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
    session
