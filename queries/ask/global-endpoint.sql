-- title: Who still calls the global endpoint of STS
-- description: Calls of STS to the global and to regional endpoints, per caller and program. Records since 2025 say which; older ones are told by the host name that the client asked for, and unknown holds those that tell nothing, such as the console's. Of a call across one's own accounts the caller's record counts alone.
-- id: A59
-- theme: endpoints and regions
WITH calls AS (
    SELECT
        coalesce(e.session_issuer_arn, e.identity_arn, e.identity_account_id, e.identity_user_name) AS who,
        split_part(split_part(user_agent, ' ', 1), '/', 1) AS ua_family,
        CASE
            WHEN json_get_str(additional_event_data, 'RequestDetails', 'endpointType') IS NOT NULL THEN json_get_str(additional_event_data, 'RequestDetails', 'endpointType')
            WHEN tls_host = 'sts.amazonaws.com' OR starts_with(tls_host, 'sts-global.') THEN 'global'
            WHEN starts_with(tls_host, 'sts.') THEN 'regional'
        END AS endpoint
    FROM events e
    LEFT JOIN accounts a ON a.account_id = e.identity_account_id
    WHERE e.event_source = 'sts.amazonaws.com'
        AND (e.identity_type IS DISTINCT FROM 'AWSService')
        AND NOT (e.identity_type = 'AWSAccount' AND coalesce(a.ours, false))
)
SELECT
    arn_short(who) AS caller,
    ua_family,
    count(*) FILTER (WHERE endpoint = 'global') AS "global",
    count(*) FILTER (WHERE endpoint = 'regional') AS regional,
    count(*) FILTER (WHERE endpoint IS NULL) AS "unknown"
FROM calls
GROUP BY who, ua_family
ORDER BY "global" DESC, regional DESC, "unknown" DESC, caller, ua_family
