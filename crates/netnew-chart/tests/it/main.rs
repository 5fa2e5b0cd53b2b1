//! The crate's behaviour, seen from outside: structure of drawings, tables, extremes, colours.

mod colours;
mod extremes;
mod refusals;
mod samples;
mod structure;
mod xml;
