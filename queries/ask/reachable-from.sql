-- title: What a principal can reach, as observed
-- description: Every role that the principal took, that those roles took, and so on. reached says whether a chain of the principal's own went there; else the way is put together from steps of others. Steps that the logs show, not policies: what nobody did yet is not there.
-- id: A23
-- theme: cross-account and chains
-- attack: T1087.004
-- param: principal text A role, user, subject or service: ARN, account/name, or name.
-- param: max_hops int = 5 Roles on the way, at most.
WITH RECURSIVE start AS (
    SELECT DISTINCT caller
    FROM role_edges
    WHERE caller = $principal OR arn_short(caller) = $principal OR arn_name(caller) = $principal
),
reach(role_arn, hops) AS (
    SELECT e.role_arn, 1
    FROM role_edges e
    JOIN start ON start.caller = e.caller
    UNION
    SELECT e.role_arn, r.hops + 1
    FROM reach r
    JOIN role_edges e ON e.caller = r.role_arn
    WHERE r.hops < $max_hops
),
own AS (
    SELECT DISTINCT s.role_arn
    FROM sessions s
    JOIN sessions r ON r.session_id = s.root_session_id
    WHERE r.caller IN (SELECT caller FROM start)
        OR cardinality(array_intersect(array_pop_back(s.chain_path), (SELECT array_agg(caller) FROM start))) > 0
)
SELECT
    arn_name(x.role_arn) AS role,
    arn_account(x.role_arn) AS account,
    x.min_hops,
    max(e.last_at) AS last_seen,
    o.role_arn IS NOT NULL AS reached
FROM (SELECT role_arn, min(hops) AS min_hops FROM reach GROUP BY role_arn) AS x
LEFT JOIN role_edges e ON e.role_arn = x.role_arn
LEFT JOIN own o ON o.role_arn = x.role_arn
GROUP BY x.role_arn, x.min_hops, o.role_arn
ORDER BY x.min_hops, account, role
