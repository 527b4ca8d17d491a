-- title: Tonight against what is usual
-- description: One row per entity, feature and value of tonight: whether it was there before, how often this entity brings something new, how usual the value is among its peers, and what that amounts to in bits.
WITH propensity AS (
    SELECT entity_type, feature, CAST(sum(new_days) AS DOUBLE) AS new_days, CAST(sum(days) AS DOUBLE) AS days, count(*) AS entities
    FROM habits
    GROUP BY entity_type, feature
), joined AS (
    SELECT v.entity_type, v.entity, v.feature, v.value, v.n, v.n_err, v.first_at, v.last_at, v.n_sessions,
           coalesce(k.days, 0) AS seen_days, coalesce(k.unreviewed, 0) AS unreviewed, coalesce(k.n, 0) AS seen_n, k.last_day AS last_seen, k.first_day AS first_seen, coalesce(k.weight, 0.0) AS weight,
           coalesce(h.days, 0) AS days, h.first_day AS entity_since, h.last_day AS entity_last, coalesce(h.n, 0) AS entity_n, coalesce(h.weight, 0.0) AS entity_weight,
           coalesce(h.new_days, 0) AS new_days, coalesce(h.values_seen, 0) AS values_seen,
           coalesce(h.days, 0) >= 7 OR coalesce(h.n, 0) >= 50 AND coalesce(h.days, 0) >= 2 AS learned,
           coalesce(p.entities, 0) AS peers_with, coalesce(p.days, 0) AS peer_days, coalesce(p.total, 0) AS peers, coalesce(p.history_days, 0) AS history_days,
           coalesce(g.new_days, 0.0) AS peers_new_days, coalesce(g.days, 0.0) AS peers_days
    FROM tonight_values v
    LEFT JOIN taught k ON k.entity_type = v.entity_type AND k.entity = v.entity AND k.feature = v.feature AND k.value = v.value
    LEFT JOIN habits h ON h.entity_type = v.entity_type AND h.entity = v.entity AND h.feature = v.feature
    LEFT JOIN peers p ON p.entity_type = v.entity_type AND p.feature = v.feature AND p.value = v.value
    LEFT JOIN propensity g ON g.entity_type = v.entity_type AND g.feature = v.feature
)
SELECT *,
       CASE WHEN seen_days > 0 THEN 0.0 WHEN days >= 7 THEN novelty_bits(new_days, days) ELSE novelty_bits(peers_new_days, peers_days) END AS novelty,
       rarity_bits(weight, entity_weight, peer_share(peers_with, peers)) AS rarity,
       CASE WHEN seen_days > 0 THEN 0.0
            WHEN days >= 7 THEN least(novelty_bits(new_days, days), rarity_bits(weight, entity_weight, peer_share(peers_with, peers)))
            ELSE least(novelty_bits(peers_new_days, peers_days), rarity_bits(weight, entity_weight, peer_share(peers_with, peers))) END AS bits,
       CASE WHEN seen_days > 0 THEN concat('seen on ', seen_days, ' of ', days, ' days')
            ELSE concat('0 of ', days, ' days', CASE WHEN unreviewed > 0 THEN concat(', not counting ', unreviewed, ' that nobody has reviewed') ELSE '' END, '; ', peers_with, ' of ', peers, ' peers') END AS words
FROM joined
