-- title: A role is asked for far more often than usual
-- description: Sessions of a caller and role in the night against their daily counts: the tail of a negative binomial. From one address and program it is often a program that forgets to keep its credentials.
-- id: CTAR-029
-- severity: low
-- attack: T1078.004
-- needs: baseline of 14 days
-- false_positives: A program that does not cache its credentials.
-- reference: none found in public rule sets
-- tags: volume
WITH counted AS (
    SELECT v.entity AS caller, v.value AS role_arn, v.n, v.seen_n, v.seen_days, v.days,
           burst_bits(v.n, CAST(v.seen_n AS DOUBLE) / greatest(v.days, 1), CAST(v.seen_n AS DOUBLE) / greatest(v.days, 1) + power(0.5 * CAST(v.seen_n AS DOUBLE) / greatest(v.days, 1), 2)) AS bits
    FROM novel v
    WHERE v.entity_type = 'caller' AND v.feature = 'role' AND v.days >= 7 AND v.n >= 20
)
SELECT c.caller AS entity, c.role_arn AS target, max(c.bits) AS score,
       CASE WHEN max(c.n) >= 200 THEN 'medium' ELSE 'low' END AS severity,
       concat(arn_short(c.caller), ' asked for ', arn_short(c.role_arn), ' ', max(c.n), ' times') AS title,
       concat('usual are ', CAST(round(CAST(max(c.seen_n) AS DOUBLE) / greatest(max(c.days), 1), 1) AS VARCHAR), ' a day on ', max(c.days), ' days',
              CASE WHEN count(DISTINCT t.issued_ip) = 1 AND count(DISTINCT t.issued_user_agent) = 1 THEN '; all from one address and program: does it keep its credentials?' ELSE '' END) AS reason,
       array_slice(array_sort(array_agg(DISTINCT t.session_id)), 1, 50) AS session_ids, array_agg(DISTINCT t.issued_ip) FILTER (WHERE ip_kind(t.issued_ip) = 'public') AS source_ips,
       max(c.n) AS event_count, min(t.issued_at) AS first_at, max(t.issued_at) AS last_at
FROM counted c
JOIN tonight t ON t.caller = c.caller AND t.role_arn = c.role_arn AND t.issued_tonight
WHERE c.bits >= 12 AND t.class <> 'service'
GROUP BY c.caller, c.role_arn
