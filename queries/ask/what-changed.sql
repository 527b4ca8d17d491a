-- title: What was changed, by whom
-- description: Calls that change something, with the origin behind the role; data events and the issue of credentials are left out.
-- param: account text = null Only this account.
-- param: include_services bool = false Changes that AWS services made for themselves too.
-- theme: what was done
SELECT
    min(event_time) AS first_at,
    max(event_time) AS last_at,
    recipient_account_id AS account,
    replace(event_source, '.amazonaws.com', '') || ':' || event_name AS call,
    count(*) AS calls,
    count(error_code) AS errors,
    origin,
    origin_class,
    regexp_replace(arn_name(role_arn), '^AWSReservedSSO_(.*)_[0-9a-f]{16}$', '\1') AS role,
    CASE WHEN invoked_by IS NULL THEN source_ip_address ELSE invoked_by END AS via
FROM session_events
WHERE read_only = false
    AND management_event
    AND event_source NOT IN ('sts.amazonaws.com', 'signin.amazonaws.com')
    AND ($account IS NULL OR recipient_account_id = $account)
    AND ($include_services OR origin_class IS DISTINCT FROM 'service')
GROUP BY recipient_account_id, event_source, event_name, origin, origin_class, role_arn, 10
ORDER BY first_at, account, call, origin, role, via
