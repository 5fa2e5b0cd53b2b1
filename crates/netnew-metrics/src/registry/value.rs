//! What a customer is worth.

use super::churn::{Lost, lost_customers};
use super::movements::FULL;
use super::sample::{KeptSample, NO_HEADS, NOTHING};
use super::{
    Choice, Example, Inputs, Metric, NEEDS_NOTHING, NEEDS_RETENTION, Sample, Section, Unit, Value, Variant,
    per_head, sql,
};
use crate::rollup::{Heads, RollupRow, Window};
use netnew_ledger::Kind;
use netnew_money::{Amount, Ratio};
use num_bigint::{BigInt, Sign};

/// A fraction of whole numbers of any length, the denominator above zero. The mean of six months' rates does not
/// fit 128 bits: its denominator is the product of six head counts.
struct Fraction {
    num: BigInt,
    den: BigInt,
}

impl Fraction {
    fn new(num: impl Into<BigInt>, den: impl Into<BigInt>) -> Fraction {
        Fraction { num: num.into(), den: den.into() }
    }

    fn plus(self, other: Fraction) -> Fraction {
        Fraction { num: self.num * &other.den + other.num * &self.den, den: self.den * other.den }
    }

    /// Times a fraction above zero.
    fn times(self, ratio: Ratio) -> Fraction {
        Fraction { num: self.num * ratio.num(), den: self.den * ratio.den() }
    }

    /// Rounded half-even to a whole number.
    fn round(self) -> Option<i128> {
        let negative = self.num.sign() == Sign::Minus;
        let twice: BigInt = BigInt::from(self.num.magnitude().clone()) * 2 + &self.den;
        let divisor: BigInt = &self.den * 2;
        let (mut rounded, rest) = (&twice / &divisor, &twice % &divisor);
        if rest.sign() == Sign::NoSign && rounded.bit(0) {
            rounded -= 1;
        }
        i128::try_from(if negative { -rounded } else { rounded }).ok()
    }
}

/// MRR per customer over a churn rate per month; `None` where there are no customers or nothing is lost.
fn worth(row: &RollupRow, churn: Fraction) -> Option<Value> {
    if row.heads_end <= 0 || churn.num.sign() != Sign::Plus {
        return None;
    }
    let worth = Fraction { num: churn.den * row.end.raw(), den: churn.num * row.heads_end };
    worth.round().map(Amount::from_raw).map(Value::Money)
}

/// Customer churn of one period per month: the period's rate over its length.
fn monthly(lost: Lost, months: Ratio) -> Option<Fraction> {
    Some(Fraction::new(lost.lost, lost.base).times(months.checked_inverse().filter(|m| !m.is_negative())?))
}

fn over_own_churn(i: &Inputs) -> Option<Value> {
    worth(i.row, monthly(lost_customers(i.row, i.policy)?, i.months)?)
}

/// 1.67 % a month, a life of five years.
const FLOOR: (i32, i32) = (167, 10_000);

fn over_floored_churn(i: &Inputs) -> Option<Value> {
    let lost = lost_customers(i.row, i.policy)?;
    match lost.lost {
        0 => worth(i.row, Fraction::new(FLOOR.0, FLOOR.1)),
        _ => worth(i.row, monthly(lost, i.months)?),
    }
}

/// Months over which ChartMogul averages churn.
const MEAN_MONTHS: i128 = 6;

fn over_mean_churn(i: &Inputs) -> Option<Value> {
    let length = i.months.num();
    if length <= 0 {
        return None;
    }
    // As many periods as cover six months; a year covers them alone.
    let periods = (MEAN_MONTHS * i.months.den() + length - 1) / length;
    let whole = std::iter::once(i.row).filter(|_| i.complete).chain(i.history.iter().rev());
    let rates: Vec<Lost> = whole
        .filter(|row| row.period.whole)
        .take(usize::try_from(periods).ok()?)
        .filter_map(|row| lost_customers(row, i.policy))
        .collect();
    let count = Ratio::from_int(i128::try_from(rates.len()).ok()?);
    let sum = rates.into_iter().map(|lost| Fraction::new(lost.lost, lost.base)).reduce(Fraction::plus)?;
    worth(i.row, sum.times(count.checked_mul(i.months)?.checked_inverse()?))
}

