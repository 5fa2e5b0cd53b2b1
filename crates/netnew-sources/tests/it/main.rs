//! Files in, statements and problems out: one test binary.

mod states;
mod support;
