//! Invoices, payments and revenue: figures over what came in and went out.

use super::sample::NOTHING;
use super::{CashSample, Example, Formula, Inputs, Metric, NEEDS_NOTHING, Section, Unit, Value, share};
use crate::cash::{CashRow, Revenue};
use netnew_facts::EntryKind;
use netnew_money::{Amount, Ratio};

/// Why a figure over entries has no value, in words that follow "no figure: "; `None` where nothing is missing from the
/// book.
pub fn missing(metric: &Metric, cash: Option<&CashRow>) -> Option<String> {
    if !metric.needs_cash() {
        return None;
    }
    let Some(cash) = cash else {
        return Some("invoices, payments and expenses are not told apart by this group or filter".into());
    };
    let untold = !wanted(metric.name).is_empty() || metric.name == "gross_margin";
    if cash.by_channel && untold {
        return Some("of entries only spend says which channel it is of".into());
    }
    let lacks = |kind: EntryKind| !cash.has.contains(&kind);
    let mut what: Vec<&str> = Vec::new();
    for kind in wanted(metric.name) {
        if lacks(*kind) {
            what.push(kind.as_str());
        }
    }
    let acquires = ["acquisition_cost", "cac", "ltv_cac", "cac_payback_months"].contains(&metric.name);
    if acquires && lacks(EntryKind::Spend) && !cash.has_sales_expenses {
        what.push("spend (nor expenses of the class sales_and_marketing)");
    }
    if ["gross_margin", "cac_payback_months"].contains(&metric.name) && !cash.has_cost_of_revenue {
        what.push("expenses of the class cost_of_revenue");
    }
    (!what.is_empty()).then(|| format!("the book has no {}", what.join(" and no ")))
}

fn wanted(name: &str) -> &'static [EntryKind] {
    match name {
        "invoiced" | "gross_margin" | "ttm_revenue" => &[EntryKind::Invoice],
        name if name.starts_with("recognised") || name.starts_with("deferred") => &[EntryKind::Invoice],
        "cash_collected" | "net_cash" | "failed_payment_rate" | "recovered_revenue" | "recovery_rate" => {
            &[EntryKind::Payment]
        }
        "refunds" => &[EntryKind::Refund],
        "profit" | "rule_of_40" => &[EntryKind::Invoice, EntryKind::Expense],
        "burn" => &[EntryKind::Payment, EntryKind::Expense],
        "cac_payback_months" => &[EntryKind::Invoice],
        "weighted_pipeline" | "carr" => &[EntryKind::Opportunity],
        _ => &[],
    }
}

/// What came in and went out, where the book has such entries.
pub(super) fn with<'a>(i: &Inputs<'a>, kind: EntryKind) -> Option<&'a CashRow> {
    i.cash.filter(|cash| cash.has.contains(&kind))
}

fn money(i: &Inputs, kind: EntryKind, of: impl Fn(&CashRow) -> Amount) -> Option<Value> {
    with(i, kind).map(|cash| Value::Money(of(cash)))
}

fn net_cash(cash: &CashRow) -> Amount {
    cash.collected - cash.refunded - cash.disputes_lost
}

pub(super) fn net_cash_of(i: &Inputs) -> Option<Amount> {
    with(i, EntryKind::Payment).map(net_cash)
}

/// One entry in short.
pub(super) struct Line {
    pub name: &'static str,
    pub unit: Unit,
    pub section: Section,
    pub title: &'static str,
    pub definition: &'static str,
    pub formula: &'static str,
    pub null_when: &'static str,
    pub source: &'static str,
    pub examples: &'static [Example],
    pub looks_back_months: u32,
    pub compute: Formula,
}

pub(super) const fn line(line: Line) -> Metric {
    Metric {
        name: line.name,
        unit: line.unit,
        section: line.section,
        title: line.title,
        definition: line.definition,
        formula: line.formula,
        null_when: line.null_when,
        source: line.source,
        choice: None,
        variants: &[],
        examples: line.examples,
        sql: None,
        looks_back_months: line.looks_back_months,
        needs: NEEDS_NOTHING,
        compute: line.compute,
    }
}

const OWN: &str = "netnew's own wording of the usual one";
const SCHEDULES: &str = "IFRS 15 and ASC 606, straight line over the period; Stripe, \"Revenue Recognition\" \
                         (docs.stripe.com/revenue-recognition), whose three granularities these are";
