-- title: Users whose keys do nothing but assume roles
-- description: Long-term keys of IAM users whose calls are nearly all AssumeRole: such a key can be replaced by a role of the machine, by Roles Anywhere or by OIDC.
-- id: A71
-- theme: hygiene
-- param: share float = 0.99 The least share of AssumeRole among the key's calls.
WITH calls AS (
    SELECT identity_arn AS user_arn, access_key_id AS key, sum(event_count) AS calls, max(last_at) AS last_at
    FROM activity
    WHERE identity_type = 'IAMUser' AND access_key_id LIKE 'AKIA%'
    GROUP BY 1, 2
),
hops AS (
    SELECT caller_key_id AS key, count(DISTINCT event_id) AS assumes
    FROM credential_calls
    WHERE api = 'AssumeRole' AND kind IN ('issue', 'failure') AND caller_key_id LIKE 'AKIA%'
    GROUP BY 1
)
SELECT
    arn_short(c.user_arn) AS "user",
    c.key,
    h.assumes,
    CAST(c.calls AS BIGINT) - h.assumes AS other,
    c.last_at AS last
FROM calls c
JOIN hops h ON h.key = c.key
WHERE h.assumes >= $share * c.calls
ORDER BY h.assumes DESC, "user", c.key
