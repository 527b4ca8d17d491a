//! The columns that tell who called, as the derived tables name them: linking reads them, and so does what chooses the rows to link.

/// A table's columns of a caller.
pub struct Columns {
    /// IAMUser, AssumedRole, ...
    pub kind: &'static str,
    /// The caller's ARN.
    pub arn: &'static str,
    /// The caller's account.
    pub account: &'static str,
    /// The unique id, with the session name where it holds one.
    pub principal: &'static str,
    /// The access key.
    pub key: &'static str,
    /// The role or user behind the caller's session.
    pub issuer: &'static str,
    /// The session's name.
    pub session: &'static str,
    /// When the session was issued.
    pub created: &'static str,
}

/// Those of `credential_calls`.
pub const OF_CALLS: Columns = Columns {
    kind: "caller_type",
    arn: "caller_arn",
    account: "caller_account",
    principal: "caller_principal_id",
    key: "caller_key_id",
    issuer: "caller_issuer_arn",
    session: "caller_session_name",
    created: "caller_created_at",
};

/// Those of `activity`.
pub const OF_ACTIVITY: Columns = Columns {
    kind: "identity_type",
    arn: "identity_arn",
    account: "identity_account_id",
    principal: "identity_principal_id",
    key: "access_key_id",
    issuer: "session_issuer_arn",
    session: "session_name",
    created: "session_created_at",
};

/// How many of them are text.
const TEXTS: usize = 7;

impl Columns {
    /// The text columns, and others behind them; `ALL` is as many as both.
    pub const fn and<const MORE: usize, const ALL: usize>(&self, more: [&'static str; MORE]) -> [&'static str; ALL] {
        assert!(ALL == MORE + TEXTS);
        let own: [&str; TEXTS] =
            [self.kind, self.arn, self.account, self.principal, self.key, self.issuer, self.session];
        let mut all = [""; ALL];
        let mut at = 0;
        while at < ALL {
            all[at] = if at < TEXTS { own[at] } else { more[at - TEXTS] };
            at += 1;
        }
        all
    }
}
