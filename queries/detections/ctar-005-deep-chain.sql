-- title: A long chain of roles on a path that nobody took before
-- description: Chains of three roles and more whose path, told in shapes of role names, was never taken. It alarms where it crosses three accounts or ends in a role of much power.
-- id: CTAR-005
-- severity: medium
-- attack: T1548.005, T1550.001
-- needs: baseline of 30 days
-- false_positives: Landing zones with a hub: their paths are learned as shapes.
-- reference: none found in public rule sets
-- tags: graph
WITH deep AS (
    SELECT t.*, v.words, v.history_days, cardinality(array_distinct(t.chain_accounts)) AS accounts_crossed
    FROM tonight t
    JOIN novel v ON v.entity_type = 'path' AND v.feature = 'shape' AND v.value = t.path_shape AND v.seen_days = 0
    WHERE t.issued_tonight AND t.chain_depth >= 3
)
SELECT who AS entity, first_value(path_shape ORDER BY chain_depth DESC, path_shape) AS target, least(6.0 + max(chain_depth) + max(accounts_crossed), 16.0) AS score,
       CASE WHEN max(history_days) < 7 THEN 'low' WHEN max(accounts_crossed) >= 3 OR bool_or(privileged) THEN 'high' ELSE 'medium' END AS severity,
       concat(arn_short(who), ' went through ', max(chain_depth), ' roles in ', max(accounts_crossed), ' accounts on a new path') AS title,
       concat('nobody took this path before (', max(words), '): ', first_value(path_shape ORDER BY chain_depth DESC, path_shape)) AS reason,
       array_distinct(flatten(array_agg(array_append(coalesce(ancestor_ids, make_array()), session_id)))) AS session_ids,
       count(*) AS event_count, min(issued_at) AS first_at, max(issued_at) AS last_at
FROM deep
GROUP BY who, root_session_id
