//! What changed MRR over a period: the lines of the waterfall, as they are printed there, losses negative.

use super::sample::{NO_HEADS, NOTHING};
use super::{Example, Formula, Inputs, Metric, NEEDS_NOTHING, Sample, Section, Unit, Value, sql};
use crate::rollup::{Heads, RollupRow};
use netnew_ledger::{Cause, Kind};
use netnew_money::Amount;

/// One of everything.
pub(super) const FULL: Sample = Sample {
    start: "10000",
    movements: &[
        (Kind::New, "1500"),
        (Kind::Reactivation, "200"),
        (Kind::Expansion, "800"),
        (Kind::Contraction, "-300"),
        (Kind::Churn, "-500"),
    ],
    fx: "40",
    customers: 100,
    heads: Heads { new: 12, reactivated: 2, churned: 5, ..NO_HEADS },
    ..NOTHING
};

/// The same month, told apart by cause.
pub(super) const BY_CAUSE: Sample = Sample {
    causes: &[
        (Kind::New, Cause::Other, "1500"),
        (Kind::Reactivation, Cause::Other, "200"),
        (Kind::Expansion, Cause::Upgrade, "450"),
        (Kind::Expansion, Cause::AddonAdded, "150"),
        (Kind::Expansion, Cause::Quantity, "200"),
        (Kind::Contraction, Cause::Downgrade, "-180"),
        (Kind::Contraction, Cause::AddonRemoved, "-50"),
        (Kind::Contraction, Cause::DiscountStart, "-70"),
        (Kind::Churn, Cause::CancelVoluntary, "-500"),
    ],
    ..FULL
};

/// The plan Basic in a report by plan: a customer leaves it for a larger plan.
const BY_PLAN: Sample = Sample {
    start: "1000",
    movements: &[(Kind::New, "100"), (Kind::Transfer, "-300")],
    customers: 10,
    heads: Heads { new: 1, left: 3, ..NO_HEADS },
    ..NOTHING
};

/// All that moved: transfers net to zero over the book, but not inside a group.
pub(super) fn moved(row: &RollupRow) -> Amount {
    row.movements.values().sum()
}

/// Sum of a kind with a cause, 0 when it does not occur.
pub(super) fn caused(row: &RollupRow, kind: Kind, cause: Cause) -> Amount {
    row.causes.get(&(kind, cause)).copied().unwrap_or_default()
}

fn kind(i: &Inputs, kind: Kind) -> Option<Value> {
    Some(Value::Money(i.row.movement(kind)))
}

fn cause(i: &Inputs, kind: Kind, cause: Cause) -> Option<Value> {
    Some(Value::Money(caused(i.row, kind, cause)))
}

/// The words of a line of the waterfall.
struct Line {
    name: &'static str,
    title: &'static str,
    definition: &'static str,
    formula: &'static str,
    source: &'static str,
    examples: &'static [Example],
    sql: Option<&'static str>,
    compute: Formula,
}

const fn line(line: Line) -> Metric {
    Metric {
        name: line.name,
        unit: Unit::Currency,
        section: Section::Movements,
        title: line.title,
        definition: line.definition,
        formula: line.formula,
        null_when: "never; where nothing happened it is 0",
        source: line.source,
        choice: None,
        variants: &[],
        examples: line.examples,
        sql: line.sql,
        looks_back_months: 0,
        needs: NEEDS_NOTHING,
        compute: line.compute,
    }
}

const FIVE: &str = "Stripe, \"Subscriptions analytics\" (docs.stripe.com/billing/subscriptions/analytics); ChartMogul \
                    help, \"MRR movements\"";

