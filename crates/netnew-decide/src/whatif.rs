//! What if: each lever by itself, the same twelve months again, and the difference.

use crate::forecast::present_pace;
use crate::month::Month;
use crate::pace::{Ahead, Change, Known, Pace, part, project};
use netnew_money::{Amount, Day, Ratio, Rounding};
use serde_json::{Map, Value, json};

/// By how much: a share of what there is, or an amount a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A share.
    Share(Ratio),
    /// An amount a month.
    Amount(Amount),
}

/// What is assumed. [`Assumptions::default`] says what nobody said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assumptions {
    /// Churn less by.
    pub churn: By,
    /// Prices up by.
    pub price: Ratio,
    /// MRR that a price rise brings, as a share of the rise: what customers who leave or step down take is off.
    pub price_yield: Ratio,
    /// Share of MRR that goes from monthly to annual.
    pub annual: Ratio,
    /// What an annual plan costs less: two of twelve months.
    pub annual_discount: Ratio,
    /// Expansion up by so much of MRR a month.
    pub expansion: Ratio,
    /// New up by.
    pub new: By,
}

/// Where the default of the price lever comes from.
pub const PRICE_SOURCE: &str =
    "BetterLaunch, MRR guide: a 20 % rise often yields 10 to 15 % more MRR; the middle, 12.5 %, is assumed";

impl Default for Assumptions {
    fn default() -> Assumptions {
        let share = |num, den| Ratio::new(num, den).unwrap_or(Ratio::ZERO);
        Assumptions {
            churn: By::Share(share(1, 5)),
            price: share(1, 5),
            price_yield: share(5, 8),
            annual: share(1, 10),
            annual_discount: share(1, 6),
            expansion: share(1, 100),
            new: By::Share(share(1, 5)),
        }
    }
}

/// A lever and its twelve months.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// `as_is`, `churn`, `price`, `annual`, `expansion`, `new`.
    pub lever: &'static str,
    /// What is assumed, in a sentence.
    pub assumes: String,
    /// The months.
    pub rows: Vec<Ahead>,
    /// MRR a month more than as it is, after 3, 6 and 12 months.
    pub gains: [Amount; 3],
    /// All of the twelve months together.
    pub sum: Amount,
}

/// After so many months levers are compared.
pub const AFTER: [usize; 3] = [3, 6, 12];

/// As it is and each lever by itself, largest gain after twelve months first. Empty without a complete month.
pub fn whatif(months: &[Month], next: Day, known: &[Known], assume: &Assumptions) -> Vec<Scenario> {
    let (Some(pace), Some(last)) = (present_pace(months), months.last()) else { return Vec::new() };
    let start = last.end;
    let run = |pace: &Pace, change: Change| project(start, next, 12, pace, &change, known);
    let base = run(&pace, Change::default());
    let mut out = vec![Scenario {
        lever: "as_is",
        assumes: format!("The pace of the last {} months goes on.", pace.months),
        gains: [Amount::ZERO; 3],
        sum: Amount::ZERO,
        rows: base.clone(),
    }];
    let mut levers: Vec<Scenario> = levers(start, &pace, assume)
        .into_iter()
        .map(|(lever, assumes, pace, change)| {
            let rows = run(&pace, change);
            let gain = |at: usize| rows[at - 1].end - base[at - 1].end;
            let sum = rows.iter().zip(&base).map(|(mine, theirs)| mine.end - theirs.end).sum();
            Scenario { lever, assumes, gains: AFTER.map(gain), sum, rows }
        })
        .collect();
    levers.sort_by(|a, b| b.gains[2].cmp(&a.gains[2]).then_with(|| a.lever.cmp(b.lever)));
    out.extend(levers);
    out
}

