//! A made Stripe account behind a small server on this machine, read into books.

mod account;
mod billers;
mod deliveries;
mod files;
mod mogul;
mod money;
mod server;
mod syncs;
