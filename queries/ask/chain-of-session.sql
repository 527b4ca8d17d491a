-- title: The chain of a session, back to its origin
-- description: One row per session from the first of the chain to the one asked for: who asked, for what, from where. join_method says how the calls of that session were tied to it. A step whose caller could not be tied ends the chain; see unlinked-calls.
-- id: A20
-- theme: cross-account and chains
-- param: session text A session id, or an access key that its calls were signed with.
WITH target AS (
    SELECT session_id, ancestor_ids FROM sessions WHERE session_id = $session OR array_has(used_key_ids, $session)
)
SELECT
    t.session_id AS session,
    row_number() OVER (PARTITION BY t.session_id ORDER BY s.chain_depth, s.issued_at, s.session_id) AS step,
    s.issued_at AS time,
    CASE WHEN s.parent_session_id IS NULL THEN coalesce(arn_short(s.origin), arn_short(s.caller)) ELSE coalesce(arn_short(s.caller_arn), arn_short(s.caller)) END AS "from",
    coalesce(arn_short(s.role_arn) || '/' || s.session_name, s.api) AS "to",
    s.session_id AS key,
    coalesce(s.requester_ip, s.issued_ip) AS ip,
    s.mfa_at_issue AS mfa,
    s.source_identity,
    s.link_method AS join_method
FROM target t
JOIN sessions s ON s.session_id = t.session_id OR array_has(t.ancestor_ids, s.session_id)
ORDER BY session, step
