//! What stays: net and gross revenue retention over the period, three months and twelve, and customer retention.

use super::sample::{KeptSample, NO_HEADS, NOTHING};
use super::{
    Choice, Example, Formula, Inputs, Metric, NEEDS_RETENTION, Sample, Section, Unit, Value, Variant, share,
    sql,
};
use crate::rollup::{Heads, Window};
use netnew_ledger::Kind;
use netnew_money::{Amount, Ratio};

fn net(i: &Inputs, window: Window) -> Option<Value> {
    let kept = i.row.retained.get(&window)?;
    share(kept.end, kept.start)
}

fn gross(i: &Inputs, window: Window) -> Option<Value> {
    let kept = i.row.retained.get(&window)?;
    share(kept.least, kept.start)
}

/// Movements over a window, from the rows that make it up.
struct Summed {
    start: Amount,
    gained: Amount,
    back: Amount,
    lost: Amount,
}

/// Adds the row and as many before it as the window has; `None` when the rows do not tile the window exactly, as
/// with weeks in a quarter, or do not reach back to its start.
fn summed(i: &Inputs, window: Window) -> Option<Summed> {
    let first = window.start(&i.row.period).add_days(1);
    let mut sum =
        Summed { start: Amount::ZERO, gained: Amount::ZERO, back: Amount::ZERO, lost: Amount::ZERO };
    let mut follows = None;
    for row in std::iter::once(i.row).chain(i.history.iter().rev()) {
        if follows.is_some_and(|follows| row.period.last.add_days(1) != follows) {
            return None;
        }
        sum.start = row.start;
        sum.gained += row.movement(Kind::Expansion);
        sum.back += row.movement(Kind::Reactivation);
        sum.lost += row.movement(Kind::Contraction) + row.movement(Kind::Churn);
        if row.period.first <= first {
            return (row.period.first == first).then_some(sum);
        }
        follows = Some(row.period.first);
    }
    None
}

fn net_by_movements(i: &Inputs, window: Window) -> Option<Value> {
    let sum = summed(i, window)?;
    share(sum.start + sum.gained + sum.lost, sum.start)
}

fn net_with_back(i: &Inputs, window: Window) -> Option<Value> {
    let sum = summed(i, window)?;
    share(sum.start + sum.gained + sum.back + sum.lost, sum.start)
}

fn gross_by_movements(i: &Inputs, window: Window) -> Option<Value> {
    let sum = summed(i, window)?;
    share(sum.start + sum.lost, sum.start)
}

fn customers_kept(i: &Inputs) -> Option<Value> {
    let kept = i.row.retained.get(&Window::Period)?;
    if kept.customers <= 0 {
        return None;
    }
    Ratio::new(i128::from(kept.kept), i128::from(kept.customers)).map(Value::Ratio)
}

/// 100 customers at 10: ten leave, five go to 25.
const HUNDRED_AT_TEN: KeptSample =
    KeptSample { start: "1000", end: "975", least: "900", customers: 100, kept: 90 };

/// In the window besides: six join with 60, two come back with 20.
const fn hundred_at_ten(kept: &'static [(Window, KeptSample)]) -> Sample {
    Sample {
        start: "1000",
        movements: &[
            (Kind::New, "60"),
            (Kind::Reactivation, "20"),
            (Kind::Expansion, "75"),
            (Kind::Churn, "-100"),
        ],
        customers: 100,
        heads: Heads { new: 6, reactivated: 2, churned: 10, ..NO_HEADS },
        kept,
        ..NOTHING
    }
}

const MONTH_AT_TEN: Sample = hundred_at_ten(&[(Window::Period, HUNDRED_AT_TEN)]);
const QUARTER_AT_TEN: Sample = hundred_at_ten(&[(Window::Months3, HUNDRED_AT_TEN)]);
const YEAR_AT_TEN: Sample = hundred_at_ten(&[(Window::Months12, HUNDRED_AT_TEN)]);

/// One customer at 100 goes down by 40 and up again by 40 inside the window.
const DOWN_AND_UP: KeptSample = KeptSample { start: "100", end: "100", least: "100", customers: 1, kept: 1 };

