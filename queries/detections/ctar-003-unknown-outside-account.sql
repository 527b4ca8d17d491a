-- title: An outside account that nobody knows took a role
-- description: A role of ours was assumed from an account that is neither the organisation's (whose logs are here, or [[account]]) nor a listed vendor's. Known by habit, it is a vendor to be listed; never seen before, it alarms.
-- id: CTAR-003
-- severity: high
-- attack: T1199
-- needs: organisation or vendor list, where there is one; no history
-- false_positives: A vendor that is not listed: [[vendor]] in rolecall.toml.
-- reference: panther aws_iam_role_external_permission.py
-- tags: graph
WITH outside AS (
    SELECT t.*, coalesce(k.days, 0) AS days, coalesce(p.history_days, 0) AS history_days
    FROM tonight t
    LEFT JOIN known k ON k.entity_type = 'account' AND k.entity = t.caller_account AND k.feature = 'account' AND k.value = t.role_account
    CROSS JOIN (SELECT coalesce(max(history_days), 0) AS history_days FROM peers WHERE entity_type = 'account' AND feature = 'hour') p
    WHERE t.issued_tonight AND t.cross_account AND t.vendor IS NULL
        AND (t.outside_organization OR t.outside_organization IS NULL AND NOT coalesce(t.caller_is_ours, false))
)
SELECT caller_account AS entity, shape AS target,
       CASE WHEN max(days) >= 3 THEN 3.0 ELSE 14.0 END AS score,
       CASE WHEN max(days) >= 3 THEN 'info' WHEN max(history_days) < 3 THEN 'medium' ELSE 'high' END AS severity,
       concat('Account ', caller_account, ', which nobody knows, took ', arn_short(min(role_arn))) AS title,
       concat('account ', caller_account, ' was seen on ', max(days), ' of ', max(history_days), ' days; it is not the organisation''s and no listed vendor''s',
              CASE WHEN bool_or(external_id IS NULL) THEN '; it gave no external id' ELSE '' END) AS reason,
       array_agg(DISTINCT session_id) AS session_ids, array_agg(DISTINCT caller_account) AS accounts, array_agg(DISTINCT issued_ip) FILTER (WHERE ip_kind(issued_ip) = 'public') AS source_ips,
       count(*) AS event_count, min(issued_at) AS first_at, max(issued_at) AS last_at
FROM outside
GROUP BY caller_account, shape
