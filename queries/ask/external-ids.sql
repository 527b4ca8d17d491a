-- title: External ids in use
-- description: Which roles and accounts share an external id, and whether one could guess it. It is no secret, but names a vendor's customer: it is shown as a hash, the first characters of its SHA-256, unless asked for. entropy_class: account_id, digits, short (under 8 characters), word (letters only), random (a UUID, or 16 characters and more with digits), middling.
-- id: A53
-- theme: external ID, MFA, session policy, tags, source identity
-- param: show bool = false The external id itself.
SELECT
    text_hash(external_id) AS ext_id_hash,
    array_sort(array_agg(DISTINCT arn_short(role_arn)) FILTER (WHERE role_arn IS NOT NULL)) AS roles,
    array_sort(array_agg(DISTINCT caller_account) FILTER (WHERE caller_account IS NOT NULL)) AS accounts,
    CASE
        WHEN regexp_like(external_id, '^[0-9]{12}$') THEN 'account_id'
        WHEN regexp_like(external_id, '^[0-9]+$') THEN 'digits'
        WHEN length(external_id) < 8 THEN 'short'
        WHEN regexp_like(external_id, '^[A-Za-z_.-]+$') THEN 'word'
        WHEN length(external_id) >= 16 THEN 'random'
        ELSE 'middling'
    END AS entropy_class,
    CASE WHEN $show THEN external_id END AS external_id,
    count(*) AS sessions,
    count(DISTINCT role_arn) AS role_count,
    min(issued_at) AS first,
    max(issued_at) AS last
FROM sessions
WHERE external_id IS NOT NULL
GROUP BY external_id
ORDER BY role_count DESC, sessions DESC, ext_id_hash
