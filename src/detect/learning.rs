//! What has too little history for a verdict. It is listed, an account in one row; what rests on history alone does not alarm there,
//! and what is known to be bad by itself does.

use std::collections::{BTreeMap, BTreeSet};

use super::assemble::{Draft, date};
use super::catalogue::Footing;
use super::finding::Severity;
use super::night::Learning;
use super::night_tables::{Span, parameters, texts};
use super::{allow, baseline};
use crate::error::Result;
use crate::lake::rows::typed;
use crate::sql::session::Engine;
use crate::sts::arn;

/// Days from which on an account, and a lake, is known.
const DAYS: i32 = 7;

/// Rows of the list that a report carries at most.
const ROWS: usize = 200;

/// Who is being learned on a night.
#[derive(Debug, Default)]
pub struct Learners {
    /// Where the lake itself has fewer than seven days: how many, and the first.
    lake: Option<(i32, String)>,
    /// Accounts that appeared in the last seven days, and since when.
    accounts: BTreeMap<String, String>,
    /// Findings that were held back, by account; without one for the whole lake.
    held: BTreeMap<String, u64>,
}

impl Learners {
    /// Of a night.
    ///
    /// # Errors
    /// The engine cannot be asked.
    pub async fn of(engine: &Engine, span: Span) -> Result<Self> {
        let sql = "SELECT entity, CAST(coalesce(min(entity_since), $night) AS VARCHAR) AS since, CAST(max(history_days) AS INT) AS history, \
                          CAST(CASE WHEN min(entity_since) <= $night - 7 THEN 1 ELSE 0 END AS INT) AS known \
                   FROM novel WHERE entity_type = 'account' AND feature = 'hour' GROUP BY entity ORDER BY entity";
        let rows = baseline::ask(engine, sql, parameters(span, &["night"])).await?;
        let (accounts, since) = (texts(&rows, "entity")?, texts(&rows, "since")?);
        let number = |name| typed::<arrow::array::Int32Array>(&rows, name, &arrow::datatypes::DataType::Int32);
        let (history, known) = (number("history")?, number("known")?);
        let mut learners = Self::default();
        let days = history.iter().flatten().max().unwrap_or(0);
        if days < DAYS {
            let first = since.iter().flatten().min().map_or_else(|| date(span.night()), str::to_owned);
            learners.lake = Some((days, first));
            return Ok(learners);
        }
        for row in (0..rows.num_rows()).filter(|row| known.value(*row) == 0) {
            learners.accounts.insert(accounts.value(row).to_owned(), since.value(row).to_owned());
        }
        Ok(learners)
    }

    /// Holds a finding back where everything it is about is being learned: what rests on history alone is only worth knowing, what
    /// is weaker without history is looked at by day. What nobody may hide is not held back either.
    pub fn hold(&self, draft: &mut Draft) {
        let accounts = &draft.finding.accounts;
        let young = self.lake.is_some()
            || !accounts.is_empty() && accounts.iter().all(|account| self.accounts.contains_key(account));
        let most = match draft.footing {
            Footing::Fact => return,
            Footing::Either => Severity::Medium,
            Footing::History => Severity::Info,
        };
        if young && !allow::always_told(&draft.finding) {
            draft.finding.severity = draft.finding.severity.min(most);
            draft.held = true;
        }
    }

    /// Counts what was held back.
    pub fn count(&mut self, drafts: &[Draft]) {
        for draft in drafts.iter().filter(|draft| draft.held) {
            let young = |account: &&String| self.accounts.contains_key(*account);
            let account = draft.finding.accounts.iter().find(young).cloned().unwrap_or_default();
            *self.held.entry(account).or_default() += 1;
        }
    }

    /// The rows of the report: one for a lake that is being learned, else one an account, and roles and identities of other accounts.
    ///
    /// # Errors
    /// The engine cannot be asked.
    pub async fn rows(&self, engine: &Engine, span: Span) -> Result<Vec<Learning>> {
        let held = |account: &str| self.held.get(account).copied().unwrap_or(0);
        if let Some((days, since)) = &self.lake {
            let until = date(span.night() + DAYS - days);
            let entity = "every account".to_owned();
            return Ok(vec![Learning { kind: "lake".to_owned(), entity, since: since.clone(), until, held: held("") }]);
        }
        let mut all = Vec::new();
        for (account, since) in &self.accounts {
            let until = super::stored::day(since).map_or_else(String::new, |day| date(day + DAYS));
            let kind = "account".to_owned();
            all.push(Learning { kind, entity: account.clone(), since: since.clone(), until, held: held(account) });
        }
        let sql = "SELECT CASE entity_type WHEN 'who' THEN 'identity' ELSE entity_type END AS kind, entity, \
                          CAST(coalesce(min(entity_since), $night) AS VARCHAR) AS since, \
                          CAST($night + CAST(7 - max(days) AS INT) AS VARCHAR) AS until \
                   FROM novel WHERE entity_type = 'role' AND feature = 'caller' OR entity_type = 'who' AND feature = 'role' \
                   GROUP BY entity_type, entity HAVING NOT bool_or(learned) ORDER BY 1, 2";
        let rows = baseline::ask(engine, sql, parameters(span, &["night"])).await?;
        let columns = ["kind", "entity", "since", "until"];
        let columns: Vec<_> = columns.iter().map(|name| texts(&rows, name)).collect::<Result<_>>()?;
        let told: BTreeSet<&String> = self.accounts.keys().collect();
        let text = |column: usize, row: usize| columns[column].value(row).to_owned();
        let others = (0..rows.num_rows())
            .filter(|row| arn::account(columns[1].value(*row)).is_none_or(|of| !told.iter().any(|one| *one == of)));
        all.extend(others.map(|row| Learning {
            kind: text(0, row),
            entity: text(1, row),
            since: text(2, row),
            until: text(3, row),
            held: 0,
        }));
        all.truncate(ROWS);
        Ok(all)
    }
}
