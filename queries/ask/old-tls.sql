-- title: Old TLS versions and odd host names
-- description: Callers whose TLS is older than this version, or that asked for a host name which is not AWS's own: a proxy, a wrong setting, or somebody in between. Calls that services make carry no TLS details.
-- id: A61
-- theme: endpoints and regions
-- param: minimum text = TLSv1.2 The oldest version that is well.
SELECT
    arn_short(coalesce(session_issuer_arn, identity_arn, identity_principal_id, identity_type)) AS caller,
    tls_version AS tls,
    tls_host AS host,
    count(*) AS count,
    array_sort(array_agg(DISTINCT user_agent) FILTER (WHERE user_agent IS NOT NULL)) AS uas,
    min(event_time) AS first,
    max(event_time) AS last
FROM events
WHERE tls_version < $minimum
    OR NOT regexp_like(tls_host, '(^|[.])(amazonaws[.]com([.]cn)?|amazonaws[.]eu|api[.]aws|aws[.]amazon[.]com|amazonwebservices[.]com[.]cn|on[.]aws|aws[.]dev)(:[0-9]+)?$')
GROUP BY 1, 2, 3
ORDER BY count DESC, caller, tls, host
