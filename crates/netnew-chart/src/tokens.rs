//! Every colour of the product, by name, light and dark. Nothing else decides a colour: pages and charts read these
//! as `var(--nn-NAME)`, and drawings that leave the page (mail, downloads) get the values written into them.
//!
//! Gains are cool and losses warm, so that a chart reads before its legend. The tests of this crate hold every text
//! token to 4.5:1 on each ground it may stand on, every mark to 3:1, and the kinds of movement apart from each other
//! under the three colour blindnesses.

/// Which of the two themes a drawing that carries its own colours is made for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Theme {
    /// Dark ink on white: mail, paper and downloads.
    #[default]
    Light,
    /// Light ink on near-black.
    Dark,
}

/// What a token is for, which decides the contrast it is held to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// A ground that text stands on.
    Ground,
    /// Text: 4.5:1 on `bg`, `surface`, `sunken` and `hover`.
    Text,
    /// A mark of a chart, or the border of a field: 3:1 on `bg` and `surface`.
    Mark,
    /// A line that only separates, held to nothing.
    Line,
    /// Not one colour: shadows and scrims.
    Effect,
}

/// One named colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    /// The name without its prefix: `churn` is `--nn-churn` in a style sheet.
    pub name: &'static str,
    /// What it is for.
    pub role: Role,
    /// Its CSS value in the light theme, `#rrggbb` unless its role is [`Role::Effect`].
    pub light: &'static str,
    /// Its CSS value in the dark theme.
    pub dark: &'static str,
}

impl Token {
    /// The CSS value in a theme.
    pub fn value(&self, theme: Theme) -> &'static str {
        match theme {
            Theme::Light => self.light,
            Theme::Dark => self.dark,
        }
    }
}

const fn token(role: Role, name: &'static str, light: &'static str, dark: &'static str) -> Token {
    Token { name, role, light, dark }
}

