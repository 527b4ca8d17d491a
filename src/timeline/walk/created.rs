//! What was created within the case and what came of it; and who made what the case began with.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::sts::arn;

use super::super::created::{self, Clue, Deed};
use super::super::load::Place;
use super::super::{deeds, keys, text};
use super::{How, Made, Member, Party, Walk};

const DAY: i64 = 86_400 * 1_000_000;

/// How long before its use a credential may have been made within the incident.
const MADE: i64 = 7 * DAY;

/// Turns of the search for what was created, and what that created.
const TURNS: usize = 8;

impl Walk<'_> {
    /// What was created by what is in the case, and what made it; then the addresses of all that.
    pub(super) async fn hang_together(&mut self, round: u32) -> Result<()> {
        for _ in 0..TURNS {
            let before = (self.members.len(), self.keys.len());
            self.follow_created(round).await?;
            self.look_above(round).await?;
            if (self.members.len(), self.keys.len()) == before {
                break;
            }
        }
        self.find_pivots(round);
        Ok(())
    }

    fn of_interest(&self, member: &Member) -> bool {
        self.narrow || member.party != Party::Owner
    }

    async fn follow_created(&mut self, round: u32) -> Result<()> {
        let mut aliases = self.sessions.keys();
        let mut wanted = BTreeSet::new();
        for member in self.members.values().filter(|member| self.of_interest(member)) {
            wanted.insert(self.sessions.id(member.place).to_owned());
            wanted.extend(aliases.remove(&member.place).into_iter().flatten().map(str::to_owned));
        }
        wanted.extend(self.keys.values().filter(|key| key.created || !key.other.is_empty()).map(|key| key.id.clone()));
        wanted.retain(|key| self.asked_keys.insert(key.clone()));
        for deed in deeds::by_keys(self.book, &wanted, self.used(&wanted)).await? {
            let by = deed.key.as_deref().and_then(|key| self.sessions.of_key(key));
            if !self.others_deed(&deed, by) {
                continue;
            }
            for clue in created::clues(&deed) {
                self.follow(&deed, clue, by, round).await?;
            }
        }
        Ok(())
    }

    /// From when to when these keys were used.
    fn used(&self, keys: &BTreeSet<String>) -> (i64, i64) {
        let of_session = |place: Place| (self.sessions.begun(place), self.sessions.seen(place));
        let times = keys.iter().filter_map(|id| match self.keys.get(id) {
            Some(key) => Some(key.all),
            None => self.sessions.of_key(id).map(of_session),
        });
        times.fold((i64::MAX, i64::MIN), |(first, last), (from, to)| (first.min(from), last.max(to)))
    }

    /// Whether a call is the other's, where both used the credential. What a service did on its behalf can be either's.
    fn others_deed(&self, deed: &Deed, by: Option<Place>) -> bool {
        let Some(from) = deed.ip.as_deref() else { return true };
        match by {
            Some(place) => {
                let both = self.members.get(&place).is_some_and(|member| member.party == Party::Both);
                !both || !self.split(place).home.contains(from) || self.focus.contains(from)
            }
            None => deed.key.as_ref().and_then(|key| self.keys.get(key)).is_none_or(|key| !key.home.contains(from)),
        }
    }

    async fn follow(&mut self, deed: &Deed, clue: Clue, by: Option<Place>, round: u32) -> Result<()> {
        let mut gave: Vec<Place> = self.candidates(&clue);
        gave.retain(|&place| clue.gave(self.sessions, deed.at, place));
        // A command on an instance makes no session; what left the instance afterwards may have come of it.
        if matches!(clue, Clue::Commanded { .. }) {
            gave.retain(|&place| self.split(place).is_split());
        }
        if let Clue::Key { id } = &clue {
            let uses = keys::of(self.book, &BTreeSet::from([id.clone()])).await?;
            if let Some(mut key) = keys::key(id, &uses, None, true, &format!("made at {}", text::time(deed.at))) {
                key.round = round;
                let known = self.keys.get(id).map(|known| known.why.clone());
                key.why = known.map_or(key.why.clone(), |known| format!("{known}; {}", key.why));
                self.keys.insert(id.clone(), key);
            }
        }
        for &place in &gave {
            let why = format!("came of {}, made at {}", clue.words(), text::time(deed.at));
            if !self.take(place, How::Created, by, why, "derived", round)
                && let Some(member) = self.members.get_mut(&place)
                && member.party == Party::Owner
            {
                member.party = Party::Other;
            }
            self.ascend(place, round);
            self.descend(place, round);
        }
        if !self.made.iter().any(|made| made.deed.event_id == deed.event_id && made.clue == clue) {
            self.made.push(Made { deed: deed.clone(), clue, by, gave });
        }
        Ok(())
    }

    fn candidates(&self, clue: &Clue) -> Vec<Place> {
        let of = |word: &str| {
            self.sessions.ask(|asked| _ = asked.places.insert(word.to_owned()));
            self.words.get(word).cloned().unwrap_or_default()
        };
        match clue {
            Clue::Key { id } | Clue::Instance { id } | Clue::Commanded { id } => of(id),
            Clue::User { name, .. } | Clue::Function { name, .. } | Clue::Named { name } => of(name),
            Clue::Trust { role, .. } => of(role),
            Clue::Provider { arn, .. } => of(arn),
            Clue::Anywhere { .. } => of("rolesanywhere.amazonaws.com"),
            Clue::Passed { role, .. } => of(arn::name(role).unwrap_or(role)),
        }
    }

    /// Who made the credentials at the top of the chains, where that was part of it.
    async fn look_above(&mut self, round: u32) -> Result<()> {
        let new: Vec<Place> = self
            .members
            .values()
            .filter(|m| self.of_interest(m))
            .map(|m| m.place)
            .filter(|p| !self.looked_above.contains(p))
            .collect();
        self.looked_above.extend(new.iter().copied());
        let mut wanted = BTreeSet::new();
        for &place in &new {
            let sessions = self.sessions;
            wanted.extend(sessions.caller_key(place).filter(|key| key.starts_with("AKIA")).map(str::to_owned));
            if sessions.parent(place).is_none() {
                wanted.extend(sessions.origin_provider(place).map(str::to_owned));
                let user = sessions.origin_type(place) == Some("iam_user") && sessions.caller_key(place).is_none();
                wanted.extend(sessions.origin(place).filter(|_| user).and_then(arn::name).map(str::to_owned));
                let function = sessions.invoked_by(place) == Some("lambda.amazonaws.com");
                wanted.extend(sessions.name(place).filter(|_| function).map(str::to_owned));
            }
            wanted.extend(
                sessions
                    .role(place)
                    .filter(|_| sessions.caller_account(place).is_some())
                    .and_then(arn::name)
                    .map(str::to_owned),
            );
        }
        wanted.extend(self.keys.values().filter(|key| !key.created).map(|key| key.id.clone()));
        let used = self.keys.values().filter(|key| !key.created).map(|key| key.all.1);
        let Some(latest) = new.iter().map(|&place| self.sessions.seen(place)).chain(used).max() else {
            return Ok(());
        };
        for deed in deeds::that_made(self.book, &wanted, latest).await? {
            for clue in created::clues(&deed) {
                let mut gave = self.candidates(&clue);
                gave.retain(|&place| {
                    self.members.get(&place).is_some_and(|member| self.of_interest(member))
                        && self.sessions.begun(place) - deed.at < MADE
                        && clue.gave(self.sessions, deed.at, place)
                        && (!matches!(clue, Clue::Trust { new: true, .. })
                            || self.sessions.caller_account(place) != self.sessions.role_account(place))
                });
                let key = match &clue {
                    Clue::Key { id } => {
                        self.keys.get(id).filter(|key| key.first - deed.at < MADE).map(|key| key.id.clone())
                    }
                    _ => None,
                };
                if gave.is_empty() && key.is_none() {
                    continue;
                }
                let by = deed.key.as_deref().and_then(|key| self.sessions.of_key(key));
                self.follow(&deed, clue.clone(), by, round).await?;
                if let Some(by) = by {
                    let why = format!("made {} at {}", clue.words(), text::time(deed.at));
                    self.take(by, How::Above, gave.first().copied(), why, "exact", round);
                    let root = self.ascend(by, round);
                    self.descend(root, round);
                } else if let Some(id) = deed.key.clone().filter(|id| !self.keys.contains_key(id)) {
                    let uses = keys::of(self.book, &BTreeSet::from([id.clone()])).await?;
                    let why = format!("made {} at {}", clue.words(), text::time(deed.at));
                    if let Some(key) = keys::key(&id, &uses, Some(deed.at.div_euclid(DAY) * DAY), false, &why) {
                        self.keys.insert(id, key);
                    }
                }
            }
        }
        Ok(())
    }
}
