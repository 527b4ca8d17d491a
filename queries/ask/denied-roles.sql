-- title: Roles that were refused, and who got in later
-- description: One row per caller and role; the caller reads account/role/session or account/user. got_in_at is when the same caller first took the same role after being refused: within seconds it is a new role that was not known everywhere yet, later somebody found a way.
-- id: A44, A51
-- theme: failures
-- false_positives: Retries count as refusals. A refusal across accounts is recorded in the caller's account alone.
WITH refused AS (
    SELECT
        coalesce(caller_arn, origin) AS who,
        max(origin) AS origin,
        role_arn,
        count(*) AS refusals,
        min(event_time) AS first_at,
        max(event_time) AS last_at,
        array_sort(array_agg(DISTINCT reason) FILTER (WHERE reason IS NOT NULL)) AS reasons,
        array_sort(array_agg(DISTINCT source_ip) FILTER (WHERE source_ip IS NOT NULL)) AS addresses
    FROM failures
    WHERE lower(error_code) LIKE '%accessdenied%' OR lower(error_code) LIKE '%unauthorized%'
    GROUP BY 1, 3
)
SELECT
    regexp_replace(r.who, '^arn:[^:]*:(sts|iam)::([0-9]*):(assumed-role/|user/|role/)?', '\2/') AS caller,
    r.origin,
    arn_account(r.role_arn) AS role_account,
    arn_name(r.role_arn) AS role,
    r.refusals,
    r.first_at,
    r.last_at,
    min(s.issued_at) AS got_in_at,
    CAST(date_part('epoch', min(s.issued_at) - r.first_at) AS BIGINT) AS seconds_later,
    r.reasons,
    r.addresses
FROM refused r
LEFT JOIN sessions s ON s.role_arn = r.role_arn AND coalesce(s.caller_arn, s.origin) = r.who AND s.issued_at >= r.first_at
GROUP BY r.who, r.origin, r.role_arn, r.refusals, r.first_at, r.last_at, r.reasons, r.addresses
ORDER BY got_in_at IS NULL, r.refusals DESC, r.first_at, r.who, r.role_arn
