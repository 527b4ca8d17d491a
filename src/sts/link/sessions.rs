//! One session a credential: copies of one issue merged, what its calls add, and who stands at its top.

use chrono::{DateTime, SecondsFormat};
use hashbrown::HashMap;
use smallvec::SmallVec;

use super::super::names::{Name, Names};
use super::super::shares::share;
use super::super::{arn, session_name};
use super::index::Who;
use super::role::{Role, Roles};
use super::uses::Tied;
use super::{CREATION_SLACK, Caller, Issue, Method, Revocation, Sighting, Use};

const SECOND: i64 = 1_000_000;

/// The longest life of a role session: a role's maximum duration is 12 hours at most.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_request.html>
const LONGEST_ROLE: i64 = 43_200 * SECOND;

/// The longest life of a user's temporary key: 36 hours.
const LONGEST_USER: i64 = 129_600 * SECOND;

/// Who stands at the top of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// iam_user, root, identity_center, saml, oidc, service, outside_principal, unknown.
    pub kind: &'static str,
    /// A user's ARN, a service's name, a federated subject, an outside principal id.
    pub name: Name,
    /// The SAML or OIDC provider's ARN.
    pub provider: Name,
    /// The origin's account.
    pub account: Name,
    /// human, ci, workload, service, vendor, unknown.
    pub class: &'static str,
}

impl Origin {
    const UNKNOWN: Origin =
        Origin { kind: "unknown", name: Name::NONE, provider: Name::NONE, account: Name::NONE, class: "unknown" };

    /// The origin of a session that no other session asked for. `users` names IAM users by their unique ids.
    pub fn of_issue(names: &Names, issue: &Issue, session: &Session, users: &HashMap<Name, Name>) -> Origin {
        let caller = &issue.caller;
        let plain = |kind, name, class| Origin { kind, name, account: caller.account, class, ..Origin::UNKNOWN };
        let federated = |kind, name: Name, class| Origin {
            kind,
            name,
            provider: issue.provider.or(issue.identity_provider),
            account: session.role_account,
            class,
        };
        match names.text(caller.kind) {
            "IAMUser" => {
                let name_kind = session_name::kind(names.text(session.session_name));
                let human = issue.serial_number.is_some() || issue.caller_mfa == Some(true);
                plain(
                    "iam_user",
                    caller.arn.or(caller.principal),
                    if human { "human" } else { session_name::class(name_kind) },
                )
            }
            "Root" => plain("root", caller.arn.or(caller.principal), "human"),
            "AWSService" => {
                let host = names.text(issue.invoked_by);
                let runs_code = ["ec2.", "lambda.", "ecs-tasks.", "pods.eks.", "rolesanywhere."];
                let class = if runs_code.iter().any(|s| host.starts_with(s)) { "workload" } else { "service" };
                Origin { account: Name::NONE, ..plain("service", issue.invoked_by, class) }
            }
            "SAMLUser" if session.permission_set.is_some() => federated("identity_center", issue.session_name, "human"),
            "SAMLUser" => federated("saml", issue.subject.or(issue.session_name), "human"),
            "WebIdentityUser" => federated("oidc", issue.subject, oidc_class(names.text(issue.subject))),
            "AWSAccount" => match users.get(&caller.principal) {
                Some(&arn) => plain("iam_user", arn, "unknown"),
                None => plain("outside_principal", caller.principal.or(caller.account), "unknown"),
            },
            "AssumedRole" => Origin::UNKNOWN,
            _ => plain("unknown", caller.arn.or(caller.principal), "unknown"),
        }
    }
}

/// CI systems and clusters say in the subject what they are.
fn oidc_class(subject: &str) -> &'static str {
    const CI: [&str; 6] = ["repo:", "project_path:", "organization:", "pipeline:", "org/", "job:"];
    if subject.starts_with("system:serviceaccount:") {
        "workload"
    } else if CI.iter().any(|prefix| subject.starts_with(prefix)) {
        "ci"
    } else {
        "unknown"
    }
}

