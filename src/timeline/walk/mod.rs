//! The walk: from what the anchors name up to the origin, down through everything that came of it, and sideways over the
//! addresses of the suspicious part.

mod created;
mod sideways;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use crate::error::Result;
use crate::sts::arn;

use super::created::{Clue, Deed};
use super::keys::{self, UserKey};
use super::load::{Place, Sessions};
use super::owner::History;
use super::rows::Book;
use super::seeds::Seeds;
use super::split::{Split, split};

/// How a session came into the case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// The anchor names it.
    Anchor,
    /// It asked for one that is in the case, or made its credential.
    Above,
    /// One in the case asked for it.
    Below,
    /// It came of something that one in the case created.
    Created,
    /// It shares an address of the suspicious part.
    Beside,
}

impl How {
    /// The word for tables.
    pub fn word(self) -> &'static str {
        match self {
            How::Anchor => "anchor",
            How::Above => "above",
            How::Below => "below",
            How::Created => "created",
            How::Beside => "beside",
        }
    }
}

/// In whose hands a session was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// Nothing speaks against its owner.
    Owner,
    /// Its owner's and another's.
    Both,
    /// Another's.
    Other,
}

impl Party {
    /// The word for tables.
    pub fn word(self) -> &'static str {
        match self {
            Party::Owner => "owner",
            Party::Both => "both",
            Party::Other => "other",
        }
    }
}

/// A session in the case.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its place.
    pub place: Place,
    /// How it came in.
    pub how: How,
    /// From which session.
    pub via: Option<Place>,
    /// Why, in words.
    pub why: String,
    /// How sure the link is: exact, derived, guessed.
    pub certainty: &'static str,
    /// Rounds sideways.
    pub round: u32,
    /// In whose hands.
    pub party: Party,
}

/// An address of the suspicious part.
#[derive(Debug, Clone, Default)]
pub struct Pivot {
    /// The round in which it was found.
    pub round: u32,
    /// Why it is suspicious.
    pub why: String,
    /// Whether sessions beside were looked for.
    pub followed: bool,
    /// The time around which it was found.
    pub at: i64,
}

/// Something created, and by whom.
#[derive(Debug, Clone)]
pub struct Made {
    /// The call.
    pub deed: Deed,
    /// What it left.
    pub clue: Clue,
    /// The session that made the call.
    pub by: Option<Place>,
    /// Sessions that came of it.
    pub gave: Vec<Place>,
}

/// Everything that belongs to the case.
pub struct Walk<'a> {
    book: &'a Book<'a>,
    /// Every session.
    pub sessions: &'a Sessions,
    /// The past.
    pub history: History<'a>,
    /// What is in the case.
    pub members: BTreeMap<Place, Member>,
    /// Users' own keys in the case.
    pub keys: BTreeMap<String, UserKey>,
    /// Addresses of the suspicious part.
    pub pivots: BTreeMap<String, Pivot>,
    /// Addresses that were left out, with the number of others there.
    pub shared: BTreeMap<String, usize>,
    /// What was created.
    pub made: Vec<Made>,
    /// Sessions that the anchor names and that nothing speaks against, left out of a case about a stolen key.
    pub left_out: usize,
    splits: RefCell<HashMap<Place, Rc<Split>>>,
    words: HashMap<&'a str, Vec<Place>>,
    asked_keys: BTreeSet<String>,
    looked_above: BTreeSet<Place>,
    /// Whether the anchors name few sessions for certain: then everything that hangs together with them is of interest.
    narrow: bool,
    focus: BTreeSet<String>,
}

