//! What `--since`, `--until`, `--account` and `--region` mean for each table.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::{array_has, coalesce, col};

use crate::source::Filters;

/// The rows of a table that the filters let through; `None` where they say nothing about it.
pub fn within(table: &str, filters: &Filters) -> Option<Expr> {
    let (time, accounts, region): ((Expr, Expr), Vec<Expr>, Option<Expr>) = match table {
        "events" => {
            ((col("event_time"), col("event_time")), vec![col("recipient_account_id")], Some(col("aws_region")))
        }
        "sessions" => (
            // A session belongs to every moment from its issue to its last call.
            (
                coalesce(vec![col("issued_at"), col("first_event_at")]),
                coalesce(vec![col("last_event_at"), col("issued_at")]),
            ),
            vec![col("role_account"), col("caller_account")],
            None,
        ),
        "failures" => ((col("event_time"), col("event_time")), vec![col("caller_account"), col("role_account")], None),
        "logins" => ((col("event_time"), col("event_time")), vec![col("account")], None),
        "unlinked_issues" => ((col("event_time"), col("event_time")), Vec::new(), None),
        _ => return None,
    };
    let moment = |t: i64| lit(ScalarValue::TimestampMicrosecond(Some(t), Some("UTC".into())));
    let any = |expressions: Vec<Expr>| expressions.into_iter().reduce(Expr::or);
    let texts = |list: &[String]| list.iter().map(|text| lit(text.as_str())).collect::<Vec<_>>();
    let mut all = Vec::new();
    all.extend(filters.since.map(|t| time.1.gt_eq(moment(t))));
    all.extend(filters.until.map(|t| time.0.lt(moment(t))));
    if !filters.accounts.is_empty() {
        let mut named: Vec<Expr> = accounts.into_iter().map(|a| a.in_list(texts(&filters.accounts), false)).collect();
        if table == "sessions" {
            named.extend(filters.accounts.iter().map(|a| array_has(col("used_accounts"), lit(a.as_str()))));
        }
        all.extend(any(named));
    }
    if let (Some(region), false) = (region, filters.regions.is_empty()) {
        all.push(region.in_list(texts(&filters.regions), false));
    }
    all.into_iter().reduce(Expr::and)
}
