-- title: A person at an unusual hour
-- description: A person asks for a session at an hour at which they hardly ever do: 48 bins of weekday or weekend by hour, smoothed around the clock. It only counts together with other signals.
-- id: CTAR-022
-- severity: low
-- attack: T1078.004
-- needs: baseline of 30 days
-- false_positives: People on call, travel.
-- reference: none found in public rule sets
-- tags: time
WITH bins AS (
    SELECT entity, string_agg(concat(value, '=', n), ' ') AS counts, CAST(sum(n) AS BIGINT) AS n, max(d.days) AS days
    FROM known k
    JOIN (SELECT entity AS e, max(days) AS days FROM habits WHERE entity_type = 'who' AND feature = 'hour' GROUP BY entity) d ON d.e = k.entity
    WHERE k.entity_type = 'who' AND k.feature = 'hour'
    GROUP BY entity
), scored AS (
    SELECT t.who, t.session_id, t.issued_at, b.n, b.days,
           hour_bits(b.counts, CAST(date_part('hour', t.issued_at) AS BIGINT) + CASE WHEN date_part('dow', t.issued_at) IN (0, 6) THEN 24 ELSE 0 END) AS bits
    FROM tonight t
    JOIN bins b ON b.entity = t.who
    WHERE t.issued_tonight AND t.class = 'human' AND t.chain_depth = 1 AND b.days >= 5 AND b.n >= 20
)
SELECT who AS entity, 'hour' AS target, max(bits) AS score,
       concat(arn_short(who), ' asks for a session at ', to_char(min(issued_at), '%H:%M')) AS title,
       concat('hardly ever at this hour: ', max(n), ' sessions on ', max(days), ' days') AS reason,
       array_agg(DISTINCT session_id) AS session_ids, count(*) AS event_count, min(issued_at) AS first_at, max(issued_at) AS last_at
FROM scored
WHERE bits >= 5.5
GROUP BY who
