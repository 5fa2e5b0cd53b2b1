//! Scenario language, simulator, slow oracle and failing file layer, for tests and the demo.
//!
//! - [`rows`], [`question`]: a business's history and the answers about it as plain values.
//! - [`scenario`]: the text form of both, one file per worked example, and how it is checked.
//! - [`oracle`]: the slow second opinion, written from the rules of the ledger apart from the engine.
//! - [`lives`]: random businesses from a seed, and how to shrink one that fails.
//! - `disk` (feature `disk`): a file layer that loses what was not synced.
//! - [`facts`]: plain rows as the facts that the engine reads.

pub mod bills;
#[cfg(feature = "disk")]
pub mod disk;
pub mod facts;
pub mod lives;
pub mod oracle;
pub mod question;
pub mod rows;
pub mod runner;
pub mod scenario;

pub use facts::{to_facts, to_rate_facts};
pub use runner::OracleRunner;
