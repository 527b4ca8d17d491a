//! From a query's filters to what the decoder may pass over, and which objects need not be opened.
//!
//! Only what is certain is taken; DataFusion applies every filter again to what comes through.

use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use crate::cloudtrail::{Needle, Term, Wanted};
use crate::source::Filters;

/// Columns whose text stands as it is in the record, those first that single out fewest records.
const TEXTS: [&str; 23] = [
    "event_id",
    "shared_event_id",
    "request_id",
    "access_key_id",
    "credential_id",
    "session_issuer_id",
    "identity_principal_id",
    "identity_user_name",
    "source_identity",
    "on_behalf_of_user_id",
    "source_ip_address",
    "error_code",
    "event_name",
    "vpc_endpoint_id",
    "identity_account_id",
    "recipient_account_id",
    "event_source",
    "aws_region",
    "effective_region",
    "invoked_by",
    "event_type",
    "identity_type",
    "event_category",
];
/// Columns whose text is part of a text in the record, cut at a colon or slash; or that may hold slashes.
const PARTS: [&str; 3] = ["session_name", "identity_arn", "session_issuer_arn"];

/// More alternatives than these are looked for faster by decoding.
const MOST_NEEDLES: usize = 8;

/// What the decoder may pass over under `filters`, all of which hold for every row that is asked for.
pub(super) fn wanted(filters: &[Expr]) -> Wanted {
    let mut terms: Vec<(usize, Term)> =
        filters.iter().flat_map(conjuncts).filter_map(term).map(|t| (t.rank, t.term)).collect();
    terms.sort_by_key(|(rank, _)| *rank);
    Wanted::all_of(terms.into_iter().map(|(_, term)| term).collect())
}

/// The times that `filters` leave, as far as they tell.
pub(super) fn period(filters: &[Expr]) -> Filters {
    let mut period = Filters::default();
    for filter in filters.iter().flat_map(conjuncts) {
        let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else { continue };
        let (op, since, until) = match (time(left, right), time(right, left), op.swap()) {
            (Some((first, last)), _, _) => (*op, first, last),
            (None, Some((first, last)), Some(op)) => (op, first, last),
            _ => continue,
        };
        if matches!(op, Operator::Gt | Operator::GtEq | Operator::Eq) {
            period.since = period.since.max(Some(since));
        }
        if matches!(op, Operator::Lt | Operator::LtEq | Operator::Eq) {
            period.until = Some(period.until.map_or(until, |there| there.min(until)));
        }
    }
    period
}

/// The first and the last microsecond that a literal compared with `event_time` or `event_date` stands for.
fn time(column: &Expr, literal: &Expr) -> Option<(i64, i64)> {
    const DAY: i64 = 86_400_000_000;
    let Expr::Column(Column { name, .. }) = column else { return None };
    let Expr::Literal(value, _) = literal else { return None };
    match (name.as_str(), value) {
        ("event_time", ScalarValue::TimestampMicrosecond(Some(t), _)) => Some((*t, *t)),
        ("event_date", ScalarValue::Date32(Some(day))) => {
            let start = i64::from(*day).checked_mul(DAY)?;
            Some((start, start.checked_add(DAY)?))
        }
        _ => None,
    }
}

fn conjuncts(filter: &Expr) -> Vec<&Expr> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => [conjuncts(left), conjuncts(right)].concat(),
        other => vec![other],
    }
}

/// A term and how few records it lets through, by its column.
struct Ranked {
    rank: usize,
    term: Term,
    needles: usize,
}

fn term(filter: &Expr) -> Option<Ranked> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            equals(left, std::slice::from_ref(right.as_ref()))
                .or_else(|| equals(right, std::slice::from_ref(left.as_ref())))
        }
        Expr::InList(InList { expr, list, negated: false }) => equals(expr, list),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            let (left, right) = (term(left)?, term(right)?);
            let needles = left.needles + right.needles;
            let rank = left.rank.max(right.rank);
            (needles <= MOST_NEEDLES).then(|| Ranked { rank, term: left.term.or(right.term), needles })
        }
        // One side is enough: what fails it fails both.
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => term(left).or_else(|| term(right)),
        _ => None,
    }
}

