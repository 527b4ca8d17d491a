-- title: Roles that assume themselves
-- description: Sessions that a role took of itself. explicit is what the record says of the trust policy: true where it names the role, false where only an old exception allows it, null where the record does not say.
-- id: A66
-- theme: revocation
WITH told AS (
    SELECT event_id, json_get_bool(additional_event_data, 'explicitTrustGrant') AS explicit
    FROM events
    WHERE event_source = 'sts.amazonaws.com'
        AND event_name = 'AssumeRole'
        AND additional_event_data LIKE '%explicitTrustGrant%'
)
SELECT
    arn_short(s.role_arn) AS role,
    split_part(s.caller_arn, '/', 3) AS caller_session,
    t.explicit,
    count(*) AS count,
    s.origin,
    min(s.issued_at) AS first,
    max(s.issued_at) AS last
FROM sessions s
LEFT JOIN told t ON t.event_id = s.issue_event_ids[1]
WHERE s.role_arn IS NOT NULL
    AND (s.caller = s.role_arn OR t.event_id IS NOT NULL)
GROUP BY s.role_arn, 2, t.explicit, s.origin
ORDER BY count DESC, role, caller_session, t.explicit, s.origin
