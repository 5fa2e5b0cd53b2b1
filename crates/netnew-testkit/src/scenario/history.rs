//! Reading the first part of a scenario: settings and what was written down.

use std::collections::BTreeMap;

use netnew_money::{Currency, Day, Decimal, Grain, Instant, IntervalUnit, Zone};

use super::bills;
use super::cursor::{Cursor, DateMeans, read_when};
use super::expect::ExpectReader;
use super::lexer::{Token, expand, words};
use super::{Scenario, ScenarioError, Settings};
use crate::question::{Question, Shown};
use crate::rows::{
    DEFAULT_SOURCE, PlainAttributes, PlainDiscount, PlainDuration, PlainHistory, PlainOff, PlainRate,
    PlainRow, PlainStatus,
};

const STATE_HINT: &str =
    "a state is `DATE CUSTOMER SUBSCRIPTION[/ITEM] STATUS [PLAN] [AMOUNT [CUR] [INTERVAL]] ...`";

/// What has been read so far.
pub(crate) struct Reader {
    title: Vec<String>,
    settings: Settings,
    source: String,
    policy: String,
    knobs: BTreeMap<String, String>,
    as_of: Option<Instant>,
    known_on: Option<Instant>,
    history: PlainHistory,
}

impl Reader {
    pub(crate) fn read(text: &str) -> Result<Scenario, ScenarioError> {
        let mut reader = Reader {
            title: Vec::new(),
            settings: Settings { currency: Currency::USD, zone: Zone::utc() },
            source: DEFAULT_SOURCE.to_string(),
            policy: "default".to_string(),
            knobs: BTreeMap::new(),
            as_of: None,
            known_on: None,
            history: PlainHistory::default(),
        };
        let mut expecting: Option<ExpectReader> = None;
        let mut begun = false;
        for (number, line) in (1..).zip(text.lines()) {
            if let (false, Some(comment)) = (begun, line.trim_start().strip_prefix('#')) {
                reader.title.push(comment.trim().to_string());
            }
            let lexing = |what: String| {
                ScenarioError::new(number, what, "close the quote, or write the run as {1..9}")
            };
            for line in expand(line).map_err(lexing)? {
                let tokens = words(&line).map_err(lexing)?;
                let Some(first) = tokens.first() else { continue };
                begun = true;
                let opens = first.is("expect") || first.is("under");
                if opens && expecting.is_none() {
                    expecting = Some(ExpectReader::new(reader.settings.clone(), reader.question(number)?));
                }
                match &mut expecting {
                    Some(expecting) => expecting.line(number, &line, &tokens)?,
                    None => reader.line(number, &tokens)?,
                }
            }
        }
        let expectations = match expecting {
            Some(expecting) => expecting.finish(),
            None => Vec::new(),
        };
        Ok(Scenario {
            title: reader.title.join("\n"),
            settings: reader.settings,
            history: reader.history,
            expectations,
        })
    }

    /// The question that the settings ask before any `expect` changes it.
    fn question(&self, line: usize) -> Result<Question, ScenarioError> {
        let Some(as_of) = self.as_of else {
            return Err(ScenarioError::new(
                line,
                "nothing says what day it is",
                "add a line such as `as-of 2019-04-01` before the first `expect`",
            ));
        };
        Ok(Question {
            policy: self.policy.clone(),
            knobs: self.knobs.clone(),
            as_of,
            known_on: self.known_on,
            zone: self.settings.zone.clone(),
            from: None,
            to: None,
            interval: Grain::Month,
            by: Vec::new(),
            filter: String::new(),
            shown: Shown::Default,
            constant_rates: None,
        })
    }

