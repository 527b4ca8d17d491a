-- title: Callers that were denied a role
-- description: One row per caller and role. later_success is when the same caller first took the same role after being refused: within seconds it is a new role that was not known everywhere yet, later somebody found a way. A refusal across accounts is recorded in the caller's account alone: attempts from outside on your roles do not show.
-- id: A44
-- theme: failures
-- attack: T1078.004
-- param: include_services bool = false AWS services too.
-- false_positives: Retries count as refusals.
WITH refused AS (
    SELECT
        coalesce(caller_arn, origin) AS who,
        max(origin) AS origin,
        role_arn,
        count(*) AS denials,
        min(event_time) AS first_at,
        max(event_time) AS last_at,
        array_sort(array_agg(DISTINCT reason) FILTER (WHERE reason IS NOT NULL)) AS reasons,
        array_sort(array_agg(DISTINCT source_ip) FILTER (WHERE source_ip IS NOT NULL)) AS ips
    FROM failures
    WHERE (lower(error_code) LIKE '%accessdenied%' OR lower(error_code) LIKE '%unauthorized%')
        AND ($include_services OR caller_type IS DISTINCT FROM 'AWSService')
    GROUP BY 1, 3
)
SELECT
    arn_short(r.who) AS caller,
    arn_short(r.role_arn) AS target,
    r.denials,
    min(s.issued_at) AS later_success,
    r.ips,
    CAST(date_part('epoch', min(s.issued_at) - r.first_at) AS BIGINT) AS seconds_later,
    r.origin,
    r.first_at AS first,
    r.last_at AS last,
    r.reasons
FROM refused r
LEFT JOIN sessions s ON s.role_arn = r.role_arn AND coalesce(s.caller_arn, s.origin) = r.who AND s.issued_at >= r.first_at
GROUP BY r.who, r.origin, r.role_arn, r.denials, r.first_at, r.last_at, r.reasons, r.ips
ORDER BY later_success IS NULL, r.denials DESC, first, caller, target
