-- title: Expired and invalid credentials, by identity and address
-- description: Calls to any service that were refused because the credentials or the federated token had expired or were no good. Calls with an unknown key or a wrong signature are usually not recorded, so that their number here says little.
-- id: A47
-- theme: failures
SELECT
    error_code AS code,
    arn_short(coalesce(identity_arn, identity_user_name, identity_principal_id, identity_type)) AS identity,
    source_ip_address AS ip,
    count(*) AS count,
    min(event_time) AS first,
    max(event_time) AS last,
    array_sort(array_agg(DISTINCT replace(event_source, '.amazonaws.com', '') || ':' || event_name)) AS apis,
    array_sort(array_agg(DISTINCT access_key_id) FILTER (WHERE access_key_id IS NOT NULL)) AS keys
FROM events
WHERE error_code IN (
    'ExpiredToken', 'ExpiredTokenException', 'Client.ExpiredToken', 'RequestExpired', 'Client.RequestExpired',
    'InvalidClientTokenId', 'InvalidToken', 'InvalidIdentityToken', 'InvalidIdentityTokenException', 'IDPRejectedClaim',
    'IDPRejectedClaimException', 'UnrecognizedClientException', 'SignatureDoesNotMatch', 'Client.AuthFailure'
)
GROUP BY 1, 2, 3
ORDER BY count DESC, code, identity, ip