const DOWN_AND_UP_ROW: Sample = Sample {
    start: "100",
    movements: &[(Kind::Expansion, "40"), (Kind::Contraction, "-40")],
    customers: 1,
    kept: &[(Window::Period, DOWN_AND_UP)],
    ..NOTHING
};

/// 100,000 at the start, 10,000 of expansion, 2,000 of contraction, 3,000 of churn.
const BOARD: Sample = Sample {
    start: "100000",
    movements: &[(Kind::Expansion, "10000"), (Kind::Contraction, "-2000"), (Kind::Churn, "-3000")],
    customers: 50,
    heads: Heads { churned: 2, ..NO_HEADS },
    kept: &[(
        Window::Period,
        KeptSample { start: "100000", end: "105000", least: "95000", customers: 50, kept: 48 },
    )],
    ..NOTHING
};

/// Nobody had MRR when the window began.
const TOO_YOUNG: Sample = Sample { movements: &[(Kind::New, "100")], ..NOTHING };

/// Three months whose movements are known, the last of them [`QUARTER_END`].
const QUARTER_HISTORY: &[Sample] = &[
    Sample {
        start: "1000",
        movements: &[(Kind::New, "200"), (Kind::Churn, "-50")],
        customers: 10,
        ..NOTHING
    },
    Sample {
        start: "1150",
        movements: &[(Kind::Expansion, "30"), (Kind::Contraction, "-20")],
        customers: 11,
        ..NOTHING
    },
];

const QUARTER_END: Sample = Sample {
    start: "1160",
    movements: &[(Kind::Reactivation, "50"), (Kind::Churn, "-90")],
    customers: 11,
    ..NOTHING
};

const QUIET: Sample = Sample { start: "1000", customers: 10, ..NOTHING };

/// Eleven months: one loss of 100 in the first, nothing after it.
const YEAR_HISTORY: &[Sample] = &[
    Sample { start: "1100", movements: &[(Kind::Churn, "-100")], customers: 11, ..NOTHING },
    QUIET,
    QUIET,
    QUIET,
    QUIET,
    QUIET,
    QUIET,
    QUIET,
    QUIET,
    QUIET,
    QUIET,
];

const YEAR_END: Sample =
    Sample { movements: &[(Kind::Expansion, "220"), (Kind::Reactivation, "110")], ..QUIET };

const fn looking_back(example: Example, history: &'static [Sample]) -> Example {
    Example { history, ..example }
}

/// The words of a metric over one of the windows.
struct Words {
    name: &'static str,
    title: &'static str,
    definition: &'static str,
    null_when: &'static str,
    examples: &'static [Example],
    sql: Option<&'static str>,
    looks_back_months: u32,
}

const fn nrr(words: Words, variants: &'static [Variant], compute: Formula) -> Metric {
    Metric {
        name: words.name,
        unit: Unit::Ratio,
        section: Section::Retention,
        title: words.title,
        definition: words.definition,
        formula: "MRR at the end of the customers who had some at the start / what they had at the start. Who joins \
                  is not in it, nor who joins and leaves; who leaves and returns counts with what it has at the end. \
                  A customer below 0 counts as 0. In a report by group, what moves to another group is not kept",
        null_when: words.null_when,
        source: "SaaS Metrics Standards Board, \"Net Revenue Retention\"; Chargebee docs, \"NRR\"",
        choice: Some(Choice { knob: "nrr", own: "closed_cohort", in_force: |p| p.nrr.as_str() }),
        variants,
        examples: words.examples,
        sql: words.sql,
        looks_back_months: words.looks_back_months,
        needs: NEEDS_RETENTION,
        compute,
    }
}

const fn grr(words: Words, variants: &'static [Variant], compute: Formula) -> Metric {
    Metric {
        name: words.name,
        unit: Unit::Ratio,
        section: Section::Retention,
        title: words.title,
        definition: words.definition,
        formula: "sum over the customers who had MRR at the start of min(start, end) / sum of start; never above 1, \
                  for expansion does not make up for losses",
        null_when: words.null_when,
        source: "Chargebee docs, \"GRR\"; SaaS Metrics Standards Board, \"Gross Revenue Retention\"",
        choice: Some(Choice { knob: "grr", own: "min_start_end", in_force: |p| p.grr.as_str() }),
        variants,
        examples: words.examples,
        sql: words.sql,
        looks_back_months: words.looks_back_months,
        needs: NEEDS_RETENTION,
        compute,
    }
}

