-- title: Requests for roles that were malformed
-- description: A duration over the role's maximum or over the hour of a chain, a session policy or tags too large, a policy that is none, a bad name: misconfiguration, or somebody who tries. requested is the duration asked for, in seconds.
-- id: A48
-- theme: failures
SELECT
    arn_short(coalesce(f.caller_arn, f.origin)) AS caller,
    arn_short(f.role_arn) AS role,
    f.error_code AS code,
    c.requested_seconds AS requested,
    f.reason,
    count(*) AS count,
    max(f.error_message) AS example,
    max(f.event_time) AS last
FROM failures f
LEFT JOIN credential_calls c ON c.event_id = f.event_id AND c.kind = 'failure'
WHERE f.reason IN ('duration', 'chain_duration', 'packed_policy', 'malformed_policy', 'validation')
GROUP BY 1, f.role_arn, f.error_code, c.requested_seconds, f.reason
ORDER BY count DESC, caller, role, code, requested, f.reason
