//! The Delta tables: `schema` is the column list, `batch` turns events into Arrow, `store` opens and commits,
//! `derive` makes the mergeable rows that sessions are found from.

pub mod derive;
pub mod rows;
pub mod schema;
