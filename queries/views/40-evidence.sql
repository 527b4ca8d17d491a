-- title: What the events rest on
-- description: Per verdict of verify: the objects that events come from, and the events.
SELECT coalesce(i.verdict, 'not_verified') AS verdict, i.reason, count(*) AS objects,
       CAST(sum(l.events) AS BIGINT) AS events, max(i.verified_at) AS last_verified_at
FROM ledger l
LEFT JOIN (SELECT * FROM integrity WHERE kind = 'log') i ON i.source_object = l.source_object
WHERE l.status IN ('ingested', 'truncated')
GROUP BY 1, 2
