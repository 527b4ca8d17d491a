-- title: Files and events in every hour
-- description: One row per account, region and hour that holds events.
-- id: A72
-- param: account text = null Only this account.
-- theme: coverage
SELECT account, region, hour, objects, events, lateness AS lateness_seconds
FROM coverage
WHERE $account IS NULL OR account = $account
ORDER BY account, region, hour
