-- title: A chain that leaves an account and comes back
-- description: A chain that returns to the account it began in, through another account, on a path that was never taken. It alarms where the other account is not ours, or where three roles and more end in one that this identity never had.
-- id: CTAR-007
-- severity: medium
-- attack: T1550.001
-- needs: baseline of 30 days
-- false_positives: Shared tooling accounts: their paths are learned as shapes.
-- reference: none found in public rule sets
-- tags: graph
WITH back AS (
    SELECT t.*, v.words, v.history_days, t.chain_depth >= 3 AND w.seen_days = 0 AND w.bits >= 3 AS strange,
           coalesce(a.ours, false) AS through_ours
    FROM tonight t
    JOIN novel v ON v.entity_type = 'path' AND v.feature = 'shape' AND v.value = t.path_shape AND v.seen_days = 0
    LEFT JOIN novel w ON w.entity_type = 'who' AND w.entity = t.who AND w.feature = 'shape' AND w.value = t.shape
    LEFT JOIN accounts a ON a.account_id = t.chain_accounts[CAST(cardinality(t.chain_accounts) AS bigint) - 1]
    WHERE t.issued_tonight AND t.chain_depth >= 2 AND t.role_account <> t.chain_accounts[CAST(cardinality(t.chain_accounts) AS bigint) - 1]
        AND (t.role_account = t.origin_account OR array_has(array_slice(t.chain_accounts, 1, CAST(cardinality(t.chain_accounts) AS bigint) - 2), t.role_account))
)
SELECT who AS entity, shape AS target, 9.0 AS score,
       CASE WHEN max(history_days) < 7 THEN 'low' WHEN NOT bool_and(through_ours) OR bool_or(strange) THEN 'high' ELSE 'medium' END AS severity,
       concat(arn_short(who), ' came back to account ', min(role_account), ' through another account') AS title,
       concat('the path ', min(path_shape), ' returns to ', min(role_account), ': ', max(words)) AS reason,
       array_agg(DISTINCT session_id) AS session_ids, count(*) AS event_count, min(issued_at) AS first_at, max(issued_at) AS last_at
FROM back
GROUP BY who, shape