const NO_INVOICES: &str = "the book has no invoices, or the report groups or filters";
const NO_PAYMENTS: &str = "the book has no payments, or the report groups or filters";

/// A month of a business that bills by the year: 1,200 invoiced in April, of which April earns 100.
const YEARLY: CashSample = CashSample {
    has: &[EntryKind::Invoice],
    money: &[("invoiced", "1200"), ("recognised", "100"), ("deferred", "1100")],
    attempts: (0, 0),
};

/// Forty attempts, of which six fail; of the 900 at stake, 630 come in later.
const DUNNING: CashSample = CashSample {
    has: &[EntryKind::Payment],
    money: &[("collected", "5000"), ("recovered", "400"), ("at risk", "900"), ("of it recovered", "630")],
    attempts: (34, 6),
};

const fn amount(
    name: &'static str,
    title: &'static str,
    definition: &'static str,
    formula: &'static str,
    null_when: &'static str,
    examples: &'static [Example],
    compute: Formula,
) -> Metric {
    line(Line {
        name,
        unit: Unit::Currency,
        section: Section::Cash,
        title,
        definition,
        formula,
        null_when,
        source: OWN,
        examples,
        looks_back_months: 0,
        compute,
    })
}

const fn revenue(
    name: &'static str,
    title: &'static str,
    definition: &'static str,
    formula: &'static str,
    examples: &'static [Example],
    compute: Formula,
) -> Metric {
    Metric { source: SCHEDULES, ..amount(name, title, definition, formula, NO_INVOICES, examples, compute) }
}

fn recognised(i: &Inputs, of: impl Fn(&CashRow) -> &Revenue) -> Option<Value> {
    money(i, EntryKind::Invoice, |cash| of(cash).recognised)
}

fn deferred(i: &Inputs, of: impl Fn(&CashRow) -> &Revenue) -> Option<Value> {
    money(i, EntryKind::Invoice, |cash| of(cash).deferred)
}

const EARNED: &[Example] = &[
    Example::of_cash("A year invoiced at once for 1,200.", NOTHING, YEARLY, Some("100")),
    Example::of_cash("A book without invoices.", NOTHING, super::sample::NO_CASH, None),
];
const OWED: &[Example] =
    &[Example::of_cash("A year invoiced at once for 1,200.", NOTHING, YEARLY, Some("1100"))];

