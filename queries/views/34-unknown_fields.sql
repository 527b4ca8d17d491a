-- title: Fields without a column
-- description: Fields of records that have no column of their own, kept in events.extra, and since when. A field that AWS adds shows here.
WITH fields AS (
  SELECT unnest(json_object_keys(extra)) AS field, event_time, event_source FROM events WHERE extra IS NOT NULL
  UNION ALL
  SELECT 'userIdentity.' || unnest(json_object_keys(extra, 'userIdentity')), event_time, event_source
  FROM events WHERE json_contains(extra, 'userIdentity')
  UNION ALL
  SELECT 'userIdentity.sessionContext.' || unnest(json_object_keys(extra, 'userIdentity', 'sessionContext')), event_time, event_source
  FROM events WHERE json_contains(extra, 'userIdentity', 'sessionContext')
  UNION ALL
  SELECT 'tlsDetails.' || unnest(json_object_keys(extra, 'tlsDetails')), event_time, event_source
  FROM events WHERE json_contains(extra, 'tlsDetails')
)
SELECT field,
       field IN ('apiVersion', 'serviceEventDetails', 'addendum', 'edgeDeviceDetails', 'eventContext', 'insightDetails',
                 'tlsDetails.cipherSuite', 'tlsDetails.keyExchange', 'userIdentity.inScopeOf', 'userIdentity.onBehalfOf',
                 'userIdentity.userName', 'userIdentity.invokedByDelegate', 'userIdentity.sessionContext.assumedRoot',
                 'userIdentity.sessionContext.sessionIssuer', 'userIdentity.sessionContext.attributes',
                 'userIdentity.sessionContext.webIdFederationData') AS documented,
       count(*) AS events, count(DISTINCT event_source) AS services, min(event_time) AS first_seen, max(event_time) AS last_seen
FROM fields
WHERE field NOT IN ('userIdentity', 'userIdentity.sessionContext', 'tlsDetails')
GROUP BY field