/// One credential: issued once, used any number of times.
#[derive(Debug, Clone)]
pub struct Session {
    /// The issued key; for a session never issued here the used one, else `principal_id@creation date`.
    pub id: Name,
    /// The issued key.
    pub key: Name,
    /// Whether its issue is among the logs.
    pub issue_seen: bool,
    /// The records of its issue, as rows of the input; the one that tells most comes first.
    pub copies: SmallVec<[u32; 4]>,
    /// The weakest way in which a call was tied to it.
    pub method: Option<Method>,
    /// The issuing call.
    pub api: Name,
    /// The role.
    pub role_arn: Name,
    /// The role's name, without its path.
    pub role_name: Name,
    /// The role's account; the user's own where there is no role.
    pub role_account: Name,
    /// The role's unique id.
    pub role_id: Name,
    /// Identity Center's permission set.
    pub permission_set: Name,
    /// The role session name.
    pub session_name: Name,
    /// When it was issued, microseconds.
    pub issued_at: Option<i64>,
    /// When it ends by its issue.
    pub expires_at: Option<i64>,
    /// The latest moment at which it can have been valid.
    pub valid_until: Option<i64>,
    /// When it was revoked.
    pub revoked_at: Option<i64>,
    /// The session that asked for it.
    pub parent: Option<usize>,
    /// The first session of the chain.
    pub root: usize,
    /// Roles from the origin to this one.
    pub depth: u32,
    /// Who stands at the top.
    pub origin: Origin,
    /// The source identity.
    pub source_identity: Name,
    /// Whether MFA was used for the issuing call; unknown where an identity provider did it.
    pub mfa_at_issue: Option<bool>,
    /// The person's own address and agent.
    pub requester: Option<(Name, Name)>,
    /// The first call made with it.
    pub first_at: Option<i64>,
    /// The last one.
    pub last_at: Option<i64>,
    /// Calls, errors, denials, writes.
    pub counts: [i64; 4],
}

impl Session {
    fn empty(id: Name) -> Session {
        Session {
            id,
            key: Name::NONE,
            issue_seen: false,
            copies: SmallVec::new(),
            method: None,
            api: Name::NONE,
            role_arn: Name::NONE,
            role_name: Name::NONE,
            role_account: Name::NONE,
            role_id: Name::NONE,
            permission_set: Name::NONE,
            session_name: Name::NONE,
            issued_at: None,
            expires_at: None,
            valid_until: None,
            revoked_at: None,
            parent: None,
            root: 0,
            depth: 0,
            origin: Origin::UNKNOWN,
            source_identity: Name::NONE,
            mfa_at_issue: None,
            requester: None,
            first_at: None,
            last_at: None,
            counts: [0; 4],
        }
    }

    fn set_role(&mut self, role: &Role) {
        (self.role_arn, self.role_name, self.permission_set) = (role.arn, role.name, role.permission_set);
    }

    /// A credential that is used here and was never issued here.
    pub fn never_issued(names: &mut Names, id: Name, caller: &Caller, who: &Who, first_at: i64) -> Session {
        let mut session = Session::empty(id);
        session.issued_at = caller.created_at;
        session.session_name = caller.session_name;
        let kind = names.text(caller.kind).to_owned();
        let longest = match kind.as_str() {
            "AssumedRole" => {
                session.role_account = who.account.or(caller.account);
                session.role_id = who.role_id;
                if caller.issuer_arn.is_some() {
                    session.set_role(&Role::of(names, caller.issuer_arn));
                } else if let Some(shown) = arn::role_of_assumed(names.text(caller.arn)) {
                    let text = format!("arn:{}:iam::{}:role/{}", shown.partition, shown.account, shown.role_name);
                    let role_arn = names.add(Some(&text));
                    session.set_role(&Role::of(names, role_arn));
                }
                LONGEST_ROLE
            }
            "Root" => LONGEST_ROLE,
            _ => LONGEST_USER,
        };
        if kind != "AssumedRole" {
            session.role_account = caller.account;
            let name = if kind == "FederatedUser" { caller.issuer_arn.or(caller.arn) } else { caller.arn };
            let (origin, class) = if kind == "Root" { ("root", "human") } else { ("iam_user", "unknown") };
            session.origin = Origin { kind: origin, name, account: caller.account, class, ..Origin::UNKNOWN };
        }
        // The latest moment: it was issued before its first call, and lives no longer than the service allows.
        session.valid_until = Some(caller.created_at.unwrap_or(first_at) + longest);
        session
    }

