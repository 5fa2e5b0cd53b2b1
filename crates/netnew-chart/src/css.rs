//! The style sheet that goes with the drawings: the tokens as custom properties, and the classes of marks.

use crate::render::SIZES;
use crate::spec::Tone;
use crate::tokens::{Role, TOKENS, Theme};

/// The style sheet of tokens and charts, the same bytes each time. Serve it before any sheet that uses `--nn-` names.
///
/// Without `data-theme` on the root element the system's preference decides; `data-theme="light"` or `"dark"`
/// overrides it; paper is always light.
pub fn css() -> String {
    let light = variables(Theme::Light);
    let dark = variables(Theme::Dark);
    let mut out = String::from("/* Written by netnew-chart from its table of tokens. */\n");
    out.push_str(&format!(":root {{\n  color-scheme: light;\n{light}}}\n"));
    out.push_str(&format!(
        "@media (prefers-color-scheme: dark) {{\n:root:not([data-theme=\"light\"]) {{\n  color-scheme: dark;\n{dark}}}\n}}\n"
    ));
    out.push_str(&format!(":root[data-theme=\"dark\"] {{\n  color-scheme: dark;\n{dark}}}\n"));
    out.push_str(&format!(
        "@media print {{\n:root, :root[data-theme], :root:not([data-theme=\"light\"]) {{\n  color-scheme: light;\n{light}}}\n}}\n"
    ));
    for token in TOKENS.iter().filter(|token| token.role != Role::Effect) {
        let name = token.name;
        out.push_str(&format!(".nn-f-{name} {{ fill: var(--nn-{name}); }}\n"));
        out.push_str(&format!(".nn-s-{name} {{ stroke: var(--nn-{name}); }}\n"));
    }
    for tone in Tone::all() {
        let (class, name) = (tone.class(), tone.token());
        out.push_str(&format!(".kind.{class}::before {{ background-color: var(--nn-{name}); }}\n"));
    }
    out.push_str(RULES);
    for size in SIZES {
        out.push_str(&format!(
            "@container nn-chart (max-width: {}.98px) {{ .nn-from-{size} {{ display: none; }} }}\n",
            size - 1
        ));
        out.push_str(&format!(
            "@container nn-chart (min-width: {size}px) {{ .nn-below-{size} {{ display: none; }} }}\n"
        ));
    }
    out
}

fn variables(theme: Theme) -> String {
    TOKENS.iter().map(|token| format!("  --nn-{}: {};\n", token.name, token.value(theme))).collect()
}

/// What no token says: shapes of legends, hatches, and how marks answer to the pointer and the keyboard.
const RULES: &str = "\
.kind.k-churn::before { background-image: repeating-linear-gradient(45deg, transparent 0 2px, var(--nn-surface) 2px 3px); }
.kind.k-contraction::before { background-image: repeating-linear-gradient(-45deg, transparent 0 2px, var(--nn-surface) 2px 3px); }
.kind.line::before { height: 2px; width: 12px; border-radius: 1px; }
.kind.dashed::before { height: 2px; width: 12px; border-radius: 0; -webkit-mask: repeating-linear-gradient(90deg, #000 0 3px, transparent 3px 5px); mask: repeating-linear-gradient(90deg, #000 0 3px, transparent 3px 5px); }
.nn-chart { display: block; overflow: visible; font-family: inherit; font-variant-numeric: tabular-nums; }
.nn-spark { display: inline-block; vertical-align: middle; overflow: visible; }
.nn-chart a { cursor: pointer; text-decoration: none; }
.nn-chart a:hover text.nn-link { text-decoration: underline; }
.nn-none { fill: none; }
.nn-hit { fill: transparent; }
.nn-hatch { pointer-events: none; }
.nn-mark { outline: none; }
.nn-mark:hover .nn-shape { filter: brightness(1.08); }
.nn-mark:focus-visible .nn-shape { stroke: var(--nn-focus); stroke-width: 2px; stroke-dasharray: none; }
.nn-dot { opacity: 0; }
.nn-dot.nn-on, .nn-mark:hover .nn-dot, .nn-mark:focus-visible .nn-dot { opacity: 1; }
@media (forced-colors: active) { .nn-chart, .nn-spark, .kind::before { forced-color-adjust: none; } }
@media print { .nn-mark:hover .nn-shape { filter: none; } }
";
