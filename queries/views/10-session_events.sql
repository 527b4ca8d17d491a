-- title: Calls made with each session
-- description: Every event that was made with a session's credentials: the event's own columns, and the session it belongs to. Of a call that several accounts recorded, only the caller's own copy counts.
SELECT e.*, l.session_id, l.link_method, l.role_arn, l.origin, l.origin_type, l.origin_class, l.chain_depth, l.root_session_id
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
WHERE l.session_id IS NOT NULL
  AND (l.exact_time IS NULL OR l.exact_time = e.event_time)
  AND (e.shared_event_id IS NULL OR e.recipient_account_id IS NULL OR e.identity_account_id IS NULL
       OR e.recipient_account_id = e.identity_account_id)