    /// The latest moment at which it can be valid, as far as its issue tells.
    pub fn latest_end(&self) -> i64 {
        let longest = if self.role_arn.is_some() { LONGEST_ROLE } else { LONGEST_USER };
        self.expires_at
            .or(self.valid_until)
            .unwrap_or_else(|| self.issued_at.unwrap_or_default().saturating_add(longest))
    }
}

/// The time as `2026-11-07T03:36:00Z`.
pub fn iso(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros)
        .map(|t| t.to_rfc3339_opts(SecondsFormat::AutoSi, true))
        .unwrap_or_else(|| micros.to_string())
}

/// Makes one session of all records of an issue: both copies of a cross-account call show the same key, role and session name
/// at the same second.
pub fn merge(names: &mut Names, issues: &[Issue]) -> Vec<Session> {
    let mut rows: Vec<(i64, [Name; 3], u32)> = Vec::with_capacity(issues.len());
    rows.extend(issues.iter().zip(0..).map(|(i, row)| (i.at, [i.key, i.role_arn, i.session_name], row)));
    // Numbers of names follow the order of reading; where only they tell issues apart, texts decide.
    rows.sort_unstable();
    let mut groups: Vec<&[(i64, [Name; 3], u32)]> = rows.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)).collect();
    for moment in groups.chunk_by_mut(|a, b| a[0].0 == b[0].0).filter(|moment| moment.len() > 1) {
        moment.sort_by(|a, b| a[0].1.map(|n| names.text(n)).cmp(&b[0].1.map(|n| names.text(n))));
    }
    let mut roles = Roles::default();
    let mut seen: Vec<u32> = vec![0; names.len() + 1];
    // Room for those that were never issued here: growing copies all of them.
    let mut sessions = Vec::with_capacity(groups.len() + groups.len() / 4);
    for group in groups {
        let (at, [key, ..], _) = group[0];
        let mut copies: SmallVec<[u32; 4]> = group.iter().map(|&(.., row)| row).collect();
        // The copy with an ARN knows the caller; the rest of the order only has to be the same every time.
        let rank = |&row: &u32| {
            let issue = &issues[row as usize];
            let (recipient, event_id) = (names.text(issue.recipient), names.text(issue.event_id));
            (issue.caller.arn.is_none(), issue.caller.key.is_none(), recipient, event_id)
        };
        copies.sort_by(|a, b| rank(a).cmp(&rank(b)));
        // Masked logs show one key for many issues: the id stays unique.
        let again = &mut seen[key.number()];
        *again += 1;
        let id = match *again {
            1 => key,
            n => names.add(Some(&format!("{}@{}#{n}", names.text(key), iso(at)))),
        };
        let mut session = Session::empty(id);
        let first =
            |f: &dyn Fn(&Issue) -> Name| copies.iter().map(|&row| f(&issues[row as usize])).fold(Name::NONE, Name::or);
        session.key = key;
        session.issue_seen = true;
        session.issued_at = Some(at);
        session.expires_at = copies.iter().find_map(|&row| issues[row as usize].expires_at);
        session.api = first(&|i| i.api);
        session.role_id = first(&|i| i.role_id);
        session.session_name = first(&|i| i.session_name);
        let role_arn = first(&|i| i.role_arn);
        let role = roles.of(names, role_arn);
        session.role_account = role.account.or(first(&|i| i.target_account)).or(first(&|i| i.caller.account));
        session.copies = copies;
        session.set_role(&role);
        sessions.push(session);
    }
    sessions
}