type Lever = (&'static str, String, Pace, Change);

fn levers(start: Amount, pace: &Pace, assume: &Assumptions) -> Vec<Lever> {
    let percent = crate::words::percent;
    let keep = |share: Ratio| Ratio::ONE.checked_sub(share).unwrap_or(Ratio::ONE);
    let times = |a: Ratio, b: Ratio| a.checked_mul(b).unwrap_or(a);
    let nothing = Change::default();
    let churn = match assume.churn {
        By::Share(share) => (
            "churn",
            format!("{} of churn does not happen.", percent(share)),
            Pace { churn: times(pace.churn, keep(share)), ..*pace },
            nothing,
        ),
        By::Amount(amount) => (
            "churn",
            format!("{amount} less churn a month, as long as there is so much."),
            *pace,
            Change { churn_less: amount, ..nothing },
        ),
    };
    let effect = times(assume.price, assume.price_yield);
    let dearer = Ratio::ONE.checked_add(effect).unwrap_or(Ratio::ONE);
    let price = (
        "price",
        format!(
            "Prices up {}; of that {} arrives as MRR, at once and in what is new.",
            percent(assume.price),
            percent(assume.price_yield)
        ),
        Pace { new: part(pace.new, dearer), new_step: part(pace.new_step, dearer), ..*pace },
        Change { once: part(start, effect), ..nothing },
    );
    let annual = (
        "annual",
        format!(
            "{} of MRR goes to annual plans at {} less and does not churn for the year.",
            percent(assume.annual),
            percent(assume.annual_discount)
        ),
        Pace { churn: times(pace.churn, keep(assume.annual)), ..*pace },
        Change { once: -part(start, times(assume.annual, assume.annual_discount)), ..nothing },
    );
    let expansion = (
        "expansion",
        format!("Expansion of {} of MRR a month on top.", percent(assume.expansion)),
        Pace { expansion: pace.expansion.checked_add(assume.expansion).unwrap_or(pace.expansion), ..*pace },
        nothing,
    );
    let new = match assume.new {
        By::Share(share) => (
            "new",
            format!("{} more new a month, with what it takes to win it.", percent(share)),
            Pace {
                new: pace.new + part(pace.new, share),
                new_step: pace.new_step + part(pace.new_step, share),
                ..*pace
            },
            nothing,
        ),
        By::Amount(amount) => (
            "new",
            format!("{amount} more new a month, with what it takes to win it."),
            *pace,
            Change { new_more: amount, ..nothing },
        ),
    };
    vec![churn, price, annual, expansion, new]
}

/// Reads `20%` or, where amounts are taken, `200`. Shares lie from 0 to 100 %, and price rises up to 1,000 %.
///
/// # Errors
/// What is wrong with the text.
pub fn read_by(text: &str, amounts: bool) -> Result<By, String> {
    let text = text.trim();
    if let Some(number) = text.strip_suffix('%') {
        let ratio = netnew_money::Decimal::parse(number.trim())
            .map_err(|_| format!("{text:?} is not a percentage"))?
            .to_ratio()
            .checked_div(Ratio::from_int(100))
            .ok_or_else(|| format!("{text:?} is out of range"))?;
        return match ratio.is_negative() || ratio > Ratio::from_int(10) {
            true => Err(format!("{text:?} is out of range")),
            false => Ok(By::Share(ratio)),
        };
    }
    if !amounts {
        return Err(format!("{text:?} has no %: a share is meant"));
    }
    let amount =
        Amount::parse(text).map_err(|_| format!("{text:?} is neither an amount nor a percentage"))?;
    match amount.is_negative() {
        true => Err(format!("{text:?} is below zero")),
        false => Ok(By::Amount(amount)),
    }
}

impl Scenario {
    /// The scenario as JSON; rows in the shape of a waterfall.
    pub fn to_json(&self) -> Value {
        let rows: Vec<Value> = self.rows.iter().map(ahead_json).collect();
        json!({
            "lever": self.lever,
            "assumes": self.assumes,
            "after_3": self.gains[0].to_string(),
            "after_6": self.gains[1].to_string(),
            "after_12": self.gains[2].to_string(),
            "sum_12": self.sum.to_string(),
            "rows": rows,
        })
    }
}

fn ahead_json(row: &Ahead) -> Value {
    let mut out = Map::new();
    out.insert("period".into(), json!(row.first.to_string()));
    out.insert("start".into(), json!(row.start.to_string()));
    for (at, kind) in netnew_ledger::Kind::ALL.into_iter().enumerate() {
        out.insert(kind.as_str().into(), json!(row.movements[at].to_string()));
    }
    out.insert("fx".into(), json!(row.fx.to_string()));
    out.insert("end".into(), json!(row.end.to_string()));
    Value::Object(out)
}

/// Assumptions as JSON, so that an answer says what it rests on.
impl Assumptions {
    /// Each assumption as a ratio or amount.
    pub fn to_json(&self) -> Value {
        let ratio = |r: Ratio| r.to_decimal_string(10);
        let by = |by: By| match by {
            By::Share(share) => json!({"share": ratio(share)}),
            By::Amount(amount) => json!({"amount": amount.to_string()}),
        };
        json!({
            "churn": by(self.churn),
            "price": ratio(self.price),
            "price_yield": ratio(self.price_yield),
            "price_source": PRICE_SOURCE,
            "annual": ratio(self.annual),
            "annual_discount": ratio(self.annual_discount),
            "expansion": ratio(self.expansion),
            "new": by(self.new),
        })
    }
}

/// The yield of a price rise from what it brings: `12.5 %` more MRR for a `20 %` rise is a yield of five eighths.
pub fn yield_of(rise: Ratio, brings: Ratio) -> Option<Ratio> {
    brings.checked_div(rise).filter(|y| y.round_to(6, Rounding::HalfEven).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pace::tests::run;

    fn scenarios(assume: &Assumptions) -> Vec<Scenario> {
        let months = run(10_000, &[[900, 50, 200, -120, -700]; 6]);
        let next = months[5].last.add_days(1);
        whatif(&months, next, &[], assume)
    }

    fn of<'s>(all: &'s [Scenario], lever: &str) -> &'s Scenario {
        all.iter().find(|s| s.lever == lever).unwrap()
    }

    #[test]
    fn the_identity_holds_in_each() {
        let all = scenarios(&Assumptions::default());
        assert_eq!(all.len(), 6);
        for scenario in &all {
            for (at, row) in scenario.rows.iter().enumerate() {
                let moved: Amount = row.movements.iter().copied().sum();
                assert_eq!(row.start + moved + row.fx, row.end, "{} {at}", scenario.lever);
                assert!(at == 0 || row.start == scenario.rows[at - 1].end);
            }
        }
        let gains: Vec<Amount> = all[1..].iter().map(|s| s.gains[2]).collect();
        assert!(gains.windows(2).all(|w| w[0] >= w[1]), "levers are sorted by what they gain");
    }

    #[test]
    fn a_fifth_dearer_is_an_eighth_more() {
        let all = scenarios(&Assumptions::default());
        let (price, base) = (of(&all, "price"), of(&all, "as_is"));
        let more = price.rows[0].end - base.rows[0].end;
        // 12.5 % of the level at the start, and of the new of the month.
        let (start, new) = (base.rows[0].start, base.rows[0].movements[0]);
        assert_eq!(more, part(start + new, Ratio::new(1, 8).unwrap()));
    }

    #[test]
    fn an_amount_of_churn_is_the_same_amount_of_new() {
        let amount = By::Amount(Amount::from_major(200));
        let all = scenarios(&Assumptions { churn: amount, new: amount, ..Assumptions::default() });
        assert_eq!(of(&all, "churn").gains, of(&all, "new").gains);
        // The first month's 200 are whole; later ones shrink by the churn of what was kept.
        assert!(of(&all, "churn").gains[0] > Amount::from_major(500));
    }

    #[test]
    fn annual_costs_first_and_pays_later() {
        let all = scenarios(&Assumptions::default());
        let annual = of(&all, "annual");
        let base = of(&all, "as_is");
        assert!(annual.rows[0].end < base.rows[0].end);
        assert!(annual.gains[2] > annual.gains[0]);
    }

    #[test]
    fn reads_shares_and_amounts() {
        assert_eq!(read_by("20%", false), Ok(By::Share(Ratio::new(1, 5).unwrap())));
        assert_eq!(read_by("200", true), Ok(By::Amount(Amount::from_major(200))));
        for (text, amounts) in
            [("200", false), ("-5%", true), ("x%", true), ("x", true), ("-3", true), ("5000%", true)]
        {
            assert!(read_by(text, amounts).is_err(), "{text}");
        }
    }
}
