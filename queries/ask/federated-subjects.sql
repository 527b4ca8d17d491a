-- title: Which OIDC subjects assumed which role
-- description: Repositories, service accounts, app users: who came in by a web identity token, through which provider, for which audience. Refused attempts count too; what is too malformed to trust is not recorded at all.
-- id: A37
-- theme: federation
WITH entries AS (
    SELECT origin_provider AS provider, origin AS subject, oidc_audience AS audience, role_arn, 1 AS taken, 0 AS refused, issued_at AS at,
        coalesce(requester_ip, issued_ip) AS ip
    FROM sessions
    WHERE api = 'AssumeRoleWithWebIdentity'
    UNION ALL
    SELECT NULL, origin, NULL, role_arn, 0, 1, event_time, source_ip
    FROM failures
    WHERE api = 'AssumeRoleWithWebIdentity'
)
SELECT
    arn_short(max(provider)) AS provider,
    subject,
    max(audience) AS audience,
    arn_short(role_arn) AS role,
    min(at) AS first,
    max(at) AS last,
    CAST(sum(taken) AS BIGINT) AS sessions,
    CAST(sum(refused) AS BIGINT) AS refused,
    array_sort(array_agg(DISTINCT ip) FILTER (WHERE ip_kind(ip) IN ('public', 'private', 'cgnat'))) AS ips
FROM entries
GROUP BY subject, role_arn
ORDER BY refused DESC, provider, subject, role
