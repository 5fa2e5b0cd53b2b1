//! Published figures as data, and where a business stands among them.

use crate::figure::{Figure, FigureValue, Source};
use crate::interval::{Interval, effective, ratio_interval, wilson_thousandths};
use crate::month::Month;
use netnew_money::{Amount, Decimal, Ratio, Rounding};
use serde::Deserialize;
use serde_json::{Value, json};

/// The figures that come with netnew.
const OWN: &str = include_str!("../data/benchmarks.toml");

/// Where figures were published.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// Short name.
    pub id: String,
    /// Who and where.
    pub title: String,
    /// What is known of its sample.
    #[serde(default)]
    pub note: String,
    /// Its address, if there is one.
    #[serde(default)]
    pub url: Option<String>,
}

/// One published figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Benchmark {
    /// Name of the stage.
    pub stage: String,
    /// Name of a metric that [`METRICS`] can place.
    pub metric: String,
    /// True when it is about twelve months, false when about one.
    pub yearly: bool,
    /// MRR from which it applies.
    pub from: Amount,
    /// MRR below which it applies.
    pub to: Option<Amount>,
    /// The least that is normal.
    pub low: Option<Ratio>,
    /// The most that is normal.
    pub high: Option<Ratio>,
    /// `band`, `median`, `target` or `quoted`.
    pub says: String,
    /// True when more is better.
    pub higher_is_better: bool,
    /// Where it was published.
    pub source: Published,
}

/// The metrics that can be placed among benchmarks.
pub const METRICS: [&str; 5] =
    ["growth_rate", "gross_mrr_churn", "customer_churn", "nrr_12m", "net_mrr_churn"];

/// Why a file of benchmarks was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {what}")]
pub struct BenchmarkError {
    /// The file.
    pub file: String,
    /// What is wrong, and with which entry.
    pub what: String,
}

impl BenchmarkError {
    /// Stable code for machines.
    pub fn code(&self) -> &'static str {
        "bad_benchmarks"
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        format!(
            "each [[benchmark]] needs stage, metric ({}), over (month or year), low or high, says, better and source; \
             docs/deciding.md shows one",
            METRICS.join(", ")
        )
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    source: Vec<Published>,
    #[serde(default)]
    benchmark: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    stage: String,
    metric: String,
    over: String,
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    to: Option<String>,
    #[serde(default)]
    low: Option<String>,
    #[serde(default)]
    high: Option<String>,
    says: String,
    better: String,
    source: String,
}

/// The figures that come with netnew.
pub fn own() -> Vec<Benchmark> {
    read(OWN, "benchmarks.toml").unwrap_or_default()
}

/// Reads a file of benchmarks; sources are named in the same file or are those that come with netnew.
///
/// # Errors
/// What is wrong with which entry.
pub fn read(text: &str, file: &str) -> Result<Vec<Benchmark>, BenchmarkError> {
    let bad = |what: String| BenchmarkError { file: file.to_string(), what };
    let parsed: File = toml::from_str(text).map_err(|e| bad(e.to_string().trim().replace('\n', " ")))?;
    let mut sources = parsed.source;
    if text != OWN
        && let Ok(own) = toml::from_str::<File>(OWN)
    {
        sources.extend(own.source);
    }
    let mut out = Vec::with_capacity(parsed.benchmark.len());
    for (at, entry) in parsed.benchmark.into_iter().enumerate() {
        let name = format!("benchmark {} ({}, {})", at + 1, entry.stage, entry.metric);
        out.push(entry.build(&sources).map_err(|what| bad(format!("{name}: {what}")))?);
    }
    Ok(out)
}

impl Entry {
    fn build(self, sources: &[Published]) -> Result<Benchmark, String> {
        if !METRICS.contains(&self.metric.as_str()) {
            return Err(format!("metric {:?} cannot be placed", self.metric));
        }
        let ratio = |name: &str, text: &Option<String>| -> Result<Option<Ratio>, String> {
            let Some(text) = text else { return Ok(None) };
            let number = Decimal::parse(text).map_err(|_| format!("{name} {text:?} is not a number"))?;
            Ok(Some(number.to_ratio()))
        };
        let amount = |name: &str, text: &Option<String>| -> Result<Option<Amount>, String> {
            let Some(text) = text else { return Ok(None) };
            Amount::parse(text).map(Some).map_err(|_| format!("{name} {text:?} is not an amount"))
        };
        let (low, high) = (ratio("low", &self.low)?, ratio("high", &self.high)?);
        match (low, high) {
            (None, None) => return Err("needs low or high".into()),
            (Some(low), Some(high)) if low > high => return Err("low is above high".into()),
            _ => {}
        }
        let choice = |name: &str, text: &str, words: [&str; 2]| match words.iter().position(|w| *w == text) {
            Some(at) => Ok(at == 0),
            None => Err(format!("{name} {text:?} is neither {} nor {}", words[0], words[1])),
        };
        let Some(source) = sources.iter().find(|s| s.id == self.source) else {
            return Err(format!("no [[source]] has the id {:?}", self.source));
        };
        Ok(Benchmark {
            yearly: choice("over", &self.over, ["year", "month"])?,
            higher_is_better: choice("better", &self.better, ["higher", "lower"])?,
            from: amount("from", &self.from)?.unwrap_or(Amount::ZERO),
            to: amount("to", &self.to)?,
            stage: self.stage,
            metric: self.metric,
            low,
            high,
            says: self.says,
            source: source.clone(),
        })
    }
}