/// The other formulas of NRR over a window. A macro, because each is a function of its own.
macro_rules! nrr_variants {
    ($window:expr, $sums:expr, $back:expr) => {
        &[
            Variant {
                value: "movement_sum",
                definition: "The movements of the window are added up, whoever they are of, reactivation and new left out.",
                formula: "(start + expansion - contraction - churn) / start. Differs from the closed cohort when who \
                          joined in the window expands or leaves in it. Over more than the period, the rows of the \
                          report must make up the window exactly; else it is null",
                source: "SaaS Metrics Standards Board, \"Net Revenue Retention\", as it is commonly computed",
                sql: $sums,
                compute: |i| net_by_movements(i, $window),
            },
            Variant {
                value: "movement_sum_with_reactivation",
                definition: "As movement_sum, with what came back with former customers counted as kept.",
                formula: "(start + expansion + reactivation - contraction - churn) / start, which is 1 - net MRR churn \
                          with reactivation",
                source: "ChartMogul help, \"Net MRR Churn Rate\"; Tidemill (github.com/ondraz/tidemill)",
                sql: $back,
                compute: |i| net_with_back(i, $window),
            },
            Variant {
                value: "baremetrics_30d",
                definition: "One less what was lost net of expansion.",
                formula: "1 - (churn + contraction - expansion) / start, the same number as movement_sum. The window is \
                          the metric's where Baremetrics takes 30 days",
                source: "Baremetrics, \"New metric: Net Revenue Retention\" (changelog.baremetrics.com)",
                sql: $sums,
                compute: |i| net_by_movements(i, $window),
            },
        ]
    };
}

/// The other formula of GRR over a window.
macro_rules! grr_variants {
    ($window:expr, $sums:expr) => {
        &[Variant {
            value: "movement_sum",
            definition: "The losses of the window are added up, whoever they are of.",
            formula: "(start - contraction - churn) / start. Lower than the closed cohort's when a customer goes down \
                      and up again, or joins and leaves. Over more than the period, the rows of the report must make \
                      up the window exactly; else it is null",
            source: "SaaS Metrics Standards Board, \"Gross Revenue Retention\", as it is commonly computed",
            sql: $sums,
            compute: |i| gross_by_movements(i, $window),
        }]
    };
}

const NOBODY_BEFORE: &str = "nobody had MRR when the window began, as in the first months of a book";
const NOBODY: &str = "nobody had MRR at the start";

