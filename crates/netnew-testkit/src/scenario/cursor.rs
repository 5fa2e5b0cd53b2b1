//! The words of one line, read from left to right.

use netnew_money::{Currency, Day, Decimal, Instant, Zone};

use super::lexer::Token;
use super::{ExpectedNumber, ExpectedWhen, ScenarioError};

/// What a date stands for where a moment is needed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum DateMeans {
    /// Something happens: the first instant of the day.
    Start,
    /// Somebody looks: the last instant of the day.
    End,
}

/// The words still to be read.
pub(crate) struct Cursor<'a> {
    pub(crate) line: usize,
    tokens: &'a [Token],
    zone: Zone,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(line: usize, tokens: &'a [Token], zone: &Zone) -> Cursor<'a> {
        Cursor { line, tokens, zone: zone.clone() }
    }

    pub(crate) fn error<T>(
        &self,
        what: impl Into<String>,
        hint: impl Into<String>,
    ) -> Result<T, ScenarioError> {
        Err(ScenarioError::new(self.line, what, hint))
    }

    pub(crate) fn peek(&self) -> Option<&'a Token> {
        self.tokens.first()
    }

    pub(crate) fn next(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    /// The next word, which has to be there.
    pub(crate) fn take(&mut self, what: &str, hint: &str) -> Result<&'a Token, ScenarioError> {
        match self.next() {
            Some(token) => Ok(token),
            None => self.error(format!("the line ends where {what} should be"), hint),
        }
    }

    /// Whether the next word is this keyword, which is then read.
    pub(crate) fn eat(&mut self, keyword: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.is(keyword));
        if found {
            self.tokens = &self.tokens[1..];
        }
        found
    }

    /// Nothing may be left.
    pub(crate) fn end(&self, hint: &str) -> Result<(), ScenarioError> {
        match self.peek() {
            None => Ok(()),
            Some(token) => self.error(format!("`{}` is one word too many", token.text), hint),
        }
    }

    pub(crate) fn name(&mut self, what: &str) -> Result<String, ScenarioError> {
        Ok(self.take(what, "names with spaces go in double quotes")?.text.clone())
    }

    /// `subscription` or `subscription/item`.
    pub(crate) fn item(&mut self) -> Result<(String, String), ScenarioError> {
        let token = self.take("a subscription", "write `sub-1`, or `sub-1/seats` for one item of it")?;
        let (subscription, item) = match token.slash {
            Some(at) => (&token.text[..at], &token.text[at + 1..]),
            None => (token.text.as_str(), token.text.as_str()),
        };
        if subscription.is_empty() || item.is_empty() {
            return self.error(
                format!("`{}` lacks the subscription or the item", token.text),
                "write `sub-1`, or `sub-1/seats`; a name with a slash goes in double quotes",
            );
        }
        Ok((subscription.to_string(), item.to_string()))
    }

    pub(crate) fn decimal(&mut self, what: &str) -> Result<Decimal, ScenarioError> {
        let text = &self.take(what, "write a number such as 12.50")?.text;
        self.number(text)
    }

    pub(crate) fn number(&self, text: &str) -> Result<Decimal, ScenarioError> {
        Decimal::parse(text).or_else(|error| self.error(error.to_string(), error.hint()))
    }

    /// A number that may begin with `~`.
    pub(crate) fn expected_number(&mut self) -> Result<ExpectedNumber, ScenarioError> {
        let text = &self.take("an amount", "write +100.00, or ~83.33 for a rounded figure")?.text;
        let Some(rounded) = text.strip_prefix('~') else {
            return Ok(ExpectedNumber { value: self.number(text)?, decimals: None });
        };
        let decimals = rounded.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let decimals = u8::try_from(decimals).ok();
        Ok(ExpectedNumber { value: self.number(rounded)?, decimals })
    }

    pub(crate) fn whole(&mut self, what: &str) -> Result<i64, ScenarioError> {
        let text = &self.take(what, "write a whole number")?.text;
        text.parse().or_else(|_| self.error(format!("`{text}` is not a whole number"), "write digits only"))
    }

    pub(crate) fn currency(&mut self) -> Result<Currency, ScenarioError> {
        let text = &self.take("a currency", "write a code such as USD")?.text;
        Currency::parse(text).or_else(|error| self.error(error.to_string(), error.hint()))
    }

    /// The next word when it is a currency code in capitals.
    pub(crate) fn maybe_currency(&mut self) -> Option<Currency> {
        let text = self.peek()?.bare()?;
        let capitals = text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase());
        let currency = Currency::parse(text).ok().filter(|_| capitals)?;
        self.next();
        Some(currency)
    }

    pub(crate) fn day(&mut self) -> Result<Day, ScenarioError> {
        let text = &self.take("a date", "write YYYY-MM-DD")?.text;
        Day::parse(text).or_else(|error| self.error(error.to_string(), error.hint()))
    }

    pub(crate) fn instant(&mut self, date_means: DateMeans) -> Result<Instant, ScenarioError> {
        let text = &self.take("a date or a time", "write YYYY-MM-DD or YYYY-MM-DDTHH:MM")?.text;
        match read_when(text, &self.zone) {
            Some(ExpectedWhen::Instant(instant)) => Ok(instant),
            Some(ExpectedWhen::Day(day)) => Ok(match date_means {
                DateMeans::Start => self.zone.start_of(day),
                DateMeans::End => self.zone.start_of(day.add_days(1)).add_micros(-1),
            }),
            None => self.error(
                format!("`{text}` is neither a date nor a time"),
                "write 2019-01-31, 2019-01-31T10:00 (in the book's zone) or 2019-01-31T10:00:00Z",
            ),
        }
    }

    pub(crate) fn when(&mut self) -> Result<ExpectedWhen, ScenarioError> {
        let text = &self.take("a date or a time", "write YYYY-MM-DD or YYYY-MM-DDTHH:MM")?.text;
        match read_when(text, &self.zone) {
            Some(when) => Ok(when),
            None => self.error(
                format!("`{text}` is neither a date nor a time"),
                "a row begins with its date, such as 2019-01-31",
            ),
        }
    }
}

/// A date, a local time or an instant.
pub(crate) fn read_when(text: &str, zone: &Zone) -> Option<ExpectedWhen> {
    if let Ok(day) = Day::parse(text) {
        return Some(ExpectedWhen::Day(day));
    }
    if let Ok(instant) = Instant::parse_rfc3339(text) {
        return Some(ExpectedWhen::Instant(instant));
    }
    let (date, clock) = text.split_once('T')?;
    let day = Day::parse(date).ok()?;
    let mut parts = clock.split(':').map(|part| part.parse::<u32>().ok().filter(|_| part.len() == 2));
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().unwrap_or(Some(0))?;
    let valid = hour < 24 && minute < 60 && second < 60 && parts.next().is_none();
    valid.then(|| ExpectedWhen::Instant(zone.at(day, hour, minute, second, 0)))
}
