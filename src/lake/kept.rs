//! Rows of a batch that are to be stored, without a copy of the batch: where the others stand out is decided when they are sorted.

use arrow::array::RecordBatch;

/// A batch of events and which of its rows count.
#[derive(Debug, Clone)]
pub struct Kept {
    /// All rows.
    pub batch: RecordBatch,
    /// The places of those that count, ascending; `None` where all do.
    rows: Option<Vec<usize>>,
}

impl Kept {
    /// The rows of `batch` at these places, which ascend.
    pub fn some(batch: RecordBatch, rows: Vec<usize>) -> Self {
        Self { batch, rows: Some(rows) }
    }

    /// How many rows count.
    pub fn len(&self) -> usize {
        self.rows.as_ref().map_or(self.batch.num_rows(), Vec::len)
    }

    /// Whether none does.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The places of the rows that count.
    pub fn rows(&self) -> impl Iterator<Item = usize> {
        (0..self.len()).map(|place| self.rows.as_ref().map_or(place, |rows| rows.get(place).copied().unwrap_or(place)))
    }
}

impl From<RecordBatch> for Kept {
    fn from(batch: RecordBatch) -> Self {
        Self { batch, rows: None }
    }
}
