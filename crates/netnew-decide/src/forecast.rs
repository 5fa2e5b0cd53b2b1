//! MRR ahead, with its own error shown.
//!
//! The middle is the present pace with what is agreed already ([`crate::pace`]). How the pace is taken is chosen by the
//! book itself: of a few methods ([`Method::ALL`]) the one that was off least over the next six months on its own past.
//! The range is what the same method got
//! wrong on the book's own past: from every earlier month it would have said something about the months after, and
//! those are known. Only the last [`RECENT`] months are tried from, for a business is not what it was. The errors at each distance, actual over said, give the range: from the lowest to the highest tenth
//! of them (all of them when there are fewer than ten). Where fewer than [`TESTS_NEEDED`] tries exist, the error of the
//! last distance with enough is stretched in proportion. Errors are in millionths, rounded half-even.

use crate::month::Month;
use crate::pace::{Ahead, Change, Known, Method, Pace, project};
use netnew_ledger::Kind;
use netnew_money::{Amount, Day, Ratio, Rounding, div_round};
use serde_json::{Map, Value, json};

/// Months of history before the first try.
const FIRST_TRY: usize = 3;
/// Tries from which an error is taken at its own distance.
pub const TESTS_NEEDED: usize = 3;
/// Furthest distance of a try, in months.
const FURTHEST: usize = 12;
/// Months from which the method is tried.
pub const RECENT: usize = 24;
/// Distances over which methods are compared.
const COMPARED: usize = 6;
const MILLION: i128 = 1_000_000;

/// What the method got wrong so many months ahead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorAt {
    /// Months ahead.
    pub ahead: usize,
    /// How many times it was tried.
    pub tries: usize,
    /// Mean error in millionths; above zero when it said too little.
    pub bias: i128,
    /// Mean size of the error in millionths.
    pub size: i128,
    /// The error that nine in ten were not below.
    pub low: i128,
    /// The error that nine in ten were not above.
    pub high: i128,
}

/// One past try: what would have been said, and what came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    /// The last month known then.
    pub from: Day,
    /// The month it was about.
    pub about: Day,
    /// Months ahead.
    pub ahead: usize,
    /// What would have been said.
    pub said: Amount,
    /// What came.
    pub came: Amount,
}

/// Tries a method on the earlier months.
pub fn backtest(months: &[Month], method: Method) -> Vec<Try> {
    let mut out = Vec::new();
    for now in FIRST_TRY.max(months.len().saturating_sub(RECENT))..months.len() {
        let Some(pace) = Pace::by(&months[..now], method) else { continue };
        let count = FURTHEST.min(months.len() - now);
        let said = project(months[now - 1].end, months[now].first, count, &pace, &Change::default(), &[]);
        for (at, row) in said.iter().enumerate() {
            let came = &months[now + at];
            out.push(Try {
                from: months[now - 1].first,
                about: came.first,
                ahead: at + 1,
                said: row.end,
                came: came.end,
            });
        }
    }
    out
}

/// The errors of tries by distance, without those that said nothing.
pub fn errors(tries: &[Try]) -> Vec<ErrorAt> {
    let mut out = Vec::new();
    for ahead in 1..=FURTHEST {
        let mut found: Vec<i128> = tries
            .iter()
            .filter(|t| t.ahead == ahead && t.said.is_positive())
            .filter_map(|t| {
                Ratio::new((t.came - t.said).raw(), t.said.raw())?.round_to(6, Rounding::HalfEven)
            })
            .collect();
        found.sort_unstable();
        let Some(count) = i128::try_from(found.len()).ok().filter(|n| *n > 0) else { continue };
        let tenth = found.len() / 10;
        out.push(ErrorAt {
            ahead,
            tries: found.len(),
            bias: div_round(found.iter().sum(), count, Rounding::HalfEven),
            size: div_round(found.iter().map(|e| e.abs()).sum(), count, Rounding::HalfEven),
            low: found[tenth],
            high: found[found.len() - 1 - tenth],
        });
    }
    out
}

/// The method that was off least, with its tries and errors. The usual one where nothing tells them apart.
fn best(months: &[Month]) -> (Method, Vec<Try>, Vec<ErrorAt>) {
    let tried = Method::ALL.into_iter().map(|method| {
        let tries = backtest(months, method);
        let errors = errors(&tries);
        (method, tries, errors)
    });
    let size = |errors: &[ErrorAt]| -> i128 {
        errors.iter().filter(|e| e.ahead <= COMPARED && e.tries >= TESTS_NEEDED).map(|e| e.size).sum()
    };
    // The first of equals, which `min_by_key` keeps.
    tried.min_by_key(|(_, _, errors)| size(errors)).unwrap_or((Method::ALL[0], Vec::new(), Vec::new()))
}

/// The pace that the forecast goes by; `None` without a complete month.
pub fn present_pace(months: &[Month]) -> Option<Pace> {
    Pace::by(months, best(months).0)
}

