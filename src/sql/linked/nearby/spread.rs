//! From what is asked to every row that linking would put beside it, turn by turn, until nothing new comes.

use std::collections::BTreeSet;
use std::ops::Range;

use hashbrown::HashMap;

use super::asked::Asked;
use super::index::{Index, NONE, Who, both, principal, role, word};
use super::sieve::Sieve;
use crate::sts::shares::share;

const SECOND: i64 = 1_000_000;

/// How far a creation date, or a record of the person's own address, may lie from an issue; twice what linking allows.
const CLOSE: i64 = 4 * SECOND;

/// The longest life of a temporary credential: 36 hours.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_request.html>
const LONGEST: i64 = 36 * 3600 * SECOND;

/// Keys with which a program was used that make it one of many.
const COMMON: usize = 2_000;

/// How much of a session is asked: itself and what it came from; or what came of it as well.
type Level = u8;
const SELF: Level = 1;
const BELOW: Level = 2;

/// A stretch of time in which a group of sessions is looked at. A creation date must lie close to its begin.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    from: i64,
    to: i64,
    level: Level,
}

/// What a turn looks for.
#[derive(Debug, Default)]
struct Turn {
    keys: Sieve<Level>,
    words: Sieve<Level>,
    /// Sessions by account, role and name, or by unique id and name: calls made with them that their key does not tell.
    used: Sieve<Vec<Stretch>>,
    /// The same: issues that such a call can be of.
    open: Sieve<Vec<Stretch>>,
    /// Sessions by unique id and name: what outside accounts' records show of whoever asked.
    outside: Sieve<Vec<Stretch>>,
    /// The same: calls that show which role that is.
    shown: Sieve<Vec<Stretch>>,
    /// Users by unique id alone.
    users: Sieve<()>,
    /// Issues of a role at the same time: which of them a person's own address belongs to.
    rivals: Sieve<Vec<i64>>,
    /// Records of a person's own address.
    sighted: Vec<i64>,
    /// Sessions of a role within a time.
    roles: Sieve<Vec<Stretch>>,
}

impl Turn {
    fn is_empty(&self) -> bool {
        self.keys.is_empty()
            && self.words.is_empty()
            && self.used.is_empty()
            && self.open.is_empty()
            && self.outside.is_empty()
            && self.shown.is_empty()
            && self.users.is_empty()
            && self.rivals.is_empty()
            && self.roles.is_empty()
            && self.sighted.is_empty()
    }
}

/// The chosen rows; grows with every question.
#[derive(Debug)]
pub struct Spread {
    /// Of `credential_calls`.
    pub calls: Vec<Level>,
    /// Of `activity`.
    pub uses: Vec<Level>,
    /// Programs that too many used to be asked about.
    pub common: BTreeSet<String>,
    keys: HashMap<u32, Level>,
    words: HashMap<u32, Level>,
    asked: Asked,
    next: Turn,
}

impl Spread {
    /// Nothing chosen yet, of so many rows.
    pub fn new(index: &Index) -> Self {
        Self {
            calls: vec![0; index.calls.at.len()],
            uses: vec![0; index.uses.first.len()],
            common: BTreeSet::new(),
            keys: HashMap::new(),
            words: HashMap::new(),
            asked: Asked::default(),
            next: Turn::default(),
        }
    }

    /// How many rows are chosen, and of how many.
    pub fn share(&self) -> (usize, usize) {
        let chosen = |rows: &[Level]| rows.iter().filter(|level| **level > 0).count();
        (chosen(&self.calls) + chosen(&self.uses), self.calls.len() + self.uses.len())
    }

