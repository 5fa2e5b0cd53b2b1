//! The demo seen from outside: its files, and its answers against the engine.

mod answers;
mod engine;
mod files;
mod ledger;
