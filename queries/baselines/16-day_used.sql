-- title: From where sessions were used in a stretch of days
-- description: One row per session, address and program, with the identity that answers for it. What our own roles ([self]) do is left out.
-- param: from timestamp The first moment.
-- param: until timestamp The end, exclusive.
SELECT CAST(a.first_at AS DATE) AS day, a.session_id, a.ip, a.ip_kind, a.vpc_endpoint_id, a.user_agent, a.first_at, a.last_at, a.event_count, a.error_count,
       p.role_arn, p.who, p.class
FROM session_addresses a
JOIN profiled p ON p.session_id = a.session_id
WHERE a.first_at >= $from AND a.first_at < $until AND a.ip_kind IN ('public', 'private', 'cgnat')
  AND NOT EXISTS (SELECT 1 FROM known_self k WHERE p.role_arn LIKE k.pattern OR p.role_name LIKE k.pattern)