/// All tokens, in the order in which the style sheet names them.
pub const TOKENS: &[Token] = &[
    token(Role::Ground, "bg", "#f7f8f9", "#101214"),
    token(Role::Ground, "surface", "#ffffff", "#17191c"),
    token(Role::Ground, "sunken", "#f2f3f5", "#1e2125"),
    token(Role::Ground, "hover", "#f4f5f7", "#202328"),
    token(Role::Line, "line", "#e4e6ea", "#2a2e33"),
    token(Role::Line, "line-strong", "#c8ccd3", "#434951"),
    token(Role::Mark, "field", "#858b95", "#6f7680"),
    token(Role::Text, "text", "#16191d", "#eceef1"),
    token(Role::Text, "text-2", "#555c66", "#a8aeb7"),
    token(Role::Text, "text-3", "#686f7a", "#8f96a1"),
    token(Role::Text, "accent", "#4449c9", "#a3abfa"),
    token(Role::Text, "accent-strong", "#3438a8", "#bcc2fc"),
    token(Role::Ground, "accent-soft", "#eceefc", "#23263d"),
    token(Role::Ground, "on-accent", "#ffffff", "#101214"),
    token(Role::Mark, "focus", "#4449c9", "#a3abfa"),
    token(Role::Text, "good", "#1a6b45", "#62c795"),
    token(Role::Ground, "good-soft", "#e5f3eb", "#16291f"),
    token(Role::Text, "warn", "#855000", "#e3ad55"),
    token(Role::Ground, "warn-soft", "#faf0dd", "#2c2313"),
    token(Role::Text, "bad", "#b0281c", "#ff9080"),
    token(Role::Ground, "bad-soft", "#fbeae8", "#351b18"),
    token(Role::Effect, "scrim", "rgb(16 20 28 / 32%)", "rgb(0 0 0 / 56%)"),
    token(
        Role::Effect,
        "shadow",
        "0 1px 2px rgb(16 20 28 / 6%), 0 8px 24px rgb(16 20 28 / 10%)",
        "0 1px 2px rgb(0 0 0 / 40%), 0 8px 24px rgb(0 0 0 / 48%)",
    ),
    // Movements.
    token(Role::Mark, "new", "#2a4fc4", "#4f86dc"),
    token(Role::Mark, "expansion", "#2f8577", "#1fbf9c"),
    token(Role::Mark, "reactivation", "#1794d7", "#9fd7ff"),
    token(Role::Mark, "contraction", "#b57f1c", "#f5a92b"),
    token(Role::Mark, "churn", "#b8350f", "#e96e50"),
    token(Role::Mark, "transfer", "#53595f", "#696c72"),
    token(Role::Mark, "fx", "#856c9b", "#a48eb9"),
    // Other lines and bars of charts.
    token(Role::Mark, "net", "#16191d", "#eceef1"),
    token(Role::Mark, "main", "#4449c9", "#8f98f5"),
    token(Role::Mark, "compare", "#767d88", "#8f96a1"),
    token(Role::Mark, "goal", "#1a6b45", "#62c795"),
    token(Role::Mark, "series-1", "#4445be", "#7e8bff"),
    token(Role::Mark, "series-2", "#3f9286", "#81dfcf"),
    token(Role::Mark, "series-3", "#af8128", "#f5bf4a"),
    token(Role::Mark, "series-4", "#9d267f", "#d75fb5"),
    token(Role::Mark, "series-5", "#35692a", "#a0c97e"),
    token(Role::Mark, "series-6", "#4d4f52", "#6b6e73"),
    token(Role::Line, "grid", "#e9ebee", "#25292e"),
    token(Role::Mark, "zero", "#858b95", "#6f7680"),
    // Eight steps of a heatmap, and the ink that reads on each.
    token(Role::Ground, "heat-0", "#f3f4fc", "#1c1f2b"),
    token(Role::Ground, "heat-1", "#e3e6fa", "#242943"),
    token(Role::Ground, "heat-2", "#ccd2f6", "#2c335c"),
    token(Role::Ground, "heat-3", "#b0b9f0", "#373f78"),
    token(Role::Ground, "heat-4", "#929de8", "#454e96"),
    token(Role::Ground, "heat-5", "#5a63d3", "#8088dd"),
    token(Role::Ground, "heat-6", "#4449b8", "#a3abf2"),
    token(Role::Ground, "heat-7", "#2c3087", "#c6ccfb"),
    token(Role::Ground, "heat-ink-0", "#16191d", "#eceef1"),
    token(Role::Ground, "heat-ink-1", "#16191d", "#eceef1"),
    token(Role::Ground, "heat-ink-2", "#16191d", "#eceef1"),
    token(Role::Ground, "heat-ink-3", "#16191d", "#eceef1"),
    token(Role::Ground, "heat-ink-4", "#16191d", "#ffffff"),
    token(Role::Ground, "heat-ink-5", "#ffffff", "#101214"),
    token(Role::Ground, "heat-ink-6", "#ffffff", "#101214"),
    token(Role::Ground, "heat-ink-7", "#ffffff", "#101214"),
];

/// The names of the heatmap's steps, lightest value first.
pub(crate) const HEAT: [&str; 8] =
    ["heat-0", "heat-1", "heat-2", "heat-3", "heat-4", "heat-5", "heat-6", "heat-7"];
/// The names of the inks on them.
pub(crate) const HEAT_INK: [&str; 8] = [
    "heat-ink-0",
    "heat-ink-1",
    "heat-ink-2",
    "heat-ink-3",
    "heat-ink-4",
    "heat-ink-5",
    "heat-ink-6",
    "heat-ink-7",
];

/// The token of a name, if there is one.
pub fn find(name: &str) -> Option<&'static Token> {
    TOKENS.iter().find(|token| token.name == name)
}

/// The value of a name the drawing code itself wrote. A name that is missing shows as the text colour; a test draws
/// every chart and asks for each name, so none is.
pub(crate) fn resolved(name: &str, theme: Theme) -> &'static str {
    match find(name) {
        Some(token) => token.value(theme),
        None => match theme {
            Theme::Light => "#16191d",
            Theme::Dark => "#eceef1",
        },
    }
}