/// 100 customers at 100 on average; 5 go and 5 come.
const FIVE_OF_A_HUNDRED: Sample = Sample {
    start: "10000",
    movements: &[(Kind::New, "500"), (Kind::Churn, "-500")],
    customers: 100,
    heads: Heads { new: 5, churned: 5, ..NO_HEADS },
    kept: &[(
        Window::Period,
        KeptSample { start: "10000", end: "9500", least: "9500", customers: 100, kept: 95 },
    )],
    ..NOTHING
};

const NO_CHURN: Sample = Sample { start: "50000", customers: 100, ..NOTHING };

/// Months in which 10, 0, 2, 0 and 3 of a hundred left.
const FIVE_MONTHS: &[Sample] =
    &[lost_of_hundred(10), lost_of_hundred(0), lost_of_hundred(2), lost_of_hundred(0), lost_of_hundred(3)];

/// Quarters in which 50 and 6 of a hundred left.
const TWO_QUARTERS: &[Sample] = &[lost_of_hundred(50), lost_of_hundred(6)];

const fn lost_of_hundred(churned: i64) -> Sample {
    Sample { customers: 100, heads: Heads { churned, new: churned, ..NO_HEADS }, ..NOTHING }
}

pub(super) const METRICS: &[Metric] = &[
    Metric {
        name: "arpa",
        unit: Unit::Currency,
        section: Section::Value,
        title: "Average revenue per account",
        definition: "MRR per customer at the end of the period.",
        formula: "mrr / customers, both at the end",
        null_when: "there are no customers at the end",
        source: "Stripe, \"Subscriptions analytics\": average revenue per user; ChartMogul help, \"ARPA\"",
        choice: None,
        variants: &[],
        examples: &[
            Example::of("11,740 over 109 customers.", FULL, Some("107.7064220183")),
            Example::of("Stripe's published case: 50,000 over 100 subscribers.", NO_CHURN, Some("500")),
            Example::of("No customers.", NOTHING, None),
        ],
        sql: Some(sql::ARPA),
        looks_back_months: 0,
        needs: NEEDS_NOTHING,
        compute: |i| per_head(i.row.end, i.row.heads_end),
    },
    Metric {
        name: "asp",
        unit: Unit::Currency,
        section: Section::Value,
        title: "Average sale price",
        definition: "What a new customer pays per month on average.",
        formula: "new MRR / new customers",
        null_when: "there were no new customers",
        source: "ChartMogul help, \"Average Sale Price\"; GrowPanel docs, \"ASP\"",
        choice: None,
        variants: &[],
        examples: &[
            Example::of("1,500 from 12.", FULL, Some("125")),
            Example::of(
                "ChartMogul's published case: 3 at 100 and 7 at 50.",
                new_customers(&[(Kind::New, "650")], 10),
                Some("65"),
            ),
            Example::of(
                "ChartMogul's second case: 10 at 1.",
                new_customers(&[(Kind::New, "10")], 10),
                Some("1"),
            ),
            Example::of(
                "GrowPanel's published case: 300 from 3.",
                new_customers(&[(Kind::New, "300")], 3),
                Some("100"),
            ),
            Example::of(
                "Bigdelta's published case: 49, 99 and 149.",
                new_customers(&[(Kind::New, "297")], 3),
                Some("99"),
            ),
            Example::of("Nobody new.", NO_CHURN, None),
        ],
        sql: Some(sql::ASP),
        looks_back_months: 0,
        needs: NEEDS_NOTHING,
        compute: |i| per_head(i.row.movement(Kind::New), i.row.heads.new),
    },
    Metric {
        name: "ltv",
        unit: Unit::Currency,
        section: Section::Value,
        title: "Lifetime value",
        definition: "What a customer pays before it leaves, were it average and customers lost at this rate for ever.",
        formula: "arpa / customer_churn per month, which is the period's rate over its length in months, by the \
                  formula of customer_churn that the policy selects; revenue, not margin",
        null_when: "there are no customers at the end, or none were lost",
        source: "Stripe, \"Subscriptions analytics\": subscriber lifetime value; Baremetrics help, \"LTV\"; David Skok, \
                 \"SaaS Metrics 2.0\"",
        choice: Some(Choice { knob: "ltv", own: "arpa_over_churn", in_force: |p| p.ltv.as_str() }),
        variants: &[
            Variant {
                value: "six_month_mean",
                definition: "Churn is the mean of the last six full months.",
                formula: "arpa / mean customer_churn per month of the last six full months. A period that is clipped or \
                          still running is not in the mean; months without customers at the start, and months \
                          before the first, are not either. By quarter these are the last two, by year the last one, \
                          by week or day as many as cover six months",
                source: "ChartMogul help, \"Customer Lifetime Value\"",
                sql: None,
                compute: over_mean_churn,
            },
            Variant {
                value: "churn_floor_1_67",
                definition: "Where nobody was lost, a churn of 1.67 % a month is assumed, which is a life of five years.",
                formula: "arpa / customer_churn per month; arpa / 0.0167 where it is 0",
                source: "Stripe support, \"Subscriber lifetime value\"",
                sql: Some(sql::LTV_FLOORED),
                compute: over_floored_churn,
            },
        ],
        examples: &[
            Example::of(
                "ChartMogul's published case: 100 per customer and 5 % a month.",
                FIVE_OF_A_HUNDRED,
                Some("2000"),
            ),
            Example {
                rules: &[("customer_churn.formula", "chartmogul")],
                ..Example::of("The same by the formula of ChartMogul.", FIVE_OF_A_HUNDRED, Some("2000"))
            },
            Example {
                rules: &[("customer_churn.formula", "stripe_30d")],
                ..Example::of(
                    "Stripe's published case: 500 per subscriber and 9 %, printed as 5,555.",
                    STRIPE_NINE_PERCENT,
                    Some("5555.5555555556"),
                )
            },
            Example {
                months: 3,
                ..Example::of("5 % a quarter is 1.67 % a month.", FIVE_OF_A_HUNDRED, Some("6000"))
            },
            Example::of("Nobody is lost.", NO_CHURN, None),
            Example {
                history: FIVE_MONTHS,
                ..Example::under(
                    "six_month_mean",
                    "10, 0, 2, 0, 3 and now 5 of a hundred are lost: 20 in six months.",
                    FIVE_OF_A_HUNDRED,
                    Some("3000"),
                )
            },
            Example {
                history: FIVE_MONTHS,
                ..Example::under(
                    "six_month_mean",
                    "Nobody this month: 15 in six months.",
                    NO_CHURN,
                    Some("20000"),
                )
            },
            Example {
                months: 3,
                history: TWO_QUARTERS,
                ..Example::under(
                    "six_month_mean",
                    "By quarter two count, the last with 6 and this with 5 lost: 11 in six months.",
                    FIVE_OF_A_HUNDRED,
                    Some("5454.5454545455"),
                )
            },
            Example::under("six_month_mean", "A first month, by itself.", FIVE_OF_A_HUNDRED, Some("2000")),
            Example::under("six_month_mean", "Nobody was ever lost.", NO_CHURN, None),
            Example::under(
                "churn_floor_1_67",
                "Stripe's rule on its case: 500 per subscriber and nobody lost, 500 / 0.0167.",
                NO_CHURN,
                Some("29940.119760479"),
            ),
            Example::under(
                "churn_floor_1_67",
                "5 % lost: the floor does nothing.",
                FIVE_OF_A_HUNDRED,
                Some("2000"),
            ),
            Example::under("churn_floor_1_67", "No customers.", NOTHING, None),
        ],
        sql: Some(sql::LTV),
        looks_back_months: 6,
        needs: NEEDS_RETENTION,
        compute: over_own_churn,
    },
];

