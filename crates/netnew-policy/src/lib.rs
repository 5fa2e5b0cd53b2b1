//! The rules for what counts as MRR: the knob schema, presets, validation, and the typed policy.
