-- title: Accounts whose logs are missing
-- description: Accounts that call or own a role here and deliver no events.
WITH named AS (
  SELECT nullif(identity_account_id, '') AS account, true AS calls_here, count(*) AS calls,
         min(event_time) AS first_seen, max(event_time) AS last_seen
  FROM events WHERE identity_account_id IS DISTINCT FROM recipient_account_id GROUP BY 1
  UNION ALL
  SELECT nullif(target_account, ''), false, count(*), min(event_time), max(event_time)
  FROM credential_calls WHERE kind <> 'revocation' GROUP BY 1
)
SELECT account,
       CASE WHEN bool_and(calls_here) THEN 'caller' WHEN bool_or(calls_here) THEN 'both' ELSE 'role_owner' END AS seen_as,
       CAST(sum(calls) AS BIGINT) AS calls, min(first_seen) AS first_seen, max(last_seen) AS last_seen
FROM named
WHERE account IS NOT NULL AND account NOT IN ('anonymous', 'ANONYMOUS_PRINCIPAL')
  AND account NOT IN (SELECT recipient_account_id FROM activity WHERE recipient_account_id IS NOT NULL)
GROUP BY account
