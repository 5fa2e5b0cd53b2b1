//! Definitions of metrics.
