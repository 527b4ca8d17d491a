-- title: Session tags, and who sets them
-- description: One row per caller, role, key and value. A transitive tag stays along the chain and cannot be changed by the next role.
-- id: A56
-- theme: external ID, MFA, session policy, tags, source identity
-- param: key text = null Only this key.
-- param: value text = null Only this value.
-- param: include_services bool = false Tags that AWS services set too.
WITH numbered AS (
    SELECT caller, role_arn, session_tags, issued_at, unnest(generate_series(0, CAST(json_length(session_tags) AS BIGINT) - 1)) AS place
    FROM sessions
    WHERE session_tags IS NOT NULL
        AND ($include_services OR caller_type IS DISTINCT FROM 'AWSService')
),
single AS (
    SELECT caller, role_arn, issued_at, json_get_json(session_tags, place) AS tag FROM numbered
),
tags AS (
    SELECT caller, role_arn, issued_at, json_get_str(tag, 'key') AS key, json_get_str(tag, 'value') AS value, json_get_bool(tag, 'transitive') AS transitive
    FROM single
)
SELECT
    arn_short(caller) AS caller,
    arn_short(role_arn) AS role,
    key,
    value,
    transitive,
    count(*) AS sessions,
    min(issued_at) AS first,
    max(issued_at) AS last
FROM tags
WHERE ($key IS NULL OR key = $key) AND ($value IS NULL OR value = $value)
GROUP BY caller, role_arn, key, value, transitive
ORDER BY sessions DESC, caller, role, key, value, transitive
