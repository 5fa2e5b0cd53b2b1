//! Heads: who is there, who came, who went.

use super::movements::FULL;
use super::sample::{NO_HEADS, NOTHING};
use super::{Example, Formula, Metric, NEEDS_NOTHING, Sample, Section, Unit, Value, sql};
use crate::rollup::Heads;

/// A plan in a report by plan: one customer is new to the book, two came from other plans, three left for others.
const BY_PLAN: Sample =
    Sample { customers: 10, heads: Heads { new: 1, entered: 2, churned: 1, left: 3, ..NO_HEADS }, ..NOTHING };

/// The words of a count of customers.
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
        unit: Unit::Count,
        section: Section::Customers,
        title: line.title,
        definition: line.definition,
        formula: line.formula,
        null_when: "never; where there is nobody it is 0",
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

const HEADS: &str = "netnew; counts follow the kinds of docs/ledger.md, so that start + new + reactivated + entered - \
                     churned - left = end";

pub(super) const METRICS: &[Metric] = &[
    line(Line {
        name: "customers",
        sql: Some(sql::CUSTOMERS),
        title: "Customers",
        definition: "How many customers have MRR above 0 at the last instant of the period.",
        formula: "customers at the start + new + reactivated + entered - churned - left. A customer whose items add \
                  up to less than 0 counts as 0. Under a policy that keeps customers at 0 (free, 100 % off, paused) \
                  they count too. Each customer counts once per row, so groups need not add up to the book",
        source: "Stripe, \"active subscribers\"; ChartMogul help, \"Subscribers\"",
        examples: &[
            Example::of("100, 12 new, 2 back, 5 gone.", FULL, Some("109")),
            Example::of("A group: 10, 1 new, 2 from elsewhere, 1 gone, 3 to elsewhere.", BY_PLAN, Some("9")),
        ],
        compute: |i| Some(Value::Count(i.row.heads_end)),
    }),
    line(Line {
        name: "new_customers",
        sql: Some(sql::NEW_CUSTOMERS),
        title: "New customers",
        definition: "Customers who had MRR for the first time.",
        formula: "count of customers whose kind is new",
        source: "ChartMogul help, \"New Business\"; Stripe, \"new subscribers\"",
        examples: &[Example::of("100, 12 new, 2 back, 5 gone.", FULL, Some("12"))],
        compute: |i| Some(Value::Count(i.row.heads.new)),
    }),
    line(Line {
        name: "reactivated_customers",
        sql: Some(sql::REACTIVATED_CUSTOMERS),
        title: "Reactivated customers",
        definition: "Former customers who have MRR again.",
        formula: "count of customers whose kind is reactivation",
        source: "ChartMogul help, \"Reactivation\"",
        examples: &[Example::of("100, 12 new, 2 back, 5 gone.", FULL, Some("2"))],
        compute: |i| Some(Value::Count(i.row.heads.reactivated)),
    }),
    line(Line {
        name: "churned_customers",
        sql: Some(sql::CHURNED_CUSTOMERS),
        title: "Churned customers",
        definition: "Customers who were left with no MRR.",
        formula: "count of customers whose kind is churn, as a positive number; who churns twice in a period counts \
                  twice",
        source: "Stripe, \"churned subscribers\"; ChartMogul help, \"Churn\"",
        examples: &[Example::of("100, 12 new, 2 back, 5 gone.", FULL, Some("5"))],
        compute: |i| Some(Value::Count(i.row.heads.churned)),
    }),
    line(Line {
        name: "entered_customers",
        sql: Some(sql::ENTERED_CUSTOMERS),
        title: "Customers who entered the group",
        definition: "Customers who came into the group without being new to the book or back in it.",
        formula: "count of customers who had nothing in the group and have, by a transfer or an expansion; 0 over \
                  the whole book",
        source: HEADS,
        examples: &[Example::of("Two came from other plans.", BY_PLAN, Some("2"))],
        compute: |i| Some(Value::Count(i.row.heads.entered)),
    }),
    line(Line {
        name: "left_customers",
        sql: Some(sql::LEFT_CUSTOMERS),
        title: "Customers who left the group",
        definition: "Customers who left the group and stay in the book.",
        formula: "count of customers who had something in the group and have nothing, by a transfer or a \
                  contraction; 0 over the whole book",
        source: HEADS,
        examples: &[Example::of("Three went to other plans.", BY_PLAN, Some("3"))],
        compute: |i| Some(Value::Count(i.row.heads.left)),
    }),
];
