-- title: Who takes which role
-- description: The edges between callers and roles, rarest first: an edge that was used once is where something new or strange shows.
-- id: A26, A70
-- param: include_services bool = false AWS services too.
-- theme: accounts and chains
SELECT caller_type, caller, caller_account, role_account, arn_name(role_arn) AS role, sessions, days, first_at, last_at
FROM role_edges
WHERE $include_services OR caller_type IS DISTINCT FROM 'AWSService'
ORDER BY sessions, first_at, caller, role_account, role