/// Adds up each session's calls and fills in what needs the whole chain.
pub fn finish(
    names: &Names,
    sessions: &mut [Session],
    issues: &[Issue],
    uses: &[Use],
    tied: &Tied,
    sightings: &[Sighting],
    revocations: &[Revocation],
) {
    let share = share(sessions.len());
    std::thread::scope(|scope| {
        for (turn, part) in sessions.chunks_mut(share).enumerate() {
            scope.spawn(move || {
                for (session, place) in part.iter_mut().zip(turn * share..) {
                    add_up(session, tied.session_uses.of(place), uses);
                }
            });
        }
    });
    revoke(sessions, revocations);
    requesters(names, sessions, issues, sightings);
    for place in tied.top_down.iter().copied() {
        let said = sessions[place].copies.iter().map(|&row| &issues[row as usize]);
        let said = said.fold(Name::NONE, |known, i| known.or(i.source_identity).or(i.caller_source_identity));
        let shown = tied.session_uses.of(place).iter().map(|&row| uses[row as usize].source_identity);
        let shown =
            shown.filter(|name| name.is_some()).min_by_key(|&name| names.text(name).to_owned()).unwrap_or_default();
        let parent = sessions[place].parent.map_or(Name::NONE, |parent| sessions[parent].source_identity);
        sessions[place].source_identity = said.or(parent).or(shown);
        sessions[place].mfa_at_issue = mfa(names, &sessions[place], issues, uses, tied.session_uses.of(place));
    }
}

fn add_up(session: &mut Session, rows: &[u32], uses: &[Use]) {
    for used in rows.iter().map(|&row| &uses[row as usize]) {
        session.first_at = Some(session.first_at.map_or(used.first_at, |t| t.min(used.first_at)));
        session.last_at = Some(session.last_at.map_or(used.last_at, |t| t.max(used.last_at)));
        for (sum, more) in session.counts.iter_mut().zip([used.events, used.errors, used.denied, used.writes]) {
            *sum += more;
        }
    }
    session.valid_until = Some(session.latest_end());
}

/// The sessions above, from the first of the chain down to the parent.
pub fn ancestors(sessions: &[Session], place: usize) -> Vec<usize> {
    let mut above: Vec<usize> = std::iter::successors(sessions[place].parent, |&p| sessions[p].parent).collect();
    above.reverse();
    above
}

fn mfa(names: &Names, session: &Session, issues: &[Issue], uses: &[Use], rows: &[u32]) -> Option<bool> {
    let Some(&copy) = session.copies.first() else {
        // Never issued here: only a user's own key says whether MFA made it; of a role's the provider may have asked for it.
        let shown = rows.iter().find_map(|&row| uses[row as usize].mfa);
        return if session.role_arn.is_some() { shown.filter(|&mfa| mfa) } else { shown };
    };
    let issue = &issues[copy as usize];
    if session.copies.iter().any(|&row| issues[row as usize].serial_number.is_some()) || issue.caller_mfa == Some(true)
    {
        return Some(true);
    }
    match names.text(issue.caller.kind) {
        "IAMUser" | "Root" => Some(false),
        // A false mark on a role session says nothing where an identity provider stands at the top.
        "AssumedRole" if matches!(session.origin.kind, "iam_user" | "root") => Some(false),
        _ => None,
    }
}

