//! What there is at the end of a period.

use super::sample::NOTHING;
use super::{
    Choice, Example, Metric, NEEDS_COMMITTED, NEEDS_NOTHING, Sample, Section, Unit, Value, Variant, sql,
};
use netnew_ledger::Kind;

/// A customer at 500 a month and one who pays 1,000 a year: 83.33... a month, exactly 1,000 a year.
const WITH_A_YEARLY: Sample = Sample {
    start: "500",
    movements: &[(Kind::New, "83.3333333333")],
    arr: "7000",
    customers: 1,
    heads: crate::rollup::Heads { new: 1, ..super::sample::NO_HEADS },
    ..NOTHING
};

pub(super) const METRICS: &[Metric] = &[
    Metric {
        name: "mrr",
        unit: Unit::Currency,
        section: Section::Levels,
        title: "Monthly recurring revenue",
        definition: "What all subscriptions that count are worth per month at the last instant of the period.",
        formula: "sum over items of price x quantity, less discounts, per month; each item rounded once. \
                  start + movements + fx = end in every row. An item may be negative (a credit) and then lowers MRR, \
                  even where the customer's sum falls below 0 and the customer counts as gone",
        null_when: "never; without subscriptions it is 0",
        source: "Stripe, \"Subscriptions analytics\" (docs.stripe.com/billing/subscriptions/analytics); ChartMogul \
                 help, \"Monthly Recurring Revenue\"",
        choice: None,
        variants: &[],
        examples: &[
            Example::of(
                "A yearly customer joins one who pays 500 a month; 1,000 a year is 83.3333333333 a month.",
                WITH_A_YEARLY,
                Some("583.3333333333"),
            ),
            Example::of("An empty book.", NOTHING, Some("0")),
        ],
        sql: Some(sql::MRR),
        looks_back_months: 0,
        needs: NEEDS_NOTHING,
        compute: |i| Some(Value::Money(i.row.end)),
    },
    Metric {
        name: "arr",
        unit: Unit::Currency,
        section: Section::Levels,
        title: "Annual recurring revenue",
        definition: "What the same subscriptions are worth per year, were nothing to change.",
        formula: "12 x the exact monthly value of each item, rounded once, so that 1,000 a year is 1,000",
        null_when: "never; without subscriptions it is 0",
        source: "ChartMogul help, \"Annual Run Rate\" (MRR x 12); rounding from the exact value is netnew's",
        choice: Some(Choice { knob: "arr", own: "exact", in_force: |p| p.arr.as_str() }),
        variants: &[Variant {
            value: "12_x_mrr",
            definition: "Twelve times MRR as it is printed, so that the two columns always divide.",
            formula: "12 x mrr",
            source: "Stripe, ChartMogul and Chargebee all define ARR as MRR x 12",
            sql: Some(sql::ARR),
            compute: |i| Some(Value::Money(i.row.arr)),
        }],
        examples: &[
            Example::of("500 a month and 1,000 a year: 6,000 and 1,000.", WITH_A_YEARLY, Some("7000")),
            Example::under(
                "12_x_mrr",
                "The same customers: 12 x 583.3333333333.",
                Sample { arr: "6999.9999999996", ..WITH_A_YEARLY },
                Some("6999.9999999996"),
            ),
        ],
        sql: Some(sql::ARR),
        looks_back_months: 0,
        needs: NEEDS_NOTHING,
        compute: |i| Some(Value::Money(i.row.arr)),
    },
    Metric {
        name: "cmrr",
        unit: Unit::Currency,
        section: Section::Levels,
        title: "Committed MRR",
        definition: "MRR at the period's end, with the changes that are already scheduled counted as made.",
        formula: "mrr + what scheduled changes and ends of discounts add - scheduled contraction and cancellations. \
                  Changes dated after now count in the period that now lies in; nothing is forecast",
        null_when: "never; without subscriptions it is 0",
        source: "ChartMogul help, \"Committed MRR\"; Chargebee docs, \"CMRR\"; Bessemer, \"State of the Cloud\"",
        choice: None,
        variants: &[],
        examples: &[Example::of(
            "Of 1,000, a subscription of 200 is set to end next month.",
            Sample { start: "1000", committed: Some("800"), customers: 5, ..NOTHING },
            Some("800"),
        )],
        sql: Some(sql::CMRR),
        looks_back_months: 0,
        needs: NEEDS_COMMITTED,
        compute: |i| i.row.committed.map(Value::Money),
    },
    Metric {
        name: "opening_mrr",
        unit: Unit::Currency,
        section: Section::Levels,
        title: "Opening MRR",
        definition: "MRR at the instant before the period begins, which most rates of the period divide by.",
        formula: "start of the waterfall",
        null_when: "never; without subscriptions it is 0",
        source: "the first line of any MRR waterfall",
        choice: None,
        variants: &[],
        examples: &[Example::of(
            "A yearly customer joins one who pays 500 a month.",
            WITH_A_YEARLY,
            Some("500"),
        )],
        sql: Some(sql::OPENING_MRR),
        looks_back_months: 0,
        needs: NEEDS_NOTHING,
        compute: |i| Some(Value::Money(i.row.start)),
    },
];