pub(super) const METRICS: &[Metric] = &[
    amount(
        "invoiced",
        "Invoiced",
        "What was charged by invoices issued in the period, without tax.",
        "sum over invoices of total - tax, less credit notes dated in the period. Drafts and void invoices count for \
         nothing, ones given up as uncollectible stay",
        NO_INVOICES,
        &[Example::of_cash("A year invoiced at once for 1,200.", NOTHING, YEARLY, Some("1200"))],
        |i| money(i, EntryKind::Invoice, |cash| cash.invoiced),
    ),
    amount(
        "cash_collected",
        "Cash collected",
        "What customers paid in the period, tax included, before anything is given back.",
        "sum of payments that succeeded",
        NO_PAYMENTS,
        &[Example::of_cash("5,000 came in.", NOTHING, DUNNING, Some("5000"))],
        |i| money(i, EntryKind::Payment, |cash| cash.collected),
    ),
    amount(
        "refunds",
        "Refunds",
        "What was given back to customers in the period, as a positive amount.",
        "sum of refunds that went through",
        "the book has no refunds, or the report groups or filters",
        &[Example::of_cash(
            "55 given back.",
            NOTHING,
            CashSample { has: &[EntryKind::Refund], money: &[("refunded", "55")], attempts: (0, 0) },
            Some("55"),
        )],
        |i| money(i, EntryKind::Refund, |cash| cash.refunded),
    ),
    amount(
        "net_cash",
        "Net cash from customers",
        "What customers paid in the period less what went back to them.",
        "cash_collected - refunds - payments lost in disputes decided in the period",
        NO_PAYMENTS,
        &[Example::of_cash(
            "5,000 came in, 300 was given back, 80 was lost in a dispute.",
            NOTHING,
            CashSample {
                has: &[EntryKind::Payment, EntryKind::Refund, EntryKind::Dispute],
                money: &[("collected", "5000"), ("refunded", "300"), ("disputes lost", "80")],
                attempts: (34, 0),
            },
            Some("4620"),
        )],
        |i| net_cash_of(i).map(Value::Money),
    ),
    revenue(
        "recognised_revenue",
        "Recognised revenue",
        "What was earned of invoices in the period, spread over the days they charge for.",
        "for each line: amount x days of its period that lie in this one / all its days; the first day counts whole, \
         the day of the end does not; a line without a period is earned when invoiced. A credit note is spread over \
         what is left of its invoice's period. Recognised and deferred are together what was invoiced, to the last digit",
        EARNED,
        |i| recognised(i, |cash| &cash.per_day),
    ),
    revenue(
        "recognised_revenue_per_second",
        "Recognised revenue, by seconds",
        "What was earned of invoices in the period, spread over the time they charge for.",
        "as recognised_revenue, by time in place of days",
        EARNED,
        |i| recognised(i, |cash| &cash.per_second),
    ),
    revenue(
        "recognised_revenue_even_months",
        "Recognised revenue, in even months",
        "What was earned of invoices in the period, in equal parts per calendar month.",
        "amount / months of the line's period, for each calendar month from that of the start, at the month's end",
        EARNED,
        |i| recognised(i, |cash| &cash.even_months),
    ),
    revenue(
        "deferred_revenue",
        "Deferred revenue",
        "What is invoiced and not yet earned at the end of the period, by days.",
        "invoiced since ever - recognised_revenue since ever. Below 0 where lines charge for time before their \
         invoice: then it is a receivable that is not billed",
        OWED,
        |i| deferred(i, |cash| &cash.per_day),
    ),
    revenue(
        "deferred_revenue_per_second",
        "Deferred revenue, by seconds",
        "What is invoiced and not yet earned at the end of the period, by time.",
        "invoiced since ever - recognised_revenue_per_second since ever",
        OWED,
        |i| deferred(i, |cash| &cash.per_second),
    ),
    revenue(
        "deferred_revenue_even_months",
        "Deferred revenue, in even months",
        "What is invoiced and not yet earned at the end of the period, by calendar months.",
        "invoiced since ever - recognised_revenue_even_months since ever",
        OWED,
        |i| deferred(i, |cash| &cash.even_months),
    ),
    line(Line {
        name: "failed_payment_rate",
        unit: Unit::Ratio,
        section: Section::Cash,
        title: "Failed payment rate",
        definition: "Which share of the attempts to collect money failed.",
        formula: "failed attempts / (failed + succeeded attempts); pending ones are left out",
        null_when: "nothing was attempted, or the report groups or filters",
        source: OWN,
        examples: &[Example::of_cash("Six of forty attempts fail.", NOTHING, DUNNING, Some("0.15"))],
        looks_back_months: 0,
        compute: |i| {
            let cash = with(i, EntryKind::Payment)?;
            let all = cash.attempts_failed + cash.attempts_succeeded;
            (all > 0)
                .then(|| Ratio::new(i128::from(cash.attempts_failed), i128::from(all)).map(Value::Ratio))?
        },
    }),
    amount(
        "recovered_revenue",
        "Recovered revenue",
        "What was collected in the period for invoices that a payment had failed for before.",
        "sum of payments that succeeded after an earlier attempt for the same invoice failed",
        NO_PAYMENTS,
        &[Example::of_cash("400 came in at a later attempt.", NOTHING, DUNNING, Some("400"))],
        |i| money(i, EntryKind::Payment, |cash| cash.recovered),
    ),
    line(Line {
        name: "recovery_rate",
        unit: Unit::Ratio,
        section: Section::Cash,
        title: "Recovery rate",
        definition: "Which share of the money whose first attempt failed in the period has been collected since.",
        formula: "collected by now of the invoices whose first failed attempt lies in the period / what those attempts \
                  were for. It rises for past periods as more comes in",
        null_when: "no invoice's first attempt failed in the period, or the report groups or filters",
        source: OWN,
        examples: &[Example::of_cash("Of 900 at stake, 630 came in later.", NOTHING, DUNNING, Some("0.7"))],
        looks_back_months: 0,
        compute: |i| {
            let cash = with(i, EntryKind::Payment)?;
            share(cash.at_risk_recovered, cash.at_risk)
        },
    }),
];
