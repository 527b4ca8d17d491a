-- title: Calls of STS in regions that are switched off
-- description: Who asked for credentials in a region in which the account has STS switched off: an old setting, or a region that nobody watches.
-- id: A50
-- theme: failures
-- attack: T1535
SELECT
    c.effective_region AS region,
    arn_short(coalesce(f.caller_arn, f.origin)) AS caller,
    count(*) AS count,
    min(f.event_time) AS first,
    max(f.event_time) AS last,
    array_sort(array_agg(DISTINCT f.source_ip) FILTER (WHERE f.source_ip IS NOT NULL)) AS ips
FROM failures f
LEFT JOIN credential_calls c ON c.event_id = f.event_id AND c.kind = 'failure'
WHERE f.reason = 'region_disabled'
GROUP BY 1, 2
ORDER BY count DESC, region, caller