pub(super) const METRICS: &[Metric] = &[
    nrr(
        Words {
            name: "nrr",
            sql: Some(sql::NRR),
            title: "Net revenue retention",
            definition: "What part of the MRR at the period's start the same customers pay at its end.",
            null_when: NOBODY,
            examples: NRR_EXAMPLES,
            looks_back_months: 0,
        },
        nrr_variants!(Window::Period, Some(sql::NRR_BY_MOVEMENTS), Some(sql::NRR_WITH_BACK)),
        |i| net(i, Window::Period),
    ),
    grr(
        Words {
            name: "grr",
            sql: Some(sql::GRR),
            title: "Gross revenue retention",
            definition: "What part of the MRR at the period's start the same customers still pay at its end, without \
                         what they pay more.",
            null_when: NOBODY,
            examples: GRR_EXAMPLES,
            looks_back_months: 0,
        },
        grr_variants!(Window::Period, Some(sql::GRR_BY_MOVEMENTS)),
        |i| gross(i, Window::Period),
    ),
    nrr(
        Words {
            name: "nrr_3m",
            sql: Some(sql::NRR_3M),
            title: "Net revenue retention, three months",
            definition: "What part of their MRR of three months ago the customers of then pay at the period's end.",
            null_when: NOBODY_BEFORE,
            examples: NRR_3M_EXAMPLES,
            looks_back_months: 3,
        },
        nrr_variants!(Window::Months3, None, None),
        |i| net(i, Window::Months3),
    ),
    grr(
        Words {
            name: "grr_3m",
            sql: Some(sql::GRR_3M),
            title: "Gross revenue retention, three months",
            definition: "What part of their MRR of three months ago the customers of then still pay at the period's \
                         end, without what they pay more.",
            null_when: NOBODY_BEFORE,
            examples: GRR_3M_EXAMPLES,
            looks_back_months: 3,
        },
        grr_variants!(Window::Months3, None),
        |i| gross(i, Window::Months3),
    ),
    nrr(
        Words {
            name: "nrr_12m",
            sql: Some(sql::NRR_12M),
            title: "Net revenue retention, twelve months",
            definition: "What part of their MRR of twelve months ago the customers of then pay at the period's end; \
                         published benchmarks are of this window.",
            null_when: NOBODY_BEFORE,
            examples: NRR_12M_EXAMPLES,
            looks_back_months: 12,
        },
        nrr_variants!(Window::Months12, None, None),
        |i| net(i, Window::Months12),
    ),
    grr(
        Words {
            name: "grr_12m",
            sql: Some(sql::GRR_12M),
            title: "Gross revenue retention, twelve months",
            definition: "What part of their MRR of twelve months ago the customers of then still pay at the period's \
                         end, without what they pay more.",
            null_when: NOBODY_BEFORE,
            examples: GRR_12M_EXAMPLES,
            looks_back_months: 12,
        },
        grr_variants!(Window::Months12, None),
        |i| gross(i, Window::Months12),
    ),
    Metric {
        name: "customer_retention",
        unit: Unit::Ratio,
        section: Section::Retention,
        title: "Customer retention rate",
        definition: "What part of the customers at the period's start are there at its end.",
        formula: "customers of the start who have MRR at the end / customers with MRR at the start; who joins is not \
                  in it. In a report by group, who left for another group is not kept",
        null_when: NOBODY,
        source: "Stripe, \"Subscriptions analytics\": subscriber retention by cohort",
        choice: None,
        variants: &[],
        examples: &[
            Example::of(
                "Of 100, ten leave; six who join and two who return do not make up for them.",
                MONTH_AT_TEN,
                Some("0.9"),
            ),
            Example::of("Two of 50 leave.", BOARD, Some("0.96")),
            Example::of("Nobody at the start.", TOO_YOUNG, None),
        ],
        sql: Some(sql::CUSTOMER_RETENTION),
        looks_back_months: 0,
        needs: NEEDS_RETENTION,
        compute: customers_kept,
    },
];

const STANDARD: &str = "The standards board's figures: 100,000, up 10,000, down 2,000, gone 3,000.";

const NRR_EXAMPLES: &[Example] = &[
    Example::of(STANDARD, BOARD, Some("1.05")),
    Example::of(
        "Stripe's published case, recomputed: 100 at 10, ten leave, five go to 25 and so add 15 each (the page adds \
         their whole new price and prints 102.5 %).",
        MONTH_AT_TEN,
        Some("0.975"),
    ),
    Example::under("movement_sum", STANDARD, BOARD, Some("1.05")),
    Example::under("movement_sum", "The hundred at 10.", MONTH_AT_TEN, Some("0.975")),
    Example::under(
        "movement_sum_with_reactivation",
        "The hundred at 10, with 20 that came back.",
        MONTH_AT_TEN,
        Some("0.995"),
    ),
    Example::under("baremetrics_30d", "The hundred at 10.", MONTH_AT_TEN, Some("0.975")),
    Example::of("Nobody at the start.", TOO_YOUNG, None),
    Example::under("movement_sum", "Nobody at the start.", TOO_YOUNG, None),
];

const GRR_EXAMPLES: &[Example] = &[
    Example::of(STANDARD, BOARD, Some("0.95")),
    Example::of("The hundred at 10: what five pay more does not count.", MONTH_AT_TEN, Some("0.9")),
    Example::of(
        "Chargebee's published case, recomputed: 5,000 that becomes 6,000 is all kept.",
        Sample {
            start: "5000",
            movements: &[(Kind::Expansion, "1000")],
            customers: 1,
            kept: &[(
                Window::Period,
                KeptSample { start: "5000", end: "6000", least: "5000", customers: 1, kept: 1 },
            )],
            ..NOTHING
        },
        Some("1"),
    ),
    Example::of("Down by 40 and up again: nothing is lost.", DOWN_AND_UP_ROW, Some("1")),
    Example::under("movement_sum", "Down by 40 and up again: the 40 is lost.", DOWN_AND_UP_ROW, Some("0.6")),
    Example::under("movement_sum", STANDARD, BOARD, Some("0.95")),
    Example::of("Nobody at the start.", TOO_YOUNG, None),
];

