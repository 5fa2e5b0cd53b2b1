//! What customers cost, and what is left: acquisition cost, payback, margin, burn, the Rule of 40.

use super::cash::{Line, line, net_cash_of, with};
use super::sample::{NO_CASH, NO_HEADS, NOTHING};
use super::{
    CashSample, Example, Formula, Inputs, Metric, Sample, Section, Unit, Value, find, per_head, share,
};
use crate::rollup::Heads;
use netnew_facts::EntryKind;
use netnew_money::{Amount, Ratio};

/// What was spent on acquiring customers: by channel where the book has that, else the expenses of the class.
fn acquisition_cost(i: &Inputs) -> Option<Amount> {
    let cash = i.cash?;
    match cash.has.contains(&EntryKind::Spend) {
        true => Some(cash.spend),
        false => cash.has_sales_expenses.then_some(cash.sales_expenses),
    }
}

fn cac(i: &Inputs) -> Option<Amount> {
    match per_head(acquisition_cost(i)?, i.row.heads.new) {
        Some(Value::Money(amount)) => Some(amount),
        _ => None,
    }
}

fn gross_margin(i: &Inputs) -> Option<Ratio> {
    let cash = with(i, EntryKind::Invoice).filter(|cash| cash.has_cost_of_revenue)?;
    let revenue = cash.per_day.recognised;
    match share(revenue - cash.cost_of_revenue, revenue) {
        Some(Value::Ratio(ratio)) => Some(ratio),
        _ => None,
    }
}

fn ltv_cac(i: &Inputs) -> Option<Value> {
    let worth = match find("ltv").ok()?.value(i)? {
        Value::Money(amount) => amount,
        _ => return None,
    };
    share(worth, cac(i)?)
}

/// Months of gross profit of an average customer that its acquisition takes.
fn payback(i: &Inputs) -> Option<Value> {
    let margin = gross_margin(i)?;
    let arpa = match per_head(i.row.end, i.row.heads_end)? {
        Value::Money(amount) => amount,
        _ => return None,
    };
    let profit = Ratio::from_amount(arpa).checked_mul(margin)?;
    if profit <= Ratio::ZERO {
        return None;
    }
    Ratio::from_amount(cac(i)?).checked_div(profit).map(Value::Ratio)
}

fn profit(i: &Inputs) -> Option<Amount> {
    let cash = with(i, EntryKind::Invoice).filter(|cash| cash.has.contains(&EntryKind::Expense))?;
    Some(cash.per_day.recognised - cash.expenses)
}

fn burn(i: &Inputs) -> Option<Value> {
    let cash = with(i, EntryKind::Expense)?;
    Some(Value::Money(cash.expenses - net_cash_of(i)?))
}

/// Growth of revenue over twelve months plus the margin of those months.
fn rule_of_40(i: &Inputs) -> Option<Value> {
    let cash = with(i, EntryKind::Invoice).filter(|cash| cash.has.contains(&EntryKind::Expense))?;
    let revenue = cash.per_day;
    let growth = match share(revenue.last_12_months - revenue.prior_12_months, revenue.prior_12_months)? {
        Value::Ratio(ratio) => ratio,
        _ => return None,
    };
    let margin = match share(revenue.last_12_months - cash.expenses_12_months, revenue.last_12_months)? {
        Value::Ratio(ratio) => ratio,
        _ => return None,
    };
    growth.checked_add(margin).map(Value::Ratio)
}

fn carr(i: &Inputs) -> Option<Value> {
    let cash = with(i, EntryKind::Opportunity)?;
    let contracted = cash.contracted.raw().checked_mul(12).map(Amount::from_raw)?;
    i.row.arr.checked_add(contracted).map(Value::Money)
}

const OWN: &str = "netnew's own wording of the usual one";

/// Ten new customers for 3,000; a hundred at 50 on average, ten of them gone.
const APRIL: Sample = Sample {
    start: "4500",
    movements: &[(netnew_ledger::Kind::New, "1000"), (netnew_ledger::Kind::Churn, "-500")],
    customers: 100,
    heads: Heads { new: 10, churned: 10, ..NO_HEADS },
    ..NOTHING
};

const SPENT: CashSample =
    CashSample { has: &[EntryKind::Spend], money: &[("spend", "3000")], attempts: (0, 0) };

