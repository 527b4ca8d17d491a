-- title: What could not be tied
-- description: One row per call or issue that could not be tied to a session, with the reason.
SELECT e.event_id, e.event_time, coalesce(e.identity_arn, e.identity_principal_id) AS identity, l.reason
FROM events e
JOIN session_links l
  ON (e.identity_type IS NOT DISTINCT FROM l.identity_type)
 AND (e.identity_arn IS NOT DISTINCT FROM l.identity_arn)
 AND (e.identity_account_id IS NOT DISTINCT FROM l.identity_account_id)
 AND (e.identity_principal_id IS NOT DISTINCT FROM l.identity_principal_id)
 AND (e.access_key_id IS NOT DISTINCT FROM l.access_key_id)
 AND (e.session_issuer_arn IS NOT DISTINCT FROM l.session_issuer_arn)
 AND (e.session_name IS NOT DISTINCT FROM l.session_name)
 AND (e.session_created_at IS NOT DISTINCT FROM l.session_created_at)
WHERE l.reason IS NOT NULL
  AND (l.exact_time IS NULL OR l.exact_time = e.event_time)
  AND (e.shared_event_id IS NULL OR e.recipient_account_id IS NULL OR e.identity_account_id IS NULL
       OR e.recipient_account_id = e.identity_account_id)
UNION
SELECT event_id, event_time, identity, reason FROM unlinked_issues
