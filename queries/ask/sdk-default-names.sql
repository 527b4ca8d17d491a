-- title: Default names of SDKs and tutorials still in use
-- description: Sessions whose name an SDK, the CLI or a tutorial made up, because the caller gave none of its own.
-- id: A7
-- theme: role session names
SELECT
    n.pattern,
    arn_short(n.role_arn) AS role,
    arn_short(s.caller) AS caller,
    count(*) AS sessions,
    max(n.set_by) AS set_by,
    array_sort(array_agg(DISTINCT split_part(s.issued_user_agent, ' ', 1)) FILTER (WHERE s.issued_user_agent IS NOT NULL)) AS programs
FROM session_names n
JOIN sessions s ON s.session_id = n.session_id
WHERE n.kind IN ('sdk_default', 'tutorial_default') OR regexp_like(n.session_name, '^[0-9]+$')
GROUP BY 1, 2, 3
ORDER BY sessions DESC, n.pattern, role, caller
