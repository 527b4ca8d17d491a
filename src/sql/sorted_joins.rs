//! Joins that come to an end under a limit: where one does not fit into memory, the question is asked once more with joins that sort
//! both sides on disk and merge them.
//!
//! The engine's own hash joins hold one side in memory and cannot spill it. They are much faster, and are what is tried first.

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::DataFrame;
use futures::{StreamExt, TryStreamExt, stream};

/// Asks a question; the answer streams.
///
/// # Errors
/// Where it cannot be planned; what goes wrong later is told by the stream.
pub async fn answer(frame: DataFrame) -> Result<SendableRecordBatchStream> {
    let context = Arc::new(frame.task_ctx());
    let plan = frame.clone().create_physical_plan().await?;
    if !holds_a_side(&plan)? {
        return execute_stream(plan, context);
    }
    let schema = plan.schema();
    let rows = stream::once(either(plan, context, frame)).try_flatten();
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
}

/// What a plan answers; where it lacks the memory before it answers anything, what the other one does.
async fn either(
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
    frame: DataFrame,
) -> Result<SendableRecordBatchStream> {
    let mut rows = execute_stream(plan, context)?;
    let schema = rows.schema();
    match rows.next().await {
        Some(Err(error)) if lacks_memory(&error) => {
            drop(rows);
            let (mut state, plan) = frame.into_parts();
            state.config_mut().options_mut().optimizer.prefer_hash_join = false;
            DataFrame::new(state, plan).execute_stream().await
        }
        first => Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter(first).chain(rows)))),
    }
}

fn holds_a_side(plan: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    let mut found = false;
    plan.apply(|node| {
        found |= node.name() == "HashJoinExec";
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

fn lacks_memory(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::ResourcesExhausted(_))
}
