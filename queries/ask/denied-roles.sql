-- title: Roles that were refused, and who got in later
-- description: One row per caller and role. got_in_at is the first time that the same caller took the same role after its first refusal; within seconds it is a new role that was not known everywhere yet.
-- id: A44, A51
-- theme: failures
-- false_positives: Retries count as refusals; a refusal across accounts is recorded in the caller's account alone.
WITH refused AS (
    SELECT
        caller_type,
        coalesce(caller_arn, origin) AS caller,
        max(origin) AS origin,
        role_arn,
        error_code,
        count(*) AS refusals,
        min(event_time) AS first_at,
        max(event_time) AS last_at,
        array_sort(array_agg(DISTINCT reason) FILTER (WHERE reason IS NOT NULL)) AS reasons,
        array_sort(array_agg(DISTINCT source_ip) FILTER (WHERE source_ip IS NOT NULL)) AS addresses
    FROM failures
    GROUP BY 1, 2, 4, 5
)
SELECT
    r.caller,
    r.origin,
    arn_account(r.role_arn) AS role_account,
    arn_name(r.role_arn) AS role,
    r.error_code,
    r.refusals,
    r.first_at,
    r.last_at,
    min(s.issued_at) AS got_in_at,
    CAST(date_part('epoch', min(s.issued_at) - r.first_at) AS BIGINT) AS seconds_later,
    r.reasons,
    r.addresses
FROM refused r
LEFT JOIN sessions s ON s.role_arn = r.role_arn AND coalesce(s.caller_arn, s.origin) = r.caller AND s.issued_at >= r.first_at
GROUP BY r.caller, r.origin, r.role_arn, r.error_code, r.refusals, r.first_at, r.last_at, r.reasons, r.addresses
ORDER BY got_in_at IS NULL, r.refusals DESC, r.first_at, r.caller, r.role_arn
