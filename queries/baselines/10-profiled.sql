-- title: Sessions with the names that stay the same
-- description: Every session with the identity that answers for it (who), the role's name without what differs from account to account (shape), and the shapes of its chain. Who is a user, a federated subject, an outside account; for what services start, the first role of the chain.
SELECT s.*,
       CASE
           WHEN s.origin_type IN ('iam_user', 'identity_center', 'saml', 'oidc', 'root') THEN s.origin
           WHEN s.origin_type = 'outside_principal' THEN coalesce(s.origin_account, s.origin)
           WHEN s.origin_type = 'service' THEN coalesce(s.chain_path[1], s.origin)
           ELSE coalesce(s.chain_path[1], s.role_arn, s.origin, s.caller_arn)
       END AS who,
       role_shape(s.role_arn) AS shape,
       chain_shape(array_to_string(s.chain_path, ' ')) AS path_shape,
       CASE
           WHEN s.origin_class = 'human' OR s.origin_type IN ('identity_center', 'saml') THEN 'human'
           WHEN s.caller_type = 'AWSService' THEN 'service'
           WHEN s.origin_type = 'service' THEN 'service'
           WHEN s.origin_type = 'outside_principal' THEN 'account'
           ELSE coalesce(s.origin_type, 'unknown')
       END AS class
FROM sessions s
