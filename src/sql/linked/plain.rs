//! Columns of `credential_calls` that are passed on as they are, in their plain form: made once, when the first of them is asked.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::DataType;
use hashbrown::HashMap;

use crate::error::Result;
use crate::lake::rows::column;

/// The columns that were asked for, batch by batch.
#[derive(Debug, Default)]
pub struct Plain(Mutex<HashMap<String, Arc<Vec<ArrayRef>>>>);

impl Plain {
    /// The column `name` of every batch as `kind`.
    ///
    /// # Errors
    /// An internal error where the column has another type.
    pub fn column(&self, batches: &[RecordBatch], name: &str, kind: &DataType) -> Result<Arc<Vec<ArrayRef>>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(name) {
            return Ok(found.clone());
        }
        let found: Vec<ArrayRef> = batches.iter().map(|batch| column(batch, name, kind)).collect::<Result<_>>()?;
        let found = Arc::new(found);
        known.insert(name.to_owned(), found.clone());
        Ok(found)
    }
}