    fn line(&mut self, number: usize, tokens: &[Token]) -> Result<(), ScenarioError> {
        let zone = self.settings.zone.clone();
        let mut cursor = Cursor::new(number, tokens, &zone);
        let first = cursor.take("a word", STATE_HINT)?;
        match first.bare().unwrap_or_default() {
            "book" => self.book(&mut cursor),
            "policy" => {
                self.policy = cursor.name("the policy's name")?;
                cursor.end("write `policy NAME`")
            }
            "set" => {
                let knob = cursor.name("a knob")?;
                let value = cursor.name("the knob's value")?;
                self.knobs.insert(knob, value);
                cursor.end("write `set KNOB VALUE`; a value with spaces goes in double quotes")
            }
            "as-of" => {
                self.as_of = Some(cursor.instant(DateMeans::End)?);
                cursor.end("write `as-of DATE`")
            }
            "known-on" => {
                self.known_on = Some(cursor.instant(DateMeans::End)?);
                cursor.end("write `known-on DATE`")
            }
            "source" => {
                self.source = cursor.name("the source's name")?;
                cursor.end("write `source NAME`")
            }
            "rate" => self.rate(&mut cursor),
            "customer" => self.attributes(&mut cursor, None),
            _ => self.dated(number, tokens, first),
        }
    }

    fn book(&mut self, cursor: &mut Cursor<'_>) -> Result<(), ScenarioError> {
        let written =
            !self.history.rows.is_empty() || !self.history.attributes.is_empty() || self.as_of.is_some();
        if written {
            return cursor.error("the book is described too late", "put the `book` line first");
        }
        while let Some(word) = cursor.next() {
            match word.bare() {
                Some("currency") => self.settings.currency = cursor.currency()?,
                Some("timezone") => {
                    let name = cursor.name("a time zone")?;
                    self.settings.zone =
                        Zone::parse(&name).or_else(|error| cursor.error(error.to_string(), error.hint()))?;
                }
                _ => {
                    return cursor.error(
                        format!("`{}` says nothing about a book", word.text),
                        "write `book currency USD timezone UTC`",
                    );
                }
            }
        }
        Ok(())
    }

    fn rate(&mut self, cursor: &mut Cursor<'_>) -> Result<(), ScenarioError> {
        let (day, base, quote) = (cursor.day()?, cursor.currency()?, cursor.currency()?);
        let rate = if cursor.eat("retracted") { None } else { Some(cursor.decimal("the rate")?) };
        let recorded_at = if cursor.eat("recorded") { Some(cursor.instant(DateMeans::Start)?) } else { None };
        cursor.end("write `rate DATE BASE QUOTE RATE [recorded DATE]`")?;
        self.history.rates.push(PlainRate { day, base, quote, rate, recorded_at });
        Ok(())
    }

    fn attributes(
        &mut self,
        cursor: &mut Cursor<'_>,
        effective_at: Option<Instant>,
    ) -> Result<(), ScenarioError> {
        const HINT: &str = "write `[DATE] customer NAME country=DE ... [recorded DATE] [from SOURCE]`";
        let customer = cursor.name("the customer")?;
        let mut row = PlainAttributes {
            source: self.source.clone(),
            customer,
            effective_at,
            recorded_at: None,
            values: Some(BTreeMap::new()),
        };
        while let Some(word) = cursor.next() {
            if let Some(at) = word.equals {
                let value = Some(word.text[at + 1..].to_string()).filter(|value| !value.is_empty());
                let Some(values) = &mut row.values else {
                    return cursor.error("a withdrawn row has no values", HINT);
                };
                values.insert(word.text[..at].to_string(), value);
                continue;
            }
            match word.bare() {
                Some("recorded") => row.recorded_at = Some(cursor.instant(DateMeans::Start)?),
                Some("from") => row.source = cursor.name("a source")?,
                Some("retracted") => row.values = None,
                _ => return cursor.error(format!("`{}` is no attribute", word.text), HINT),
            }
        }
        self.history.attributes.push(row);
        Ok(())
    }

