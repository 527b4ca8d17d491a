-- title: SAML assertions used more than once
-- description: Assertion ids that took roles several times. A tool that takes all roles of a person at once does that within seconds and from one address; a replayed assertion comes from elsewhere.
-- id: A36
-- theme: federation
-- attack: T1606.002
SELECT
    json_get_str(request_parameters, 'sAMLAssertionID') AS assertion,
    count(*) AS times,
    array_sort(array_agg(DISTINCT source_ip_address)) AS ips,
    array_sort(array_agg(DISTINCT arn_short(json_get_str(request_parameters, 'roleArn')))) AS roles,
    array_sort(array_agg(DISTINCT coalesce(json_get_str(response_elements, 'subject'), identity_user_name))) AS subjects,
    min(event_time) AS first,
    max(event_time) AS last
FROM events
WHERE event_source = 'sts.amazonaws.com'
    AND event_name = 'AssumeRoleWithSAML'
    AND json_get_str(request_parameters, 'sAMLAssertionID') IS NOT NULL
GROUP BY 1
HAVING count(*) > 1
ORDER BY times DESC, first, assertion
