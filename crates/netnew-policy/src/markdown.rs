//! The reference of policies, made from the schema and the presets.

/// `docs/policies.md`.
pub fn reference_markdown() -> String {
    String::new()
}
