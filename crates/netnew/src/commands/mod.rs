//! One file per command: flags in, libraries called, rows out.

pub mod backup;
pub mod bench;
pub mod check;
pub mod cohorts;
pub mod customer;
pub mod customers;
pub mod demo;
pub mod explain;
pub mod export;
pub mod import;
pub mod init;
pub mod metrics;
pub mod movements;
pub mod mrr;
pub mod policy;
pub mod schema;
pub mod sources;
pub mod sql;
