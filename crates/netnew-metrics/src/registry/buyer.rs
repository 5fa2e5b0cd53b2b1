//! The movements cut the way some guides for sellers and buyers of businesses word them, under names of their own, so
//! that a figure in a data room can be tied to the ledger. No policy selects them.

use super::movements::{BY_CAUSE, FULL, caused};
use super::sample::NOTHING;
use super::{Example, Formula, Metric, NEEDS_NOTHING, Sample, Section, Unit, Value, sql};
use netnew_ledger::{Cause, Kind};

const GUIDE: &str = "Acquire.com, \"What Is MRR?\"";

/// A yearly customer at 120 leaves, another goes from 50 a month to 25.
const STRIPE_REVENUE: Sample = Sample {
    start: "60",
    movements: &[(Kind::Contraction, "-25"), (Kind::Churn, "-10")],
    customers: 2,
    ..NOTHING
};

/// The words of a line.
struct Line {
    name: &'static str,
    title: &'static str,
    definition: &'static str,
    formula: &'static str,
    examples: &'static [Example],
    sql: Option<&'static str>,
    compute: Formula,
}

const fn line(line: Line) -> Metric {
    Metric {
        name: line.name,
        unit: Unit::Currency,
        section: Section::Buyer,
        title: line.title,
        definition: line.definition,
        formula: line.formula,
        null_when: "never; where nothing happened it is 0",
        source: GUIDE,
        choice: None,
        variants: &[],
        examples: line.examples,
        sql: line.sql,
        looks_back_months: 0,
        needs: NEEDS_NOTHING,
        compute: line.compute,
    }
}

pub(super) const METRICS: &[Metric] = &[
    line(Line {
        name: "contraction_mrr_with_churn",
        sql: Some(sql::CONTRACTION_MRR_WITH_CHURN),
        title: "Contraction MRR, cancellations included",
        definition: "What was lost by downgrades and by cancellations together, as a negative amount; Stripe prints \
                     it as churned revenue.",
        formula: "contraction_mrr + churned_mrr",
        examples: &[
            Example::of("300 down and 500 gone.", FULL, Some("-800")),
            Example::of(
                "Stripe's published case: 120 a year is cancelled and 50 a month becomes 25; 35 is lost.",
                STRIPE_REVENUE,
                Some("-35"),
            ),
        ],
        compute: |i| Some(Value::Money(i.row.movement(Kind::Contraction) + i.row.movement(Kind::Churn))),
    }),
    line(Line {
        name: "expansion_mrr_net",
        sql: Some(sql::EXPANSION_MRR_NET),
        title: "Expansion MRR, net of contraction",
        definition: "What customers who stay pay more or less than before, taken together; negative when they pay \
                     less.",
        formula: "expansion_mrr + contraction_mrr (a negative amount)",
        examples: &[
            Example::of("800 up and 300 down.", FULL, Some("500")),
            Example::of("25 down and nothing up: negative.", STRIPE_REVENUE, Some("-25")),
        ],
        compute: |i| Some(Value::Money(i.row.movement(Kind::Expansion) + i.row.movement(Kind::Contraction))),
    }),
    line(Line {
        name: "upgrade_mrr_with_addons",
        sql: Some(sql::UPGRADE_MRR_WITH_ADDONS),
        title: "Upgrade MRR, add-ons included",
        definition: "What customers pay more for a larger plan or an added item.",
        formula: "upgrade_mrr + addon_mrr",
        examples: &[Example::of("450 by plan changes and 150 by add-ons.", BY_CAUSE, Some("600"))],
        compute: |i| {
            let by = |cause| caused(i.row, Kind::Expansion, cause);
            Some(Value::Money(by(Cause::Upgrade) + by(Cause::AddonAdded)))
        },
    }),
    line(Line {
        name: "net_new_mrr_without_reactivation",
        sql: Some(sql::NET_NEW_MRR_WITHOUT_REACTIVATION),
        title: "Net new MRR, reactivation left out",
        definition: "New and expansion MRR less all that was lost, without the customers who came back.",
        formula: "new_mrr + expansion_mrr - what was lost by downgrades and cancellations \
                  (contraction_mrr_with_churn); reactivation, transfer and fx are left out",
        examples: &[
            Example::of(
                "1,500 new and 800 up, 300 down and 500 gone; the 200 that came back are not in it.",
                FULL,
                Some("1500"),
            ),
            Example::of(
                "The guide's case: 3,000 new, 6,000 of expansion, 4,000 of contraction in its sense.",
                Sample {
                    start: "20000",
                    movements: &[
                        (Kind::New, "3000"),
                        (Kind::Expansion, "6000"),
                        (Kind::Contraction, "-1000"),
                        (Kind::Churn, "-3000"),
                    ],
                    ..NOTHING
                },
                Some("5000"),
            ),
        ],
        compute: |i| {
            let kinds = [Kind::New, Kind::Expansion, Kind::Contraction, Kind::Churn];
            Some(Value::Money(kinds.into_iter().map(|kind| i.row.movement(kind)).sum()))
        },
    }),
];
