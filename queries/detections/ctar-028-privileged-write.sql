-- title: Identities are changed by a workload or at a chain's end
-- description: Calls that make or strengthen identities, by a workload's session or one two roles away from its origin, which the role never made.
-- id: CTAR-028
-- severity: high
-- attack: T1098.001, T1098.003, T1136.003
-- needs: baseline of 30 days; without history every such call
-- false_positives: Provisioning roles: they are learned. Roles made tonight count as their peers.
-- reference: elastic persistence_iam_create_user_via_assumed_role_on_ec2_instance.toml
-- tags: content
WITH writes AS (
    SELECT c.*, t.who, t.role_arn, t.class, t.chain_depth, t.session_name_kind,
           coalesce(v.learned, false) AS learned, coalesce(v.words, 'no history') AS words, coalesce(v.history_days, 0) AS history_days, coalesce(v.peers_with, 0) AS peers_with
    FROM calls c
    JOIN tonight t ON t.session_id = c.session_id
    LEFT JOIN novel v ON v.entity_type = 'role' AND v.entity = t.role_arn AND v.feature = 'call' AND v.value = concat(c.event_source, ':', c.event_name)
    WHERE c.event_name IN ('CreateUser', 'CreateAccessKey', 'CreateLoginProfile', 'UpdateLoginProfile', 'AttachUserPolicy', 'AttachRolePolicy', 'AttachGroupPolicy', 'PutUserPolicy', 'PutRolePolicy', 'PutGroupPolicy', 'AddUserToGroup', 'CreatePolicyVersion', 'SetDefaultPolicyVersion', 'UpdateAssumeRolePolicy', 'CreateSAMLProvider', 'UpdateSAMLProvider', 'CreateOpenIDConnectProvider', 'AddRoleToInstanceProfile', 'DeactivateMFADevice', 'DeleteRolePermissionsBoundary', 'DeleteUserPermissionsBoundary', 'CreateTrustAnchor', 'CreateServiceSpecificCredential') AND c.error_code IS NULL AND c.invoked_by IS NULL
        AND (t.chain_depth >= 2 OR t.class = 'service') AND coalesce(v.seen_days, 0) = 0
)
SELECT role_arn AS entity, min(event_name) AS target, CASE WHEN bool_or(learned) THEN 12.0 ELSE 8.0 END AS score,
       CASE WHEN bool_or(learned) OR bool_or(class = 'service') OR max(history_days) < 7 OR min(peers_with) = 0 THEN 'high' ELSE 'low' END AS severity,
       concat(arn_short(role_arn), ' made ', min(event_name), CASE WHEN count(DISTINCT event_name) > 1 THEN concat(' and ', count(DISTINCT event_name) - 1, ' more changes of identities') ELSE '' END) AS title,
       concat(array_to_string(array_sort(array_agg(DISTINCT event_name)), ', '), ' by ', CASE WHEN bool_or(class = 'service') THEN 'a workload' ELSE concat('a chain of ', max(chain_depth), ' roles') END, ': ', max(words)) AS reason,
       array_agg(DISTINCT session_id) AS session_ids, array_agg(DISTINCT ip) FILTER (WHERE ip_kind = 'public') AS source_ips, array_agg(DISTINCT event_id) AS event_ids,
       CAST(sum(n) AS BIGINT) AS event_count, min(first_at) AS first_at, max(last_at) AS last_at
FROM writes
GROUP BY role_arn
