-- title: Who revoked a role's sessions, and what went on
-- description: Policies that refuse a role's older credentials, with the sessions that were still alive (pre_sessions), the calls that those made afterwards, and the sessions taken anew within an hour: whoever knows the way in comes back. Ending a session in Identity Center does not end the role's credentials, and is not shown.
-- id: A67
-- theme: revocation
WITH revocations AS (
    SELECT event_id, event_time, issued_before, caller_arn, target_account, session_name AS role_name
    FROM credential_calls
    WHERE kind = 'revocation'
),
hit AS (
    SELECT r.event_id, s.session_id
    FROM revocations r
    JOIN sessions s ON s.role_account = r.target_account AND s.role_name = r.role_name
    WHERE coalesce(s.issued_at, s.first_event_at) < r.issued_before
        AND coalesce(s.expires_at, s.valid_until) > r.event_time
),
after AS (
    SELECT h.event_id, count(*) AS calls, count(*) FILTER (WHERE e.error_code IS NULL) AS success, count(e.error_code) AS denied,
        array_sort(array_agg(DISTINCT e.source_ip_address)) AS ips
    FROM hit h
    JOIN revocations r ON r.event_id = h.event_id
    JOIN session_events e ON e.session_id = h.session_id AND e.event_time > r.event_time
    GROUP BY h.event_id
),
anew AS (
    SELECT r.event_id, count(*) AS sessions, array_sort(array_agg(DISTINCT arn_short(coalesce(s.origin, s.caller)))) AS origins
    FROM revocations r
    JOIN sessions s ON s.role_account = r.target_account AND s.role_name = r.role_name
    WHERE s.issue_seen AND s.issued_at > r.event_time AND s.issued_at <= r.event_time + INTERVAL '1 hour'
    GROUP BY r.event_id
),
before AS (
    SELECT event_id, count(*) AS sessions, array_sort(array_agg(session_id)) AS ids FROM hit GROUP BY event_id
)
SELECT
    r.target_account || '/' || r.role_name AS role,
    r.event_time AS revoked_at,
    arn_short(r.caller_arn) AS "by",
    coalesce(b.sessions, 0) AS pre_sessions,
    coalesce(a.calls, 0) AS post_events,
    coalesce(a.success, 0) AS post_success,
    coalesce(a.denied, 0) AS post_denied,
    coalesce(n.sessions, 0) AS new_sessions_within_1h,
    n.origins AS new_origins,
    a.ips AS post_ips,
    b.ids AS session_ids
FROM revocations r
LEFT JOIN before b ON b.event_id = r.event_id
LEFT JOIN after a ON a.event_id = r.event_id
LEFT JOIN anew n ON n.event_id = r.event_id
ORDER BY revoked_at, role, r.event_id
