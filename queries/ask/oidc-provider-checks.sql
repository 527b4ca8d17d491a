-- title: How AWS checked the OIDC providers
-- description: Whether the provider's certificate was checked by the trust store or by the thumbprint written down in IAM; null in records that do not tell.
-- id: A38
-- theme: federation
SELECT
    arn_short(coalesce(json_get_str(response_elements, 'provider'), identity_provider)) AS provider,
    json_get_str(additional_event_data, 'identityProviderConnectionVerificationMethod') AS method,
    count(*) AS count,
    min(event_time) AS first,
    max(event_time) AS last
FROM events
WHERE event_source = 'sts.amazonaws.com'
    AND event_name = 'AssumeRoleWithWebIdentity'
GROUP BY 1, 2
ORDER BY count DESC, provider, method
