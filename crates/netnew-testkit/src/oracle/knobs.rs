//! The rules in force, as plain words, and what the oracle takes from them.

use std::collections::BTreeMap;

use netnew_money::{Decimal, Ratio, WeekStart};

/// Knob to value, as in `--set KNOB=VALUE`. What is not set has the default of the rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Knobs(BTreeMap<String, String>);

/// The knobs that act on item states, each with its default.
pub const DEFAULTS: [(&str, &str); 31] = [
    ("statuses.counted", "active,past_due"),
    ("discount.forever", "subtract"),
    ("discount.recurring_limited", "subtract"),
    ("discount.one_time", "ignore"),
    ("discount_100", "zero"),
    ("free_plan", "excluded"),
    ("trial", "excluded"),
    ("past_due.grace", "never"),
    ("unpaid_status", "excluded"),
    ("pause", "zero"),
    ("churn.timing", "effective_end"),
    ("movement.level", "customer"),
    ("second_subscription", "expansion"),
    ("partial_cancel", "contraction"),
    ("same_period_new_and_churn", "both"),
    ("grouping_window", "60"),
    ("reactivation.window", "any"),
    ("fx.row", "row"),
    ("scheduled_changes", "known_future"),
    ("timezone", "book"),
    ("week_start", "monday"),
    ("rounding", "half_even_10"),
    ("netting", "day"),
    ("transfer.residual", "origin"),
    ("interval.week", "52/12"),
    ("interval.day", "365/12"),
    ("fx.max_age_days", "7"),
    ("arr", "exact"),
    ("metered", "excluded"),
    ("refund", "ignored"),
    ("credit_note", "ignored"),
];

/// What each built-in policy changes among [`DEFAULTS`], read from what the vendors publish about themselves.
const PRESETS: [(&str, &[(&str, &str)]); 7] = [
    ("default", &[]),
    ("stripe", &[("pause", "counted"), ("scheduled_changes", "ignored"), ("arr", "12_x_mrr")]),
    (
        "chartmogul",
        &[
            ("discount.one_time", "subtract"),
            ("discount_100", "stays_active"),
            ("free_plan", "stays_active"),
            ("pause", "counted"),
            ("same_period_new_and_churn", "not_in_rate"),
            ("scheduled_changes", "cmrr_only"),
            ("netting", "window"),
            ("transfer.residual", "destination"),
            ("rounding", "nearest_cent"),
            ("interval.week", "30.4375/7"),
            ("interval.day", "30.4375"),
            ("arr", "12_x_mrr"),
        ],
    ),
    (
        "baremetrics",
        &[
            ("discount.one_time", "subtract"),
            ("past_due.grace", "30"),
            ("fx.row", "frozen"),
            ("arr", "12_x_mrr"),
        ],
    ),
    (
        "profitwell",
        &[
            ("discount.one_time", "subtract"),
            ("pause", "contraction"),
            ("same_period_new_and_churn", "both_hidden"),
            ("fx.row", "frozen"),
            ("arr", "12_x_mrr"),
        ],
    ),
    (
        "recurly",
        &[
            ("discount.one_time", "subtract"),
            ("unpaid_status", "counted"),
            ("same_period_new_and_churn", "both_hidden"),
            ("scheduled_changes", "ignored"),
            ("netting", "period"),
            ("interval.week", "30/7"),
            ("interval.day", "30"),
            ("fx.row", "frozen"),
            ("arr", "12_x_mrr"),
        ],
    ),
    (
        "chargebee",
        &[
            ("discount.recurring_limited", "monthly_plans_only"),
            ("pause", "contraction"),
            ("same_period_new_and_churn", "not_in_rate"),
            ("scheduled_changes", "ignored"),
            ("arr", "12_x_mrr"),
        ],
    ),
];

/// `past_due.grace`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grace {
    Days(i32),
    Months(i32),
}

impl Knobs {
    /// The knobs of a built-in policy; nothing for a name that the oracle does not know.
    pub fn preset(name: &str) -> Option<Knobs> {
        let (_, changed) = PRESETS.iter().find(|(preset, _)| *preset == name)?;
        let mut knobs = Knobs::default();
        for (knob, value) in *changed {
            knobs.set(knob, value);
        }
        Some(knobs)
    }

    /// The names of the policies that the oracle knows.
    pub fn presets() -> impl Iterator<Item = &'static str> {
        PRESETS.iter().map(|(name, _)| *name)
    }

    /// Sets a knob.
    pub fn set(&mut self, knob: &str, value: &str) {
        self.0.insert(knob.to_string(), value.to_string());
    }

    /// The value of a knob.
    pub fn get(&self, knob: &str) -> &str {
        let default = || DEFAULTS.iter().find(|(name, _)| *name == knob).map_or("", |(_, default)| default);
        self.0.get(knob).map_or_else(default, String::as_str)
    }

    pub(super) fn is(&self, knob: &str, value: &str) -> bool {
        self.get(knob) == value
    }

    /// Whether a status is in `statuses.counted`.
    pub(super) fn counts(&self, status: &str) -> bool {
        self.get("statuses.counted").split(',').any(|counted| counted.trim() == status)
    }

    pub(super) fn grace(&self) -> Option<Grace> {
        let text = self.get("past_due.grace");
        let (number, unit) = text.split_once(' ').unwrap_or((text, "days"));
        let number = number.parse().ok()?;
        Some(if unit.starts_with("month") { Grace::Months(number) } else { Grace::Days(number) })
    }

    pub(super) fn reactivation_days(&self) -> Option<i32> {
        self.number("reactivation.window")
    }

    /// The leading whole number of a value, if it has one.
    pub(super) fn number(&self, knob: &str) -> Option<i32> {
        self.get(knob).split(' ').next()?.parse().ok()
    }

    pub(super) fn week_start(&self) -> WeekStart {
        if self.is("week_start", "sunday") { WeekStart::Sunday } else { WeekStart::Monday }
    }

    /// Months in a week or a day; `none` is 0.
    pub(super) fn factor(&self, knob: &str) -> Ratio {
        let number = |text: &str| Decimal::parse(text).map_or(Ratio::ZERO, Decimal::to_ratio);
        let text = self.get(knob);
        match text.split_once('/') {
            Some((over, under)) => number(over).checked_div(number(under)).unwrap_or(Ratio::ZERO),
            None => number(text),
        }
    }
}
