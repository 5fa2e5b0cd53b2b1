//! The command line from outside: files in, JSON out, as a user or a script would call it.

mod cash;
mod columns;
mod deciding;
mod derived;
mod flood;
mod harness;
mod importing;
mod keys;
mod lean;
mod marks;
mod reading;
mod schemas;
mod secrets;
mod telling;
mod time;
mod upkeep;
