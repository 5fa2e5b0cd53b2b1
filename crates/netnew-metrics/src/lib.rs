//! Rollups, the registry of metric definitions, cohorts and retention.
