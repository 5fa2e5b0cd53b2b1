//! A made Stripe account behind a small server on this machine, read into books.

mod account;
mod deliveries;
mod files;
mod mogul;
mod server;
mod syncs;
