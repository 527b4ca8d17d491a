-- title: Sign-ins to the console and the portal
-- description: Console, portal, device and OAuth sign-ins with address and MFA, failed ones first.
-- theme: what was done
SELECT event_time, kind, user_name, account, success, mfa, source_ip, user_agent, login_id
FROM logins
ORDER BY success, event_time, login_id
