-- title: Identity Center tokens where nobody signed in
-- description: Tokens that a device or program got from an address where nobody had signed in to Identity Center shortly before: the code was confirmed elsewhere, by the person or by somebody they were talked into helping. nearest_signin is the nearest sign-in from the same address, whoever it was. A trail that leaves sign-in events out shows every token here.
-- id: A40
-- theme: federation
-- attack: T1528
-- param: within duration = 1h A sign-in this long before explains the token.
-- false_positives: A command line on a remote machine whose code is confirmed in a browser at hand.
WITH tokens AS (
    SELECT login_id, source_ip, event_time, user_name FROM logins WHERE kind = 'device_code' AND success
),
sign_ins AS (
    SELECT source_ip, event_time FROM logins WHERE kind IN ('portal', 'console') AND success
)
SELECT
    t.source_ip AS ip,
    t.event_time AS token_time,
    first_value(s.event_time ORDER BY abs(date_part('epoch', s.event_time - t.event_time)), s.event_time) AS nearest_signin,
    t.user_name AS "user",
    t.login_id AS event_id
FROM tokens t
LEFT JOIN sign_ins s ON s.source_ip = t.source_ip
GROUP BY t.login_id, t.source_ip, t.event_time, t.user_name
HAVING count(*) FILTER (WHERE s.event_time <= t.event_time AND s.event_time >= t.event_time - $within) = 0
ORDER BY token_time, event_id
