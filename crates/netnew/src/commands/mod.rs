//! One file per command: flags in, libraries called, rows out.

pub mod alerts;
pub mod backup;
pub mod bench;
pub mod benchmarks;
pub mod check;
pub mod cohorts;
pub mod customer;
pub mod customers;
pub mod demo;
pub mod diagnose;
pub mod explain;
pub mod export;
pub mod forecast;
pub mod import;
pub mod init;
pub mod keys;
pub mod metrics;
pub mod milestones;
pub mod movements;
pub mod mrr;
pub mod policy;
pub mod report;
pub mod schema;
pub mod serve;
pub mod sql;
pub mod whatif;
