//! Sideways: over the addresses of the suspicious part that nobody else uses, to what else was done from there.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;

use super::super::keys;
use super::super::load::Place;
use super::super::owner::Owner;
use super::{How, Party, Pivot, Walk};

/// How far from an incident another session at its address may lie: seven days.
const AROUND: i64 = 7 * 86_400 * 1_000_000;

impl<'a> Walk<'a> {
    /// The addresses of the suspicious part; those that many share are left out.
    pub(super) fn find_pivots(&mut self, round: u32) {
        let mut found: BTreeMap<String, (String, i64)> = BTreeMap::new();
        for member in self.members.values() {
            let place = member.place;
            let split = self.split(place);
            let mut addresses = split.suspicious();
            let handed = member.party == Party::Other && split.new_place.is_none() && !split.is_split();
            if !self.narrow && member.how == How::Anchor && !split.is_split() && !handed {
                continue;
            }
            if handed {
                let before = self.sessions.begun(self.sessions.root(place));
                let owner = self.history.owner(place);
                let new = self.history.addresses(place).into_iter().filter(|ip| !self.history.usual(owner, ip, before));
                addresses.extend(new.map(str::to_owned));
            }
            let at = split.at.unwrap_or(self.sessions.begun(place));
            for address in addresses {
                found.entry(address).or_insert_with(|| (format!("used {}", self.sessions.id(place)), at));
            }
        }
        for key in self.keys.values() {
            for address in &key.other {
                found.entry(address.clone()).or_insert_with(|| (format!("used {}", key.id), key.first));
            }
        }
        found.retain(|address, _| !self.pivots.contains_key(address) && !self.shared.contains_key(address));
        self.history.look_at(&found.keys().cloned().collect::<Vec<_>>());
        let owners: BTreeSet<Owner<'a>> = self.members.keys().map(|&place| self.history.owner(place)).collect();
        for (address, (why, at)) in found {
            match self.history.shared(&address, &owners, at) {
                Some(others) => _ = self.shared.insert(address, others),
                None => _ = self.pivots.insert(address, Pivot { round, why, followed: false, at }),
            }
        }
    }

    /// One round over the addresses that are not followed yet; whether anything was added.
    pub(super) async fn sideways(&mut self, round: u32) -> Result<bool> {
        let open: Vec<(String, Pivot)> = self
            .pivots
            .iter_mut()
            .filter(|(_, pivot)| !pivot.followed)
            .map(|(address, pivot)| {
                pivot.followed = true;
                (address.clone(), pivot.clone())
            })
            .collect();
        let before = (self.members.len(), self.keys.len());
        for (address, pivot) in &open {
            for &(at, place) in self.history.at(address).iter() {
                if (at - pivot.at).abs() > AROUND {
                    continue;
                }
                let why = format!("shares {address}, which {}", pivot.why);
                if self.take(place, How::Beside, None, why, "derived", round) {
                    self.ascend(place, round);
                    self.descend(place, round);
                }
            }
        }
        let addresses: BTreeSet<String> = open.into_iter().map(|(address, _)| address).collect();
        let there = keys::at(self.book, &addresses).await?;
        let ids: BTreeSet<String> = there.keys().filter(|id| !self.keys.contains_key(*id)).cloned().collect();
        let uses = keys::of(self.book, &ids).await?;
        for id in ids {
            let (ip, first) = there.get(&id).map(|used| (used.ip.clone(), used.first)).unwrap_or_default();
            let why = format!("used from {ip}");
            if let Some(mut key) = keys::key(&id, &uses, Some(first), false, &why) {
                key.round = round;
                key.other.extend(
                    addresses
                        .iter()
                        .filter(|ip| uses.iter().any(|u| u.ip == **ip && u.key.as_deref() == Some(id.as_str())))
                        .cloned(),
                );
                key.home.retain(|ip| !addresses.contains(ip));
                self.keys.insert(id, key);
            }
        }
        Ok((self.members.len(), self.keys.len()) != before)
    }

    /// Hands once more, now that everything is known.
    pub(super) fn judge(&mut self) {
        let mut order: Vec<Place> = self.members.keys().copied().collect();
        order.sort_by_key(|&place| (self.sessions.depth(place), self.sessions.begun(place)));
        for place in order {
            let party = self.party(place);
            let beside = |walk: &Self| {
                let addresses = walk.history.addresses(place);
                let pivots = addresses.iter().filter(|ip| walk.pivots.contains_key(**ip)).count();
                match pivots {
                    0 => Party::Owner,
                    n if n == addresses.len() => Party::Other,
                    _ => Party::Both,
                }
            };
            let party = if party == Party::Owner { beside(self) } else { party };
            if let Some(member) = self.members.get_mut(&place) {
                member.party = party;
            }
        }
    }
}
