-- title: A caller and a role that never met
-- description: Sessions of a role for a caller who never got it before. One row per caller and shape of role, so that a deployment into many accounts is one. A role of much power alarms where it hardly ever gets a new caller, or where a user or pipeline takes it that never took up a role. Canary roles alarm at any touch, break-glass roles at any use; a role that nobody may take is a canary, too.
-- id: CTAR-001
-- severity: low
-- attack: T1078.004, T1550.001
-- needs: baseline of 14 days and more
-- false_positives: Deployments, newcomers: what is being learned is listed and does not alarm.
-- reference: elastic privilege_escalation_sts_role_chaining.toml, privilege_escalation_role_assumption_by_user.toml
-- tags: graph
WITH fresh AS (
    SELECT t.caller, t.shape, t.session_id, t.role_arn, t.issued_at, t.privileged, t.canary, t.break_glass, t.who, t.class,
           v.bits, v.words, v.learned, v.history_days, coalesce(v.seen_days, 0) AS seen_days,
           coalesce(r.bits, 0.0) AS role_bits, coalesce(r.days, 0) AS role_days, coalesce(s.seen_days, 0) AS shape_days, w.learned AS who_learned, coalesce(w.bits, 0.0) AS who_bits
    FROM tonight t
    LEFT JOIN novel v ON v.entity_type = 'caller' AND v.entity = t.caller AND v.feature = 'role' AND v.value = t.role_arn
    LEFT JOIN novel r ON r.entity_type = 'role' AND r.entity = t.role_arn AND r.feature = 'caller' AND r.value = t.caller
    LEFT JOIN novel s ON s.entity_type = 'caller' AND s.entity = t.caller AND s.feature = 'shape' AND s.value = t.shape
    LEFT JOIN novel w ON w.entity_type = 'who' AND w.entity = t.who AND w.feature = 'role' AND w.value = t.role_arn
    WHERE t.issued_tonight AND t.role_arn IS NOT NULL AND t.caller IS NOT NULL
)
SELECT caller AS entity, shape AS target, CASE WHEN bool_or(canary) THEN 'canary' WHEN bool_or(break_glass) THEN 'break-glass' ELSE '' END AS value,
       CASE WHEN bool_or(canary) THEN 16.0 WHEN bool_or(break_glass) THEN 12.0
            ELSE (max(bits) + CASE WHEN bool_or(privileged) THEN 4.0 ELSE 0.0 END) * CASE WHEN max(shape_days) > 0 THEN 0.5 ELSE 1.0 END END AS score,
       CASE WHEN bool_or(canary) THEN 'critical' WHEN bool_or(break_glass) THEN 'high'
            WHEN NOT bool_or(coalesce(learned, false)) AND NOT bool_or(coalesce(who_learned, false)) THEN 'info'
            WHEN max(history_days) < 7 THEN 'info'
            WHEN max(shape_days) = 0 AND bool_or(privileged AND bits >= 5 AND (role_bits >= 3 AND role_days >= 7 OR class IN ('iam_user', 'oidc', 'account'))) THEN 'high'
            WHEN max(shape_days) = 0 AND bool_or(privileged AND bits >= 5) THEN 'medium'
            WHEN max(shape_days) = 0 AND max(bits) + CASE WHEN bool_or(privileged) THEN 4.0 ELSE 0.0 END >= 9.5 THEN 'medium'
            ELSE 'low' END AS severity,
       concat(CASE WHEN bool_or(canary) THEN 'A canary role was touched: ' WHEN bool_or(break_glass) THEN 'A break-glass role was used: ' ELSE 'First time: ' END,
              arn_short(caller), ' took ', shape, CASE WHEN count(DISTINCT role_arn) > 1 THEN concat(' in ', count(DISTINCT role_arn), ' places') ELSE '' END) AS title,
       concat(arn_short(caller), ' and ', arn_short(min(role_arn)), ': ', max(words)) AS reason,
       array_agg(DISTINCT session_id) AS session_ids, count(*) AS event_count, min(issued_at) AS first_at, max(issued_at) AS last_at
FROM fresh
WHERE canary OR break_glass OR seen_days = 0 AND bits > 0.5
GROUP BY caller, shape