impl Benchmark {
    /// Whether it is about businesses of this MRR.
    pub fn applies(&self, mrr: Amount) -> bool {
        mrr >= self.from && self.to.is_none_or(|to| mrr < to)
    }

    fn position(&self, value: Ratio) -> &'static str {
        match (self.low, self.high) {
            (Some(low), _) if value < low => "below",
            (_, Some(high)) if value > high => "above",
            (Some(_), Some(_)) => "within",
            (Some(_), None) => "above",
            _ => "below",
        }
    }

    fn verdict(&self, value: Ratio) -> &'static str {
        match (self.higher_is_better, self.position(value)) {
            (_, "within") => "as_published",
            (true, "above") | (false, "below") => "better",
            _ => "worse",
        }
    }
}

/// Levels of customers over a window: what each paid at its start and of that at its end.
pub type Pairs = Vec<(Amount, Amount)>;

/// What is placed among the benchmarks.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Complete months, oldest first.
    pub months: Vec<Month>,
    /// What customers paid at the start of the last three months and at their end.
    pub three: Pairs,
    /// The same over the last twelve months.
    pub twelve: Pairs,
}

/// A metric's value over the window that a benchmark asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// The value.
    pub value: Ratio,
    /// The 95 % interval that the sample allows, where one is defined.
    pub interval: Option<Interval>,
    /// How many months went into it.
    pub months: usize,
    /// How many customers went into it.
    pub customers: i64,
}

impl Standing {
    /// The value of a metric, monthly as the mean of up to three complete months, yearly over the twelve months up to
    /// the last complete one. `None` where there is too little history, or nothing to divide by.
    pub fn measure(&self, metric: &str, yearly: bool) -> Option<Measured> {
        let span = if yearly { 12 } else { 3 };
        let months = &self.months[self.months.len().saturating_sub(span)..];
        if months.is_empty() || (yearly && months.len() < 12) {
            return None;
        }
        let started = |value: fn(&Month) -> Amount| -> Option<Ratio> {
            let base: Amount = months.iter().map(|m| m.start).sum();
            let sum: Amount = months.iter().map(value).sum();
            base.is_positive().then(|| Ratio::new(sum.raw(), base.raw())).flatten()
        };
        let heads: i64 = months.iter().map(|m| m.customers_start).sum();
        let count = i64::try_from(months.len()).unwrap_or(1);
        let customers = heads / count.max(1);
        let (value, interval) = match metric {
            "growth_rate" if yearly => {
                let (first, last) = (months.first()?.start, months.last()?.end);
                let value = Ratio::from_amount(last - first).checked_div(Ratio::from_amount(first))?;
                (value, None)
            }
            "growth_rate" => {
                let value = started(|m| m.end - m.start)?;
                (value, spread(months))
            }
            "gross_mrr_churn" => {
                let value = started(|m| -(m.churn + m.contraction))?;
                (value, self.weighted(value, months.len()))
            }
            "net_mrr_churn" => {
                let value = started(|m| -(m.churn + m.contraction + m.expansion))?;
                (value, None)
            }
            "customer_churn" => {
                let lost: i64 = months.iter().map(|m| m.customers_lost).sum();
                let value = Ratio::new(i128::from(lost), i128::from(heads))?;
                (value, crate::interval::wilson(lost.min(heads), heads))
            }
            "nrr_12m" => {
                let (start, end) = self.months.last()?.retained_12?;
                if self.months.len() < 12 {
                    return None;
                }
                let value = Ratio::new(end.raw(), start.raw())?;
                let here = i64::try_from(self.twelve.len()).unwrap_or(i64::MAX);
                let interval = ratio_interval(&self.twelve);
                return Some(Measured { value, interval, months: 12, customers: here });
            }
            _ => return None,
        };
        Some(Measured { value, interval, months: months.len(), customers })
    }

