//! Which objects can hold wanted events, by what their keys tell.
//!
//! Pure. When in doubt an object is read: a key that tells nothing is never pruned, and late deliveries are kept.

use chrono::{DateTime, NaiveDate};

use super::layout::{self, DAY, Key, MINUTE};

/// How far the clock that names a file may lag behind the events in it, in microseconds.
///
/// Events precede their delivery, so an object delivered before `since` holds none that is wanted; the hour allows for
/// clocks that differ and for names rounded down.
pub const NAME_LAG: i64 = 60 * MINUTE;

/// How long after an event its object can be delivered, in microseconds.
///
/// CloudTrail retries for 30 days where the bucket cannot be reached, so an object that was delivered after `until` may
/// still hold wanted events; one more day allows for the last retry.
/// See <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/how-cloudtrail-works.html>.
pub const LATEST_DELIVERY: i64 = 31 * DAY;

/// What the user wants to read. Empty lists and None want everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    /// Account ids, as in the keys.
    pub accounts: Vec<String>,
    /// Regions, as in the keys.
    pub regions: Vec<String>,
    /// The first wanted event time, in microseconds since the epoch.
    pub since: Option<i64>,
    /// The last wanted event time, in microseconds since the epoch.
    pub until: Option<i64>,
    /// Account ids that are not wanted, as in the keys.
    pub skip_accounts: Vec<String>,
    /// Regions that are not wanted, as in the keys.
    pub skip_regions: Vec<String>,
    /// How long after an event its object may be delivered, in microseconds; `None` for as long as CloudTrail tries.
    pub late_files: Option<i64>,
}

impl Filters {
    /// Whether anything is filtered at all.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.regions.is_empty() && self.since.is_none() && self.until.is_none()
    }

    /// Whether an account is wanted.
    pub fn wants_account(&self, account: &str) -> bool {
        wants(&self.accounts, &self.skip_accounts, account)
    }

    /// Whether a region is wanted.
    pub fn wants_region(&self, region: &str) -> bool {
        wants(&self.regions, &self.skip_regions, region)
    }

    /// These filters and a source's own, which leaves out more.
    pub fn and(&self, own: &Filters) -> Filters {
        let mut both = self.clone();
        both.since = self.since.max(own.since);
        both.skip_accounts.extend(own.skip_accounts.iter().cloned());
        both.skip_regions.extend(own.skip_regions.iter().cloned());
        both
    }

    /// Whether an object with this key can hold wanted events.
    pub fn wants(&self, key: &Key) -> bool {
        let timely = key.delivery().is_none_or(|(first, last)| {
            self.earliest_delivery().is_none_or(|e| last >= e) && self.latest_delivery().is_none_or(|l| first <= l)
        });
        timely && self.wants_account(&key.account) && key.region.as_deref().is_none_or(|r| self.wants_region(r))
    }

    /// Objects delivered before this time (microseconds since the epoch) hold no wanted event.
    pub fn earliest_delivery(&self) -> Option<i64> {
        self.since.map(|t| t.saturating_sub(NAME_LAG))
    }

    /// Objects delivered after this time (microseconds since the epoch) hold no wanted event.
    pub fn latest_delivery(&self) -> Option<i64> {
        self.until.map(|t| t.saturating_add(self.late_files.unwrap_or(LATEST_DELIVERY)))
    }

    /// The first day whose folder can hold wanted events, where it can be written as four digits, two and two.
    pub fn first_day(&self) -> Option<NaiveDate> {
        let day = DateTime::from_timestamp_micros(self.earliest_delivery()?)?.date_naive();
        let (from, to) = (NaiveDate::from_ymd_opt(0, 1, 1)?, NaiveDate::from_ymd_opt(9999, 12, 31)?);
        (from..=to).contains(&day).then_some(day)
    }

    /// Whether a day's folder lies wholly after the last delivery that can matter.
    pub fn is_past(&self, day: NaiveDate) -> bool {
        match (self.latest_delivery(), layout::day_start(day)) {
            (Some(latest), Some(start)) => start > latest,
            _ => false,
        }
    }
}

