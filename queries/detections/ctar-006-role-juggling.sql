-- title: Roles assume each other to outlive their sessions
-- description: Within one chain a role comes back again and again, each session minting the next, for more than an hour beyond the first one's end.
-- id: CTAR-006
-- severity: high
-- attack: T1550.001, T1078.004
-- needs: chains; no history
-- false_positives: Services that refresh by assuming themselves: an edge of a role with itself on a week of days is low.
-- reference: hackingthe.cloud role-chain-juggling; hotnops/AWSRoleJuggler
-- tags: graph
WITH chains AS (
    SELECT t.*, t.chain_depth - cardinality(array_distinct(t.chain_path)) AS repeats
    FROM tonight t
    WHERE t.chain_depth >= 3
), turning AS (
    SELECT root_session_id, max(repeats) AS repeats, max(chain_depth) AS depth
    FROM chains
    GROUP BY root_session_id
    HAVING max(repeats) >= 2
), whole AS (
    SELECT t.*, r.repeats, r.depth
    FROM tonight t
    JOIN turning r ON r.root_session_id = t.root_session_id
), habit AS (
    SELECT w.root_session_id, min(coalesce(v.seen_days, 0)) AS seen_days
    FROM whole w
    LEFT JOIN novel v ON v.entity_type = 'caller' AND v.entity = w.caller AND v.feature = 'role' AND v.value = w.role_arn
    WHERE w.chain_depth > 1
    GROUP BY w.root_session_id
)
SELECT w.who AS entity, array_to_string(array_sort(array_distinct(array_agg(w.shape))), ' ') AS target, 16.0 AS score,
       CASE WHEN max(h.seen_days) >= 7 THEN 'low' ELSE 'high' END AS severity,
       concat(arn_short(w.who), ' keeps a session alive through ', max(w.depth), ' turns of ', count(DISTINCT w.role_arn), ' roles') AS title,
       concat('the chain comes back to its own roles ', max(w.repeats), ' times, from ', CAST(min(w.issued_at) AS VARCHAR), ' to ', CAST(max(w.issued_at) AS VARCHAR),
              '; its steps were seen on at least ', max(h.seen_days), ' days') AS reason,
       array_agg(DISTINCT w.session_id) AS session_ids, array_agg(DISTINCT w.issued_ip) FILTER (WHERE ip_kind(w.issued_ip) = 'public') AS source_ips,
       count(*) AS event_count, min(w.issued_at) AS first_at, max(w.issued_at) AS last_at
FROM whole w
LEFT JOIN habit h ON h.root_session_id = w.root_session_id
GROUP BY w.who, w.root_session_id
HAVING max(w.valid_until) > min(w.issued_at) + INTERVAL '2 hours' OR max(w.repeats) >= 4
