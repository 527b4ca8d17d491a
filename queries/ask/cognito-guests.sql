-- title: Credentials from Cognito identity pools
-- description: Credentials that identity pools gave to app users and guests: from Cognito's own record, which names the identity (the pool where the record tells), and from the sessions that Cognito asked STS for. In the enhanced flow the call of STS does not show.
-- id: A41
-- theme: federation
WITH given AS (
    SELECT
        coalesce(json_get_str(additional_event_data, 'identityPoolId'), json_get_str(request_parameters, 'identityPoolId')) AS pool,
        coalesce(json_get_str(request_parameters, 'identityId'), json_get_str(response_elements, 'identityId')) AS identity,
        arn_short(json_get_str(request_parameters, 'customRoleArn')) AS role,
        source_ip_address AS ip,
        event_time AS at,
        identity_type
    FROM events
    WHERE event_source = 'cognito-identity.amazonaws.com' AND event_name = 'GetCredentialsForIdentity'
    UNION ALL
    SELECT oidc_audience, origin, arn_short(role_arn), issued_ip, issued_at, caller_type
    FROM sessions
    WHERE session_name_kind = 'cognito'
)
SELECT
    pool,
    identity,
    role,
    count(*) AS count,
    array_sort(array_agg(DISTINCT ip) FILTER (WHERE ip IS NOT NULL)) AS ips,
    array_sort(array_agg(DISTINCT identity_type) FILTER (WHERE identity_type IS NOT NULL)) AS caller_types,
    min(at) AS first,
    max(at) AS last
FROM given
GROUP BY pool, identity, role
ORDER BY count DESC, pool, identity, role
