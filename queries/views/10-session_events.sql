-- title: Calls made with each session
-- description: Every event that was made with a session's credentials: the event's own columns, and the session it belongs to. Of a call that several accounts recorded, only the caller's own copy counts.
SELECT * EXCLUDE (reason)
FROM linked_events
WHERE session_id IS NOT NULL
  AND (shared_event_id IS NULL OR recipient_account_id IS NULL OR identity_account_id IS NULL
       OR recipient_account_id = identity_account_id)
