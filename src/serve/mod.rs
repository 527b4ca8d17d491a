//! Postgres wire protocol: the lake's tables for psql, Grafana, Metabase and whatever else speaks it.
//!
//! Read-only. One session serves every connection; its tables look through to the newest version of the lake, and a
//! statement sees one version of all of them. Nobody from another machine comes in without TLS and a password.

mod access;
mod answer;
mod apart;
mod connection;
mod cursor;
mod described;
mod guard;
mod habits;
mod live;
mod server;
mod told;

pub use access::{Access, Login, tls};
pub use live::{LakeToServe, Served};
pub use server::{Limits, Server};
