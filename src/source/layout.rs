//! Where CloudTrail puts its files: account, region, folder and delivery time out of an object key.
//!
//! Pure text: no I/O and no clock. A key is a hint for pruning and for what a record leaves out; it never decides what an
//! object's content is, and a key that tells nothing is no error. Keys come from strangers: any text is fine.
//!
//! Layouts: `[prefix/]AWSLogs/[<o-id>/]<account>/<folder>/<region>/<YYYY>/<MM>/<DD>/<file>`, and Control Tower's, where the
//! prefix is the organisation's id once more. The date is that of the delivery, in UTC, not of the events.
//! See <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html>.

use chrono::NaiveDate;

/// The folder below which CloudTrail (and other services) deliver.
pub const AWS_LOGS: &str = "AWSLogs";

/// Microseconds of a minute: a file name's time is that of its minute.
pub const MINUTE: i64 = 60 * 1_000_000;

/// Microseconds of a day.
pub const DAY: i64 = 24 * 60 * MINUTE;

/// What a CloudTrail folder holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Folder {
    /// `CloudTrail`: management and data events together.
    CloudTrail,
    /// `CloudTrail-Digest`: the integrity digests, no events.
    Digest,
    /// `CloudTrail-Insight`: Insights records, which are counted as no events.
    Insight,
    /// `CloudTrail-NetworkActivity`: network activity of VPC endpoints.
    NetworkActivity,
    /// `CloudTrail-Aggregated`: aggregated data events.
    Aggregated,
    /// `CloudTrail-Lake`: saved query results of CloudTrail Lake, no events.
    LakeQuery,
}

impl Folder {
    /// The folder of this name, as a component of a key.
    pub fn from_component(name: &str) -> Option<Self> {
        Some(match name {
            "CloudTrail" => Self::CloudTrail,
            "CloudTrail-Digest" => Self::Digest,
            "CloudTrail-Insight" => Self::Insight,
            "CloudTrail-NetworkActivity" => Self::NetworkActivity,
            "CloudTrail-Aggregated" => Self::Aggregated,
            "CloudTrail-Lake" => Self::LakeQuery,
            _ => return None,
        })
    }

    /// Why objects of this folder are not read, or None where they hold records.
    pub fn not_read(self) -> Option<&'static str> {
        match self {
            Self::Digest => Some("an integrity digest"),
            Self::LakeQuery => Some("a query result of CloudTrail Lake"),
            Self::CloudTrail | Self::Insight | Self::NetworkActivity | Self::Aggregated => None,
        }
    }
}

/// What an object's key tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The account whose events these are; in an organisation's trail, the member account. Not always 12 digits.
    pub account: String,
    /// The organisation's id (`o-...`), where the layout names one.
    pub organization: Option<String>,
    /// The region whose events these are.
    pub region: Option<String>,
    /// What the folder holds.
    pub folder: Folder,
    /// The day of delivery in UTC, from the folders, else from the file's name.
    pub date: Option<NaiveDate>,
    /// The minute of delivery from the file's name, in microseconds since the epoch.
    pub delivered_at: Option<i64>,
}

impl Key {
    /// The first and the last microsecond at which the object can have been delivered, where the key tells.
    ///
    /// Where folder and file name disagree the folder counts, since listings are cut by folders.
    pub fn delivery(&self) -> Option<(i64, i64)> {
        let day = self.date.and_then(day_start);
        match (day, self.delivered_at) {
            (Some(day), Some(at)) if !(day..day + DAY).contains(&at) => Some((day, day + DAY - 1)),
            (_, Some(at)) => Some((at, at.saturating_add(MINUTE - 1))),
            (Some(day), None) => Some((day, day + DAY - 1)),
            (None, None) => None,
        }
    }
}

/// Reads an object's key or a local path with `/` between its components; None where it names no account.
///
/// Every component counts wherever it stands, so a copy that starts at `AWSLogs`, at the account or at the file works.
pub fn parse(key: &str) -> Option<Key> {
    let parts: Vec<&str> = key.split('/').collect();
    let (name, folders) = parts.split_last()?;
    let named = FileName::parse(name);
    let at = folder_index(folders);
    let folder = match at {
        Some(i) => Folder::from_component(folders[i])?,
        None => named.as_ref()?.folder,
    };
    let owner = at.and_then(|i| owner(&folders[..i]));
    let (account, organization) = match (owner, &named) {
        (Some((account, organization)), _) => (account, organization),
        (None, Some(named)) => (named.account, None),
        (None, None) => return None,
    };
    let below = at.map(|i| &folders[i + 1..]).unwrap_or_default();
    let (region, date) = match folder {
        Folder::LakeQuery => (None, below.get(1..).and_then(date)),
        _ => match below.split_first() {
            Some((region, rest)) if is_region(region) => (Some(*region), date(rest)),
            _ => (None, date(below)),
        },
    };
    let delivered_at = named.as_ref().and_then(|n| n.delivered_at);
    Some(Key {
        account: account.to_owned(),
        organization: organization.map(str::to_owned),
        region: region.or(named.map(|n| n.region)).map(str::to_owned),
        folder,
        date: date_or(date, delivered_at),
        delivered_at,
    })
}

