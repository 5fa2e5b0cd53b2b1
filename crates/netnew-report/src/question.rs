//! What a reader may ask of any report: the flags of the command line, the parameters of an address.

use crate::ReportError;
use netnew_metrics::end_of_day;
use netnew_money::{Day, Instant, Zone};

/// What is asked, as texts a person wrote; [`crate::Report::open`] reads them and says what is wrong with which.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// First day; without it the month of the first movement.
    pub from: Option<String>,
    /// Last day, inclusive; without it as-of's day.
    pub to: Option<String>,
    /// `day`, `week`, `month`, `quarter` or `year`; empty is `month`.
    pub interval: String,
    /// A preset's name, a saved policy's or a file; without it the book's.
    pub policy: Option<String>,
    /// Changed knobs, each `KNOB=VALUE`.
    pub set: Vec<String>,
    /// Currency of the figures, or `original`; without it the book's.
    pub currency: Option<String>,
    /// Convert everything at this day's rates.
    pub constant_rates: Option<String>,
    /// Time zone of the report; without it the policy's or the book's.
    pub timezone: Option<String>,
    /// Fields to group by, separated by commas.
    pub by: Option<String>,
    /// Filter of posted rows: `plan=Pro,country=DE|FR,channel!=ads`.
    pub filter: Option<String>,
    /// Only what was known then: an instant, or a date (the end of that day).
    pub known_on: Option<String>,
}

impl Question {
    /// The same question about movements in the currencies they were made in, unless it names a currency.
    pub fn in_own_currency(&self) -> Question {
        let mut own = self.clone();
        own.currency = Some(own.currency.unwrap_or_else(|| "original".into()));
        own
    }
}

/// What time it is: as somebody said, or by the clock.
#[derive(Clone, Debug)]
pub struct Now {
    /// An instant, or a date whose last microsecond is meant in the report's zone.
    pub said: Option<String>,
    /// What the clock says.
    pub clock: Instant,
}

impl Now {
    /// Now in a zone.
    ///
    /// # Errors
    /// `bad_date` when what was said is no instant and no date.
    pub fn at(&self, zone: &Zone) -> Result<Instant, ReportError> {
        match &self.said {
            None => Ok(self.clock),
            Some(text) => instant_or_end_of_day("--as-of", text, zone),
        }
    }
}

/// Reads an RFC 3339 instant, or a date as its last microsecond in the zone.
///
/// # Errors
/// `bad_date`, naming the flag.
pub fn instant_or_end_of_day(flag: &str, text: &str, zone: &Zone) -> Result<Instant, ReportError> {
    if let Ok(instant) = Instant::parse_rfc3339(text.trim()) {
        return Ok(instant);
    }
    let day = parse_day(flag, text)?;
    Ok(end_of_day(day, zone))
}

/// Reads a date; months (`2026-11`) are their first day.
///
/// # Errors
/// `bad_date`, naming the flag.
pub fn parse_day(flag: &str, text: &str) -> Result<Day, ReportError> {
    let text = text.trim();
    let padded = if text.len() == 7 { format!("{text}-01") } else { text.to_string() };
    Day::parse(&padded).map_err(|_| {
        ReportError::usage(
            "bad_date",
            format!("{flag} {text:?} is not a date"),
            "write YYYY-MM-DD, or for an instant 2026-11-23T14:05:00Z",
        )
    })
}