/// 45,500 over 91 subscribers is 500 each; of 91 and 9 new ones 9 leave.
const STRIPE_NINE_PERCENT: Sample = Sample {
    start: "45500",
    movements: &[(Kind::New, "4500"), (Kind::Churn, "-4500")],
    customers: 91,
    heads: Heads { new: 9, churned: 9, ..NO_HEADS },
    ..NOTHING
};

const fn new_customers(movements: &'static [(Kind, &'static str)], new: i64) -> Sample {
    Sample { movements, heads: Heads { new, ..NO_HEADS }, ..NOTHING }
}

#[cfg(test)]
mod tests {
    use super::super::{Example, Inputs, find};
    use super::*;
    use netnew_policy::Policy;

    #[test]
    fn halves_round_to_even() {
        let rounded = |num: i64, den: i64| Fraction::new(num, den).round();
        for (num, den, wanted) in [
            (5, 2, 2),
            (7, 2, 4),
            (-5, 2, -2),
            (-7, 2, -4),
            (1, 3, 0),
            (2, 3, 1),
            (-2, 3, -1),
            (0, 7, 0),
            (9, 3, 3),
        ] {
            assert_eq!(rounded(num, den), Some(wanted), "{num}/{den}");
        }
    }

    /// Six prime head counts near a million: the mean's denominator has 120 bits, what it multiplies 60 more.
    #[test]
    fn the_mean_of_six_large_months_is_exact() {
        const fn month(customers: i64) -> Sample {
            Sample { customers, heads: Heads { churned: 1, ..NO_HEADS }, ..NOTHING }
        }
        const BEFORE: &[Sample] =
            &[month(1_000_003), month(1_000_033), month(1_000_037), month(1_000_039), month(1_000_081)];
        let sample = Sample { start: "123456789.0123456789", ..month(1_000_099) };
        let example = Example { history: BEFORE, ..Example::of("Large.", sample, None) };
        let mut policy = Policy::preset("default").expect("the default is built in");
        policy.set("ltv", "six_month_mean").expect("a value of the knob");
        let (history, row) = example.rows();
        let inputs = Inputs {
            row: &row,
            history: &history,
            complete: true,
            policy: &policy,
            cash: None,
            months: Ratio::ONE,
        };
        let ltv = find("ltv").expect("it is in the registry").value(&inputs).map(|v| v.to_string());
        assert_eq!(ltv.as_deref(), Some("123450698.9479310291"));
    }

    #[test]
    fn a_running_month_is_not_in_the_mean() {
        let example = Example { history: FIVE_MONTHS, ..Example::of("Running.", FIVE_OF_A_HUNDRED, None) };
        let mut policy = Policy::preset("default").expect("the default is built in");
        policy.set("ltv", "six_month_mean").expect("a value of the knob");
        let (mut history, row) = example.rows();
        let ltv = |history: &[RollupRow], complete: bool| {
            let inputs =
                Inputs { row: &row, history, complete, policy: &policy, cash: None, months: Ratio::ONE };
            find("ltv").expect("it is in the registry").value(&inputs).map(|v| v.to_string())
        };
        // 15 of a hundred in five months: 3 % a month.
        assert_eq!(ltv(&history, false).as_deref(), Some("3333.3333333333"));
        assert_eq!(ltv(&history, true).as_deref(), Some("3000"));
        // The first month was clipped: 10 of a hundred in five months.
        history[0].period.whole = false;
        assert_eq!(ltv(&history, true).as_deref(), Some("5000"));
    }
}
