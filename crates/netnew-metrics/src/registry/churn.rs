//! What is lost: MRR churn, customer churn and the lifetime that follows from it.

use super::movements::FULL;
use super::sample::{KeptSample, NO_HEADS, NOTHING};
use super::{
    Choice, Example, Inputs, Metric, NEEDS_NOTHING, NEEDS_RETENTION, Sample, Section, Unit, Value, Variant,
    share, sql,
};
use crate::rollup::{Heads, RollupRow, Window};
use netnew_ledger::Kind;
use netnew_money::{Amount, Ratio};
use netnew_policy::{CustomerChurnFormula, Policy, SamePeriod};

/// Customers lost out of how many, above zero.
#[derive(Clone, Copy)]
pub(super) struct Lost {
    pub(super) lost: i64,
    pub(super) base: i64,
}

impl Lost {
    fn of(lost: i64, base: i64) -> Option<Lost> {
        (base > 0).then_some(Lost { lost, base })
    }

    fn rate(self) -> Option<Value> {
        Ratio::new(i128::from(self.lost), i128::from(self.base)).map(Value::Ratio)
    }
}

/// Customers lost by the formula that the policy selects for `customer_churn`.
pub(super) fn lost_customers(row: &RollupRow, policy: &Policy) -> Option<Lost> {
    match policy.customer_churn_formula {
        CustomerChurnFormula::Classic => classic(row, policy),
        CustomerChurnFormula::Chartmogul => lost_of_those_at_start(row),
        CustomerChurnFormula::Stripe30d => lost_of_start_and_new(row),
        CustomerChurnFormula::Baremetrics30d => lost_of_start(row),
    }
}

/// Who comes and goes in one period is only left out of the numerator under `not_in_rate`.
fn classic(row: &RollupRow, policy: &Policy) -> Option<Lost> {
    match policy.same_period_new_and_churn {
        SamePeriod::NotInRate => lost_of_those_at_start(row),
        SamePeriod::Both | SamePeriod::BothHidden => lost_of_start(row),
    }
}

fn lost_of_start(row: &RollupRow) -> Option<Lost> {
    Lost::of(row.heads.churned, row.heads_start)
}

fn lost_of_start_and_new(row: &RollupRow) -> Option<Lost> {
    Lost::of(row.heads.churned, row.heads_start + row.heads.new)
}

/// Those of the start who are not there at the end: churned, less who joined and left, less who left and returned.
fn lost_of_those_at_start(row: &RollupRow) -> Option<Lost> {
    let kept = row.retained.get(&Window::Period)?;
    Lost::of(kept.customers - kept.kept, kept.customers)
}

/// Churn and contraction, as a positive amount.
fn lost_mrr(i: &Inputs) -> Amount {
    -(i.row.movement(Kind::Churn) + i.row.movement(Kind::Contraction))
}

/// Months that a customer stays when so many are lost per period: the period's length over the rate.
fn lifetime(i: &Inputs) -> Option<Value> {
    let lost = lost_customers(i.row, i.policy).filter(|lost| lost.lost > 0)?;
    let periods = Ratio::new(i128::from(lost.base), i128::from(lost.lost))?;
    periods.checked_mul(i.months).map(Value::Ratio)
}

/// 100 at the start, 10 of churn, 10 of contraction, 10 of expansion.
const TEN_OF_EACH: Sample = Sample {
    start: "100",
    movements: &[(Kind::Expansion, "10"), (Kind::Contraction, "-10"), (Kind::Churn, "-10")],
    customers: 10,
    heads: Heads { churned: 1, ..NO_HEADS },
    ..NOTHING
};

/// A customer at 500 goes up to 1,379 and leaves, all in one period.
const UP_AND_GONE: Sample = Sample {
    start: "500",
    movements: &[(Kind::Expansion, "879"), (Kind::Churn, "-1379")],
    customers: 1,
    heads: Heads { churned: 1, ..NO_HEADS },
    kept: &[(Window::Period, KeptSample { start: "500", end: "0", least: "0", customers: 1, kept: 0 })],
    ..NOTHING
};

