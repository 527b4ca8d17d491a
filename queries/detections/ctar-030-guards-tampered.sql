-- title: Somebody new touches the guards
-- description: An attempt, whatever its outcome, to switch off logging, detection or configuration recording, or to leave the organisation, by a session whose role or network is new for its owner, or by a user from a new address.
-- id: CTAR-030
-- severity: critical
-- attack: T1562.008
-- needs: baseline of 14 days; without history everything is new
-- false_positives: Teardown of sandboxes by their pipelines: known callers on known networks are told at low severity.
-- reference: sigma aws_cloudtrail_disable_logging.yml; elastic defense_evasion_cloudtrail_*
-- tags: content
WITH touched AS (
    SELECT c.*, coalesce(t.who, c.identity_arn) AS who, t.role_arn,
           coalesce(k.days, 0) AS call_days, CASE WHEN t.session_id IS NULL THEN 0 ELSE CASE WHEN coalesce(e.seen_days, 0) = 0 THEN 1 ELSE 0 END END AS new_edge,
           CASE WHEN coalesce(w.seen_days, 0) = 0 AND c.ip_kind IN ('public', 'private', 'cgnat') THEN 1 ELSE 0 END AS new_network
    FROM calls c
    LEFT JOIN tonight t ON t.session_id = c.session_id
    LEFT JOIN known k ON k.feature = 'call' AND k.value = concat(c.event_source, ':', c.event_name) AND k.entity = coalesce(c.session_issuer_arn, c.identity_arn)
        AND k.entity_type = CASE WHEN c.session_issuer_arn IS NULL THEN 'who' ELSE 'role' END
    LEFT JOIN novel e ON e.entity_type = 'who' AND e.entity = t.who AND e.feature = 'role' AND e.value = t.role_arn
    LEFT JOIN novel w ON w.entity_type = 'who' AND w.entity = coalesce(t.who, c.identity_arn) AND w.feature = 'ip' AND w.value = c.ip
    WHERE c.event_name IN ('StopLogging', 'DeleteTrail', 'UpdateTrail', 'PutEventSelectors', 'DeleteEventDataStore', 'StopEventDataStoreIngestion', 'DeleteDetector', 'UpdateDetector', 'DisassociateFromMasterAccount', 'DisassociateFromAdministratorAccount', 'StopMonitoringMembers', 'LeaveOrganization', 'DeleteFlowLogs', 'StopConfigurationRecorder', 'DeleteConfigurationRecorder', 'DeleteDeliveryChannel', 'DisableSecurityHub', 'DeleteAnalyzer', 'DisableMacie', 'DeleteLogGroup', 'DeleteConfigRule', 'PutInsightSelectors', 'DeleteMembers', 'DisassociateMembers', 'DeletePublishingDestination', 'DisableOrganizationAdminAccount', 'DeleteConfigurationAggregator', 'DeleteAlarms') AND c.invoked_by IS NULL
)
SELECT who AS entity, min(account) AS target, CASE WHEN max(new_edge + new_network) > 0 OR max(call_days) = 0 THEN 16.0 ELSE 4.0 END AS score,
       CASE WHEN max(new_edge + new_network) > 0 THEN 'critical' WHEN min(call_days) = 0 THEN 'high' ELSE 'low' END AS severity,
       concat(arn_short(who), ' tried ', array_to_string(array_sort(array_agg(DISTINCT event_name)), ', ')) AS title,
       concat(array_to_string(array_sort(array_agg(DISTINCT event_name)), ', '), CASE WHEN bool_and(error_code IS NOT NULL) THEN ' (refused)' ELSE '' END,
              CASE WHEN max(new_edge) > 0 THEN '; the role is new for this identity' ELSE '' END, CASE WHEN max(new_network) > 0 THEN '; the address is new for it' ELSE '' END,
              '; the calls were made on ', max(call_days), ' days before') AS reason,
       array_agg(DISTINCT session_id) FILTER (WHERE session_id IS NOT NULL) AS session_ids, array_agg(DISTINCT access_key_id) FILTER (WHERE access_key_id IS NOT NULL) AS access_keys,
       array_agg(DISTINCT ip) FILTER (WHERE ip_kind IN ('public', 'private')) AS source_ips, array_agg(DISTINCT account) AS accounts, array_agg(DISTINCT event_id) AS event_ids,
       CAST(sum(n) AS BIGINT) AS event_count, min(first_at) AS first_at, max(last_at) AS last_at
FROM touched
WHERE who IS NOT NULL
GROUP BY who
