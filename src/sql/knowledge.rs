//! What the organisation knows about itself, from `rolecall.toml`: as tables, and as answers that linking has no other way to.
//!
//! Nothing in the logs is changed by it. Without a configuration the tables are empty and the answers are "unknown".

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{ArrayRef, RecordBatch};
use regex::Regex;

use crate::config::{CiKind, Config};
use crate::error::{Error, Result};
use crate::lake::schema::Table;

use super::linked::build::{integers, texts, truths};
use super::schema::{
    KNOWN_ACCOUNTS, KNOWN_CI, KNOWN_NETWORKS, KNOWN_PEOPLE, KNOWN_ROLES, KNOWN_SELF, KNOWN_VENDORS, KNOWN_VPC_ENDPOINTS,
};

/// What is known.
#[derive(Debug, Default)]
pub struct Known {
    config: Config,
    /// Accounts by id, and whether they belong to the organisation.
    inside: BTreeMap<String, bool>,
    vendors: BTreeSet<String>,
    /// Whether `inside` lists all accounts of the organisation.
    whole: bool,
    ci: Vec<(CiKind, Regex)>,
    people: BTreeSet<String>,
}

/// Who stands at the top of a chain, as far as it can be known by name.
#[derive(Debug, Clone, Copy)]
pub struct Top<'a> {
    /// iam_user, oidc, ...
    pub kind: &'a str,
    /// A user's ARN, a federated subject, ...
    pub name: Option<&'a str>,
    /// The SAML or OIDC provider's ARN.
    pub provider: Option<&'a str>,
    /// Its account.
    pub account: Option<&'a str>,
}

impl Known {
    /// What a configuration says.
    ///
    /// # Errors
    /// A pattern is longer than can be used.
    pub fn of(config: &Config) -> Result<Self> {
        let mut inside: BTreeMap<String, bool> =
            config.accounts.iter().map(|account| (account.id.clone(), account.in_organization)).collect();
        for id in config.organization.iter().flat_map(|organization| &organization.accounts) {
            inside.entry(id.clone()).or_insert(true);
        }
        let ci = config.ci.iter().map(|ci| Ok((ci.kind, matcher(&ci.value)?))).collect::<Result<_>>()?;
        let people = config.people.iter().flat_map(|person| person.aliases.iter().chain([&person.name]));
        Ok(Self {
            inside,
            vendors: config.vendors.iter().flat_map(|vendor| vendor.accounts.iter().cloned()).collect(),
            whole: config.organization.as_ref().is_some_and(|organization| !organization.more_accounts),
            ci,
            people: people.map(|alias| alias.to_lowercase()).collect(),
            config: config.clone(),
        })
    }

    /// Whether an account belongs to the organisation; `None` where nothing tells.
    pub fn in_organization(&self, account: &str) -> Option<bool> {
        match self.inside.get(account) {
            Some(inside) => Some(*inside),
            None if self.whole || self.vendors.contains(account) => Some(false),
            None => None,
        }
    }

    /// Name, environment and owner of an account.
    pub fn account(&self, id: &str) -> [Option<&str>; 3] {
        let account = self.config.accounts.iter().find(|account| account.id == id);
        account.map_or([None; 3], |a| [a.name.as_deref(), a.environment.as_deref(), a.owner.as_deref()])
    }

