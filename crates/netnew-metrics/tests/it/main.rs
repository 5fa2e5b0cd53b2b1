//! The engine against scenarios, the slow oracle and its own invariants.

mod engine;
mod lives;
mod scenarios;