const MARGIN: CashSample = CashSample {
    has: &[EntryKind::Spend, EntryKind::Invoice, EntryKind::Expense],
    money: &[("spend", "3000"), ("recognised", "5000"), ("cost of revenue", "1000"), ("expenses", "4200")],
    attempts: (0, 0),
};

const YEARS: CashSample = CashSample {
    has: &[EntryKind::Invoice, EntryKind::Expense],
    money: &[
        ("recognised in twelve months", "65000"),
        ("in the twelve before", "50000"),
        ("expenses of twelve months", "58500"),
    ],
    attempts: (0, 0),
};

struct Short {
    name: &'static str,
    unit: Unit,
    title: &'static str,
    definition: &'static str,
    formula: &'static str,
    null_when: &'static str,
    source: &'static str,
    examples: &'static [Example],
    compute: Formula,
}

const fn short(s: Short) -> Metric {
    line(Line {
        name: s.name,
        unit: s.unit,
        section: Section::Acquisition,
        title: s.title,
        definition: s.definition,
        formula: s.formula,
        null_when: s.null_when,
        source: s.source,
        examples: s.examples,
        looks_back_months: 0,
        compute: s.compute,
    })
}

const NO_SPEND: &str = "the book has neither spend nor expenses of the class sales_and_marketing, or the report groups \
                        by something other than channel, or filters";

