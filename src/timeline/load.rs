//! What the walk reads: every session in its few deciding columns, and the addresses its calls came from.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use arrow::array::{Array, Int64Array, StringArray, TimestampMicrosecondArray};

use crate::error::Result;
use crate::sql::linked::Asked;

use super::rows::{Book, Rows, number, text, time};

const SESSIONS: &str = "SELECT session_id, api, parent_session_id, role_arn, role_account, session_name, origin, origin_type, origin_class,
    origin_provider, caller_type, caller_arn, caller_account, caller_key_id, invoked_by, issued_at, first_event_at, last_event_at,
    valid_until, issued_ip, issued_user_agent, requester_ip, requester_user_agent, event_count, denied_count, write_count, chain_depth,
    used_key_ids FROM sessions";

const CELLS: &str = "SELECT session_id, ip, ip_kind, vpc_endpoint_id, user_agent, first_at, last_at, event_count FROM session_addresses";

/// When the first session is seen, and when the last.
async fn span(book: &Book<'_>) -> Result<(i64, i64)> {
    let issued =
        "SELECT min(event_time) AS first_at, max(event_time) AS last_at FROM credential_calls WHERE kind = 'issue'";
    let used = "SELECT min(first_at) AS first_at, max(last_at) AS last_at FROM activity
                WHERE identity_type IN ('AssumedRole', 'FederatedUser') OR access_key_id LIKE 'ASIA%'";
    let (mut first, mut last) = (None, None);
    let (issued, used) = futures::try_join!(book.ask(issued, Vec::new()), book.ask(used, Vec::new()))?;
    for rows in [issued, used] {
        let (from, to) = (rows.times("first_at")?, rows.times("last_at")?);
        first = first.into_iter().chain(time(&from, 0)).min();
        last = last.max(time(&to, 0));
    }
    Ok((first.unwrap_or(0), last.unwrap_or(0)))
}

/// A session's place in [`Sessions`].
pub type Place = usize;

/// Every session, column by column; nothing is copied out of the answer.
pub struct Sessions {
    id: StringArray,
    api: StringArray,
    role: StringArray,
    role_account: StringArray,
    name: StringArray,
    origin: StringArray,
    origin_type: StringArray,
    origin_class: StringArray,
    origin_provider: StringArray,
    caller_type: StringArray,
    caller_arn: StringArray,
    caller_account: StringArray,
    caller_key: StringArray,
    invoked_by: StringArray,
    issued_ip: StringArray,
    issued_agent: StringArray,
    requester_ip: StringArray,
    requester_agent: StringArray,
    issued: TimestampMicrosecondArray,
    first: TimestampMicrosecondArray,
    last: TimestampMicrosecondArray,
    until: TimestampMicrosecondArray,
    events: Int64Array,
    denied: Int64Array,
    writes: Int64Array,
    depth: Int64Array,
    parents: Vec<Option<Place>>,
    children: HashMap<Place, Vec<Place>>,
    places: HashMap<String, Place>,
    /// Keys that calls carry where the issuing record shows another.
    aliases: HashMap<String, Place>,
    cells: Vec<Cell>,
    cell_columns: CellColumns,
    /// Per session: where its cells begin and end in `cells`.
    ranges: Vec<(u32, u32)>,
    /// When the first session began, and when any was last seen.
    span: (i64, i64),
    /// What would have to be among the sessions for all questions so far.
    asked: RefCell<Asked>,
    /// Programs that many used.
    common: BTreeSet<String>,
}

struct CellColumns {
    ip: StringArray,
    kind: StringArray,
    endpoint: StringArray,
    agent: StringArray,
}

#[derive(Clone, Copy)]
struct Cell {
    session: u32,
    row: u32,
    first: i64,
    last: i64,
    events: i64,
}

/// What a session's calls from one address with one program amount to.
#[derive(Debug, Clone, Copy)]
pub struct Use<'a> {
    /// The address as written.
    pub ip: &'a str,
    /// What it is; see `session_addresses.ip_kind`.
    pub kind: &'a str,
    /// The VPC endpoint.
    pub endpoint: Option<&'a str>,
    /// The program.
    pub agent: Option<&'a str>,
    /// The first and last call, in microseconds.
    pub first: i64,
    /// The last call.
    pub last: i64,
    /// How many.
    pub events: i64,
}

macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident: $kind:ty = $read:ident;)*) => {
        $($(#[$doc])* pub fn $name(&self, place: Place) -> $kind { $read(&self.$name, place) })*
    };
}

impl Sessions {
    /// Reads those that bear on `asked`, and maybe more.
    ///
    /// # Errors
    /// The tables cannot be asked.
    pub async fn load(book: &Book<'_>, asked: &Asked) -> Result<Self> {
        let engine = book.engine();
        let started = std::time::Instant::now();
        let (common, span) = futures::try_join!(engine.look_at(asked), span(book))?;
        tracing::debug!(?asked, seconds = started.elapsed().as_secs_f64(), "chosen and linked");
        let (rows, cells) =
            futures::try_join!(Rows::ask(engine, SESSIONS, Vec::new()), Rows::ask(engine, CELLS, Vec::new()))?;
        let id = rows.texts("session_id")?;
        let places: HashMap<String, Place> = (0..rows.len()).map(|row| (id.value(row).to_owned(), row)).collect();
        let keys = rows.lists("used_key_ids")?;
        let mut aliases = HashMap::new();
        for row in 0..rows.len() {
            for key in keys.get(row) {
                if key != id.value(row) {
                    aliases.insert(key, row);
                }
            }
        }
        let above = rows.texts("parent_session_id")?;
        let parents: Vec<Option<Place>> =
            (0..rows.len()).map(|row| text(&above, row).and_then(|id| places.get(id)).copied()).collect();
        let mut children: HashMap<Place, Vec<Place>> = HashMap::new();
        for (place, parent) in parents.iter().enumerate() {
            if let Some(parent) = parent {
                children.entry(*parent).or_default().push(place);
            }
        }
        let issued = rows.times("issued_at")?;
        for below in children.values_mut() {
            below.sort_by_key(|&place| (time(&issued, place), id.value(place)));
        }
        let of = cells.texts("session_id")?;
        let (first, last, events) = (cells.times("first_at")?, cells.times("last_at")?, cells.integers("event_count")?);
        let mut list: Vec<Cell> = (0..cells.len())
            .filter_map(|row| {
                Some(Cell {
                    session: u32::try_from(*places.get(text(&of, row)?)?).ok()?,
                    row: u32::try_from(row).ok()?,
                    first: first.value(row),
                    last: last.value(row),
                    events: number(&events, row),
                })
            })
            .collect();
        list.sort_unstable_by_key(|cell| (cell.session, cell.first, cell.row));
        let mut ranges = vec![(0, 0); rows.len()];
        for (at, cell) in list.iter().enumerate() {
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            let range: &mut (u32, u32) = &mut ranges[cell.session as usize];
            if range.1 == 0 {
                range.0 = at;
            }
            range.1 = at + 1;
        }
        let sessions = Self {
            api: rows.texts("api")?,
            role: rows.texts("role_arn")?,
            role_account: rows.texts("role_account")?,
            name: rows.texts("session_name")?,
            origin: rows.texts("origin")?,
            origin_type: rows.texts("origin_type")?,
            origin_class: rows.texts("origin_class")?,
            origin_provider: rows.texts("origin_provider")?,
            caller_type: rows.texts("caller_type")?,
            caller_arn: rows.texts("caller_arn")?,
            caller_account: rows.texts("caller_account")?,
            caller_key: rows.texts("caller_key_id")?,
            invoked_by: rows.texts("invoked_by")?,
            issued_ip: rows.texts("issued_ip")?,
            issued_agent: rows.texts("issued_user_agent")?,
            requester_ip: rows.texts("requester_ip")?,
            requester_agent: rows.texts("requester_user_agent")?,
            first: rows.times("first_event_at")?,
            last: rows.times("last_event_at")?,
            until: rows.times("valid_until")?,
            events: rows.integers("event_count")?,
            denied: rows.integers("denied_count")?,
            writes: rows.integers("write_count")?,
            depth: rows.integers("chain_depth")?,
            issued,
            id,
            parents,
            children,
            places,
            aliases,
            cells: list,
            cell_columns: CellColumns {
                ip: cells.texts("ip")?,
                kind: cells.texts("ip_kind")?,
                endpoint: cells.texts("vpc_endpoint_id")?,
                agent: cells.texts("user_agent")?,
            },
            ranges,
            span,
            asked: RefCell::default(),
            common,
        };
        Ok(sessions)
    }

    /// Notes that something is needed for an answer to be whole.
    pub fn ask(&self, note: impl FnOnce(&mut Asked)) {
        note(&mut self.asked.borrow_mut());
    }

    /// What was needed since they were read.
    pub fn asked(&self) -> Asked {
        self.asked.borrow().clone()
    }

    /// Whether too many used a program to say anything.
    pub fn is_common(&self, program: &str) -> bool {
        self.common.contains(program)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.parents.len()
    }

    /// The session of an id.
    pub fn place(&self, id: &str) -> Option<Place> {
        self.places.get(id).copied()
    }

    /// The session that a key belongs to, issued or used.
    pub fn of_key(&self, key: &str) -> Option<Place> {
        let found = self.place(key).or_else(|| self.aliases.get(key).copied());
        if found.is_none() {
            self.ask(|asked| _ = asked.sessions.insert(key.to_owned()));
        }
        found
    }

    /// The keys that its calls carry or can carry.
    pub fn keys(&self) -> HashMap<Place, Vec<&str>> {
        let mut keys: HashMap<Place, Vec<&str>> = HashMap::new();
        for (key, &place) in &self.aliases {
            keys.entry(place).or_default().push(key);
        }
        keys
    }

    /// Its id.
    pub fn id(&self, place: Place) -> &str {
        self.id.value(place)
    }

    /// The session that asked for it.
    pub fn parent(&self, place: Place) -> Option<Place> {
        self.parents[place]
    }

    /// The sessions it asked for, the earliest first.
    pub fn children(&self, place: Place) -> &[Place] {
        self.ask(|asked| _ = asked.sessions.insert(self.id(place).to_owned()));
        self.known_children(place)
    }

    /// The same as far as they are known.
    pub fn known_children(&self, place: Place) -> &[Place] {
        self.children.get(&place).map_or(&[], Vec::as_slice)
    }

    /// The first session of its chain.
    pub fn root(&self, place: Place) -> Place {
        let mut at = place;
        while let Some(parent) = self.parents[at] {
            at = parent;
        }
        at
    }

    columns! {
        /// The issuing call.
        api: Option<&str> = text;
        /// The role's ARN.
        role: Option<&str> = text;
        /// The role's account.
        role_account: Option<&str> = text;
        /// The role session name.
        name: Option<&str> = text;
        /// Who stands at the top.
        origin: Option<&str> = text;
        /// What that is.
        origin_type: Option<&str> = text;
        /// What that is taken for.
        origin_class: Option<&str> = text;
        /// The SAML or OIDC provider.
        origin_provider: Option<&str> = text;
        /// `userIdentity.type` of the issuing call.
        caller_type: Option<&str> = text;
        /// The caller's ARN.
        caller_arn: Option<&str> = text;
        /// The caller's account.
        caller_account: Option<&str> = text;
        /// The caller's key.
        caller_key: Option<&str> = text;
        /// The service that asked.
        invoked_by: Option<&str> = text;
        /// The address of the issuing record, as written.
        issued_ip: Option<&str> = text;
        /// The program of the issuing record.
        issued_agent: Option<&str> = text;
        /// The person's own address.
        requester_ip: Option<&str> = text;
        /// The person's own program.
        requester_agent: Option<&str> = text;
        /// When it was issued.
        issued: Option<i64> = time;
        /// Its first call.
        first: Option<i64> = time;
        /// Its last call.
        last: Option<i64> = time;
        /// How long it can be used.
        until: Option<i64> = time;
        /// Its calls.
        events: i64 = number;
        /// Those that were denied.
        denied: i64 = number;
        /// Those that write.
        writes: i64 = number;
        /// Roles from the origin to it.
        depth: i64 = number;
    }

    /// When it began: issued, else first used.
    pub fn begun(&self, place: Place) -> i64 {
        self.issued(place).or(self.first(place)).unwrap_or(0)
    }

    /// When it was last seen.
    pub fn seen(&self, place: Place) -> i64 {
        self.last(place).unwrap_or(i64::MIN).max(self.begun(place))
    }

    /// When the first session began.
    pub fn seen_first(&self) -> i64 {
        self.span.0
    }

    /// When any session was last seen.
    pub fn seen_last(&self) -> i64 {
        self.span.1
    }

    /// From where its calls came, the earliest first.
    pub fn uses(&self, place: Place) -> impl Iterator<Item = Use<'_>> {
        let (from, to) = self.ranges[place];
        self.cells[from as usize..to as usize].iter().map(|cell| self.one(cell))
    }

    /// Every use of every session.
    pub fn all_uses(&self) -> impl Iterator<Item = (Place, Use<'_>)> {
        self.cells.iter().map(|cell| (cell.session as usize, self.one(cell)))
    }

    fn one(&self, cell: &Cell) -> Use<'_> {
        let row = cell.row as usize;
        Use {
            ip: text(&self.cell_columns.ip, row).unwrap_or_default(),
            kind: text(&self.cell_columns.kind, row).unwrap_or_default(),
            endpoint: text(&self.cell_columns.endpoint, row),
            agent: text(&self.cell_columns.agent, row),
            first: cell.first,
            last: cell.last,
            events: cell.events,
        }
    }
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions").field("len", &self.id.len()).finish()
    }
}
