//! Alerts and reports to people: channels, schedules, the outbox, mail and webhooks.
//!
//! What is worth telling is decided elsewhere ([`netnew_decide::alerts`], [`netnew_report::written`]); here it is told, once.
//! [`run`] is one round: it looks for alerts and reports that are due, puts them into the outbox in the book's catalog and sends
//! what waits there. There is no clock here, and no secret is kept: a channel names where its secrets are.

mod channel;
mod error;
mod message;
mod picture;
pub mod report;
mod run;
mod schedule;
mod store;
mod wire;
mod words;

pub use channel::{Channel, SecretRef, Secrets, Target, Tls, checked_name, is_loopback, mailbox, safe_url};
pub use error::NotifyError;
pub use message::Letter;
pub use run::{LOOK_BACK_DAYS, Ran, World, begin, run, send_report, test};
pub use schedule::{Clock, Days, Quiet, Schedule};
pub use store::{Message, Notify, delivery_id};
pub use wire::compose;