impl<'a> Walk<'a> {
    /// Walks.
    ///
    /// # Errors
    /// The tables cannot be asked.
    pub async fn new(book: &'a Book<'a>, sessions: &'a Sessions, seeds: &Seeds, expand: u32) -> Result<Self> {
        let mut walk = Self {
            book,
            sessions,
            history: History::new(sessions),
            members: BTreeMap::new(),
            keys: BTreeMap::new(),
            pivots: BTreeMap::new(),
            shared: BTreeMap::new(),
            made: Vec::new(),
            left_out: 0,
            splits: RefCell::default(),
            words: words(sessions),
            asked_keys: BTreeSet::new(),
            looked_above: BTreeSet::new(),
            narrow: seeds.narrow,
            focus: seeds.addresses.clone(),
        };
        walk.start(seeds);
        walk.hang_together(0).await?;
        for round in 1..=expand {
            if !walk.sideways(round).await? {
                break;
            }
            walk.hang_together(round).await?;
        }
        walk.judge();
        Ok(walk)
    }

    /// Whether the anchors name few sessions for certain, and not a family of them.
    pub fn is_narrow(&self) -> bool {
        self.narrow
    }

    /// A session's parts.
    pub fn split(&self, place: Place) -> Rc<Split> {
        if let Some(known) = self.splits.borrow().get(&place) {
            return known.clone();
        }
        let before = self.sessions.begun(self.sessions.root(place));
        let mut found = split(&self.history, self.sessions, place, before);
        let owner = self.history.owner(place);
        // Nobody outside has a past here: where they come from is all there is to follow.
        if !found.is_split() && owner.0 == "account" && !self.history.known(owner, before) {
            found.new_place = found.home.first().cloned();
        }
        let found = Rc::new(found);
        self.splits.borrow_mut().insert(place, found.clone());
        found
    }

    /// In whose hands a session was.
    fn party(&self, place: Place) -> Party {
        let split = self.split(place);
        let handed = || {
            let parent = self.sessions.parent(place)?;
            let from = self.history.asked_from(place);
            match self.members.get(&parent).map(|member| member.party) {
                Some(Party::Other) => Some(()),
                Some(Party::Both) => from.filter(|from| self.split(parent).other.contains(*from)).map(|_| ()),
                _ => None,
            }
        };
        let created = self.members.get(&place).is_some_and(|member| member.how == How::Created);
        if created || split.new_place.is_some() || handed().is_some() {
            return Party::Other;
        }
        if split.is_split() {
            let own = self.sessions.uses(place).any(|used| split.home.contains(used.ip));
            return if own { Party::Both } else { Party::Other };
        }
        Party::Owner
    }

    fn take(
        &mut self,
        place: Place,
        how: How,
        via: Option<Place>,
        why: String,
        certainty: &'static str,
        round: u32,
    ) -> bool {
        if self.members.contains_key(&place) {
            return false;
        }
        self.members.insert(place, Member { place, how, via, why, certainty, round, party: Party::Owner });
        let party = self.party(place);
        if let Some(member) = self.members.get_mut(&place) {
            member.party = party;
        }
        true
    }

    fn start(&mut self, seeds: &Seeds) {
        let nobody = BTreeSet::new();
        for address in self.focus.clone() {
            let at = seeds.since.unwrap_or_else(|| self.history.at(&address).last().map_or(0, |(at, _)| *at));
            match self.history.shared(&address, &nobody, at) {
                Some(others) => {
                    self.shared.insert(address, others);
                    self.narrow = false;
                }
                None => {
                    let pivot = Pivot { round: 0, why: "is the anchor".to_owned(), followed: true, at };
                    self.pivots.insert(address, pivot);
                }
            }
        }
        for (id, why) in &seeds.keys {
            if let Some(mut key) = keys::key(id, &seeds.key_uses, seeds.since, false, why) {
                if !self.focus.is_empty() && seeds.by_address.contains(id) {
                    key.other.extend(self.focus.iter().filter(|ip| !key.home.contains(*ip)).cloned());
                }
                self.keys.insert(id.clone(), key);
            }
        }
        let mut places: Vec<(Place, &String)> =
            seeds.sessions.iter().filter_map(|(id, why)| Some((self.sessions.place(id)?, why))).collect();
        places.sort_by_key(|(place, _)| (self.sessions.begun(*place), self.sessions.id(*place)));
        let taken = |place: Place| {
            let key = self.sessions.caller_key(place).and_then(|key| self.keys.get(key));
            // A user's key in two hands: what its owner asked for with it is not part of the theft.
            key.is_none_or(|key| {
                key.other.is_empty()
                    || seeds.by_name.contains(self.sessions.id(place))
                    || self.history.asked_from(place).is_none_or(|from| key.other.contains(from))
            })
        };
        let (places, left): (Vec<_>, Vec<_>) = places.into_iter().partition(|(place, _)| taken(*place));
        self.left_out = left.len();
        for &(place, why) in &places {
            self.take(place, How::Anchor, None, why.clone(), "exact", 0);
        }
        for (place, _) in places {
            let root = self.ascend(place, 0);
            self.descend(place, 0);
            if self.narrow {
                self.descend(root, 0);
            }
        }
    }