    /// Chooses what bears on `asked`.
    pub fn choose(&mut self, index: &Index, asked: &Asked) {
        for id in asked.sessions.difference(&self.asked.sessions.clone()) {
            // `key@time#n` where one key was issued several times, `principal@time` where no key is known.
            let key = id.split('@').next().unwrap_or(id);
            self.key(word(key), BELOW);
            if key.len() < id.len() {
                self.word(word(key), BELOW);
                self.used(principal(key), Stretch { from: i64::MIN, to: i64::MAX, level: BELOW });
            }
        }
        for (names, level) in [(&asked.names, BELOW), (&asked.places, SELF)] {
            for name in names {
                self.word(word(name), level);
                if name.contains(":assumed-role/") || name.contains(':') && name.starts_with("AR") {
                    let all = Stretch { from: i64::MIN, to: i64::MAX, level };
                    let group = crate::sts::arn::role_of_assumed(name).map_or_else(
                        || principal(name),
                        |shown| both(both(word(shown.account), word(shown.role_name)), word(shown.session_name)),
                    );
                    self.used(group, all);
                    self.open(group, all);
                }
            }
        }
        for (arn, name) in asked.roles.difference(&self.asked.roles.clone()) {
            let all = Stretch { from: i64::MIN, to: i64::MAX, level: BELOW };
            let group = both(role(arn), word(name));
            self.used(group, all);
            self.open(group, all);
        }
        for (arn, at) in asked.valid.difference(&self.asked.valid.clone()) {
            let within = Stretch { from: at - LONGEST, to: *at, level: SELF };
            self.next.roles.slot(word(arn)).or_default().push(within);
        }
        for program in asked.programs.difference(&self.asked.programs.clone()) {
            self.program(index, program);
        }
        self.asked = asked.clone();
        while !self.next.is_empty() {
            let mut turn = std::mem::take(&mut self.next);
            turn.sighted.sort_unstable();
            // What a turn finds depends on what it looks for, never on what it has found so far.
            for (row, level) in found(self.calls.len(), |row| self.level_of_call(index, &turn, row)) {
                match index.calls.kind[row] {
                    2 => self.next.sighted.push(index.calls.at[row]),
                    _ => self.take_call(index, row, level),
                }
            }
            for (row, level) in found(self.uses.len(), |row| self.level_of_use(index, &turn, row)) {
                self.take_use(index, row, level);
            }
        }
    }

    /// Also the records that tell a person's own address, and revocations.
    pub fn beside(&self, index: &Index) -> Vec<bool> {
        let mut times: Vec<i64> = Vec::new();
        for (row, _) in self.calls.iter().enumerate().filter(|(row, level)| **level > 0 && index.calls.hidden[*row]) {
            times.push(index.calls.at[row]);
        }
        times.sort_unstable();
        let chosen = |row: usize| {
            self.calls[row] > 0
                || match index.calls.kind[row] {
                    2 => near(&times, index.calls.at[row]),
                    3 => true,
                    _ => false,
                }
        };
        (0..self.calls.len()).map(chosen).collect()
    }

    fn key(&mut self, key: u32, level: Level) {
        let known = self.keys.entry(key).or_insert(0);
        if key != NONE && *known < level {
            *known = level;
            self.next.keys.slot(key).insert(level);
        }
    }

    fn word(&mut self, word: u32, level: Level) {
        let known = self.words.entry(word).or_insert(0);
        if word != NONE && *known < level {
            *known = level;
            self.next.words.slot(word).insert(level);
        }
    }

    fn used(&mut self, group: u32, stretch: Stretch) {
        add(&mut self.next.used, group, stretch);
    }

    fn open(&mut self, group: u32, stretch: Stretch) {
        add(&mut self.next.open, group, stretch);
    }

    fn program(&mut self, index: &Index, program: &str) {
        let hash = word(program);
        let rows: Vec<usize> = (0..self.uses.len()).filter(|&row| index.uses.program[row] == hash).collect();
        let keys: BTreeSet<u32> = rows.iter().map(|&row| index.uses.callers.key[row]).collect();
        if keys.len() > COMMON {
            self.common.insert(program.to_owned());
            return;
        }
        for row in rows {
            self.take_use(index, row, SELF);
        }
    }

