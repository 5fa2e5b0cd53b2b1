//! Item states and a policy in, levels and movements out.