    fn dated(&mut self, number: usize, tokens: &[Token], first: &Token) -> Result<(), ScenarioError> {
        let zone = self.settings.zone.clone();
        let mut cursor = Cursor::new(number, tokens, &zone);
        if first.bare().is_none_or(|word| read_when(word, &zone).is_none()) {
            return cursor.error(
                format!("`{}` begins no line of a history", first.text),
                "lines begin with a date, or with book, policy, set, as-of, known-on, source, rate, customer, expect or under",
            );
        }
        let effective_at = cursor.instant(DateMeans::Start)?;
        if cursor.eat("customer") {
            return self.attributes(&mut cursor, Some(effective_at));
        }
        let customer = cursor.name("the customer")?;
        if cursor.peek().is_some_and(bills::begins) {
            let whose = (&*self.source, customer, effective_at);
            self.history.entries.push(bills::read(&mut cursor, whose, self.settings.currency)?);
            return Ok(());
        }
        let (subscription, item) = cursor.item()?;
        let mut row =
            PlainRow::monthly(&customer, &subscription, effective_at, Decimal::ZERO, self.settings.currency);
        row.item = item;
        row.source = self.source.clone();
        if cursor.eat("retracted") {
            row.retracted = true;
        } else {
            status_and_price(&mut cursor, &mut row)?;
        }
        while let Some(word) = cursor.next() {
            particular(&mut cursor, word, &mut row)?;
        }
        self.history.rows.push(row);
        Ok(())
    }
}

fn status_and_price(cursor: &mut Cursor<'_>, row: &mut PlainRow) -> Result<(), ScenarioError> {
    let status = cursor.take("a status", STATE_HINT)?;
    let words = PlainStatus::ALL.map(PlainStatus::as_str).join(", ");
    row.status = match status.bare().and_then(PlainStatus::parse) {
        Some(status) => status,
        None => {
            return cursor.error(format!("unknown status `{}`", status.text), format!("use one of {words}"));
        }
    };
    let begins_plan = |token: &Token| match token.bare() {
        Some(word) => Decimal::parse(word).is_err() && !is_particular(word),
        None => true,
    };
    if cursor.peek().is_some_and(begins_plan) {
        row.plan = cursor.next().and_then(Token::name);
    }
    let amount = cursor.peek().and_then(Token::bare).and_then(|word| Decimal::parse(word).ok());
    match amount {
        Some(amount) => {
            cursor.next();
            row.amount = amount;
            if let Some(currency) = cursor.maybe_currency() {
                row.currency = currency;
            }
            interval(cursor, row)
        }
        None if row.status == PlainStatus::Canceled => Ok(()),
        None => cursor.error(
            format!("{} without a price", row.status.as_str()),
            "give the price of one unit for one interval, such as `100 USD monthly`; only canceled needs none",
        ),
    }
}

/// Whether a bare word belongs behind the price.
fn is_particular(word: &str) -> bool {
    const WORDS: [&str; 10] = [
        "metered",
        "trial",
        "cancels",
        "asked",
        "voluntary",
        "involuntary",
        "seq",
        "recorded",
        "from",
        "reconstructed",
    ];
    let quantity = word.strip_prefix('x').is_some_and(|rest| Decimal::parse(rest).is_ok());
    let discount = word
        .strip_prefix('-')
        .is_some_and(|rest| rest.strip_suffix('%').is_some_and(|percent| Decimal::parse(percent).is_ok()));
    quantity || discount || WORDS.contains(&word)
}

fn interval(cursor: &mut Cursor<'_>, row: &mut PlainRow) -> Result<(), ScenarioError> {
    const HINT: &str = "write daily, weekly, monthly, quarterly, yearly or `every 3 months`";
    let (unit, count) = match cursor.peek().and_then(Token::bare) {
        Some("daily") => (IntervalUnit::Day, 1),
        Some("weekly") => (IntervalUnit::Week, 1),
        Some("monthly") => (IntervalUnit::Month, 1),
        Some("quarterly") => (IntervalUnit::Month, 3),
        Some("yearly") => (IntervalUnit::Year, 1),
        Some("every") => {
            cursor.next();
            let count = u32::try_from(cursor.whole("how many")?).ok().filter(|&count| count > 0);
            let Some(count) = count else { return cursor.error("an interval has no length", HINT) };
            let unit = &cursor.take("the unit", HINT)?.text;
            match IntervalUnit::parse(unit.strip_suffix('s').unwrap_or(unit)) {
                Ok(unit) => (row.interval, row.interval_count) = (unit, count),
                Err(error) => return cursor.error(error.to_string(), HINT),
            }
            return Ok(());
        }
        _ => return Ok(()),
    };
    cursor.next();
    (row.interval, row.interval_count) = (unit, count);
    Ok(())
}