/// One customer goes down by 200, another up by 300.
const DOWN_AND_UP: Sample = Sample {
    start: "1000",
    movements: &[(Kind::Expansion, "300"), (Kind::Contraction, "-200")],
    customers: 2,
    kept: &[(Window::Period, KeptSample { start: "1000", end: "1100", least: "800", customers: 2, kept: 2 })],
    ..NOTHING
};

/// 100 at the start; 11 leave, one of whom had joined in the same month.
const ELEVEN_LEAVE: Sample = Sample {
    customers: 100,
    heads: Heads { new: 1, churned: 11, ..NO_HEADS },
    kept: &[(
        Window::Period,
        KeptSample { start: "1000", end: "900", least: "900", customers: 100, kept: 90 },
    )],
    ..NOTHING
};

/// The first month: who joins and leaves has no base to be compared with.
const FIRST_MONTH: Sample = Sample {
    movements: &[(Kind::New, "100"), (Kind::Churn, "-20")],
    heads: Heads { new: 5, churned: 1, ..NO_HEADS },
    ..NOTHING
};

const fn three_of_hundred(months: u32, expected: &'static str, says: &'static str, churned: i64) -> Example {
    let sample = Sample { customers: 100, heads: Heads { churned, ..NO_HEADS }, ..NOTHING };
    Example { months, ..Example::of(says, sample, Some(expected)) }
}

