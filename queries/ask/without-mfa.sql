-- title: Roles that IAM users took without MFA
-- description: Users and their sessions alone: what an identity provider asked for does not show in CloudTrail, so federated people are left out.
-- id: A54
-- theme: people
SELECT
    origin AS user_arn,
    role_account,
    role_name,
    count(*) AS sessions,
    count(*) FILTER (WHERE mfa_at_issue) AS with_mfa,
    count(*) FILTER (WHERE mfa_at_issue IS DISTINCT FROM true) AS without_mfa,
    min(issued_at) AS first_at,
    max(issued_at) AS last_at,
    sum(write_count) AS writes,
    array_sort(array_distinct(flatten(array_agg(used_ips)))) AS addresses
FROM sessions
WHERE caller_type = 'IAMUser' AND role_arn IS NOT NULL
GROUP BY 1, 2, 3
HAVING count(*) FILTER (WHERE mfa_at_issue IS DISTINCT FROM true) > 0
ORDER BY without_mfa DESC, user_arn, role_account, role_name
