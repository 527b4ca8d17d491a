//! Whose a credential is, and where that owner is usually seen: what a stranger's address is told from.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::rc::Rc;

use crate::sql::linked::Asked;
use crate::sts::ip;

use super::load::{Place, Sessions};

const HOUR: i64 = 3600 * 1_000_000;
const DAY: i64 = 24 * HOUR;

/// What lies less than this before an incident may be part of it, and makes no address a usual one.
const MARGIN: i64 = 6 * HOUR;

/// Days on which an address must have been seen to be a usual one, where the owner was active on more.
const DAYS: usize = 2;

/// Owners at one address that make it a shared one, however new it is.
const MANY: usize = 8;

/// Owners on earlier days that make an address a shared one.
const SEVERAL: usize = 3;

/// Who holds a credential by right: a person, a user, a pipeline's subject, an outside account, an instance, a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner<'a>(pub &'a str, pub &'a str, pub &'a str);

/// Where an owner was seen: address → days and first moment.
type Seen<'a> = BTreeMap<&'a str, Vec<(i64, Place)>>;

/// Moments and where somebody was then, in order.
type Moments = Rc<Vec<(i64, Place)>>;

/// The past of owners and addresses.
pub struct History<'a> {
    sessions: &'a Sessions,
    owners: Vec<Owner<'a>>,
    by_owner: HashMap<Owner<'a>, Vec<Place>>,
    seen: RefCell<HashMap<Owner<'a>, Rc<Seen<'a>>>>,
    at: RefCell<HashMap<String, Moments>>,
    asked: RefCell<HashSet<Owner<'a>>>,
}

/// Whether a kind of source address is one that a client can have.
pub fn is_address(kind: &str) -> bool {
    matches!(kind, "public" | "private" | "cgnat" | "other")
}

/// Whether two addresses lie in one network: the same /24, or /48 for IPv6.
pub fn same_network(a: &str, b: &str) -> bool {
    a == b
        || match (ip::parse(a), ip::parse(b)) {
            (Some(IpAddr::V4(a)), Some(IpAddr::V4(b))) => a.octets()[..3] == b.octets()[..3],
            (Some(IpAddr::V6(a)), Some(IpAddr::V6(b))) => a.segments()[..3] == b.segments()[..3],
            _ => false,
        }
}

impl<'a> History<'a> {
    /// Sorts sessions by owner.
    pub fn new(sessions: &'a Sessions) -> Self {
        let owners: Vec<Owner<'a>> = (0..sessions.len()).map(|place| owner(sessions, place)).collect();
        let mut by_owner: HashMap<Owner<'a>, Vec<Place>> = HashMap::new();
        for (place, owner) in owners.iter().enumerate() {
            by_owner.entry(*owner).or_default().push(place);
        }
        Self { sessions, owners, by_owner, seen: RefCell::default(), at: RefCell::default(), asked: RefCell::default() }
    }