/// A policy on aws:TokenIssueTime refuses what was issued before its time, from the moment it was put.
fn revoke(sessions: &mut [Session], revocations: &[Revocation]) {
    let mut by_role: HashMap<(Name, Name), Vec<&Revocation>> = HashMap::new();
    for revocation in revocations {
        by_role.entry((revocation.account, revocation.role_name)).or_default().push(revocation);
    }
    for session in sessions.iter_mut().filter(|s| s.role_arn.is_some()) {
        let Some(issued_at) = session.issued_at else { continue };
        let of_role = by_role.get(&(session.role_account, session.role_name)).into_iter().flatten();
        let alive = |r: &&&Revocation| issued_at <= r.issued_before && r.at >= issued_at && r.at < session.latest_end();
        session.revoked_at = of_role.filter(alive).map(|r| r.at).min();
        session.valid_until = session.valid_until.min(session.revoked_at).or(session.valid_until);
    }
}

/// Identity Center and the console hide the person's address behind AWS's own; their own records tell it. Nothing but the
/// account, the role and the second ties the two, so each must be the other's only match.
fn requesters(names: &Names, sessions: &mut [Session], issues: &[Issue], sightings: &[Sighting]) {
    type Place = (bool, Name, Name, Name);
    let mut seen: HashMap<Place, Vec<&Sighting>> = HashMap::new();
    for sighting in sightings {
        let place = if sighting.portal {
            (true, sighting.target_account, sighting.permission_set, Name::NONE)
        } else {
            let role = arn::role_of_assumed(names.text(sighting.caller.arn));
            let Some(role) = role else { continue };
            let find = |text| names.find(text).unwrap_or_default();
            (false, find(role.account), find(role.role_name), find(role.session_name))
        };
        seen.entry(place).or_default().push(sighting);
    }
    let mut asked: HashMap<Place, Vec<usize>> = HashMap::new();
    for (place, session) in sessions.iter().enumerate().filter(|(_, s)| s.issue_seen && s.role_arn.is_some()) {
        let from = session.copies.first().map_or("", |&row| names.text(issues[row as usize].source_ip));
        if from.parse::<std::net::IpAddr>().is_ok() {
            continue;
        }
        if session.permission_set.is_some() {
            asked.entry((true, session.role_account, session.permission_set, Name::NONE)).or_default().push(place);
        }
        asked.entry((false, session.role_account, session.role_name, session.session_name)).or_default().push(place);
    }
    // Identity Center's own record comes first: the console's may stand beside the same session.
    for portal in [true, false] {
        for (key, places) in asked.iter().filter(|(key, _)| key.0 == portal) {
            let Some(seen) = seen.get_mut(key) else { continue };
            seen.sort_by_key(|sighting| sighting.at);
            let mut times: Vec<i64> = places.iter().filter_map(|&p| sessions[p].issued_at).collect();
            times.sort_unstable();
            for &place in places {
                let told = sessions[place].issued_at.and_then(|at| only_match(seen, &times, at));
                sessions[place].requester = sessions[place].requester.or(told);
            }
        }
    }
}

/// The address beside an issue at `at`: of the nearest records, which no other issue of `times` is nearer to, which are as many
/// as the issues of that very second, and which all name one address. Both lists are in order of time.
fn only_match(seen: &[&Sighting], times: &[i64], at: i64) -> Option<(Name, Name)> {
    let from = seen.partition_point(|s| s.at < at - CREATION_SLACK);
    let close = seen.iter().skip(from).take_while(|s| s.at <= at + CREATION_SLACK);
    let distance = close.clone().map(|s| (s.at - at).abs()).min()?;
    let nearest: Vec<&&Sighting> = close.filter(|s| (s.at - at).abs() == distance).collect();
    let first = nearest.first()?;
    let after = |time: i64| times.partition_point(|&t| t < time);
    // An issue nearer to the record than `distance` on either side.
    let taken = |s: &&&Sighting| after(s.at - distance + 1) < after(s.at + distance);
    let rivals = after(at + 1) - after(at);
    if nearest.len() < rivals || nearest.iter().any(taken) || nearest.iter().any(|s| s.source_ip != first.source_ip) {
        return None;
    }
    let agent = if nearest.iter().all(|s| s.agent == first.agent) { first.agent } else { Name::NONE };
    Some((first.source_ip, agent))
}