fn wants(wanted: &[String], skipped: &[String], word: &str) -> bool {
    (wanted.is_empty() || wanted.iter().any(|w| w == word)) && !skipped.iter().any(|s| s == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: &str = "111122223333_CloudTrail_us-east-1_20261107T1200Z_AbCdEfGh01234567.json.gz";

    fn noon() -> i64 {
        layout::parse(NOON).unwrap().delivered_at.unwrap()
    }

    fn wants(filters: &Filters, key: &str) -> bool {
        filters.wants(&layout::parse(key).unwrap())
    }

    #[test]
    fn since_prunes_what_was_delivered_an_hour_before() {
        let since = |t| Filters { since: Some(t), ..Filters::default() };
        assert!(wants(&since(noon()), NOON));
        assert!(wants(&since(noon() + NAME_LAG), NOON));
        assert!(wants(&since(noon() + NAME_LAG + MINUTE - 1), NOON));
        assert!(!wants(&since(noon() + NAME_LAG + MINUTE), NOON));
        let day = "AWSLogs/1/CloudTrail/us-east-1/2026/11/07/x.json";
        assert!(wants(&since(noon() + DAY / 2), day));
        assert!(!wants(&since(noon() + DAY / 2 + NAME_LAG), day));
    }

    #[test]
    fn until_keeps_late_deliveries() {
        let until = |t| Filters { until: Some(t), ..Filters::default() };
        assert!(wants(&until(noon() - 30 * DAY), NOON));
        assert!(wants(&until(noon() - LATEST_DELIVERY), NOON));
        assert!(!wants(&until(noon() - LATEST_DELIVERY - 1), NOON));
        let day = NaiveDate::from_ymd_opt(2026, 11, 7).unwrap();
        assert!(!until(noon() - LATEST_DELIVERY).is_past(day));
        assert!(until(noon() - LATEST_DELIVERY - DAY).is_past(day));
    }

    #[test]
    fn accounts_and_regions() {
        let of = |account: &str, region: &str| Filters {
            accounts: vec![account.into()],
            regions: vec![region.into()],
            ..Filters::default()
        };
        assert!(wants(&of("111122223333", "us-east-1"), NOON));
        assert!(!wants(&of("111122223334", "us-east-1"), NOON));
        assert!(!wants(&of("111122223333", "us-east-2"), NOON));
        assert!(wants(&of("1", "us-east-2"), "AWSLogs/1/CloudTrail/flat.json"));
    }

    #[test]
    fn a_source_leaves_out_more() {
        let own = Filters {
            skip_accounts: vec!["111122223333".into()],
            skip_regions: vec!["us-east-2".into()],
            since: Some(noon() + DAY),
            ..Filters::default()
        };
        let all = Filters { since: Some(noon() - DAY), ..Filters::default() };
        assert!(wants(&all, NOON) && !wants(&all.and(&own), NOON));
        let of_region = Filters { skip_accounts: Vec::new(), since: None, ..own };
        assert!(wants(&all.and(&of_region), NOON));
        assert!(!wants(&all.and(&of_region), &NOON.replace("us-east-1", "us-east-2")));
        let late = Filters { until: Some(noon() - 2 * DAY), late_files: Some(DAY), ..Filters::default() };
        assert!(!wants(&late, NOON) && wants(&Filters { late_files: None, ..late }, NOON));
    }

    #[test]
    fn extreme_times_do_not_overflow() {
        for t in [i64::MIN, i64::MAX, 0] {
            let filters = Filters { since: Some(t), until: Some(t), ..Filters::default() };
            let _ = (wants(&filters, NOON), filters.first_day(), filters.is_past(NaiveDate::MIN));
        }
        assert_eq!(Filters { since: Some(i64::MIN), ..Filters::default() }.first_day(), None);
    }
}