pub(super) const METRICS: &[Metric] = &[
    line(Line {
        name: "net_new_mrr",
        sql: Some(sql::NET_NEW_MRR),
        title: "Net new MRR",
        definition: "By how much movements raised or lowered MRR over the period.",
        formula: "new + reactivation + expansion + contraction + churn + transfer, losses negative; without fx. In a \
                  report by group, or of a part of the book, what customers move into and out of the group or part \
                  (transfer) belongs to it; over the whole book transfers cancel out",
        source: "ChartMogul help, \"Net MRR Movement\"; Acquire.com, \"What Is MRR?\"",
        examples: &[
            Example::of(
                "New 1,500, back 200, up 800, down 300, gone 500; what rates did (40) is left out.",
                FULL,
                Some("1700"),
            ),
            Example::of(
                "In a group: 100 of new MRR, and 300 that left for another plan.",
                BY_PLAN,
                Some("-200"),
            ),
        ],
        compute: |i| Some(Value::Money(moved(i.row))),
    }),
    line(Line {
        name: "net_new_mrr_with_fx",
        sql: Some(sql::NET_NEW_MRR_WITH_FX),
        title: "MRR growth in money",
        definition: "By how much MRR changed over the period, what exchange rates did included.",
        formula: "end - start, which is net_new_mrr + fx",
        source: "Stripe, \"Subscriptions analytics\": MRR growth has a line \"FX adjustment\"",
        examples: &[Example::of("The same month with its 40 of fx.", FULL, Some("1740"))],
        compute: |i| Some(Value::Money(i.row.end - i.row.start)),
    }),
    line(Line {
        name: "new_mrr",
        sql: Some(sql::NEW_MRR),
        title: "New MRR",
        definition: "MRR of customers who never had any before.",
        formula: "sum of movements of kind new",
        source: FIVE,
        examples: &[Example::of("A month with one of everything.", FULL, Some("1500"))],
        compute: |i| kind(i, Kind::New),
    }),
    line(Line {
        name: "reactivation_mrr",
        sql: Some(sql::REACTIVATION_MRR),
        title: "Reactivation MRR",
        definition: "MRR of customers who had none and are back.",
        formula: "sum of movements of kind reactivation",
        source: FIVE,
        examples: &[Example::of("A month with one of everything.", FULL, Some("200"))],
        compute: |i| kind(i, Kind::Reactivation),
    }),
    line(Line {
        name: "expansion_mrr",
        sql: Some(sql::EXPANSION_MRR),
        title: "Expansion MRR",
        definition: "What customers who were there already pay more; never negative, losses are contraction.",
        formula: "sum of movements of kind expansion",
        source: FIVE,
        examples: &[Example::of("A month with one of everything.", FULL, Some("800"))],
        compute: |i| kind(i, Kind::Expansion),
    }),
    line(Line {
        name: "contraction_mrr",
        sql: Some(sql::CONTRACTION_MRR),
        title: "Contraction MRR",
        definition: "What customers who stay pay less, as a negative amount; cancellations are churn.",
        formula: "sum of movements of kind contraction",
        source: FIVE,
        examples: &[Example::of("A month with one of everything.", FULL, Some("-300"))],
        compute: |i| kind(i, Kind::Contraction),
    }),
    line(Line {
        name: "churned_mrr",
        sql: Some(sql::CHURNED_MRR),
        title: "Churned MRR",
        definition: "MRR of customers who are left with none, as a negative amount.",
        formula: "sum of movements of kind churn",
        source: FIVE,
        examples: &[Example::of("A month with one of everything.", FULL, Some("-500"))],
        compute: |i| kind(i, Kind::Churn),
    }),
    line(Line {
        name: "transfer_mrr",
        sql: Some(sql::TRANSFER_MRR),
        title: "Transferred MRR",
        definition: "What customers moved into the group less what they moved out of it, for instance between plans.",
        formula: "sum of movements of kind transfer; 0 over the whole book, but for rounding where a move crosses \
                  currencies",
        source: "ChartMogul help, \"MRR Entering Segment\" and \"MRR Leaving Segment\"",
        examples: &[Example::of("The plan that 300 left for another plan.", BY_PLAN, Some("-300"))],
        compute: |i| kind(i, Kind::Transfer),
    }),
    line(Line {
        name: "fx_mrr",
        sql: Some(sql::FX_MRR),
        title: "Exchange rate impact",
        definition: "What exchange rates alone did to MRR, which no customer decided.",
        formula: "end - start - all movements; 0 in one currency, under frozen rates and, but for rounding, at \
                  constant rates",
        source: "Stripe, \"FX adjustment\"; ChartMogul help, \"Exchange Rate Impact\"",
        examples: &[Example::of("A month with one of everything.", FULL, Some("40"))],
        compute: |i| Some(Value::Money(i.row.fx)),
    }),
    line(Line {
        name: "upgrade_mrr",
        sql: Some(sql::UPGRADE_MRR),
        title: "Upgrade MRR",
        definition: "The part of expansion that came from moving to a plan that costs more.",
        formula: "sum of expansion with cause upgrade; add-ons, seats, prices and ends of discounts are apart",
        source: "ProfitWell, activity \"upgrade\"; Acquire.com, \"What Is MRR?\" (which adds add-ons: \
                 upgrade_mrr_with_addons)",
        examples: &[Example::of(
            "Of 800 of expansion, 450 by plan changes, 150 by add-ons, 200 by seats.",
            BY_CAUSE,
            Some("450"),
        )],
        compute: |i| cause(i, Kind::Expansion, Cause::Upgrade),
    }),
    line(Line {
        name: "downgrade_mrr",
        sql: Some(sql::DOWNGRADE_MRR),
        title: "Downgrade MRR",
        definition: "The part of contraction that came from moving to a plan that costs less, as a negative amount.",
        formula: "sum of contraction with cause downgrade",
        source: "ProfitWell, activity \"downgrade\"; Acquire.com, \"What Is MRR?\"",
        examples: &[Example::of(
            "Of 300 of contraction, 180 by plan changes, 50 by dropped add-ons, 70 by discounts.",
            BY_CAUSE,
            Some("-180"),
        )],
        compute: |i| cause(i, Kind::Contraction, Cause::Downgrade),
    }),
    line(Line {
        name: "addon_mrr",
        sql: Some(sql::ADDON_MRR),
        title: "Add-on MRR",
        definition: "The part of expansion that came from adding an item to a subscription.",
        formula: "sum of expansion with cause addon_added",
        source: "Acquire.com, \"What Is MRR?\", which counts add-ons under upgrade and expansion",
        examples: &[Example::of("Of 800 of expansion, 150 by add-ons.", BY_CAUSE, Some("150"))],
        compute: |i| cause(i, Kind::Expansion, Cause::AddonAdded),
    }),
    line(Line {
        name: "addon_removed_mrr",
        sql: Some(sql::ADDON_REMOVED_MRR),
        title: "Dropped add-on MRR",
        definition: "The part of contraction that came from dropping an item of a subscription, as a negative amount.",
        formula: "sum of contraction with cause addon_removed",
        source: "Acquire.com, \"What Is MRR?\", which counts dropped add-ons under contraction",
        examples: &[Example::of("Of 300 of contraction, 50 by dropped add-ons.", BY_CAUSE, Some("-50"))],
        compute: |i| cause(i, Kind::Contraction, Cause::AddonRemoved),
    }),
    line(Line {
        name: "voluntary_churn_mrr",
        sql: Some(sql::VOLUNTARY_CHURN_MRR),
        title: "Voluntary churn",
        definition: "The part of churn that customers asked for, as a negative amount.",
        formula: "sum of churn with cause cancel_voluntary",
        source: "ChurnZero and ProfitWell use the word so; the cause is the one netnew posts",
        examples: &[Example::of(
            "Of 500 of churn, 380 asked for and 120 after failed payments.",
            CHURN_BY_CAUSE,
            Some("-380"),
        )],
        compute: |i| cause(i, Kind::Churn, Cause::CancelVoluntary),
    }),
    line(Line {
        name: "involuntary_churn_mrr",
        sql: Some(sql::INVOLUNTARY_CHURN_MRR),
        title: "Involuntary churn",
        definition: "The part of churn that followed from payments that failed for good, as a negative amount.",
        formula: "sum of churn with cause cancel_involuntary",
        source: "ProfitWell, activity \"churn_delinquent\"",
        examples: &[Example::of(
            "Of 500 of churn, 380 asked for and 120 after failed payments.",
            CHURN_BY_CAUSE,
            Some("-120"),
        )],
        compute: |i| cause(i, Kind::Churn, Cause::CancelInvoluntary),
    }),
];

/// A month in which customers leave for two reasons.
const CHURN_BY_CAUSE: Sample = Sample {
    start: "9000",
    movements: &[(Kind::Churn, "-500")],
    causes: &[(Kind::Churn, Cause::CancelVoluntary, "-380"), (Kind::Churn, Cause::CancelInvoluntary, "-120")],
    customers: 90,
    ..super::sample::NOTHING
};