    /// The class of an origin that the configuration knows: vendor, ci, human.
    pub fn class(&self, top: Top<'_>) -> Option<&'static str> {
        if top.account.is_some_and(|account| self.vendors.contains(account)) {
            return Some("vendor");
        }
        let matches = |(kind, value): &(CiKind, Regex)| {
            let text = match kind {
                CiKind::Provider => top.provider,
                CiKind::Subject => top.name.filter(|_| top.kind == "oidc"),
                CiKind::User => top.name.filter(|_| top.kind == "iam_user"),
            };
            text.is_some_and(|text| value.is_match(text))
        };
        if self.ci.iter().any(matches) {
            return Some("ci");
        }
        let person = top.kind != "service" && top.name.is_some_and(|name| self.people.contains(&name.to_lowercase()));
        person.then_some("human")
    }

    /// What baselines depend on, as text: classes of origins, and our own roles. Where it changes, they are made anew.
    pub fn of_baselines(&self) -> String {
        let ci: Vec<_> = self.ci.iter().map(|(kind, value)| format!("{kind:?} {value}")).collect();
        format!("{:?} {ci:?} {:?} {:?}", self.vendors, self.people, self.config.own.roles)
    }

    /// What computed tables depend on, as text: accounts and whose they are, and classes of origins.
    pub fn of_linking(&self) -> String {
        format!("{:?} {:?} {} {}", self.config.accounts, self.inside, self.whole, self.of_baselines())
    }

    /// The tables that SQL can ask.
    ///
    /// # Errors
    /// Only where Arrow refuses the columns.
    pub fn tables(&self) -> Result<Vec<(&'static Table, RecordBatch)>> {
        let c = &self.config;
        let mut ids: Vec<&String> = self.inside.keys().collect();
        ids.sort_unstable();
        let account = |which: usize| texts(ids.iter().map(|id| self.account(id)[which]));
        let vendors: Vec<_> = c.vendors.iter().flat_map(|v| v.accounts.iter().map(|a| (&*v.name, &**a))).collect();
        let networks: Vec<_> =
            c.networks.iter().flat_map(|n| n.cidrs.iter().map(|cidr| (&*n.name, &**cidr, n.kind.as_str()))).collect();
        let people: Vec<_> = c
            .people
            .iter()
            .flat_map(|p| {
                p.aliases.iter().chain([&p.name]).collect::<BTreeSet<_>>().into_iter().map(|a| (&*p.name, &**a))
            })
            .collect();
        let patterns: Vec<String> = c.roles.iter().map(|role| like(&role.pattern)).collect();
        let values: Vec<String> = c.ci.iter().map(|ci| like(&ci.value)).collect();
        let own: Vec<String> = c.own.roles.iter().map(|role| like(role)).collect();
        let built: [(&'static Table, Vec<ArrayRef>); 8] = [
            (&KNOWN_SELF, vec![texts(own.iter().map(|p| Some(&**p)))]),
            (
                &KNOWN_ACCOUNTS,
                vec![
                    texts(ids.iter().map(|id| Some(id.as_str()))),
                    account(0),
                    account(1),
                    account(2),
                    truths(ids.iter().map(|id| self.in_organization(id))),
                ],
            ),
            (&KNOWN_VENDORS, vec![texts(vendors.iter().map(|v| Some(v.0))), texts(vendors.iter().map(|v| Some(v.1)))]),
            (
                &KNOWN_NETWORKS,
                vec![
                    texts(networks.iter().map(|n| Some(n.0))),
                    texts(networks.iter().map(|n| Some(n.1))),
                    texts(networks.iter().map(|n| Some(n.2))),
                ],
            ),
            (
                &KNOWN_VPC_ENDPOINTS,
                vec![
                    texts(c.vpc_endpoints.iter().map(|e| Some(&*e.id))),
                    texts(c.vpc_endpoints.iter().map(|e| e.name.as_deref())),
                    texts(c.vpc_endpoints.iter().map(|e| e.account.as_deref())),
                ],
            ),
            (&KNOWN_PEOPLE, vec![texts(people.iter().map(|p| Some(p.0))), texts(people.iter().map(|p| Some(p.1)))]),
            (
                &KNOWN_ROLES,
                vec![
                    texts(patterns.iter().map(|p| Some(&**p))),
                    integers(c.roles.iter().map(|r| r.tier.map(i64::from))),
                    truths(c.roles.iter().map(|r| Some(r.break_glass))),
                    truths(c.roles.iter().map(|r| Some(r.canary))),
                ],
            ),
            (
                &KNOWN_CI,
                vec![
                    texts(c.ci.iter().map(|ci| Some(&*ci.name))),
                    texts(c.ci.iter().map(|ci| Some(ci.kind.as_str()))),
                    texts(values.iter().map(|v| Some(&**v))),
                ],
            ),
        ];
        let batch = |(table, columns): (&'static Table, Vec<ArrayRef>)| {
            RecordBatch::try_new(table.schema(), columns)
                .map(|batch| (table, batch))
                .map_err(|e| Error::internal(format!("the table {} could not be built", table.name)).source(e))
        };
        built.into_iter().map(batch).collect()
    }
}

/// A pattern with `*` as what it matches.
fn matcher(pattern: &str) -> Result<Regex> {
    let parts: Vec<String> = pattern.split('*').map(regex::escape).collect();
    Regex::new(&format!("(?s)^{}$", parts.join(".*")))
        .map_err(|e| Error::usage(format!("the pattern '{pattern}' cannot be used")).source(e))
}

/// A pattern with `*` as SQL's LIKE has it.
fn like(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        match c {
            '*' => out.push('%'),
            '%' | '_' | '\\' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(text: &str) -> Known {
        Known::of(&toml::from_str(&format!("version = 1\n{text}")).unwrap()).unwrap()
    }

    const ACCOUNTS: &str = "[[account]]\nid = '111111111111'\n[[account]]\nid = '222222222222'\nin_organization = false\n\
                            [[vendor]]\nname = 'v'\naccounts = ['333333333333']\n";

    #[test]
    fn an_account_is_outside_where_something_says_so() {
        let some = known(ACCOUNTS);
        let whole = known(&format!("{ACCOUNTS}[organization]\naccounts = ['444444444444']\n"));
        let more = known(&format!("{ACCOUNTS}[organization]\nmore_accounts = true\n"));
        for (account, expected) in [
            ("111111111111", [Some(true); 3]),
            ("222222222222", [Some(false); 3]),
            ("333333333333", [Some(false); 3]),
            ("444444444444", [None, Some(true), None]),
            ("555555555555", [None, Some(false), None]),
        ] {
            let got = [&some, &whole, &more].map(|known| known.in_organization(account));
            assert_eq!(got, expected, "{account}");
        }
    }

    #[test]
    fn origins_have_the_class_that_they_are_known_by() {
        let known = known(
            "[[vendor]]\nname = 'v'\naccounts = ['333333333333']\n[[person]]\nname = 'dana'\naliases = ['Dana@example.com']\n\
             [[ci]]\nname = 'deploy'\nkind = 'subject'\nvalue = 'org:acme:*:ref:main'\n\
             [[ci]]\nname = 'old'\nkind = 'user'\nvalue = 'arn:aws:iam::111111111111:user/jenkins'\n",
        );
        let class =
            |kind, name, account| known.class(Top { kind, name: Some(name), provider: None, account: Some(account) });
        assert_eq!(class("outside_principal", "AROA", "333333333333"), Some("vendor"));
        assert_eq!(class("oidc", "org:acme:web:ref:main", "1"), Some("ci"));
        assert_eq!(class("oidc", "org:acme:web:ref:main2", "1"), None);
        assert_eq!(class("iam_user", "arn:aws:iam::111111111111:user/jenkins", "1"), Some("ci"));
        assert_eq!(class("saml", "dana@example.com", "1"), Some("human"));
        assert_eq!(class("saml", "erin@example.com", "1"), None);
    }

    #[test]
    fn patterns_are_for_like() {
        assert_eq!(like("Break_Glass*"), "Break\\_Glass%");
        assert_eq!(like("arn:aws:iam::*:role/admin"), "arn:aws:iam::%:role/admin");
    }
}