/// The CloudTrail folder in which a key or path lies (or its file name's), also where no account is named.
pub fn folder_of(key: &str) -> Option<Folder> {
    let parts: Vec<&str> = key.split('/').collect();
    let (name, folders) = parts.split_last()?;
    match folder_index(folders) {
        Some(i) => Folder::from_component(folders[i]),
        None => FileName::parse(name).map(|n| n.folder),
    }
}

/// Where a prefix that ends in `/` stands in the layout: what its children are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// Not below an `AWSLogs` folder.
    Outside,
    /// An `AWSLogs` folder: accounts or organisations follow.
    Top,
    /// An organisation's folder: accounts follow.
    Organization(&'a str),
    /// An account's folder: CloudTrail's and other services' folders follow.
    Account(&'a str),
    /// A CloudTrail folder: regions follow.
    Folder(Folder),
    /// A region's folder in a CloudTrail folder: years, months and days follow.
    Region(&'a str),
    /// Anything further down, or a folder of another service.
    Below,
}

/// Tells where a prefix stands, counted from its last `AWSLogs` component. The prefix must end in `/`, or be empty.
pub fn place(prefix: &str) -> Place<'_> {
    let parts: Vec<&str> = prefix.split('/').collect();
    let Some((_, folders)) = parts.split_last() else { return Place::Outside };
    let Some(top) = folders.iter().rposition(|c| *c == AWS_LOGS) else { return Place::Outside };
    let mut rest = &folders[top + 1..];
    if let [organization, more @ ..] = rest
        && is_organization(organization)
    {
        if more.is_empty() {
            return Place::Organization(organization);
        }
        rest = more;
    }
    match rest {
        [] => Place::Top,
        [account] => Place::Account(account),
        [_, folder] => Folder::from_component(folder).map_or(Place::Below, Place::Folder),
        [_, folder, region] => match Folder::from_component(folder) {
            Some(Folder::LakeQuery) | None => Place::Below,
            Some(_) if is_region(region) => Place::Region(region),
            Some(_) => Place::Below,
        },
        _ => Place::Below,
    }
}

/// Whether a component is an organisation's id (`o-` and lower-case letters or digits).
pub fn is_organization(part: &str) -> bool {
    part.strip_prefix("o-")
        .is_some_and(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

/// The components of a day's folders, `YYYY/MM/DD`, at the start of the text.
pub fn day_at_start(text: &str) -> Option<NaiveDate> {
    let parts: Vec<&str> = text.splitn(4, '/').collect();
    if parts.len() < 4 {
        return None;
    }
    date(&parts)
}

/// The position of the CloudTrail folder that counts: the last that follows an account, else the last of all.
fn folder_index(folders: &[&str]) -> Option<usize> {
    let is_folder = |i: &usize| Folder::from_component(folders[*i]).is_some();
    (0..folders.len())
        .rev()
        .filter(is_folder)
        .find(|i| owner(&folders[..*i]).is_some())
        .or_else(|| (0..folders.len()).rev().find(is_folder))
}

/// The account, and the organisation if any, that the components before a CloudTrail folder end in.
fn owner<'a>(before: &[&'a str]) -> Option<(&'a str, Option<&'a str>)> {
    let (account, above) = before.split_last()?;
    let organization = match above {
        [.., o, AWS_LOGS] | [.., o] if is_organization(o) => Some(*o),
        _ => None,
    };
    // Below AWSLogs the position tells, so that accounts that somebody anonymised are found; elsewhere the form does.
    let placed = match above {
        [.., AWS_LOGS] => !is_organization(account),
        [.., AWS_LOGS, o] => is_organization(o),
        _ => false,
    };
    let usable = !account.is_empty() && Folder::from_component(account).is_none();
    (usable && (placed || is_account(account))).then_some((*account, organization))
}

fn is_account(part: &str) -> bool {
    part.len() == 12 && part.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a component can be a region. The form only: names are invented by anonymisers, and AWS opens new regions.
fn is_region(part: &str) -> bool {
    part.len() <= 40
        && part.starts_with(|c: char| c.is_ascii_lowercase())
        && part.contains('-')
        && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn digits(text: &str, len: usize) -> Option<u32> {
    if text.len() != len || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn date(parts: &[&str]) -> Option<NaiveDate> {
    let [year, month, day, ..] = parts else { return None };
    NaiveDate::from_ymd_opt(i32::try_from(digits(year, 4)?).ok()?, digits(month, 2)?, digits(day, 2)?)
}

fn date_or(folders: Option<NaiveDate>, delivered_at: Option<i64>) -> Option<NaiveDate> {
    folders.or_else(|| Some(chrono::DateTime::from_timestamp_micros(delivered_at?)?.date_naive()))
}

/// Midnight of a day in UTC, in microseconds since the epoch.
pub fn day_start(day: NaiveDate) -> Option<i64> {
    Some(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros())
}

/// What `<account>_CloudTrail[-X]_<region>_<YYYYMMDD>T<HHmm>Z_<unique>.json[.gz]` tells.
struct FileName<'a> {
    account: &'a str,
    folder: Folder,
    region: &'a str,
    delivered_at: Option<i64>,
}

impl<'a> FileName<'a> {
    fn parse(name: &'a str) -> Option<Self> {
        let (account, rest) = name.split_once('_')?;
        let (folder, rest) = rest.split_once('_')?;
        let (region, rest) = rest.split_once('_')?;
        let folder = Folder::from_component(folder)?;
        let named = !account.is_empty() && account.bytes().all(|b| b.is_ascii_alphanumeric());
        if !named || !is_region(region) {
            return None;
        }
        // A digest's name goes on with the trail's name and home region, and its time is no delivery of events.
        let delivered_at = match folder {
            Folder::Digest | Folder::LakeQuery => None,
            _ => minute(rest),
        };
        Some(Self { account, folder, region, delivered_at })
    }
}

/// The minute that a text such as `20261107T0335Z_abc` or `20261107T0335Zabc` starts with.
fn minute(text: &str) -> Option<i64> {
    let text = text.get(..14)?;
    let (day, time) = text.split_once('T')?;
    let time = time.strip_suffix('Z')?;
    let day = date(&[day.get(..4)?, day.get(4..6)?, day.get(6..)?])?;
    let time = day.and_hms_opt(digits(time.get(..2)?, 2)?, digits(time.get(2..)?, 2)?, 0)?;
    Some(time.and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NAME: &str = "111122223333_CloudTrail_us-east-1_20261107T0335Z_AbCdEfGh01234567.json.gz";
    const AT: i64 = 1_794_022_500_000_000;

    fn key(account: &str, organization: Option<&str>, region: Option<&str>, folder: Folder) -> Key {
        Key {
            account: account.into(),
            organization: organization.map(Into::into),
            region: region.map(Into::into),
            folder,
            date: NaiveDate::from_ymd_opt(2026, 11, 7),
            delivered_at: Some(AT),
        }
    }

    #[test]
    fn every_layout_is_read() {
        let single = key("111122223333", None, Some("us-east-1"), Folder::CloudTrail);
        let organized = key("111122223333", Some("o-exampleorg11"), Some("us-east-1"), Folder::CloudTrail);
        let tail = format!("111122223333/CloudTrail/us-east-1/2026/11/07/{NAME}");
        for (start, wanted) in [
            ("AWSLogs/", &single),
            ("some/prefix/AWSLogs/", &single),
            ("/home/x/AWSLogs/", &single),
            ("", &single),
            ("CloudTrail/CloudTrail-Digest/AWSLogs/", &single),
            ("AWSLogs/o-exampleorg11/", &organized),
            ("o-exampleorg11/AWSLogs/o-exampleorg11/", &organized),
            ("o-exampleorg11/AWSLogs/", &organized),
            ("o-exampleorg11/", &organized),
        ] {
            assert_eq!(parse(&format!("{start}{tail}")).as_ref(), Some(wanted), "{start}");
        }
    }

    #[test]
    fn a_lone_file_tells_by_its_name() {
        let single = key("111122223333", None, Some("us-east-1"), Folder::CloudTrail);
        for name in [
            NAME,
            "111122223333_CloudTrail_us-east-1_20261107T0335ZAbCdEfGh01234567.json.gz",
            "111122223333_CloudTrail_us-east-1_20261107T0335Z_AbCdEfGh01234567.json",
            "flat copies/CloudTrail/111122223333_CloudTrail_us-east-1_20261107T0335Z_AbCdEfGh01234567.json",
        ] {
            assert_eq!(parse(name).as_ref(), Some(&single), "{name}");
        }
        let untimed = parse("111122223333_CloudTrail_us-east-1_yesterday.json").unwrap();
        assert_eq!((untimed.date, untimed.delivered_at), (None, None));
    }

    #[test]
    fn folders_are_told_apart() {
        for (folder, wanted) in [
            ("CloudTrail-Insight", Folder::Insight),
            ("CloudTrail-NetworkActivity", Folder::NetworkActivity),
            ("CloudTrail-Aggregated", Folder::Aggregated),
        ] {
            let name = format!("111122223333_{folder}_eu-north-1_20261107T0335Z_AbCdEfGh01234567.json.gz");
            let long = format!("AWSLogs/111122223333/{folder}/eu-north-1/2026/11/07/{name}");
            let wanted = key("111122223333", None, Some("eu-north-1"), wanted);
            assert_eq!(parse(&long).as_ref(), Some(&wanted));
            assert_eq!(parse(&name).as_ref(), Some(&wanted));
        }
        let digest = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11/07/111122223333_CloudTrail-Digest_us-east-1_my_trail_eu-west-1_20261107T040000Z.json.gz";
        assert_eq!(parse(digest).unwrap().folder, Folder::Digest);
        assert_eq!(folder_of(digest.rsplit('/').next().unwrap()), Some(Folder::Digest));
        let lake = parse("x/AWSLogs/111122223333/CloudTrail-Lake/Query/2026/11/07/abc/result_1.csv.gz").unwrap();
        assert_eq!((lake.folder, lake.date), (Folder::LakeQuery, NaiveDate::from_ymd_opt(2026, 11, 7)));
        assert_eq!(folder_of("copies/CloudTrail-Digest/x.json.gz"), Some(Folder::Digest));
        assert_eq!(parse("copies/CloudTrail-Digest/x.json.gz"), None);
    }

    #[test]
    fn the_folders_win_over_the_name() {
        let told = parse(&format!("AWSLogs/999988887777/CloudTrail/eu-west-1/2026/11/09/{NAME}")).unwrap();
        assert_eq!((told.account.as_str(), told.region.as_deref()), ("999988887777", Some("eu-west-1")));
        let day = day_start(NaiveDate::from_ymd_opt(2026, 11, 9).unwrap()).unwrap();
        assert_eq!(told.delivery(), Some((day, day + DAY - 1)));
        assert_eq!(parse(NAME).unwrap().delivery(), Some((AT, AT + MINUTE - 1)));
    }

    #[test]
    fn odd_accounts_and_regions_are_kept() {
        let told = parse("AWSLogs/ACCOUNT-A/CloudTrail/mars-north-1/2026/11/07/x.json").unwrap();
        assert_eq!((told.account.as_str(), told.region.as_deref()), ("ACCOUNT-A", Some("mars-north-1")));
        assert_eq!(told.delivered_at, None);
        for name in
            ["", "/", "AWSLogs", "AWSLogs//CloudTrail/x", "x.json", "AWSLogs/o-abc/CloudTrail/x", "_CloudTrail_a-1_x"]
        {
            assert_eq!(parse(name), None, "{name}");
        }
        assert_eq!(parse("AWSLogs/1/CloudTrail/us-east-1/2026/13/77/x").unwrap().date, None);
    }

    #[test]
    fn places_of_prefixes() {
        assert_eq!(place(""), Place::Outside);
        assert_eq!(place("a/b/"), Place::Outside);
        assert_eq!(place("a/AWSLogs/"), Place::Top);
        assert_eq!(place("AWSLogs/o-abc/"), Place::Organization("o-abc"));
        assert_eq!(place("AWSLogs/o-abc/111122223333/"), Place::Account("111122223333"));
        assert_eq!(place("AWSLogs/111122223333/"), Place::Account("111122223333"));
        assert_eq!(place("AWSLogs/1/CloudTrail/"), Place::Folder(Folder::CloudTrail));
        assert_eq!(place("AWSLogs/1/Config/"), Place::Below);
        assert_eq!(place("AWSLogs/1/CloudTrail/us-east-1/"), Place::Region("us-east-1"));
        assert_eq!(place("AWSLogs/1/CloudTrail/us-east-1/2026/"), Place::Below);
        assert_eq!(day_at_start("2026/11/07/x"), NaiveDate::from_ymd_opt(2026, 11, 7));
        assert_eq!(day_at_start("2026/11/07"), None);
    }

    proptest! {
        #[test]
        fn no_key_is_too_odd(text in "\\PC*", parts in prop::collection::vec("AWSLogs|CloudTrail(-Digest|-Lake)?|o-a1|[0-9]{1,12}|us-east-1|2026|11|\\PC{0,20}|.{0,90}", 0..12)) {
            for key in [text, parts.join("/"), parts.join("_")] {
                let told = parse(&key);
                prop_assert!(told.as_ref().is_none_or(|k| !k.account.is_empty()));
                prop_assert!(told.as_ref().is_none_or(|k| Some(k.folder) == folder_of(&key)));
                let _ = (told.and_then(|k| k.delivery()), place(&key), day_at_start(&key));
            }
        }
    }
}
