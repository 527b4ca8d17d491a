-- title: Callers whose own logs are missing
-- description: Assumed roles that only the role's account recorded: the caller is an account and a unique id, its name and what it did before stand in logs that are not here. An AIDA id is a user, AROA:name a role session.
-- id: A25
-- theme: cross-account and chains
WITH vendors AS (
    SELECT account_id, min(name) AS name FROM known_vendors GROUP BY account_id
)
SELECT
    c.caller_account AS ext_account,
    c.caller_principal_id AS principal_id,
    arn_short(c.role_arn) AS role,
    count(*) AS count,
    min(c.event_time) AS first,
    max(c.event_time) AS last,
    coalesce(max(v.name), max(a.name)) AS label
FROM credential_calls c
LEFT JOIN accounts a ON a.account_id = c.caller_account
LEFT JOIN vendors v ON v.account_id = c.caller_account
WHERE c.kind = 'issue'
    AND c.caller_type = 'AWSAccount'
    AND c.role_arn IS NOT NULL
    AND NOT EXISTS (
        SELECT 1 FROM credential_calls o
        WHERE o.kind = 'issue' AND o.shared_event_id = c.shared_event_id AND o.caller_arn IS NOT NULL
    )
GROUP BY c.caller_account, c.caller_principal_id, c.role_arn
ORDER BY count DESC, ext_account, principal_id, role