    /// A session's owner.
    pub fn owner(&self, place: Place) -> Owner<'a> {
        self.owners[place]
    }

    /// An owner's sessions.
    pub fn of(&self, owner: Owner<'a>) -> &[Place] {
        if self.asked.borrow_mut().insert(owner) {
            self.sessions.ask(|asked| ask(owner, asked));
        }
        self.by_owner.get(&owner).map_or(&[], Vec::as_slice)
    }

    /// Where a session was asked for: the person's own address, else that of the issuing record where it is one.
    pub fn asked_from(&self, place: Place) -> Option<&'a str> {
        let issued = || self.sessions.issued_ip(place).filter(|text| is_address(ip::ip_kind(text)));
        self.sessions.requester_ip(place).or_else(issued)
    }

    /// Every address of a session: asked from, used from.
    pub fn addresses(&self, place: Place) -> BTreeSet<&'a str> {
        let used = self.sessions.uses(place).filter(|used| is_address(used.kind)).map(|used| used.ip);
        used.chain(self.asked_from(place)).collect()
    }

    fn moments(&self, place: Place) -> Vec<(&'a str, i64)> {
        let used = self.sessions.uses(place).filter(|used| is_address(used.kind)).map(|used| (used.ip, used.first));
        used.chain(self.asked_from(place).map(|address| (address, self.sessions.begun(place)))).collect()
    }

    fn seen(&self, owner: Owner<'a>) -> Rc<Seen<'a>> {
        if let Some(seen) = self.seen.borrow().get(&owner) {
            return seen.clone();
        }
        let mut seen: Seen<'a> = BTreeMap::new();
        for &place in self.of(owner) {
            for (address, at) in self.moments(place) {
                seen.entry(address).or_default().push((at, place));
            }
        }
        let seen = Rc::new(seen);
        self.seen.borrow_mut().insert(owner, seen.clone());
        seen
    }

    /// The days before an incident on which the owner was active.
    fn days(&self, owner: Owner<'a>, before: i64) -> usize {
        let seen = self.seen(owner);
        let moments = seen.values().flatten().filter(|(at, _)| *at < before - MARGIN);
        moments.map(|(at, _)| at.div_euclid(DAY)).collect::<BTreeSet<_>>().len()
    }

    /// Whether the owner was seen at all before an incident.
    pub fn known(&self, owner: Owner<'a>, before: i64) -> bool {
        self.days(owner, before) > 0
    }

    /// Whether the owner was usually at an address, or in its network, before an incident.
    pub fn usual(&self, owner: Owner<'a>, address: &str, before: i64) -> bool {
        let seen = self.seen(owner);
        let mut days = BTreeSet::new();
        for (_, moments) in seen.iter().filter(|(known, _)| same_network(known, address)) {
            days.extend(moments.iter().filter(|(at, _)| *at < before - MARGIN).map(|(at, _)| at.div_euclid(DAY)));
        }
        !days.is_empty() && days.len() >= DAYS.min(self.days(owner, before))
    }

    /// Everybody at these addresses, remembered.
    pub fn look_at(&self, addresses: &[String]) {
        let known = self.at.borrow();
        let wanted: HashSet<&str> =
            addresses.iter().map(String::as_str).filter(|address| !known.contains_key(*address)).collect();
        drop(known);
        if wanted.is_empty() {
            return;
        }
        self.sessions.ask(|asked| asked.places.extend(wanted.iter().map(|&address| address.to_owned())));
        let mut found: HashMap<&str, BTreeSet<(i64, Place)>> =
            wanted.iter().map(|address| (*address, BTreeSet::new())).collect();
        for (place, used) in self.sessions.all_uses() {
            if let Some(list) = found.get_mut(used.ip) {
                list.insert((used.first, place));
            }
        }
        for place in 0..self.sessions.len() {
            if let Some(address) = self.asked_from(place)
                && let Some(list) = found.get_mut(address)
            {
                list.insert((self.sessions.begun(place), place));
            }
        }
        let mut at = self.at.borrow_mut();
        for (address, list) in found {
            at.insert(address.to_owned(), Rc::new(list.into_iter().collect()));
        }
    }

    /// Who came from an address: when, with which session; the earliest first.
    pub fn at(&self, address: &str) -> Rc<Vec<(i64, Place)>> {
        self.look_at(&[address.to_owned()]);
        self.at.borrow().get(address).cloned().unwrap_or_default()
    }

    /// How many other owners share an address, where it is one that many share: a NAT, an office, a VPN, a pool.
    pub fn shared(&self, address: &str, owners: &BTreeSet<Owner<'a>>, before: i64) -> Option<usize> {
        let everybody = self.at(address);
        let others = |limit: i64| -> BTreeSet<Owner<'a>> {
            let there = everybody.iter().filter(|(at, _)| *at < limit).map(|(_, place)| self.owner(*place));
            there.filter(|owner| !owners.contains(owner)).collect()
        };
        let (earlier, all) = (others(before - MARGIN), others(i64::MAX));
        // Counting is cheaper than the past of everybody there.
        let many = earlier.len() >= SEVERAL || all.len() >= MANY;
        (many || earlier.iter().any(|owner| self.usual(*owner, address, before))).then_some(all.len())
    }
}

/// Asks for everything of an owner.
fn ask(owner: Owner<'_>, asked: &mut Asked) {
    let Owner(kind, one, other) = owner;
    match kind {
        "service" | "unknown" if one.starts_with("arn:") => _ = asked.roles.insert((one.to_owned(), other.to_owned())),
        "service" => _ = asked.names.insert(other.to_owned()),
        "unknown" => _ = asked.sessions.insert(one.to_owned()),
        "federated" => _ = asked.names.insert(other.to_owned()),
        _ => _ = asked.names.insert(one.to_owned()),
    }
}

fn owner(sessions: &Sessions, place: Place) -> Owner<'_> {
    let root = sessions.root(place);
    let origin = sessions.origin(root).unwrap_or_default();
    match sessions.origin_type(root).unwrap_or_default() {
        "service" => Owner("service", sessions.role(root).unwrap_or_default(), sessions.name(root).unwrap_or_default()),
        "outside_principal" => Owner("account", sessions.caller_account(root).unwrap_or(origin), ""),
        "oidc" | "saml" => Owner("federated", sessions.origin_provider(root).unwrap_or_default(), origin),
        "unknown" => {
            Owner("unknown", sessions.role(root).unwrap_or(sessions.id(root)), sessions.name(root).unwrap_or_default())
        }
        _ => Owner("who", origin, ""),
    }
}
