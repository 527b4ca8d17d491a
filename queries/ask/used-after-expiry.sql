-- title: Sessions used after their end
-- description: Sessions with a call after their expiry, or refused because they had expired. late_seconds is from the expiry to the last call; code is the refusal, null where no call was refused for that reason, which a wrong clock or a forged record explains, not AWS.
-- id: A32
-- theme: durations and expiry
-- param: tolerance duration = 5m Late calls within this time are left out, unless they were refused.
-- param: include_services bool = false AWS services' own sessions too.
WITH refused AS (
    SELECT session_id, min(error_code) AS code, count(*) AS refusals
    FROM session_events
    WHERE error_code IN ('ExpiredToken', 'ExpiredTokenException', 'Client.ExpiredToken', 'Client.RequestExpired', 'RequestExpired')
    GROUP BY session_id
)
SELECT
    s.session_id AS session,
    s.expires_at AS expiry,
    CAST(date_part('epoch', s.last_event_at - s.expires_at) AS BIGINT) AS late_seconds,
    r.code,
    coalesce(r.refusals, 0) AS refusals,
    s.origin,
    arn_short(s.role_arn) AS role,
    s.session_name
FROM sessions s
LEFT JOIN refused r ON r.session_id = s.session_id
WHERE (r.session_id IS NOT NULL OR s.last_event_at > s.expires_at + $tolerance)
    AND ($include_services OR s.origin_class IS DISTINCT FROM 'service')
ORDER BY late_seconds DESC, session
