-- title: SAML assertions used more than once
-- description: Assertion ids that took roles several times. A tool that takes all roles of a person at once does that within seconds and from one address; a replayed assertion comes from elsewhere.
-- id: A36
-- theme: federation
-- attack: T1606.002
WITH uses AS (
    SELECT
        json_get_str(request_parameters, 'sAMLAssertionID') AS assertion,
        source_ip_address AS ip,
        arn_short(json_get_str(request_parameters, 'roleArn')) AS role,
        coalesce(json_get_str(response_elements, 'subject'), identity_user_name) AS subject,
        event_time
    FROM events
    WHERE event_source = 'sts.amazonaws.com'
        AND event_name = 'AssumeRoleWithSAML'
        AND json_get_str(request_parameters, 'sAMLAssertionID') IS NOT NULL
),
-- Lists are made of the few that were used again, not of every assertion.
counted AS (
    SELECT *, count(*) OVER (PARTITION BY assertion) AS times FROM uses
)
SELECT
    assertion,
    times,
    array_sort(array_agg(DISTINCT ip)) AS ips,
    array_sort(array_agg(DISTINCT role)) AS roles,
    array_sort(array_agg(DISTINCT subject)) AS subjects,
    min(event_time) AS first,
    max(event_time) AS last
FROM counted
WHERE times > 1
GROUP BY assertion, times
ORDER BY times DESC, first, assertion
