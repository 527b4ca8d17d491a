-- title: Who entered by SAML, through which provider, into which role
-- description: One row per provider, issuer, subject and role; refused attempts count too. Identity Center is a SAML provider as well: its subjects are the people's user names. Whether the provider asked for MFA does not show in CloudTrail.
-- id: A35
-- theme: federation
SELECT
    arn_short(json_get_str(request_parameters, 'principalArn')) AS provider,
    json_get_str(response_elements, 'issuer') AS issuer,
    coalesce(json_get_str(response_elements, 'subject'), identity_user_name) AS subject,
    arn_short(json_get_str(request_parameters, 'roleArn')) AS role,
    count(*) AS count,
    count(error_code) AS refused,
    min(event_time) AS first,
    max(event_time) AS last,
    array_sort(array_agg(DISTINCT json_get_str(request_parameters, 'roleSessionName'))) AS session_names
FROM events
WHERE event_source = 'sts.amazonaws.com'
    AND event_name = 'AssumeRoleWithSAML'
GROUP BY 1, 2, 3, 4
ORDER BY count DESC, provider, issuer, subject, role