pub(super) const METRICS: &[Metric] = &[
    short(Short {
        name: "acquisition_cost",
        unit: Unit::Currency,
        title: "Acquisition cost",
        definition: "What was spent in the period on acquiring customers.",
        formula: "sum of spend, spread evenly over the days it is for; a book without spend takes the expenses of the \
                  class sales_and_marketing. With --by channel the spend of that channel",
        null_when: NO_SPEND,
        source: OWN,
        examples: &[
            Example::of_cash("3,000 of spend.", APRIL, SPENT, Some("3000")),
            Example::of_cash("A book without spend or expenses.", APRIL, NO_CASH, None),
            Example::of_cash(
                "No spend by channel, but marketing among the expenses.",
                APRIL,
                CashSample {
                    has: &[EntryKind::Expense],
                    money: &[("expenses", "2500"), ("sales and marketing", "900")],
                    attempts: (0, 0),
                },
                Some("900"),
            ),
        ],
        compute: |i| acquisition_cost(i).map(Value::Money),
    }),
    short(Short {
        name: "cac",
        unit: Unit::Currency,
        title: "Customer acquisition cost",
        definition: "What one new customer cost.",
        formula: "acquisition_cost / new customers of the period, returning ones left out; with --by channel for each \
                  channel",
        null_when: "nothing is known to have been spent (see acquisition_cost), or there is no new customer",
        source: OWN,
        examples: &[Example::of_cash("3,000 for ten new customers.", APRIL, SPENT, Some("300"))],
        compute: |i| cac(i).map(Value::Money),
    }),
    Metric {
        looks_back_months: 6,
        ..short(Short {
            name: "ltv_cac",
            unit: Unit::Ratio,
            title: "LTV to CAC",
            definition: "How many times over a customer brings back what it cost.",
            formula: "ltv / cac, ltv by the formula that the knob `ltv` selects",
            null_when: "ltv or cac has no value",
            source: OWN,
            examples: &[Example::of_cash(
                "50 a month over a churn of 10 % is worth 500; a customer cost 300.",
                APRIL,
                SPENT,
                Some("1.6666666667"),
            )],
            compute: ltv_cac,
        })
    },
    short(Short {
        name: "cac_payback_months",
        unit: Unit::Months,
        title: "CAC payback",
        definition: "After how many months a customer's gross profit has paid for its acquisition.",
        formula: "cac / (arpa x gross margin)",
        null_when: "cac or gross_margin has no value, or nothing is left of revenue",
        source: OWN,
        examples: &[Example::of_cash("300 over 50 a month at a margin of 80 %.", APRIL, MARGIN, Some("7.5"))],
        compute: payback,
    }),
    short(Short {
        name: "gross_margin",
        unit: Unit::Ratio,
        title: "Gross margin",
        definition: "Which share of revenue is left after the cost of revenue.",
        formula: "(recognised_revenue - expenses of the class cost_of_revenue) / recognised_revenue",
        null_when: "the book has no invoices or no cost of revenue, or the period has no revenue",
        source: OWN,
        examples: &[Example::of_cash("1,000 of cost in 5,000 of revenue.", APRIL, MARGIN, Some("0.8"))],
        compute: |i| gross_margin(i).map(Value::Ratio),
    }),
    short(Short {
        name: "profit",
        unit: Unit::Currency,
        title: "Profit",
        definition: "Revenue of the period less its expenses.",
        formula: "recognised_revenue - expenses of every class. Spend by channel is taken to be among the expenses",
        null_when: "the book has no invoices or no expenses, or the report groups or filters",
        source: OWN,
        examples: &[Example::of_cash("5,000 of revenue, 4,200 of expenses.", APRIL, MARGIN, Some("800"))],
        compute: |i| profit(i).map(Value::Money),
    }),
    short(Short {
        name: "burn",
        unit: Unit::Currency,
        title: "Burn",
        definition: "By how much more went out than customers brought in; negative when money is left.",
        formula: "expenses - net_cash",
        null_when: "the book has no expenses or no payments, or the report groups or filters",
        source: OWN,
        examples: &[Example::of_cash(
            "4,200 of expenses, 3,000 from customers.",
            APRIL,
            CashSample {
                has: &[EntryKind::Expense, EntryKind::Payment],
                money: &[("expenses", "4200"), ("collected", "3000")],
                attempts: (30, 0),
            },
            Some("1200"),
        )],
        compute: burn,
    }),
    short(Short {
        name: "ttm_revenue",
        unit: Unit::Currency,
        title: "TTM revenue",
        definition: "What was earned in the twelve months up to the end of the period.",
        formula: "recognised_revenue of the last twelve months",
        null_when: "the book has no invoices, or the report groups or filters",
        source: "Acquire.com, \"What Is MRR?\"",
        examples: &[Example::of_cash("65,000 in twelve months.", NOTHING, YEARS, Some("65000"))],
        compute: |i| with(i, EntryKind::Invoice).map(|cash| Value::Money(cash.per_day.last_12_months)),
    }),
    short(Short {
        name: "rule_of_40",
        unit: Unit::Ratio,
        title: "Rule of 40",
        definition: "Growth of revenue and profit margin together, each over twelve months.",
        formula: "(revenue of the last twelve months - of the twelve before) / of the twelve before + (revenue of the \
                  last twelve months - expenses of them) / that revenue",
        null_when: "the book has no invoices or no expenses, or there was no revenue in the twelve months before the \
                    last twelve",
        source: "Acquire.com, \"What Is MRR?\"; the rule is commonly ascribed to Brad Feld",
        examples: &[Example::of_cash(
            "65,000 after 50,000 is 30 % of growth; 58,500 of expenses leave 10 %.",
            NOTHING,
            YEARS,
            Some("0.4"),
        )],
        compute: rule_of_40,
    }),
    short(Short {
        name: "weighted_pipeline",
        unit: Unit::Currency,
        title: "Weighted pipeline",
        definition: "The MRR that open opportunities would bring, each times how likely it is.",
        formula: "sum over open opportunities of amount x weight (1 where none is said), as they stand now; 0 for \
                  periods that were over before now, whose pipeline is not known",
        null_when: "the book has no opportunities, or the report groups or filters",
        source: OWN,
        examples: &[Example::of_cash(
            "300 at 25 % and 100 at 50 %.",
            NOTHING,
            CashSample {
                has: &[EntryKind::Opportunity],
                money: &[("weighted pipeline", "125")],
                attempts: (0, 0),
            },
            Some("125"),
        )],
        compute: |i| with(i, EntryKind::Opportunity).map(|cash| Value::Money(cash.pipeline_weighted)),
    }),
    short(Short {
        name: "carr",
        unit: Unit::Currency,
        title: "Contracted ARR",
        definition: "ARR with what is signed and not live yet.",
        formula: "arr + 12 x MRR of opportunities that are won by their close date and start after the period's end",
        null_when: "the book has no opportunities, or the report groups or filters",
        source: OWN,
        examples: &[Example::of_cash(
            "ARR of 7,000 and a signed 500 a month that starts in June.",
            Sample { arr: "7000", ..NOTHING },
            CashSample { has: &[EntryKind::Opportunity], money: &[("contracted", "500")], attempts: (0, 0) },
            Some("13000"),
        )],
        compute: carr,
    }),
];
