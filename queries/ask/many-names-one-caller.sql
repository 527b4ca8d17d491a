-- title: One caller, many session names for a role
-- description: Callers that took one role under many names. Names that an SDK numbers are many by nature: they have one pattern.
-- id: A5
-- theme: role session names
-- param: min_names int = 5 Different names.
-- param: include_services bool = false Sessions that AWS services took too.
SELECT
    arn_short(s.caller) AS caller,
    arn_short(s.role_arn) AS role,
    count(DISTINCT s.session_name) AS distinct_names,
    count(DISTINCT n.pattern) AS patterns,
    array_slice(array_sort(array_agg(DISTINCT s.session_name)), 1, 3) AS examples,
    count(*) AS sessions
FROM sessions s
JOIN session_names n ON n.session_id = s.session_id
WHERE s.caller IS NOT NULL
    AND s.role_arn IS NOT NULL
    AND ($include_services OR s.caller_type IS DISTINCT FROM 'AWSService')
GROUP BY 1, 2
HAVING count(DISTINCT s.session_name) >= $min_names
ORDER BY patterns DESC, distinct_names DESC, caller, role
