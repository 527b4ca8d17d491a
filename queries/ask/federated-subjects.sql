-- title: Federated subjects by role
-- description: Who came in through which SAML or OIDC provider, into which role: people of Identity Center, repositories, pods. Refused attempts count too.
-- id: A35, A37
-- theme: federation
WITH entries AS (
    SELECT origin_provider AS provider, origin AS subject, role_arn, permission_set, oidc_audience AS audience, 1 AS taken, 0 AS refused, issued_at AS at,
        coalesce(requester_ip, issued_ip) AS ip
    FROM sessions
    WHERE api IN ('AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity')
    UNION ALL
    SELECT NULL, origin, role_arn, NULL, NULL, 0, 1, event_time, source_ip
    FROM failures
    WHERE api IN ('AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity')
)
SELECT
    subject,
    arn_account(role_arn) AS role_account,
    coalesce(max(permission_set), arn_name(role_arn)) AS role,
    arn_name(max(provider)) AS provider,
    max(audience) AS audience,
    sum(taken) AS sessions,
    sum(refused) AS refused,
    min(at) AS first_at,
    max(at) AS last_at,
    array_sort(array_agg(DISTINCT ip) FILTER (WHERE ip_kind(ip) IN ('public', 'private', 'cgnat'))) AS addresses
FROM entries
GROUP BY subject, role_arn
ORDER BY refused DESC, provider, subject, role_account, role
