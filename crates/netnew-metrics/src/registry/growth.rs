//! How fast MRR grows.

use super::movements::FULL;
use super::sample::NOTHING;
use super::{
    Choice, Example, Inputs, Metric, NEEDS_NOTHING, Sample, Section, Unit, Value, Variant, share, sql,
};
use netnew_ledger::Kind;

/// Only gains.
const NO_LOSS: Sample = Sample { start: "100", movements: &[(Kind::New, "50")], customers: 1, ..NOTHING };

fn quick(i: &Inputs, gains: &[Kind]) -> Option<Value> {
    let gained = gains.iter().map(|kind| i.row.movement(*kind)).sum();
    share(gained, -(i.row.movement(Kind::Contraction) + i.row.movement(Kind::Churn)))
}

pub(super) const METRICS: &[Metric] = &[
    Metric {
        name: "growth_rate",
        unit: Unit::Ratio,
        section: Section::Growth,
        title: "MRR growth rate",
        definition: "By what part of itself MRR grew or shrank over the period.",
        formula: "(mrr at the end - mrr at the start) / mrr at the start; fx and, in a group, transfer included",
        null_when: "MRR at the start is not above 0",
        source: "Acquire.com, \"What Is MRR?\"; Baremetrics help, \"MRR growth rate\" (there over 30 days, here over \
                 the period)",
        choice: None,
        variants: &[],
        examples: &[
            Example::of("10,000 that becomes 11,740.", FULL, Some("0.174")),
            Example::of(
                "Acquire.com's case: 13,000 last month and 18,000 this month, printed as 39 percent.",
                Sample { start: "13000", movements: &[(Kind::New, "5000")], ..NOTHING },
                Some("0.3846153846"),
            ),
            Example::of(
                "The first month: there is no growth from nothing.",
                Sample { movements: &[(Kind::New, "500")], ..NOTHING },
                None,
            ),
        ],
        sql: Some(sql::GROWTH_RATE),
        looks_back_months: 0,
        needs: NEEDS_NOTHING,
        compute: |i| share(i.row.end - i.row.start, i.row.start),
    },
    Metric {
        name: "expansion_rate",
        unit: Unit::Ratio,
        section: Section::Growth,
        title: "Expansion rate",
        definition: "What customers who were there already pay more, as a part of MRR at the start.",
        formula: "expansion / mrr at the start",
        null_when: "MRR at the start is not above 0",
        source: "Chargebee docs, \"expansion rate\"",
        choice: None,
        variants: &[],
        examples: &[
            Example::of("800 on 10,000.", FULL, Some("0.08")),
            Example::of(
                "Chargebee's published case: 2,000 that expands to 3,000.",
                Sample { start: "2000", movements: &[(Kind::Expansion, "1000")], customers: 4, ..NOTHING },
                Some("0.5"),
            ),
            Example::of("Nothing at the start.", NOTHING, None),
        ],
        sql: Some(sql::EXPANSION_RATE),
        looks_back_months: 0,
        needs: NEEDS_NOTHING,
        compute: |i| share(i.row.movement(Kind::Expansion), i.row.start),
    },
    Metric {
        name: "quick_ratio",
        unit: Unit::Ratio,
        section: Section::Growth,
        title: "Quick ratio",
        definition: "How many units of MRR were won for each unit lost.",
        formula: "(new + reactivation + expansion) / (contraction + churn), losses taken as positive",
        null_when: "nothing was lost",
        source: "Tidemill, quick ratio (github.com/ondraz/tidemill)",
        choice: Some(Choice {
            knob: "quick_ratio",
            own: "with_reactivation",
            in_force: |p| p.quick_ratio.as_str(),
        }),
        variants: &[Variant {
            value: "without_reactivation",
            definition: "Customers who came back are not counted as won.",
            formula: "(new + expansion) / (contraction + churn), losses taken as positive",
            source: "Baremetrics help, \"Quick Ratio\"; GrowPanel docs, \"Quick ratio\"",
            sql: Some(sql::QUICK_RATIO_WITHOUT_REACTIVATION),
            compute: |i| quick(i, &[Kind::New, Kind::Expansion]),
        }],
        examples: &[
            Example::of("1,500, 200 and 800 won; 300 and 500 lost.", FULL, Some("3.125")),
            Example::under(
                "without_reactivation",
                "The same month without the 200 that came back.",
                FULL,
                Some("2.875"),
            ),
            Example::of("Nothing was lost.", NO_LOSS, None),
        ],
        sql: Some(sql::QUICK_RATIO),
        looks_back_months: 0,
        needs: NEEDS_NOTHING,
        compute: |i| quick(i, &[Kind::New, Kind::Reactivation, Kind::Expansion]),
    },
];
