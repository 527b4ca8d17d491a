//! For folders that leave the house: accounts, keys, names and the owners' addresses become numbers; what is the other's stays.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use crate::error::{Error, Result};
use crate::sts::arn;

use super::super::case::Case;
use super::super::owner::is_address;

/// What stands for what.
pub struct Redaction {
    pattern: Option<Regex>,
    words: BTreeMap<String, String>,
}

impl Redaction {
    /// Numbers everything of the case that names somebody.
    ///
    /// # Errors
    /// Only where the names are too many for one pattern.
    pub fn of(case: &Case, anchors: &[String]) -> Result<Self> {
        let mut kinds: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
        let mut add = |kind: &'static str, text: &str| {
            if text.len() > 2 {
                kinds.entry(kind).or_default().insert(text.to_owned());
            }
        };
        let suspicious: BTreeSet<&str> = case.pivots.keys().map(String::as_str).collect();
        for s in &case.sessions {
            for account in
                s.role_account.iter().chain(&s.caller_account).chain(&s.origin_account).chain(&s.used_accounts)
            {
                add("account", account);
            }
            for key in s.used_keys.iter().chain(&s.caller_key).chain([&s.id, &s.root]).chain(&s.parent) {
                add("key", key);
            }
            for name in s.session_name.iter().chain(&s.source_identity).chain(&s.external_id) {
                add("name", name);
            }
            if let Some(origin) = &s.origin {
                add("name", if origin.starts_with("arn:") { arn::name(origin).unwrap_or(origin) } else { origin });
            }
            for role in s.role_name.iter().chain(&s.permission_set) {
                add("role", role);
            }
            if let Some(name) = s.origin_provider.as_deref().and_then(|arn| arn.rsplit('/').next()) {
                add("provider", name);
            }
            for ip in s.used_ips.iter().chain(&s.issued_ip).chain(&s.requester_ip).chain(&s.split.home) {
                if is_address(crate::sts::ip::ip_kind(ip)) && !suspicious.contains(ip.as_str()) {
                    add("address", ip);
                }
            }
        }
        for key in &case.keys {
            add("key", &key.id);
            add("account", &key.account);
            add("name", arn::name(&key.arn).unwrap_or(&key.arn));
            key.home.iter().for_each(|ip| add("address", ip));
        }
        for event in &case.events {
            add("account", &event.account);
            event.key.iter().for_each(|key| add("key", key));
            let caller = event.identity_arn.as_deref();
            caller.and_then(arn::account).into_iter().for_each(|account| add("account", account));
            caller.and_then(arn::name).into_iter().for_each(|name| add("name", name));
            if !event.other && is_address(crate::sts::ip::ip_kind(&event.ip)) && !suspicious.contains(event.ip.as_str())
            {
                add("address", &event.ip);
            }
            // Whatever a call was made on names somebody or something.
            for part in event
                .target
                .split([' ', ':', '/', ','])
                .filter(|part| part.len() > 3 && *part != "arn" && *part != "role" && *part != "user")
            {
                if part.len() == 12 && part.bytes().all(|b| b.is_ascii_digit()) {
                    add("account", part)
                } else {
                    add("thing", part)
                }
            }
        }
        for (id, _) in &case.leads {
            add("key", id);
        }
        for anchor in anchors.iter().filter(|anchor| !suspicious.contains(anchor.as_str())) {
            add("anchor", anchor);
        }
        let mut words: BTreeMap<String, String> = BTreeMap::new();
        for (kind, list) in &kinds {
            for (number, word) in list.iter().enumerate() {
                words.entry(word.clone()).or_insert_with(|| format!("{kind}-{}", number + 1));
            }
        }
        // AWS's own words are nobody's.
        words.retain(|word, _| !word.ends_with(".amazonaws.com"));
        let mut all: Vec<&String> = words.keys().collect();
        all.sort_by_key(|word| (std::cmp::Reverse(word.len()), (*word).clone()));
        let parts: Vec<String> = all.iter().map(|word| regex::escape(word)).collect();
        let pattern = if parts.is_empty() {
            None
        } else {
            let built = regex::RegexBuilder::new(&parts.join("|")).size_limit(1 << 28).build();
            Some(built.map_err(|e| Error::usage("the case has too many names to redact").source(e))?)
        };
        Ok(Self { pattern, words })
    }

    /// The text with numbers for names; account ids that the case does not know go as well.
    pub fn apply(&self, text: &str) -> String {
        let Some(pattern) = &self.pattern else { return text.to_owned() };
        pattern
            .replace_all(text, |found: &regex::Captures<'_>| self.words.get(&found[0]).cloned().unwrap_or_default())
            .into_owned()
    }
}
