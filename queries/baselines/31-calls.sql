-- title: The calls of the night
-- description: Per caller, address, program and call: how often, the first and last time, and one event's id. Calls that could be tied to a session carry its id.
-- param: from timestamp The first moment.
-- param: until timestamp The end, exclusive.
SELECT e.event_date, e.session_id, e.identity_type, e.identity_arn, e.identity_user_name, e.session_issuer_arn, e.access_key_id, e.source_ip_address AS ip, e.source_ip_kind AS ip_kind,
       e.user_agent, agent_family(e.user_agent) AS agent, attack_tool(e.user_agent) AS tool, e.vpc_endpoint_id, e.vpc_endpoint_account_id,
       e.event_source, e.event_name, e.error_code, e.read_only, e.invoked_by, e.recipient_account_id AS account, e.in_scope_of_arn, e.ec2_role_delivery,
       e.from_console, e.credential_id, e.on_behalf_of_user_id,
       count(*) AS n, min(e.event_time) AS first_at, max(e.event_time) AS last_at, min(e.event_id) AS event_id
FROM linked_events e
WHERE e.event_time >= $from AND e.event_time < $until
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25
