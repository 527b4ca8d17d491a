-- title: The accounts these logs know of
-- description: Every account that delivers logs, calls or owns a role here, with what is known of it.
SELECT s.account_id,
       CAST(NULL AS VARCHAR) AS name, CAST(NULL AS VARCHAR) AS environment, CAST(NULL AS VARCHAR) AS owner, CAST(NULL AS BOOLEAN) AS in_organization,
       s.first_seen, s.last_seen, s.delivers_logs, s.delivers_logs AS ours
FROM account_sightings s
