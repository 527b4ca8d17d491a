-- title: Sessions narrowed by a session policy, and those that were not
-- description: Callers that passed a session policy, inline or managed, for at least one session of a role, with the sessions for which they did not: a caller that drops its policy has more rights than it used to. policy_hash is the first characters of the SHA-256 of each policy.
-- id: A55
-- theme: external ID, MFA, session policy, tags, source identity
-- attack: T1548
SELECT
    arn_short(caller) AS caller,
    coalesce(arn_short(role_arn), api) AS role,
    count(session_policy) AS "with",
    count(*) - count(session_policy) AS "without",
    array_sort(array_agg(DISTINCT text_hash(session_policy)) FILTER (WHERE session_policy IS NOT NULL)) AS policy_hash,
    max(issued_at) FILTER (WHERE session_policy IS NOT NULL) AS last_with,
    max(issued_at) FILTER (WHERE session_policy IS NULL) AS last_without
FROM sessions
WHERE issue_seen
GROUP BY caller, role_arn, api
HAVING count(session_policy) > 0
ORDER BY "without" DESC, "with" DESC, caller, role
