-- title: What could not be tied
-- description: One row per call or issue that could not be tied to a session, with the reason.
SELECT event_id, event_time, coalesce(identity_arn, identity_principal_id) AS identity, reason
FROM linked_events
WHERE reason IS NOT NULL
  AND (shared_event_id IS NULL OR recipient_account_id IS NULL OR identity_account_id IS NULL
       OR recipient_account_id = identity_account_id)
UNION
SELECT event_id, event_time, identity, reason FROM unlinked_issues
