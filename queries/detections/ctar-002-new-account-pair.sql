-- title: Two accounts that never met
-- description: A role of one of our accounts is assumed from another of ours that never did so. Pairs are judged by how often the calling account meets new ones.
-- id: CTAR-002
-- severity: low
-- attack: T1199, T1078.004
-- needs: baseline of 90 days
-- false_positives: New accounts: they are being learned for seven days.
-- reference: splunk aws_cross_account_activity_from_previously_unseen_account.yml
-- tags: graph
SELECT v.entity AS entity, v.value AS target, max(v.bits) AS score,
       CASE WHEN NOT max(v.learned) OR NOT bool_and(coalesce(n.learned, true)) THEN 'info' WHEN max(v.bits) >= 5 AND max(v.history_days) >= 14 THEN 'medium' ELSE 'low' END AS severity,
       concat('First time: account ', v.entity, ' took a role of account ', v.value) AS title,
       concat('the pair: ', max(v.words)) AS reason,
       array_agg(DISTINCT t.session_id) AS session_ids, count(*) AS event_count, min(t.issued_at) AS first_at, max(t.issued_at) AS last_at
FROM novel v
JOIN tonight t ON t.caller_account = v.entity AND t.role_account = v.value AND t.issued_tonight AND t.cross_account
LEFT JOIN (SELECT entity, bool_or(learned) AS learned FROM novel WHERE entity_type = 'account' AND feature = 'hour' GROUP BY entity) n ON n.entity = v.value
WHERE v.entity_type = 'account' AND v.feature = 'account' AND v.seen_days = 0 AND v.bits > 0.5 AND t.caller_is_ours AND v.history_days >= 7
GROUP BY v.entity, v.value