const NRR_3M_EXAMPLES: &[Example] = &[
    Example::of("The hundred at 10, over three months.", QUARTER_AT_TEN, Some("0.975")),
    looking_back(
        Example::under("movement_sum", "1,000; gone 50, up 30, down 20, gone 90.", QUARTER_END, Some("0.87")),
        QUARTER_HISTORY,
    ),
    looking_back(
        Example::under(
            "movement_sum_with_reactivation",
            "The same with 50 that came back.",
            QUARTER_END,
            Some("0.92"),
        ),
        QUARTER_HISTORY,
    ),
    looking_back(
        Example::under("baremetrics_30d", "The same without what came back.", QUARTER_END, Some("0.87")),
        QUARTER_HISTORY,
    ),
    Example {
        months: 3,
        ..Example::under(
            "movement_sum",
            "One quarter is the window by itself: 90 of 1,160 gone.",
            QUARTER_END,
            Some("0.9224137931"),
        )
    },
    Example::under("movement_sum", "The months before are not known.", QUARTER_END, None),
    Example {
        months: 12,
        ..Example::under("movement_sum", "A year is longer than the window.", QUARTER_END, None)
    },
    Example::of("Nobody three months ago.", TOO_YOUNG, None),
];

const GRR_3M_EXAMPLES: &[Example] = &[
    Example::of("The hundred at 10, over three months.", QUARTER_AT_TEN, Some("0.9")),
    looking_back(
        Example::under("movement_sum", "1,000; gone 50, down 20, gone 90.", QUARTER_END, Some("0.84")),
        QUARTER_HISTORY,
    ),
    Example::of("Nobody three months ago.", TOO_YOUNG, None),
];

const NRR_12M_EXAMPLES: &[Example] = &[
    Example::of("The hundred at 10, over twelve months.", YEAR_AT_TEN, Some("0.975")),
    looking_back(
        Example::under(
            "movement_sum",
            "1,100; gone 100 in the first month, up 220 in the last.",
            YEAR_END,
            Some("1.1090909091"),
        ),
        YEAR_HISTORY,
    ),
    looking_back(
        Example::under(
            "movement_sum_with_reactivation",
            "The same with 110 that came back.",
            YEAR_END,
            Some("1.2090909091"),
        ),
        YEAR_HISTORY,
    ),
    looking_back(
        Example::under("baremetrics_30d", "The same without what came back.", YEAR_END, Some("1.1090909091")),
        YEAR_HISTORY,
    ),
    Example::of("Nobody twelve months ago.", TOO_YOUNG, None),
];

const GRR_12M_EXAMPLES: &[Example] = &[
    Example::of("The hundred at 10, over twelve months.", YEAR_AT_TEN, Some("0.9")),
    looking_back(
        Example::under("movement_sum", "1,100; gone 100 in the first month.", YEAR_END, Some("0.9090909091")),
        YEAR_HISTORY,
    ),
    Example::of("Nobody twelve months ago.", TOO_YOUNG, None),
];

#[cfg(test)]
mod tests {
    use super::super::find;
    use super::*;
    use netnew_policy::Policy;

    /// A month that is missing from the rows, or clipped, must not pass for one in which nothing moved.
    #[test]
    fn rows_with_a_gap_do_not_make_up_a_window() {
        let example = looking_back(Example::of("Three months.", QUARTER_END, None), QUARTER_HISTORY);
        let mut policy = Policy::preset("default").expect("the default is built in");
        policy.set("grr", "movement_sum").expect("a value of the knob");
        let (history, row) = example.rows();
        let grr = |history: &[crate::rollup::RollupRow]| {
            let inputs = Inputs {
                row: &row,
                history,
                complete: true,
                policy: &policy,
                cash: None,
                months: Ratio::ONE,
            };
            find("grr_3m").expect("it is in the registry").value(&inputs).map(|v| v.to_string())
        };
        assert_eq!(grr(&history).as_deref(), Some("0.84"));
        assert_eq!(grr(&history[..1]), None);
        let mut clipped = history;
        clipped[1].period.last = clipped[1].period.last.add_days(-1);
        assert_eq!(grr(&clipped), None);
    }
}
