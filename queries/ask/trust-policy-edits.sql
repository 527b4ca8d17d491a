-- title: Changes of trust, and who came first afterwards
-- description: New roles and edited trust policies, with the first caller afterwards that had never taken the role before, and the seconds in between. Who may come is in the policy; who came is what counts.
-- id: A68
-- theme: revocation
-- attack: T1098.003
WITH edits AS (
    SELECT event_id, event_time, event_name, coalesce(identity_arn, identity_principal_id, invoked_by) AS who, recipient_account_id AS account,
        json_get_str(request_parameters, 'roleName') AS role_name
    FROM events
    WHERE event_source = 'iam.amazonaws.com'
        AND event_name IN ('UpdateAssumeRolePolicy', 'CreateRole')
        AND error_code IS NULL
),
newcomers AS (
    SELECT role_account, role_name, caller, min(issued_at) AS first_at
    FROM sessions
    WHERE issue_seen AND role_arn IS NOT NULL AND caller IS NOT NULL
    GROUP BY 1, 2, 3
),
first_after AS (
    SELECT e.event_id, first_value(n.caller ORDER BY n.first_at, n.caller) AS caller, min(n.first_at) AS first_at
    FROM edits e
    JOIN newcomers n ON n.role_account = e.account AND n.role_name = e.role_name AND n.first_at >= e.event_time
    GROUP BY e.event_id
)
SELECT
    e.account || '/' || e.role_name AS role,
    arn_short(e.who) AS edited_by,
    e.event_time AS at,
    arn_short(f.caller) AS first_new_caller,
    CAST(date_part('epoch', f.first_at - e.event_time) AS BIGINT) AS delay,
    e.event_name AS edit,
    e.event_id
FROM edits e
LEFT JOIN first_after f ON f.event_id = e.event_id
ORDER BY at, role, e.event_id
