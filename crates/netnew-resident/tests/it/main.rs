//! The fast pass against the general replay.

mod equal;
