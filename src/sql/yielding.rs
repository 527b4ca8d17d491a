//! Joins that pause: the engine's own produce rows as long as somebody takes them, and what is dropped in between goes on.
//!
//! With a pause after every few batches a question that nobody waits for any more ends, and others get their turn.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result as DataFusionResult;
use datafusion::execution::SessionStateBuilder;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::prelude::SessionContext;

/// The same session, its joins pausing.
pub fn with_pauses(context: &SessionContext) -> SessionContext {
    let builder = SessionStateBuilder::new_from_existing(context.state());
    SessionContext::new_with_state(builder.with_physical_optimizer_rule(Arc::new(Pauses)).build())
}

/// Puts a pause on top of every join.
#[derive(Debug)]
struct Pauses;

impl PhysicalOptimizerRule for Pauses {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            if node.name().ends_with("JoinExec") {
                Ok(Transformed::yes(Arc::new(CooperativeExec::new(node)) as Arc<dyn ExecutionPlan>))
            } else {
                Ok(Transformed::no(node))
            }
        })
        .data()
    }

    fn name(&self) -> &str {
        "pauses"
    }

    fn schema_check(&self) -> bool {
        true
    }
}
