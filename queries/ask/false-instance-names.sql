-- title: Instance ids as names, but no instance
-- description: Sessions named like an EC2 instance that neither EC2 nor Systems Manager asked for: somebody plays the machine.
-- id: A9
-- theme: role session names
-- attack: T1036, T1550.001
SELECT
    session_name,
    arn_short(coalesce(caller, origin)) AS caller,
    coalesce(requester_ip, issued_ip) AS ip,
    issued_at AS time,
    arn_short(role_arn) AS role,
    origin,
    event_count AS events,
    session_id
FROM sessions
WHERE session_name_kind IN ('instance', 'hybrid_node')
    AND issue_seen
    AND (caller_type IS DISTINCT FROM 'AWSService')
ORDER BY time, session_id