/// Low and high error at a distance, in millionths; never narrower than nearer by. `None` without enough tries.
fn range(errors: &[ErrorAt], ahead: usize) -> Option<(i128, i128)> {
    let sure: Vec<&ErrorAt> = errors.iter().filter(|e| e.tries >= TESTS_NEEDED).collect();
    let last = sure.last()?;
    let near = sure.iter().filter(|e| e.ahead <= ahead);
    let (mut low, mut high) = near.fold((0, 0), |(low, high), e| (e.low.min(low), e.high.max(high)));
    if ahead > last.ahead {
        let stretch = |error: i128| {
            let (far, near) = (i128::try_from(ahead).unwrap_or(1), i128::try_from(last.ahead).unwrap_or(1));
            div_round(error * far, near.max(1), Rounding::HalfEven)
        };
        (low, high) = (stretch(low), stretch(high));
    }
    Some((low.max(-MILLION), high))
}

/// One month of the forecast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The month, with the middle as its end.
    pub month: Ahead,
    /// Low and high end; `None` when the history is too short to know the error.
    pub range: Option<(Amount, Amount)>,
}

/// What the forecast is made from.
#[derive(Clone, Debug)]
pub struct History {
    /// Complete months, oldest first.
    pub months: Vec<Month>,
    /// What is known of the months after them, the running one first.
    pub known: Vec<Known>,
    /// First day after the last complete month.
    pub next: Day,
}

/// The forecast and its error.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// The pace; `None` without a complete month.
    pub pace: Option<Pace>,
    /// How it was taken.
    pub method: Method,
    /// Months ahead.
    pub rows: Vec<Row>,
    /// Errors of the past by distance.
    pub errors: Vec<ErrorAt>,
    /// The tries behind them.
    pub tries: Vec<Try>,
}

/// Looks so many months ahead.
pub fn forecast(history: &History, months: usize) -> Forecast {
    let (method, tries, errors) = best(&history.months);
    let pace = Pace::by(&history.months, method);
    let start = history.months.last().map(|m| m.end);
    let (Some(pace), Some(start)) = (pace, start) else {
        return Forecast { pace: None, method, rows: Vec::new(), errors, tries };
    };
    let rows = project(start, history.next, months, &pace, &Change::default(), &history.known)
        .into_iter()
        .enumerate()
        .map(|(at, month)| {
            let range = range(&errors, at + 1).map(|(low, high)| {
                let end = month.end.max(Amount::ZERO);
                (scaled(end, MILLION + low), scaled(end, MILLION + high))
            });
            Row { month, range }
        })
        .collect();
    Forecast { pace: Some(pace), method, rows, errors, tries }
}

fn scaled(amount: Amount, millionths: i128) -> Amount {
    match amount.raw().checked_mul(millionths) {
        Some(product) => Amount::from_raw(div_round(product, MILLION, Rounding::HalfEven)),
        None => amount,
    }
}

/// When MRR reaches an amount: by the low, middle and high path. The month's first day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The amount.
    pub amount: Amount,
    /// By the high path.
    pub earliest: Option<Day>,
    /// By the middle.
    pub expected: Option<Day>,
    /// By the low path.
    pub latest: Option<Day>,
}

/// When each amount is reached, within the rows.
pub fn reach(rows: &[Row], amount: Amount) -> Reached {
    let first = |of: fn(&Row) -> Option<Amount>| {
        rows.iter().find(|r| of(r).is_some_and(|end| end >= amount)).map(|r| r.month.first)
    };
    Reached {
        amount,
        earliest: first(|r| r.range.map(|(_, high)| high)),
        expected: first(|r| Some(r.month.end)),
        latest: first(|r| r.range.map(|(low, _)| low)),
    }
}

/// How long money lasts: the months until cash that loses costs minus MRR each month is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runway {
    /// First month whose MRR covers the costs, on the middle path.
    pub profitable: Option<Day>,
    /// The month in which cash runs out on the middle path; `None` when it does not within the rows.
    pub empty: Option<Day>,
    /// The least cash there is on the way.
    pub least: Amount,
}

/// Runway with costs a month and cash at hand, counting MRR as the month's income.
pub fn runway(rows: &[Row], costs: Amount, cash: Amount) -> Runway {
    let (mut left, mut least, mut empty) = (cash, cash, None);
    for row in rows {
        left += row.month.end - costs;
        least = least.min(left);
        if left.is_negative() && empty.is_none() {
            empty = Some(row.month.first);
        }
    }
    let profitable = rows.iter().find(|r| r.month.end >= costs).map(|r| r.month.first);
    Runway { profitable, empty, least }
}

/// Millionths as a ratio's text.
fn millionths(value: i128) -> String {
    Ratio::new(value, MILLION).map_or("0".into(), |r| r.to_decimal_string(6))
}