    /// What a call with a session that its key does not tell can be of, and what else can be the same session.
    fn unsure(&mut self, callers: &super::index::Callers, row: usize, (first, last): (i64, i64), level: Level) {
        let created = callers.created[row];
        let (from, to) = if created == i64::MIN {
            (first.saturating_sub(LONGEST), last)
        } else {
            (created.saturating_sub(CLOSE), created.saturating_add(CLOSE))
        };
        for group in [callers.group[row], callers.principal[row]] {
            self.open(group, Stretch { from, to, level });
            if created != i64::MIN {
                self.used(group, Stretch { from: created, to: created.saturating_add(LONGEST), level });
            }
        }
    }

    fn take_call(&mut self, index: &Index, row: usize, level: Level) {
        if self.calls[row] >= level {
            return;
        }
        self.calls[row] = level;
        let (calls, callers, at) = (&index.calls, &index.calls.callers, index.calls.at[row]);
        self.key(calls.key[row], level);
        for group in [calls.target[row], calls.target_id[row]] {
            self.used(group, Stretch { from: at, to: at.saturating_add(LONGEST), level });
        }
        if level == BELOW {
            let alive = Stretch { from: at, to: at.saturating_add(LONGEST), level };
            add(&mut self.next.outside, calls.target_id[row], alive);
        }
        self.key(callers.key[row], SELF);
        match callers.who(row) {
            Who::Session if callers.unsure[row] => self.unsure(callers, row, (at, at), SELF),
            Who::Outside => {
                let asker = callers.principal[row];
                let before = Stretch { from: at.saturating_sub(LONGEST), to: at, level: SELF };
                self.open(asker, before);
                add(&mut self.next.shown, asker, before);
                if asker != NONE {
                    self.next.users.slot(asker).insert(());
                }
            }
            Who::User if level == BELOW => self.word(calls.words[12][row], BELOW),
            _ => {}
        }
        if calls.hidden[row] && calls.role[row] != NONE {
            self.next.rivals.slot(calls.role[row]).or_default().push(at);
        }
    }

    fn take_use(&mut self, index: &Index, row: usize, level: Level) {
        if self.uses[row] >= level {
            return;
        }
        self.uses[row] = level;
        let (uses, callers) = (&index.uses, &index.uses.callers);
        let (first, last) = (uses.first[row], uses.last[row]);
        self.key(callers.key[row], level);
        match callers.who(row) {
            Who::Session => {
                if callers.unsure[row] {
                    self.unsure(callers, row, (first, last), level);
                }
                if level == BELOW {
                    let (from, to) = (first.saturating_sub(LONGEST), last.saturating_add(LONGEST));
                    add(&mut self.next.outside, callers.principal[row], Stretch { from, to, level });
                }
            }
            Who::User if level == BELOW => self.word(uses.words[5][row], BELOW),
            _ => {}
        }
    }

    /// How much of a call's session a turn looks for; 0 for nothing.
    fn level_of_call(&self, index: &Index, turn: &Turn, row: usize) -> Level {
        let (calls, callers, at) = (&index.calls, &index.calls.callers, index.calls.at[row]);
        let kind = calls.kind[row];
        if kind == 0 || kind == 3 || self.calls[row] == BELOW {
            return 0;
        }
        let mut level = 0;
        if !turn.words.is_empty() {
            level = calls.words.iter().filter_map(|column| turn.words.get(column[row])).copied().max().unwrap_or(0);
        }
        if kind == 2 {
            return level;
        }
        level = level.max(turn.keys.get(calls.key[row]).copied().unwrap_or(0));
        if turn.keys.get(callers.key[row]) == Some(&BELOW) {
            level = BELOW;
        }
        let inside = |list: &Vec<Stretch>| list.iter().any(|s| s.from <= at && at <= s.to);
        for group in [calls.target[row], calls.target_id[row]] {
            if level == 0 && turn.open.get(group).is_some_and(inside) {
                level = SELF;
            }
            if let Some(list) = turn.open.get(group) {
                let whole = list.iter().filter(|s| s.from == i64::MIN).map(|s| s.level).max();
                level = level.max(whole.unwrap_or(0));
            }
        }
        let below = |s: &Stretch| s.level == BELOW && fits(s, callers.created[row], at, at);
        if callers.unsure[row] {
            for group in [callers.group[row], callers.principal[row]] {
                if turn.used.get(group).is_some_and(|list| list.iter().any(below)) {
                    level = BELOW;
                }
            }
        }
        let asked = callers.who(row) == Who::Outside;
        if asked && turn.outside.get(callers.principal[row]).is_some_and(inside) {
            level = BELOW;
        }
        if level == 0 {
            let role = calls.role[row];
            let rival = |times: &Vec<i64>| calls.hidden[row] && times.iter().any(|t| (t - at).abs() <= CLOSE);
            let sighted = || calls.hidden[row] && near(&turn.sighted, at);
            if turn.rivals.get(role).is_some_and(rival) || turn.roles.get(role).is_some_and(inside) || sighted() {
                level = SELF;
            }
        }
        level
    }