    /// The interval of a share of money: Wilson's, as if the customers were equal and as many as they weigh.
    fn weighted(&self, share: Ratio, months: usize) -> Option<Interval> {
        let weights: Vec<Amount> = self.three.iter().map(|(start, _)| *start).collect();
        let size = effective(&weights).checked_mul(i128::try_from(months).ok()?)?;
        let hits = share.checked_mul(Ratio::from_int(size))?.round_to(0, Rounding::HalfEven)?;
        wilson_thousandths(hits.clamp(0, size), size)
    }
}

/// Least and greatest monthly growth among the months: the range that the sample shows.
fn spread(months: &[Month]) -> Option<Interval> {
    let rates: Vec<Ratio> = months
        .iter()
        .filter(|m| m.start.is_positive())
        .filter_map(|m| Ratio::new((m.end - m.start).raw(), m.start.raw()))
        .collect();
    (rates.len() > 1).then_some(())?;
    Some(Interval { low: *rates.iter().min()?, high: *rates.iter().max()? })
}

/// A benchmark and where the business stands to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The published figure.
    pub benchmark: Benchmark,
    /// Own value; `None` with too little history.
    pub own: Option<Measured>,
    /// `below`, `within` or `above`; `None` without a value.
    pub position: Option<&'static str>,
    /// `better`, `as_published`, `worse`, or `unsure` when the interval reaches into another verdict.
    pub verdict: Option<&'static str>,
    /// The own figure with the command that opens it.
    pub figure: Option<Figure>,
}

/// Places the business among the benchmarks that apply to its MRR at the end of the last complete month.
pub fn place(standing: &Standing, benchmarks: &[Benchmark], source: &Source) -> Vec<Placed> {
    let Some(last) = standing.months.last() else { return Vec::new() };
    let mut out = Vec::new();
    for benchmark in benchmarks.iter().filter(|b| b.applies(last.end)) {
        let own = standing.measure(&benchmark.metric, benchmark.yearly);
        let figure = own.map(|m| {
            let back = standing.months.len().saturating_sub(m.months);
            let from = standing.months[back].first;
            source.metric(&benchmark.metric, FigureValue::Ratio(m.value), from, last.last).within(m.interval)
        });
        let verdict = own.map(|m| {
            let sure = m.interval.is_none_or(|i| {
                benchmark.verdict(i.low) == benchmark.verdict(m.value)
                    && benchmark.verdict(i.high) == benchmark.verdict(m.value)
            });
            if sure { benchmark.verdict(m.value) } else { "unsure" }
        });
        out.push(Placed {
            position: own.map(|m| benchmark.position(m.value)),
            benchmark: benchmark.clone(),
            own,
            verdict,
            figure,
        });
    }
    out
}

/// The most gross churn a month that is called normal at an MRR, among benchmarks; the first that applies counts.
pub fn normal_gross_churn(benchmarks: &[Benchmark], mrr: Amount) -> Option<(Ratio, Ratio)> {
    let found = benchmarks.iter().find(|b| b.metric == "gross_mrr_churn" && !b.yearly && b.applies(mrr))?;
    Some((found.low?, found.high?))
}

