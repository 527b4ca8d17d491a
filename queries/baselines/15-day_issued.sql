-- title: Sessions issued in a stretch of days
-- description: What the table daily counts of sessions, asked once for all of it. What our own roles ([self]) do is left out.
-- param: from timestamp The first moment.
-- param: until timestamp The end, exclusive.
SELECT CAST(issued_at AS DATE) AS day, session_id, caller, caller_type, caller_account, role_arn, role_account, shape, who, class,
       granted_seconds, requested_seconds, external_id, session_policy, session_tags, mfa_at_issue, session_name, issued_ip, chain_depth, path_shape,
       cross_account, api, origin_provider, origin, origin_type, issued_at, requester_ip, requester_user_agent, source_identity, used_ips, root_session_id
FROM profiled
WHERE issue_seen AND issued_at >= $from AND issued_at < $until
  AND NOT EXISTS (SELECT 1 FROM known_self k WHERE profiled.role_arn LIKE k.pattern OR profiled.role_name LIKE k.pattern)
