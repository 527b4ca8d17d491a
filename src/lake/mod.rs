//! The Delta tables: `schema` is the column list, `batch` turns events into Arrow, `store` opens and commits,
//! `derive` makes the mergeable rows that sessions are found from.

pub mod batch;
pub mod catch_up;
pub mod commit;
pub mod computed;
pub mod day_file;
pub mod days;
pub mod dedup;
pub mod derive;
mod encoding;
pub mod files;
mod footers;
pub mod integrity;
pub mod kept;
pub mod ledger;
pub mod lookup;
pub mod maintain;
pub mod pages;
mod root;
pub mod rows;
pub mod scan;
pub mod schema;
pub mod slots;
pub mod status;
pub mod store;
pub mod write;
