-- title: Roles that nobody assumed
-- description: Roles that were created in these logs and not deleted, and roles named here, that nobody took, or not for this long. Which other roles there are, CloudTrail does not know: name them, from iam list-roles. How a service uses its role without a call of STS does not show.
-- id: A69
-- theme: hygiene
-- param: unused duration = 30d Not assumed for this long.
-- param: roles list = '' ARNs of further roles, separated by commas.
WITH changes AS (
    SELECT recipient_account_id AS account, json_get_str(request_parameters, 'roleName') AS role,
        max(event_time) FILTER (WHERE event_name = 'CreateRole') AS created,
        max(event_time) FILTER (WHERE event_name = 'DeleteRole') AS deleted
    FROM events
    WHERE event_source = 'iam.amazonaws.com'
        AND event_name IN ('CreateRole', 'DeleteRole')
        AND error_code IS NULL
    GROUP BY 1, 2
),
inventory AS (
    SELECT account, role, created FROM changes WHERE created IS NOT NULL AND coalesce(deleted < created, true)
    UNION
    SELECT arn_account(given.arn), arn_name(given.arn), NULL FROM (SELECT unnest(CAST($roles AS TEXT[])) AS arn) AS given
),
assumed AS (
    SELECT role_account AS account, arn_name(role_arn) AS role, max(last_at) AS last_at FROM role_edges GROUP BY 1, 2
)
SELECT
    i.role,
    i.account,
    max(i.created) AS created,
    max(a.last_at) AS last_assumed
FROM inventory i
LEFT JOIN assumed a ON a.account = i.account AND a.role = i.role
CROSS JOIN period p
WHERE a.last_at IS NULL OR a.last_at < p.last_at - $unused
GROUP BY i.role, i.account
ORDER BY last_assumed IS NOT NULL, last_assumed, i.account, i.role