    /// Takes in everything above; gives the first of the chain.
    fn ascend(&mut self, place: Place, round: u32) -> Place {
        let mut at = place;
        while let Some(parent) = self.sessions.parent(at) {
            let exact = self.sessions.caller_key(at).is_some_and(|key| self.sessions.of_key(key) == Some(parent));
            let why = format!("asked for {}", self.sessions.id(at));
            self.take(parent, How::Above, Some(at), why, if exact { "exact" } else { "derived" }, round);
            at = parent;
        }
        // Hands are known from the top: what another asked for is the other's.
        let mut below = vec![at];
        while let Some(place) = below.pop() {
            let party = self.party(place);
            if let Some(member) = self.members.get_mut(&place) {
                member.party = party;
            }
            below.extend(self.sessions.known_children(place).iter().filter(|child| self.members.contains_key(*child)));
        }
        at
    }

    /// Takes in everything that came of a session, as far as it is not its owner's own.
    fn descend(&mut self, place: Place, round: u32) {
        let mut open = vec![place];
        while let Some(parent) = open.pop() {
            for &child in self.sessions.children(parent) {
                if !self.passes(parent, child) {
                    continue;
                }
                let why = format!("asked for by {}", self.sessions.id(parent));
                self.take(child, How::Below, Some(parent), why, "exact", round);
                open.push(child);
            }
        }
    }

    /// Whether a session asked for by another belongs to the same hands.
    fn passes(&self, parent: Place, child: Place) -> bool {
        if self.members.get(&parent).is_some_and(|member| member.party == Party::Other) {
            return true;
        }
        let (split, addresses) = (self.split(parent), self.history.addresses(child));
        let suspicious =
            |ip: &&str| split.other.contains(*ip) || self.focus.contains(*ip) || self.pivots.contains_key(*ip);
        if addresses.iter().any(suspicious) {
            return true;
        }
        // Where an address is what is asked about, the rest of what was done elsewhere with the same session is not.
        if self.history.addresses(parent).iter().any(|ip| self.focus.contains(*ip)) {
            return false;
        }
        !split.is_split() || self.history.asked_from(child).is_none() || self.split(child).is_split()
    }
}

/// Where each session can be looked up by what a call that created something names.
fn words(sessions: &Sessions) -> HashMap<&str, Vec<Place>> {
    let mut words: HashMap<&str, Vec<Place>> = HashMap::new();
    for place in 0..sessions.len() {
        let top = sessions.parent(place).is_none();
        let mut list: Vec<&str> = Vec::new();
        list.extend(sessions.role(place).and_then(arn::name));
        list.extend(sessions.caller_key(place).filter(|key| key.starts_with("AKIA")));
        if top {
            list.extend(sessions.name(place));
            list.extend(sessions.origin_provider(place));
            list.extend(sessions.invoked_by(place));
            list.extend(
                sessions.origin(place).filter(|_| sessions.origin_type(place) == Some("iam_user")).and_then(arn::name),
            );
        }
        list.sort_unstable();
        list.dedup();
        for word in list {
            words.entry(word).or_default().push(place);
        }
    }
    words
}