fn equals(column: &Expr, values: &[Expr]) -> Option<Ranked> {
    let Expr::Column(Column { name, .. }) = column else { return None };
    if values.is_empty() || values.len() > MOST_NEEDLES {
        return None;
    }
    let texts: Vec<&str> = values.iter().map(text).collect::<Option<_>>()?;
    let (rank, needle): (usize, fn(&str) -> Option<Needle>) = match TEXTS.iter().position(|known| known == name) {
        Some(rank) => (rank, Needle::value),
        None if PARTS.contains(&name.as_str()) => (0, longest_part),
        None => return None,
    };
    let needles: Vec<Needle> = texts.iter().map(|text| needle(text)).collect::<Option<_>>()?;
    let count = needles.len();
    let mut term = Term::any(needles);
    if name == "recipient_account_id" {
        // The column falls back on the account in the object's key.
        term = term.or_key_accounts(texts.iter().map(|text| (*text).to_owned()));
    }
    Some(Ranked { rank, term, needles: count })
}

fn longest_part(text: &str) -> Option<Needle> {
    Needle::part(text.split('/').max_by_key(|part| part.len())?)
}

fn text(value: &Expr) -> Option<&str> {
    match value {
        Expr::Literal(ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) | ScalarValue::Utf8View(text), _) => {
            text.as_deref()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::{col, lit};

    use super::*;

    fn everything(filter: Expr) -> bool {
        wanted(&[filter]).is_everything()
    }

    #[test]
    fn the_columns_are_there() {
        use crate::lake::schema::EVENTS;
        assert!(TEXTS.iter().chain(&PARTS).all(|name| EVENTS.index(name).is_some()));
    }

    #[test]
    fn only_what_is_certain_is_taken() {
        assert!(!everything(col("event_name").eq(lit("AssumeRole"))));
        assert!(!everything(lit("AssumeRole").eq(col("event_name"))));
        assert!(!everything(col("event_name").in_list(vec![lit("AssumeRole"), lit("GetCallerIdentity")], false)));
        assert!(!everything(col("event_name").eq(lit("AssumeRole")).or(col("access_key_id").eq(lit("ASIAX")))));
        assert!(!everything(col("event_name").like(lit("%x")).and(col("aws_region").eq(lit("us-east-1")))));
        assert!(!everything(col("identity_arn").eq(lit("arn:aws:iam::111122223333:role/a/Spoke"))));
        for unsure in [
            col("event_name").not_eq(lit("AssumeRole")),
            col("event_name").in_list(vec![lit("AssumeRole")], true),
            col("event_name").eq(lit("AssumeRole")).or(col("user_agent").eq(lit("x"))),
            col("event_name").eq(lit("a/b")),
            col("event_name").eq(lit("")),
            col("error_message").eq(lit("[removed]")),
            col("event_name").eq(col("event_type")),
            col("event_name").is_null(),
        ] {
            assert!(everything(unsure.clone()), "{unsure}");
        }
    }

    #[test]
    fn times_narrow_what_is_opened() {
        let at = |t: i64| lit(ScalarValue::TimestampMicrosecond(Some(t), Some("UTC".into())));
        let both = [col("event_time").gt_eq(at(5)).and(at(9).gt(col("event_time"))), col("event_time").gt(at(3))];
        assert_eq!(period(&both), Filters { since: Some(5), until: Some(9), ..Filters::default() });
        let day = [col("event_date").eq(lit(ScalarValue::Date32(Some(1))))];
        assert_eq!(
            period(&day),
            Filters { since: Some(86_400_000_000), until: Some(172_800_000_000), ..Filters::default() }
        );
        assert_eq!(period(&[col("event_time").not_eq(at(5)), col("delivered_at").gt(at(5))]), Filters::default());
    }
}
