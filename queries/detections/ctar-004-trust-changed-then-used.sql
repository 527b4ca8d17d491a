-- title: Trust was given to an outsider
-- description: A role was created or its trust policy changed so that an outside account, an identity provider that gave no session before, or anybody may assume it. Where one of those has since assumed it, within fourteen days, it is critical.
-- id: CTAR-004
-- severity: medium
-- attack: T1098.003, T1484.002
-- needs: trust edits of the last 14 days, kept in daily; no history
-- false_positives: Onboarding of a vendor: list it, or announce it in [[planned]].
-- reference: elastic privilege_escalation_iam_update_assume_role_policy.toml; panther aws_iam_backdoor_role.py
-- tags: graph
-- param: from timestamp The first moment.
-- param: until timestamp The end, exclusive.
-- param: night date The night.
-- param: since date The first day that counts.
WITH edits AS (
    SELECT d.entity AS role, d.value AS principal, min(d.first_at) AS edited_at, max(CASE WHEN d.event_date = $night THEN 1 ELSE 0 END) AS tonight,
           coalesce(arn_account(d.value), CASE WHEN regexp_like(d.value, '^[0-9]{12}$') THEN d.value END) AS account
    FROM daily d
    WHERE d.entity_type = 'trust' AND d.event_date >= $night - 14 AND d.event_date <= $night
    GROUP BY d.entity, d.value
), providers AS (
    SELECT DISTINCT value AS provider
    FROM daily
    WHERE entity_type = 'role' AND feature = 'provider' AND event_date >= $since AND event_date < $night
), foreign_ AS (
    SELECT e.*
    FROM edits e
    LEFT JOIN accounts a ON a.account_id = e.account
    LEFT JOIN (SELECT DISTINCT account_id FROM known_vendors) v ON v.account_id = e.account
    LEFT JOIN providers p ON p.provider = e.principal
    WHERE e.principal = '*'
        OR CASE WHEN e.principal LIKE '%-provider/%' OR e.principal LIKE '%.%' AND e.account IS NULL THEN p.provider IS NULL
                ELSE v.account_id IS NULL AND NOT coalesce(a.ours, false) END
), used AS (
    SELECT f.role, f.principal, min(t.issued_at) AS used_at, array_agg(DISTINCT t.session_id) AS session_ids, count(*) AS n
    FROM foreign_ f
    JOIN tonight t ON concat(t.role_account, '/', t.role_name) = f.role AND t.issued_tonight AND t.issued_at >= f.edited_at
        AND (t.caller_account = f.account OR f.principal = '*' AND NOT coalesce(t.caller_is_ours, false) OR t.origin_provider = f.principal)
    GROUP BY f.role, f.principal
), editors AS (
    SELECT concat(e.recipient_account_id, '/', json_get_str(e.request_parameters, 'roleName')) AS role, array_agg(DISTINCT e.event_id) AS event_ids,
           array_agg(DISTINCT e.identity_arn) AS principals, array_agg(DISTINCT e.access_key_id) AS keys
    FROM events e
    WHERE e.event_time >= $from AND e.event_time < $until AND e.event_source = 'iam.amazonaws.com' AND e.event_name IN ('UpdateAssumeRolePolicy', 'CreateRole') AND e.error_code IS NULL
    GROUP BY 1
)
SELECT f.role AS entity, f.principal AS target, CASE WHEN u.n IS NULL THEN 8.0 ELSE 16.0 END AS score,
       CASE WHEN u.n IS NOT NULL THEN 'critical' ELSE 'medium' END AS severity,
       concat('Role ', f.role, ' trusts ', f.principal, CASE WHEN u.n IS NULL THEN '' ELSE ', which has taken it' END) AS title,
       concat('its trust policy let ', f.principal, ' in at ', CAST(f.edited_at AS VARCHAR), CASE WHEN u.n IS NULL THEN '; not used yet' ELSE concat('; ', u.n, ' sessions since') END) AS reason,
       u.session_ids, ed.event_ids, ed.principals, ed.keys AS access_keys, array_agg(f.account) FILTER (WHERE f.account IS NOT NULL) AS accounts,
       coalesce(u.n, 1) AS event_count, f.edited_at AS first_at, coalesce(u.used_at, f.edited_at) AS last_at
FROM foreign_ f
LEFT JOIN used u ON u.role = f.role AND u.principal = f.principal
LEFT JOIN editors ed ON ed.role = f.role
WHERE f.tonight = 1 OR u.n IS NOT NULL
GROUP BY f.role, f.principal, u.n, f.edited_at, u.used_at, u.session_ids, ed.event_ids, ed.principals, ed.keys