pub(super) const METRICS: &[Metric] = &[
    Metric {
        name: "gross_mrr_churn",
        unit: Unit::Ratio,
        section: Section::Churn,
        title: "Gross MRR churn rate",
        definition: "What part of the MRR at the start was lost by cancellations and contraction.",
        formula: "(churn + contraction) / mrr at the start",
        null_when: "MRR at the start is not above 0",
        source: "ChartMogul help, \"Gross MRR Churn Rate\"; Stripe, \"churned revenue\"; Chargebee docs, \"Gross MRR \
                 churn\" (downgrades, pauses and cancellations)",
        choice: Some(Choice {
            knob: "revenue_churn.formula",
            own: "churn_plus_contraction",
            in_force: |p| p.revenue_churn_formula.as_str(),
        }),
        variants: &[
            Variant {
                value: "churn_only",
                definition: "Only customers who left are counted, not those who pay less.",
                formula: "churn / mrr at the start",
                source: "Tidemill (github.com/ondraz/tidemill)",
                sql: Some(sql::GROSS_MRR_CHURN_ONLY),
                compute: |i| share(-i.row.movement(Kind::Churn), i.row.start),
            },
            Variant {
                value: "capped_at_base",
                definition: "A customer's loss is at most what it paid at the start, so that the rate never exceeds 1.",
                formula: "sum over customers with MRR at the start of start - min(start, end) / sum of start. A \
                          customer's ups and downs inside the period are netted, and who joined in it has no base; \
                          the window is the period where Baremetrics takes 30 days",
                source: "Baremetrics help, \"Revenue churn\": capped at the base MRR of each customer",
                sql: Some(sql::GROSS_MRR_CHURN_CAPPED),
                compute: |i| {
                    let kept = i.row.retained.get(&Window::Period)?;
                    share(kept.start - kept.least, kept.start)
                },
            },
        ],
        examples: &[
            Example::of("300 down and 500 gone of 10,000.", FULL, Some("0.08")),
            Example::of("ChartMogul's published case: 100, 10 gone, 10 down.", TEN_OF_EACH, Some("0.2")),
            Example::of(
                "Baremetrics' published case for a rate without a cap: 500 becomes 1,379 and leaves, 275.8 %.",
                UP_AND_GONE,
                Some("2.758"),
            ),
            Example::under(
                "churn_only",
                "The same as the first, without what went down.",
                FULL,
                Some("0.05"),
            ),
            Example::under(
                "capped_at_base",
                "One customer goes from 300 to 100, another from 700 to 1,000: 200 of 1,000 is lost.",
                DOWN_AND_UP,
                Some("0.2"),
            ),
            Example::under(
                "capped_at_base",
                "The same customer, capped: all of the 500 is lost.",
                UP_AND_GONE,
                Some("1"),
            ),
            Example::of("The first month.", FIRST_MONTH, None),
        ],
        sql: Some(sql::GROSS_MRR_CHURN),
        looks_back_months: 0,
        needs: NEEDS_RETENTION,
        compute: |i| share(lost_mrr(i), i.row.start),
    },
    Metric {
        name: "net_mrr_churn",
        unit: Unit::Ratio,
        section: Section::Churn,
        title: "Net MRR churn rate",
        definition: "What part of the MRR at the start was lost, after what customers who stay pay more; below 0 when \
                     they add more than is lost.",
        formula: "(churn + contraction - expansion) / mrr at the start",
        null_when: "MRR at the start is not above 0",
        source: "Acquire.com, \"What Is MRR?\"; Baremetrics, \"Net Revenue Churn\"; Chargebee docs, \"Net MRR churn\"",
        choice: Some(Choice { knob: "nrr", own: "closed_cohort", in_force: |p| p.nrr.as_str() }),
        variants: &[Variant {
            value: "movement_sum_with_reactivation",
            definition: "What came back with former customers is taken off too, as it is added to nrr.",
            formula: "(churn + contraction - expansion - reactivation) / mrr at the start",
            source: "ChartMogul help, \"Net MRR Churn Rate\"",
            sql: Some(sql::NET_MRR_CHURN_WITH_BACK),
            compute: |i| {
                let won = i.row.movement(Kind::Expansion) + i.row.movement(Kind::Reactivation);
                share(lost_mrr(i) - won, i.row.start)
            },
        }],
        examples: &[
            Example::of("800 lost of 10,000 and as much won.", FULL, Some("0")),
            Example::of("ChartMogul's published case: 20 of 100 lost, 10 won.", TEN_OF_EACH, Some("0.1")),
            Example::of(
                "Acquire.com's case: 3,000 lost and 5,000 won on 10,000, printed as -20 percent.",
                Sample {
                    start: "10000",
                    movements: &[(Kind::Expansion, "5000"), (Kind::Churn, "-3000")],
                    customers: 50,
                    ..NOTHING
                },
                Some("-0.2"),
            ),
            Example::under(
                "movement_sum_with_reactivation",
                "The first month again, with the 200 that came back.",
                FULL,
                Some("-0.02"),
            ),
            Example::under(
                "movement_sum_with_reactivation",
                "ChartMogul's published case, in which nobody came back.",
                TEN_OF_EACH,
                Some("0.1"),
            ),
            Example::of("The first month.", FIRST_MONTH, None),
        ],
        sql: Some(sql::NET_MRR_CHURN),
        looks_back_months: 0,
        needs: NEEDS_NOTHING,
        compute: |i| share(lost_mrr(i) - i.row.movement(Kind::Expansion), i.row.start),
    },
    Metric {
        name: "customer_churn",
        unit: Unit::Ratio,
        section: Section::Churn,
        title: "Customer churn rate",
        definition: "What part of the customers was lost over the period.",
        formula: "customers churned / customers at the start. Under `same_period_new_and_churn = not_in_rate`, the \
                  formula of `chartmogul` below. In a report by group, who left for another group is not churned",
        null_when: "there were no customers at the start",
        source: "Chargebee docs, \"Customer churn\"; the classic definition",
        choice: Some(Choice {
            knob: "customer_churn.formula",
            own: "classic",
            in_force: |p| p.customer_churn_formula.as_str(),
        }),
        variants: &[
            Variant {
                value: "chartmogul",
                definition: "Who joined in the period, or left and came back in it, is not counted as lost.",
                formula: "customers of the start without MRR at the end / customers with MRR at the start, which is \
                          (churned - joined and churned - churned and reactivated) / start. In a report by group, \
                          who left for another group is lost to the group",
                source: "ChartMogul help, \"Customer Churn Rate\"",
                sql: Some(sql::CUSTOMER_CHURN_OF_START),
                compute: |i| lost_of_those_at_start(i.row)?.rate(),
            },
            Variant {
                value: "stripe_30d",
                definition: "Who joined in the period belongs to the base, so that who joins and leaves is in both parts.",
                formula: "customers churned / (customers at the start + new customers). The window is the period \
                          where Stripe takes the last 30 days",
                source: "Stripe, \"Subscriptions analytics\": subscriber churn rate",
                sql: Some(sql::CUSTOMER_CHURN_WITH_NEW),
                compute: |i| lost_of_start_and_new(i.row)?.rate(),
            },
            Variant {
                value: "baremetrics_30d",
                definition: "Who joined and left in the period is lost but not in the base.",
                formula: "customers churned / customers at the start. The window is the period where Baremetrics takes \
                          the last 30 days, and 365 for annual plans",
                source: "Baremetrics help, \"User churn\"",
                sql: Some(sql::CUSTOMER_CHURN),
                compute: |i| lost_of_start(i.row)?.rate(),
            },
        ],
        examples: &[
            Example::of("11 of 100, one of whom was new.", ELEVEN_LEAVE, Some("0.11")),
            Example {
                rules: &[("same_period_new_and_churn", "not_in_rate")],
                ..Example::of("The same, but who was new is not in the rate.", ELEVEN_LEAVE, Some("0.1"))
            },
            Example::under(
                "chartmogul",
                "ChartMogul's published case: of 100 customers 11 cancel, one of whom joined in the same month.",
                ELEVEN_LEAVE,
                Some("0.1"),
            ),
            Example::under("stripe_30d", "The same month: 11 of 101.", ELEVEN_LEAVE, Some("0.1089108911")),
            Example::under("baremetrics_30d", "The same month: 11 of 100.", ELEVEN_LEAVE, Some("0.11")),
            Example::of("The first month.", FIRST_MONTH, None),
            Example::under("chartmogul", "The first month.", FIRST_MONTH, None),
            Example::under("stripe_30d", "The first month: 1 of the 5 who joined.", FIRST_MONTH, Some("0.2")),
        ],
        sql: Some(sql::CUSTOMER_CHURN),
        looks_back_months: 0,
        needs: NEEDS_RETENTION,
        compute: |i| classic(i.row, i.policy)?.rate(),
    },
    Metric {
        name: "lifetime_months",
        unit: Unit::Months,
        section: Section::Churn,
        title: "Customer lifetime",
        definition: "How many months a customer stays on average, were customers lost at this period's rate for ever.",
        formula: "months in the period / customer_churn, by the formula of customer_churn that the policy selects",
        null_when: "no customers were lost, or there is no customer churn rate",
        source: "David Skok, \"SaaS Metrics 2.0\" (forentrepreneurs.com): lifetime = 1 / churn",
        choice: None,
        variants: &[],
        examples: &[
            three_of_hundred(1, "33.3333333333", "Skok's case: 3 % a month, printed as 33 months.", 3),
            three_of_hundred(12, "60", "Skok's case: 20 % a year is 5 years.", 20),
            Example {
                rules: &[("customer_churn.formula", "chartmogul")],
                ..Example::of("10 of the start's 100.", ELEVEN_LEAVE, Some("10"))
            },
            Example::of("Nobody is lost.", Sample { customers: 10, ..NOTHING }, None),
        ],
        sql: Some(sql::LIFETIME_MONTHS),
        looks_back_months: 0,
        needs: NEEDS_RETENTION,
        compute: lifetime,
    },
];
