-- title: Everything done under a source identity
-- description: Every call, in any account and role, that carries this source identity. Without source identities, what-person-did looks for origins and session names instead.
-- id: A58
-- theme: external ID, MFA, session policy, tags, source identity
-- param: source_identity text The source identity.
-- param: writes_only bool = false Only calls that change something.
SELECT
    event_time AS time,
    recipient_account_id AS account,
    arn_short(role_arn) AS role,
    replace(event_source, '.amazonaws.com', '') || ':' || event_name AS api,
    resource_arns AS resource,
    error_code,
    source_ip_address AS ip,
    origin,
    session_id,
    event_id
FROM session_events
WHERE source_identity = $source_identity
    AND (NOT $writes_only OR read_only = false)
ORDER BY time, event_id, account
