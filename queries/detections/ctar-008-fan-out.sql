-- title: One session took many roles
-- description: From one session ten roles and more were taken within an hour, or roles in five accounts, and more than twice as many as this identity ever does.
-- id: CTAR-008
-- severity: medium
-- attack: T1078.004, T1021.007
-- needs: baseline of 30 days
-- false_positives: Scanners, backups, StackSets: what an identity always does is its own measure.
-- reference: none found in public rule sets
-- tags: volume
WITH hourly AS (
    SELECT t.root_session_id, t.who, date_trunc('hour', t.issued_at) AS hour, count(DISTINCT t.role_arn) AS roles, count(DISTINCT t.role_account) AS accounts,
           array_agg(DISTINCT t.session_id) AS session_ids, min(t.issued_at) AS first_at, max(t.issued_at) AS last_at, count(*) AS n
    FROM tonight t
    WHERE t.issued_tonight AND t.role_arn IS NOT NULL AND t.class <> 'service'
    GROUP BY 1, 2, 3
), usual AS (
    SELECT entity, max(CAST(value AS BIGINT)) AS most, max(days) AS days
    FROM known
    WHERE entity_type = 'who' AND feature = 'fan'
    GROUP BY entity
)
SELECT h.who AS entity, 'roles' AS target, least(6.0 + max(h.roles) / 2.0, 14.0) AS score,
       CASE WHEN max(h.roles) >= 20 OR max(h.accounts) >= 8 OR max(h.roles) >= 3 * coalesce(max(u.most), 5) THEN 'high' ELSE 'medium' END AS severity,
       concat(arn_short(h.who), ' took ', max(h.roles), ' roles in ', max(h.accounts), ' accounts from one session') AS title,
       concat(max(h.roles), ' roles within an hour; the most before was ', coalesce(max(u.most), 0)) AS reason,
       array_distinct(flatten(array_agg(h.session_ids))) AS session_ids, CAST(sum(h.n) AS BIGINT) AS event_count, min(h.first_at) AS first_at, max(h.last_at) AS last_at
FROM hourly h
LEFT JOIN usual u ON u.entity = h.who
WHERE (h.roles >= 10 OR h.accounts >= 5 AND h.roles >= 5) AND h.roles > 2 * coalesce(u.most, 2)
GROUP BY h.who
