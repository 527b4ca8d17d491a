-- title: Calls and issues that could not be tied
-- description: What the answers of the other questions leave out, and why: by reason and identity.
-- theme: hygiene
SELECT reason, identity, count(*) AS calls, min(event_time) AS first_at, max(event_time) AS last_at, min(event_id) AS example_event_id
FROM unlinked
GROUP BY reason, identity
ORDER BY reason, calls DESC, identity