impl Row {
    /// The row as JSON.
    pub fn to_json(&self) -> Value {
        let mut out = Map::new();
        let mut put = |name: &str, value: Value| {
            out.insert(name.into(), value);
        };
        put("period", json!(self.month.first.to_string()));
        put("start", json!(self.month.start.to_string()));
        for (at, kind) in Kind::ALL.into_iter().enumerate() {
            put(kind.as_str(), json!(self.month.movements[at].to_string()));
        }
        put("fx", json!(self.month.fx.to_string()));
        put("end", json!(self.month.end.to_string()));
        put("low", json!(self.range.map(|(low, _)| low.to_string())));
        put("mid", json!(self.month.end.to_string()));
        put("high", json!(self.range.map(|(_, high)| high.to_string())));
        let agreed: Amount = self.month.agreed.iter().copied().sum();
        put("agreed", json!(agreed.to_string()));
        put("expected", json!(true));
        Value::Object(out)
    }
}

impl ErrorAt {
    /// The row as JSON; errors are ratios.
    pub fn to_json(&self) -> Value {
        json!({
            "ahead": self.ahead,
            "tries": self.tries,
            "bias": millionths(self.bias),
            "mean_error": millionths(self.size),
            "low": millionths(self.low),
            "high": millionths(self.high),
        })
    }
}

impl Pace {
    /// The pace as JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "months": self.months,
            "new": self.new.to_string(),
            "new_step": self.new_step.to_string(),
            "reactivation": self.reactivation.to_string(),
            "expansion": self.expansion.to_decimal_string(10),
            "contraction": self.contraction.to_decimal_string(10),
            "churn": self.churn.to_decimal_string(10),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pace::tests::run;

    fn history(months: Vec<Month>) -> History {
        let next = months.last().map_or(Day::MIN, |m| m.last.add_days(1));
        History { months, known: Vec::new(), next }
    }

    #[test]
    fn a_steady_business_has_no_error() {
        let months = run(1_000, &[[100, 0, 0, 0, 0]; 12]);
        let told = forecast(&history(months), 6);
        assert_eq!(told.rows[5].month.end, Amount::from_major(2_800));
        assert_eq!(told.rows[5].range, Some((Amount::from_major(2_800), Amount::from_major(2_800))));
        assert!(told.errors.iter().all(|e| e.size == 0 && e.bias == 0));
        assert_eq!(told.errors[0].tries, 9);
    }

    #[test]
    fn what_it_got_wrong_widens_the_range() {
        let mut moves = vec![[100, 0, 0, 0, 0]; 14];
        for (at, m) in moves.iter_mut().enumerate() {
            m[0] = if at % 3 == 0 { 400 } else { 20 };
        }
        let told = forecast(&history(run(1_000, &moves)), 24);
        let widths: Vec<Amount> = told.rows.iter().map(|r| r.range.unwrap()).map(|(l, h)| h - l).collect();
        assert!(widths[0].is_positive());
        assert!(widths.windows(2).all(|w| w[1] >= w[0]), "{widths:?}");
        for row in &told.rows {
            let (low, high) = row.range.unwrap();
            assert!(low <= row.month.end && row.month.end <= high);
        }
        // Every error shown comes from tries that are there.
        let one = &told.errors[0];
        let tries: Vec<&Try> = told.tries.iter().filter(|t| t.ahead == 1).collect();
        assert_eq!(one.tries, tries.len());
    }

    #[test]
    fn the_book_chooses_its_method() {
        let moves: Vec<[i64; 5]> = (0..24).map(|at| [100 + 25 * at, 0, 0, 0, 0]).collect();
        let told = forecast(&history(run(1_000, &moves)), 6);
        assert!(told.method.trend, "a straight rise is best told by a line");
        assert_eq!(told.errors[0].size, 0);
        let flat = forecast(&history(run(1_000, &[[100, 0, 0, 0, 0]; 24])), 6);
        assert_eq!(flat.method, Method::ALL[0]);
    }

    #[test]
    fn too_short_a_history_has_no_range() {
        let told = forecast(&history(run(1_000, &[[100, 0, 0, 0, 0]; 4])), 3);
        assert_eq!(told.rows.len(), 3);
        assert!(told.rows.iter().all(|r| r.range.is_none()));
        assert!(forecast(&history(Vec::new()), 3).rows.is_empty());
    }

    #[test]
    fn dates_and_runway() {
        let told = forecast(&history(run(1_000, &[[100, 0, 0, 0, 0]; 12])), 12);
        let at = reach(&told.rows, Amount::from_major(2_500));
        assert_eq!(at.expected, Some(Day::from_ymd(2026, 3, 1).unwrap()));
        assert_eq!(reach(&told.rows, Amount::from_major(1_000_000)).expected, None);
        // Costs 2,600 from a level of 2,200: losing 300, 200, 100 over three months, then even.
        let runway = runway(&told.rows, Amount::from_major(2_600), Amount::from_major(450));
        assert_eq!(runway.profitable, Some(Day::from_ymd(2026, 4, 1).unwrap()));
        assert_eq!(runway.empty, Some(Day::from_ymd(2026, 2, 1).unwrap()));
        assert_eq!(runway.least, Amount::from_major(-150));
    }
}
