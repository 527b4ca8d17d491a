-- title: Certificates and the roles they opened
-- description: Sessions of IAM Roles Anywhere: the certificate's subject and serial number, the role, and the trust anchor from the record of the service itself, where it is among the logs. ips are those of the request and of the session's calls.
-- id: A42
-- theme: federation
WITH created AS (
    SELECT json_get_str(request_parameters, 'roleArn') AS role_arn, json_get_str(request_parameters, 'trustAnchorArn') AS anchor, source_ip_address AS ip, event_time AS at
    FROM events
    WHERE event_source = 'rolesanywhere.amazonaws.com' AND event_name = 'CreateSession'
),
taken AS (
    SELECT s.*, c.anchor, c.ip
    FROM sessions s
    LEFT JOIN created c ON c.role_arn = s.role_arn AND abs(date_part('epoch', c.at - s.issued_at)) <= 2
    WHERE s.invoked_by = 'rolesanywhere.amazonaws.com'
        AND (s.session_name IS DISTINCT FROM 'RolesAnywhereInternalSession')
)
SELECT
    max(anchor) AS anchor,
    source_identity AS cert_subject,
    session_name AS serial,
    arn_short(role_arn) AS role,
    array_sort(array_distinct(array_concat(array_agg(DISTINCT ip) FILTER (WHERE ip IS NOT NULL), flatten(array_agg(used_ips))))) AS ips,
    count(DISTINCT session_id) AS sessions,
    min(issued_at) AS first,
    max(issued_at) AS last
FROM taken
GROUP BY source_identity, session_name, role_arn
ORDER BY sessions DESC, role, cert_subject, serial
