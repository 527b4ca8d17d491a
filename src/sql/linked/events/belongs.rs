//! Whether an event's caller is asked for, as a filter on the events themselves: a scan reads their other columns only where it is.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;

use super::shown::Shown;
use super::wanted::Wanted;

/// True for events whose caller may be asked for.
#[derive(Debug, Clone)]
pub struct Belongs {
    /// What an event shows of its caller.
    shown: Vec<Arc<dyn PhysicalExpr>>,
    wanted: Arc<Wanted>,
}

impl Belongs {
    /// Of events that show their caller in these columns.
    pub fn new(shown: Vec<Arc<dyn PhysicalExpr>>, wanted: Arc<Wanted>) -> Self {
        Self { shown, wanted }
    }
}

impl fmt::Display for Belongs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("caller is asked for")
    }
}

impl PartialEq for Belongs {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.wanted, &other.wanted) && self.shown == other.shown
    }
}

impl Eq for Belongs {}

impl Hash for Belongs {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.wanted).hash(state);
        self.shown.hash(state);
    }
}

impl PhysicalExpr for Belongs {
    fn data_type(&self, _: &Schema) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn nullable(&self, _: &Schema) -> Result<bool> {
        Ok(false)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let shown = || {
            let columns = self.shown.iter().map(|column| column.evaluate(batch)?.into_array(batch.num_rows()));
            Shown::of(&columns.collect::<Result<Vec<_>>>()?)
        };
        let rows = self.wanted.rows_lately(shown)?;
        let rows = rows.unwrap_or_else(|| BooleanArray::from(vec![true; batch.num_rows()]));
        Ok(ColumnarValue::Array(Arc::new(rows)))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        self.shown.iter().collect()
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(Arc::new(Self { shown: children, wanted: self.wanted.clone() }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
