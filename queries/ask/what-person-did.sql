-- title: What one person did, through any role
-- description: Every call, summed up per session and call, of the people, users and workloads whose name contains the text: as the origin of a chain, as the session name or as the source identity.
-- param: person text A part of the name: an e-mail address, a user's name, a repository.
-- param: writes_only bool = false Only calls that change something.
-- theme: what was done
SELECT
    min(event_time) AS first_at,
    max(event_time) AS last_at,
    recipient_account_id AS account,
    regexp_replace(arn_name(role_arn), '^AWSReservedSSO_(.*)_[0-9a-f]{16}$', '\1') AS role,
    chain_depth,
    replace(event_source, '.amazonaws.com', '') || ':' || event_name AS call,
    count(*) AS calls,
    count(error_code) AS errors,
    -- A list of all, shortened, takes a fraction of the memory of a set for each of very many groups.
    array_sort(array_distinct(array_agg(error_code) FILTER (WHERE error_code IS NOT NULL))) AS error_codes,
    array_sort(array_distinct(array_agg(source_ip_address) FILTER (WHERE source_ip_address IS NOT NULL))) AS addresses,
    origin,
    session_id
FROM session_events
WHERE session_id IN (
        SELECT session_id
        FROM sessions
        WHERE strpos(lower(origin), lower($person)) > 0
            OR strpos(lower(session_name), lower($person)) > 0
            OR strpos(lower(source_identity), lower($person)) > 0
    )
    AND (NOT $writes_only OR read_only = false)
GROUP BY session_id, recipient_account_id, role_arn, chain_depth, event_source, event_name, origin
ORDER BY first_at, last_at, session_id, call
