-- title: Console sessions and tokens made from keys
-- description: Sign-in tokens from the federation endpoint, federation tokens, and the OAuth sign-ins of the command line. followed_by_console_login: the same identity entered the console within the time. The Identity Center portal makes sign-in tokens too, with a program named Jersey.
-- id: A43
-- theme: federation
-- attack: T1550.001
-- param: within duration = 15m Time until the console sign-in.
WITH made AS (
    SELECT user_name AS identity,
        CASE kind WHEN 'federation' THEN 'GetSigninToken' ELSE 'aws login' END AS method,
        source_ip AS ip, user_agent AS ua, event_time AS time, login_id AS event_id
    FROM logins
    WHERE kind IN ('federation', 'oauth') AND success
    UNION ALL
    SELECT regexp_replace(caller_arn, ':iam::([0-9]*):.*$', ':sts::\1:federated-user/') || session_name, 'GetFederationToken', issued_ip, issued_user_agent, issued_at, issue_event_ids[1]
    FROM sessions
    WHERE api = 'GetFederationToken'
)
SELECT
    arn_short(m.identity) AS identity,
    m.method,
    m.ip,
    m.ua,
    count(l.login_id) > 0 AS followed_by_console_login,
    m.time,
    m.event_id
FROM made m
LEFT JOIN logins l ON l.user_name = m.identity AND l.kind = 'console' AND l.success AND l.event_time >= m.time AND l.event_time <= m.time + $within
GROUP BY m.identity, m.method, m.ip, m.ua, m.time, m.event_id
ORDER BY m.time, m.event_id
