//! Billing systems into a book: files of their objects, deliveries they make, syncs over HTTP.
//!
//! [`files`] reads Stripe's objects and events from files, [`sync`] from the API, [`webhook`] takes a signed delivery in; all end in [`intake`],
//! which keeps what is worth keeping and tells the customers spoken of anew. Nothing here asks for the time.

pub mod billers;
pub mod check;
mod compare;
mod entries;
mod error;
pub mod files;
pub mod http;
pub mod intake;
pub mod mogul;
pub mod source;
pub mod sync;
pub mod webhook;

pub use error::ConnectError;
pub use netnew_stripe::Trouble;
