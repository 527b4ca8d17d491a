//! The tables of what `rolecall.toml` says.

use crate::lake::schema::{Table, columns};

/// Accounts that the configuration knows.
pub static KNOWN_ACCOUNTS: Table = Table {
    name: "known_accounts",
    doc: "One row per account of [[account]] and [organization] in rolecall.toml.",
    partition: None,
    columns: columns! {
        account_id Text "The account.";
        name Text "Its name.";
        environment Text "What it is for.";
        owner Text "Who looks after it.";
        in_organization Bool "Whether it belongs to the organisation.";
    },
};

/// Third parties.
pub static KNOWN_VENDORS: Table = Table {
    name: "known_vendors",
    doc: "One row per account of a [[vendor]] in rolecall.toml.",
    partition: None,
    columns: columns! {
        name Text "The vendor.";
        account_id Text "An account it calls from.";
    },
};

/// Networks by name.
pub static KNOWN_NETWORKS: Table = Table {
    name: "known_networks",
    doc: "One row per address range of a [[network]] in rolecall.toml; ip_in(address, cidr) matches.",
    partition: None,
    columns: columns! {
        name Text "The network.";
        cidr Text "The range.";
        kind Text "office, vpn, egress, ci, vendor, hosting, tor, other.";
    },
};

/// VPC endpoints by name.
pub static KNOWN_VPC_ENDPOINTS: Table = Table {
    name: "known_vpc_endpoints",
    doc: "One row per [[vpc_endpoint]] in rolecall.toml.",
    partition: None,
    columns: columns! {
        vpc_endpoint_id Text "The endpoint.";
        name Text "Its name.";
        account_id Text "The account it belongs to.";
    },
};

/// People and the names they go by.
pub static KNOWN_PEOPLE: Table = Table {
    name: "known_people",
    doc: "One row per name that a [[person]] in rolecall.toml goes by, the person's own included.",
    partition: None,
    columns: columns! {
        person Text "The person.";
        alias Text "A session name, user name, ARN or mail address; compare without regard to case.";
    },
};

/// How much depends on which role.
pub static KNOWN_ROLES: Table = Table {
    name: "known_roles",
    doc: "One row per [[role]] in rolecall.toml; role_arn LIKE pattern OR role_name LIKE pattern matches.",
    partition: None,
    columns: columns! {
        pattern Text "The name or ARN, for LIKE.";
        tier Int "How much depends on it: 0 is most; null where nothing is said.";
        break_glass Bool "Whether it is for emergencies only.";
        canary Bool "Whether nobody has any business with it.";
    },
};

/// Pipelines.
pub static KNOWN_CI: Table = Table {
    name: "known_ci",
    doc: "One row per [[ci]] in rolecall.toml.",
    partition: None,
    columns: columns! {
        name Text "The pipeline.";
        kind Text "By what it is known: provider (origin_provider), subject (origin of type oidc), user (origin of type iam_user).";
        value Text "The ARN or subject, for LIKE.";
    },
};

/// Our own roles.
pub static KNOWN_SELF: Table = Table {
    name: "known_self",
    doc: "One row per role of [self] in rolecall.toml: stored, and kept out of baselines and findings.",
    partition: None,
    columns: columns! {
        pattern Text "The name or ARN, for LIKE.";
    },
};

/// What `rolecall.toml` says; empty without one.
pub static KNOWN: [&Table; 8] = [
    &KNOWN_ACCOUNTS,
    &KNOWN_VENDORS,
    &KNOWN_NETWORKS,
    &KNOWN_VPC_ENDPOINTS,
    &KNOWN_PEOPLE,
    &KNOWN_ROLES,
    &KNOWN_CI,
    &KNOWN_SELF,
];
