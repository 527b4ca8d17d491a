-- title: The sessions of the night
-- description: Sessions that were issued or used from $from up to $until, except those of our own roles ([self]).
-- param: from timestamp The first moment.
-- param: until timestamp The end, exclusive.
SELECT p.*,
       p.issue_seen AND p.issued_at >= $from AND p.issued_at < $until AS issued_tonight,
       is_privileged(p.role_arn) OR coalesce(t.tier, 9) <= 1 OR coalesce(t.break_glass, false) OR coalesce(t.canary, false) AS privileged,
       coalesce(t.break_glass, false) AS break_glass, coalesce(t.canary, false) AS canary, t.tier,
       coalesce(v.name, v2.name) AS vendor,
       a.ours AS caller_is_ours
FROM profiled p
LEFT JOIN (
    SELECT p.session_id, min(r.tier) AS tier, bool_or(r.break_glass) AS break_glass, bool_or(r.canary) AS canary
    FROM profiled p
    JOIN known_roles r ON p.role_arn LIKE r.pattern OR p.role_name LIKE r.pattern
    GROUP BY p.session_id
) AS t ON t.session_id = p.session_id
LEFT JOIN (SELECT account_id, min(name) AS name FROM known_vendors GROUP BY account_id) v ON v.account_id = p.caller_account
LEFT JOIN (SELECT account_id, min(name) AS name FROM known_vendors GROUP BY account_id) v2 ON v2.account_id = p.origin_account
LEFT JOIN accounts a ON a.account_id = p.caller_account
WHERE (p.issue_seen AND p.issued_at >= $from AND p.issued_at < $until
    OR p.first_event_at < $until AND p.last_event_at >= $from)
    AND NOT EXISTS (SELECT 1 FROM known_self k WHERE p.role_arn LIKE k.pattern OR p.role_name LIKE k.pattern)
