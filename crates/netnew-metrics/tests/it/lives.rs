//! Random businesses: engine and oracle agree.