impl Placed {
    /// The row as JSON; ratios are strings.
    pub fn to_json(&self) -> Value {
        let ratio = |r: Option<Ratio>, decimals| json!(r.map(|r| r.to_decimal_string(decimals)));
        let b = &self.benchmark;
        let interval = self.own.and_then(|m| m.interval);
        json!({
            "metric": b.metric,
            "stage": b.stage,
            "over": if b.yearly { "year" } else { "month" },
            "says": b.says,
            "low": ratio(b.low, 10),
            "high": ratio(b.high, 10),
            "better": if b.higher_is_better { "higher" } else { "lower" },
            "value": ratio(self.own.map(|m| m.value), 10),
            "value_low": ratio(interval.map(|i| i.low), 6),
            "value_high": ratio(interval.map(|i| i.high), 6),
            "months": self.own.map(|m| m.months),
            "customers": self.own.map(|m| m.customers),
            "position": self.position,
            "verdict": self.verdict,
            "source": {"id": b.source.id, "title": b.source.title, "note": b.source.note, "url": b.source.url},
            "command": self.figure.as_ref().map(|f| f.command.clone()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netnew_money::Day;

    fn month(at: u32, start: i64, end: i64, churn: i64) -> Month {
        let first = Day::from_ymd(2026, at, 1).unwrap();
        Month {
            first,
            last: first.last_of_month(),
            start: Amount::from_major(start),
            new: Amount::from_major(end - start + churn),
            reactivation: Amount::ZERO,
            expansion: Amount::ZERO,
            contraction: Amount::ZERO,
            churn: Amount::from_major(-churn),
            transfer: Amount::ZERO,
            fx: Amount::ZERO,
            end: Amount::from_major(end),
            customers_start: start / 10,
            customers_new: 0,
            customers_back: 0,
            customers_lost: churn / 10,
            customers_end: end / 10,
            retained_12: None,
        }
    }

    #[test]
    fn own_file_is_whole() {
        let all = own();
        assert_eq!(all.len(), 13, "an entry of the embedded file was not read");
        for stage in ["early", "traction", "scale", "enterprise"] {
            assert!(all.iter().any(|b| b.stage == stage && b.metric == "growth_rate"), "{stage}");
            assert!(all.iter().any(|b| b.stage == stage && b.metric == "gross_mrr_churn"), "{stage}");
        }
        // Stages meet without a gap or an overlap: an MRR belongs to exactly one.
        for mrr in [0, 9_999, 10_000, 99_999, 100_000, 999_999, 1_000_000, 50_000_000] {
            let here = all
                .iter()
                .filter(|b| b.metric == "gross_mrr_churn" && b.applies(Amount::from_major(mrr)))
                .count();
            assert_eq!(here, 1, "{mrr}");
        }
    }

    #[test]
    fn a_small_sample_cannot_be_sure() {
        let months = vec![month(1, 1_000, 1_000, 80), month(2, 1_000, 1_000, 80), month(3, 1_000, 1_000, 80)];
        let pairs = vec![(Amount::from_major(100), Amount::from_major(100)); 10];
        let standing = Standing { months: months.clone(), three: pairs, twelve: Vec::new() };
        let source = Source { currency: "USD".into(), decimals: 2, ..Source::default() };
        let placed = place(&standing, &own(), &source);
        let churn = placed.iter().find(|p| p.benchmark.metric == "gross_mrr_churn").unwrap();
        assert_eq!(churn.own.unwrap().value, Ratio::new(8, 100).unwrap());
        assert_eq!((churn.position, churn.verdict), (Some("within"), Some("unsure")));
        // A hundred times the customers say the same for sure.
        let many = vec![(Amount::from_major(1), Amount::from_major(1)); 10_000];
        let standing = Standing { months, three: many, twelve: Vec::new() };
        let placed = place(&standing, &own(), &source);
        let churn = placed.iter().find(|p| p.benchmark.metric == "gross_mrr_churn").unwrap();
        assert_eq!(churn.verdict, Some("as_published"));
    }

    #[test]
    fn a_year_is_compared_with_a_year() {
        let mut months: Vec<Month> = (1..=12).map(|m| month(m, 200_000, 200_000, 0)).collect();
        months[11].retained_12 = Some((Amount::from_major(200_000), Amount::from_major(190_000)));
        let twelve = vec![(Amount::from_major(200), Amount::from_major(190)); 1_000];
        let standing = Standing { months, three: Vec::new(), twelve };
        let placed = place(&standing, &own(), &Source::default());
        let nrr = placed.iter().find(|p| p.benchmark.metric == "nrr_12m").unwrap();
        assert_eq!(nrr.own.unwrap().value, Ratio::new(95, 100).unwrap());
        assert_eq!(nrr.verdict, Some("worse"));
        // Eleven months are no year.
        let short = Standing { months: standing.months[1..].to_vec(), ..standing };
        assert_eq!(short.measure("nrr_12m", true), None);
    }

    #[test]
    fn says_what_is_wrong_with_a_file() {
        for (text, wanted) in [
            (
                "[[benchmark]]\nstage='x'\nmetric='mood'\nover='month'\nlow='1'\nsays='band'\nbetter='lower'\nsource='betterlaunch'",
                "mood",
            ),
            (
                "[[benchmark]]\nstage='x'\nmetric='nrr_12m'\nover='week'\nlow='1'\nsays='band'\nbetter='lower'\nsource='betterlaunch'",
                "week",
            ),
            (
                "[[benchmark]]\nstage='x'\nmetric='nrr_12m'\nover='year'\nsays='band'\nbetter='lower'\nsource='betterlaunch'",
                "low or high",
            ),
            (
                "[[benchmark]]\nstage='x'\nmetric='nrr_12m'\nover='year'\nlow='a'\nsays='band'\nbetter='lower'\nsource='betterlaunch'",
                "not a number",
            ),
            (
                "[[benchmark]]\nstage='x'\nmetric='nrr_12m'\nover='year'\nlow='1'\nsays='band'\nbetter='lower'\nsource='nobody'",
                "nobody",
            ),
            ("benchmark = 1", "benchmark"),
        ] {
            let error = read(text, "mine.toml").unwrap_err();
            assert!(error.to_string().contains(wanted), "{error}");
            assert!(error.to_string().starts_with("mine.toml"), "{error}");
        }
    }
}