/// One of the words behind the price.
fn particular(cursor: &mut Cursor<'_>, word: &Token, row: &mut PlainRow) -> Result<(), ScenarioError> {
    const HINT: &str = "behind the price stand xN, metered, -20% [once|forever] [until DATE] [on subscription], \
                        `trial until DATE`, `cancels DATE`, `asked DATE`, voluntary, involuntary, `seq N`, \
                        `recorded DATE`, `from SOURCE`, reconstructed";
    let bare = word.bare().unwrap_or_default();
    match bare {
        "metered" => row.metered = true,
        "voluntary" => row.voluntary = Some(true),
        "involuntary" => row.voluntary = Some(false),
        "reconstructed" => row.reconstructed = true,
        "trial" => {
            if !cursor.eat("until") {
                return cursor.error("a trial without its end", "write `trial until DATE`");
            }
            row.trial_end = Some(cursor.instant(DateMeans::Start)?);
        }
        "cancels" => row.cancel_at = Some(cursor.instant(DateMeans::Start)?),
        "asked" => row.cancel_requested_at = Some(cursor.instant(DateMeans::Start)?),
        "seq" => row.seq = cursor.whole("the sequence number")?,
        "recorded" => row.recorded_at = Some(cursor.instant(DateMeans::Start)?),
        "from" => row.source = cursor.name("a source")?,
        _ => {
            if let Some(quantity) = bare.strip_prefix('x') {
                row.quantity_micros = quantity_micros(cursor, quantity)?;
            } else if let Some(off) = bare.strip_prefix('-') {
                let discount = discount(cursor, off)?;
                row.discounts.push(discount);
            } else {
                return cursor.error(format!("`{}` says nothing about an item", word.text), HINT);
            }
        }
    }
    Ok(())
}

fn quantity_micros(cursor: &Cursor<'_>, text: &str) -> Result<i64, ScenarioError> {
    let quantity = cursor.number(text)?;
    let micros = 6u8
        .checked_sub(quantity.scale())
        .and_then(|missing| quantity.mantissa().checked_mul(10i128.pow(u32::from(missing))))
        .and_then(|micros| i64::try_from(micros).ok())
        .filter(|micros| *micros >= 0);
    match micros {
        Some(micros) => Ok(micros),
        None => cursor
            .error(format!("`x{text}` is no quantity"), "a quantity is 0 or more, with up to 6 decimals"),
    }
}

fn discount(cursor: &mut Cursor<'_>, off: &str) -> Result<PlainDiscount, ScenarioError> {
    let off = match off.strip_suffix('%') {
        Some(percent) => PlainOff::Percent(cursor.number(percent)?),
        None => PlainOff::Amount(cursor.number(off)?),
    };
    let stated = [PlainDuration::Once, PlainDuration::Forever, PlainDuration::Repeating]
        .into_iter()
        .find(|duration| cursor.eat(duration.as_str()));
    let until = if cursor.eat("until") { Some(cursor.instant(DateMeans::Start)?) } else { None };
    let duration = stated.unwrap_or(match until {
        Some(_) => PlainDuration::Repeating,
        None => PlainDuration::Forever,
    });
    if duration == PlainDuration::Repeating && until.is_none() {
        return cursor.error("a repeating discount without its end", "write `-20% until DATE`");
    }
    let on_subscription = cursor.eat("on");
    if on_subscription && !cursor.eat("subscription") {
        return cursor.error("on what?", "a discount is on the item unless it says `on subscription`");
    }
    Ok(PlainDiscount { off, duration, until, on_subscription })
}

/// The first day of the period a word names: `2019-01`, `2019-Q1`, `2019` or a date.
pub(crate) fn read_period(text: &str, interval: Grain) -> Option<Day> {
    if let Ok(day) = Day::parse(text) {
        return Some(day);
    }
    match interval {
        Grain::Month => Day::parse(&format!("{text}-01")).ok(),
        Grain::Year => Day::parse(&format!("{text}-01-01")).ok(),
        Grain::Quarter => {
            let (year, quarter) = text.split_once("-Q")?;
            let month = quarter.parse::<u32>().ok().filter(|q| (1..=4).contains(q))? * 3 - 2;
            Day::from_ymd(year.parse().ok()?, month, 1)
        }
        Grain::Day | Grain::Week => None,
    }
}