    /// The same of a row of `activity`.
    fn level_of_use(&self, index: &Index, turn: &Turn, row: usize) -> Level {
        if self.uses[row] == BELOW {
            return 0;
        }
        let (uses, callers) = (&index.uses, &index.uses.callers);
        let (first, last) = (uses.first[row], uses.last[row]);
        let mut level = turn.keys.get(callers.key[row]).copied().unwrap_or(0);
        if !turn.words.is_empty() {
            let found = uses.words.iter().filter_map(|column| turn.words.get(column[row])).copied().max();
            level = level.max(found.unwrap_or(0));
        }
        let session = callers.who(row) == Who::Session;
        if session && callers.unsure[row] {
            for group in [callers.group[row], callers.principal[row]] {
                for stretch in turn.used.get(group).into_iter().flatten() {
                    if stretch.level > level && fits(stretch, callers.created[row], first, last) {
                        level = stretch.level;
                    }
                }
            }
        }
        if level == 0 {
            let then = |list: &Vec<Stretch>| list.iter().any(|s| fits(s, i64::MIN, first, last));
            let shows = session && turn.shown.get(callers.principal[row]).is_some_and(then);
            let user = callers.who(row) == Who::User && turn.users.get(callers.principal[row]).is_some();
            level = if shows || user { SELF } else { 0 };
        }
        if level == 0 && session && callers.unsure[row] {
            let inside = |list: &Vec<Stretch>| list.iter().any(|s| s.from <= first && first <= s.to);
            if turn.roles.get(uses.words[3][row]).is_some_and(inside) {
                level = SELF;
            }
        }
        level
    }
}

/// The rows, in order, of which a turn looks for anything; every core looks at its share.
fn found(rows: usize, level: impl Fn(usize) -> Level + Sync) -> Vec<(usize, Level)> {
    let look = |rows: Range<usize>| -> Vec<(usize, Level)> {
        rows.map(|row| (row, level(row))).filter(|(_, level)| *level > 0).collect()
    };
    let share = share(rows);
    if share >= rows {
        return look(0..rows);
    }
    std::thread::scope(|scope| {
        let look = &look;
        let parts: Vec<_> =
            (0..rows).step_by(share).map(|from| scope.spawn(move || look(from..rows.min(from + share)))).collect();
        // A thread that panicked has lost its rows: so does this one.
        parts.into_iter().flat_map(|part| part.join().unwrap_or_else(|why| std::panic::resume_unwind(why))).collect()
    })
}

fn add(sieve: &mut Sieve<Vec<Stretch>>, group: u32, stretch: Stretch) {
    if group != NONE {
        sieve.slot(group).or_default().push(stretch);
    }
}

/// Whether a moment lies close to one of these, which are in order.
fn near(times: &[i64], at: i64) -> bool {
    times.get(times.partition_point(|t| *t < at - CLOSE)).is_some_and(|t| *t <= at + CLOSE)
}

/// Whether calls can be of a session of this stretch: its creation date, where there is one, else their time.
fn fits(stretch: &Stretch, created: i64, first: i64, last: i64) -> bool {
    if stretch.from == i64::MIN {
        return true;
    }
    if created == i64::MIN {
        stretch.from <= last && first <= stretch.to
    } else {
        (created - stretch.from).abs() <= CLOSE
    }
}
