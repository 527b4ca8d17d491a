-- title: Access without a break for more than a day
-- description: A person or user renews a session back to back for more than a day, or gets a token of a day and more, and never did so before.
-- id: CTAR-025
-- severity: medium
-- attack: T1550.001
-- needs: no history; what was always so is left out where there is history
-- false_positives: Daemons that run as a person.
-- reference: none found in public rule sets
-- tags: time
-- param: from timestamp The first moment.
WITH merged AS (
    SELECT f.caller, f.role_arn, f.session_name, f.sessions, f.first_at, f.last_at, f.unbroken_seconds
    FROM session_families f
    WHERE f.unbroken_seconds > 86400 AND f.last_at >= $from
), persons AS (
    SELECT m.caller, m.role_arn, m.unbroken_seconds, t.session_id, t.who, t.issued_at
    FROM merged m
    JOIN tonight t ON t.caller = m.caller AND t.role_arn = m.role_arn AND t.session_name = m.session_name AND t.class = 'human'
    UNION ALL
    SELECT t.caller, coalesce(t.role_arn, t.api), t.granted_seconds, t.session_id, t.who, t.issued_at
    FROM tonight t
    LEFT JOIN novel v ON v.entity_type = 'caller' AND v.entity = t.caller AND v.feature = 'seconds' AND v.value = CAST(t.granted_seconds AS VARCHAR)
    WHERE t.issued_tonight AND t.api IN ('GetFederationToken', 'GetSessionToken') AND t.granted_seconds >= 86400 AND coalesce(v.seen_days, 0) < 3
)
SELECT who AS entity, role_arn AS target, 8.0 AS score,
       concat(arn_short(who), ' has had access for ', CAST(round(max(unbroken_seconds) / 3600.0, 1) AS VARCHAR), ' hours without a break') AS title,
       concat('sessions of ', arn_short(role_arn), ' without a gap for ', CAST(round(max(unbroken_seconds) / 3600.0, 1) AS VARCHAR), ' hours') AS reason,
       array_agg(DISTINCT session_id) AS session_ids, count(*) AS event_count, min(issued_at) AS first_at, max(issued_at) AS last_at
FROM persons
GROUP BY who, role_arn
