//! The memory that queries share: as DataFusion's own pool, except that what passes rows between partitions never spills.
//!
//! Where two inputs of a repartition spill at once, the query stops for ever: the reader waits for the older of two open
//! files while the batch it needs is in the newer one. <https://github.com/apache/datafusion/issues/24883>
//! What a repartition holds is bounded by its gate, a few batches a partition; sorts, joins and groups are what grows, and spills.

use std::fmt;

use datafusion::error::Result;
use datafusion::execution::memory_pool::{FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

/// How DataFusion names the consumers that pass rows on.
const PASSES_ON: &str = "RepartitionExec";

/// A pool of so many bytes.
#[derive(Debug)]
pub struct Pool(FairSpillPool);

impl Pool {
    /// Of `bytes` bytes.
    pub fn new(bytes: usize) -> Self {
        Self(FairSpillPool::new(bytes))
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl MemoryPool for Pool {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.0.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.0.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.0.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.0.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        if reservation.consumer().name().starts_with(PASSES_ON) {
            self.0.grow(reservation, additional);
            return Ok(());
        }
        self.0.try_grow(reservation, additional)
    }

    fn reserved(&self) -> usize {
        self.0.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.0.memory_limit()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use datafusion::execution::runtime_env::RuntimeEnvBuilder;
    use datafusion::prelude::{SessionConfig, SessionContext};

    use super::*;

    /// With DataFusion's own pool one of the first few tries never ends.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn groups_under_a_limit_come_to_an_end() {
        let runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(Pool::new(2_000_000))).build_arc().unwrap();
        let config = SessionConfig::new().with_target_partitions(2).with_batch_size(64);
        let context = SessionContext::new_with_config_rt(config, runtime);
        let rows = "SELECT v % 13 AS g, md5(CAST(v % 337 AS VARCHAR)) AS t FROM generate_series(1, 40000) AS s(v)";
        let rows = context.sql(rows).await.unwrap().cache().await.unwrap();
        context.register_table("t", rows.into_view()).unwrap();
        for _ in 0..8 {
            let groups = context.sql("SELECT g, count(DISTINCT t) AS n FROM t GROUP BY g").await.unwrap();
            let ended = tokio::time::timeout(Duration::from_secs(60), groups.collect()).await;
            let batches = ended.expect("the query never ends").unwrap();
            assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 13);
        }
    }
}
