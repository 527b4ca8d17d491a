//! Computed tables that need no linking, because somebody asked the same lake before.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::catalog::Session;
use datafusion::error::Result as DataFusionResult;

use crate::error::{Error, Result};
use crate::lake::computed::{ComputedFiles, GROUP};
use crate::lake::schema::Table;
use crate::sql::schema::{COMPUTED, SESSIONS};

use super::Linked;
use super::focus::{Focus, Window};
use super::provider::{Derived, Inputs, outside, rows};

impl Inputs {
    /// What was computed from all that is asked, where it can have been.
    fn kept(&self) -> Option<&ComputedFiles> {
        match &self.derived {
            Derived::Stored { kept, .. } if self.span == Window::ALL => kept.as_ref(),
            _ => None,
        }
    }

    /// The rows of `table` that `focus` asks for, and maybe more, with the columns of `projection`: as they were written down, else
    /// linked.
    pub(super) async fn rows(
        &self,
        table: &'static Table,
        projection: &[usize],
        focus: Focus,
        state: &dyn Session,
    ) -> DataFusionResult<Vec<RecordBatch>> {
        if focus == Focus::Everything
            && let Some(rows) = self.written(table, projection).await?
        {
            return Ok(rows);
        }
        let linked = self.linked(&focus, state).await?;
        let wanted = projection.to_vec();
        let built = tokio::task::spawn_blocking(move || linked.batches(table, &wanted, &focus)).await;
        built.map_err(outside)?.map_err(outside)
    }

    /// All rows of `table` as they were written down; `None` where they were not, or what they are built from is at hand.
    pub(super) async fn written(
        &self,
        table: &'static Table,
        columns: &[usize],
    ) -> DataFusionResult<Option<Vec<RecordBatch>>> {
        let Some(files) = self.kept().cloned() else { return Ok(None) };
        // Whoever links for the same question is waited for.
        if matches!(&*self.linked.lock().await, Some((Window::ALL, _))) {
            return Ok(None);
        }
        let columns = columns.to_vec();
        tokio::task::spawn_blocking(move || files.read(table, &columns)).await.map_err(outside)
    }

    /// Writes down what was linked, where all was, of at least `worth` derived rows.
    ///
    /// # Errors
    /// The lake's folder cannot be written to.
    pub async fn write_down(&self, worth: usize) -> Result<()> {
        let linked = match &self.derived {
            Derived::Stored { calls, activity, .. } => rows(calls) + rows(activity),
            Derived::Made(..) => 0,
        };
        if linked < worth {
            return Ok(());
        }
        let Some(files) = self.kept().cloned() else { return Ok(()) };
        // What was chosen for one story is not all.
        if self.nearby.lock().await.is_some() {
            return Ok(());
        }
        let linked = match &*self.linked.lock().await {
            Some((Window::ALL, linked)) => linked.clone(),
            _ => return Ok(()),
        };
        let broken = |e| Error::internal("writing down computed tables broke off").source(e);
        let sessions = {
            let (linked, files) = (linked.clone(), files.clone());
            tokio::task::spawn_blocking(move || linked.write(&SESSIONS, &files))
        };
        let others = tokio::task::spawn_blocking(move || {
            COMPUTED
                .into_iter()
                .filter(|table| table.name != SESSIONS.name)
                .try_for_each(|table| linked.write(table, &files))
        });
        sessions.await.map_err(broken)??;
        others.await.map_err(broken)?
    }
}

impl Linked {
    fn write(self: &Arc<Self>, table: &'static Table, files: &ComputedFiles) -> Result<()> {
        if files.has(table) {
            return Ok(());
        }
        let all: Vec<usize> = (0..table.columns.len()).collect();
        match self.places(table, &Focus::Everything) {
            // Some rows at a time: together they are larger than what they are made of.
            Some(places) => files.write(table, places.chunks(GROUP).map(|places| self.some(table, &all, places))),
            None => files.write(table, [self.table(table)]),
        }
    }
}
