//! What can be wrong with a number, a code, a date or a rate, and what to do about it.

use thiserror::Error;

use crate::{Currency, Day};

/// An input this crate could not take, or a rate it does not have.
///
/// The message says what and where; [`MoneyError::hint`] says what to do next; [`MoneyError::code`]
/// is a stable name for scripts.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum MoneyError {
    /// The text is not a decimal number in plain or exponent form.
    #[error("`{text}` is not a decimal number")]
    BadNumber {
        /// The text as given, cut to a printable length.
        text: String,
    },
    /// The number is finer than its kind can hold without loss.
    #[error("`{text}` has more than {limit} decimals")]
    TooManyDecimals {
        /// The text as given, cut to a printable length.
        text: String,
        /// How many decimals fit.
        limit: u8,
    },
    /// The number, or the result of computing with it, is outside the range of 128-bit arithmetic.
    #[error("`{text}` is too large")]
    TooLarge {
        /// The number, or a description of the computation.
        text: String,
    },
    /// The code is not one of ISO 4217.
    #[error("unknown currency `{code}`")]
    UnknownCurrency {
        /// The code as given, cut to a printable length.
        code: String,
        /// The code most likely meant.
        nearest: Option<&'static str>,
    },
    /// The text is not `YYYY-MM-DD`, or no such day exists.
    #[error("`{text}` is not a date")]
    BadDay {
        /// The text as given, cut to a printable length.
        text: String,
    },
    /// The text is not an RFC 3339 date and time with an offset.
    #[error("`{text}` is not a date and time with an offset")]
    BadInstant {
        /// The text as given, cut to a printable length.
        text: String,
    },
    /// The name is not in the IANA time zone database.
    #[error("unknown time zone `{name}`")]
    UnknownZone {
        /// The name as given, cut to a printable length.
        name: String,
        /// The name most likely meant.
        nearest: Option<String>,
    },
    /// The text is not `day`, `week`, `month`, `quarter` or `year`.
    #[error("unknown period `{text}`")]
    UnknownGrain {
        /// The text as given, cut to a printable length.
        text: String,
    },
    /// The text is not `day`, `week`, `month` or `year`.
    #[error("unknown billing interval `{text}`")]
    UnknownInterval {
        /// The text as given, cut to a printable length.
        text: String,
    },
    /// The text is not a number or a fraction of two numbers that is zero or more.
    #[error("`{text}` is not a factor")]
    BadFactor {
        /// The text as given, cut to a printable length.
        text: String,
    },
    /// A published rate that cannot be one: zero, negative, or a currency against itself.
    #[error("rate {base}/{quote} of {day} cannot be {rate}")]
    BadRate {
        /// The currency one unit of which is priced.
        base: Currency,
        /// The currency it is priced in.
        quote: Currency,
        /// Day of publication.
        day: Day,
        /// The rate as given.
        rate: String,
    },
    /// No rate was published on or shortly before the day, neither direct nor inverse nor through the
    /// book's currency.
    #[error("no rate from {from} to {to} for {day}{}", describe_newest(*.newest, *.max_age_days))]
    MissingRate {
        /// The currency to convert from.
        from: Currency,
        /// The currency to convert to.
        to: Currency,
        /// The day of the conversion.
        day: Day,
        /// The newest rate published before the day, when there is one but it is too old.
        newest: Option<Day>,
        /// How old a rate may be, in days.
        max_age_days: i32,
    },
}

fn describe_newest(newest: Option<Day>, max_age_days: i32) -> String {
    match newest {
        Some(day) => format!(": the newest is of {day}, older than {max_age_days} days"),
        None => String::new(),
    }
}

impl MoneyError {
    /// A stable snake_case name of the error.
    pub fn code(&self) -> &'static str {
        match self {
            MoneyError::BadNumber { .. } => "bad_number",
            MoneyError::TooManyDecimals { .. } => "too_many_decimals",
            MoneyError::TooLarge { .. } => "too_large",
            MoneyError::UnknownCurrency { .. } => "unknown_currency",
            MoneyError::BadDay { .. } => "bad_day",
            MoneyError::BadInstant { .. } => "bad_instant",
            MoneyError::UnknownZone { .. } => "unknown_zone",
            MoneyError::UnknownGrain { .. } => "unknown_grain",
            MoneyError::UnknownInterval { .. } => "unknown_interval",
            MoneyError::BadFactor { .. } => "bad_factor",
            MoneyError::BadRate { .. } => "bad_rate",
            MoneyError::MissingRate { .. } => "missing_rate",
        }
    }

    /// What to do about it, in one sentence without a trailing full stop.
    pub fn hint(&self) -> String {
        match self {
            MoneyError::BadNumber { .. } => {
                "write digits with an optional sign and a decimal point, such as -1234.50, without spaces or thousands separators".into()
            }
            MoneyError::TooManyDecimals { limit, .. } => format!("round the number to {limit} decimals"),
            MoneyError::TooLarge { .. } => {
                "check that the amount is in the currency's main unit and not in a smaller one".into()
            }
            MoneyError::UnknownCurrency { nearest: Some(nearest), .. } => format!("did you mean {nearest}?"),
            MoneyError::UnknownCurrency { nearest: None, .. } => {
                "use a three-letter ISO 4217 code such as USD".into()
            }
            MoneyError::BadDay { .. } => {
                "write the day as YYYY-MM-DD, such as 2026-01-31, and check that it exists".into()
            }
            MoneyError::BadInstant { .. } => {
                "write RFC 3339 with Z or an offset, such as 2026-01-31T12:00:00Z or 2026-01-31T12:00:00+01:00".into()
            }
            MoneyError::UnknownZone { nearest: Some(nearest), .. } => format!("did you mean {nearest}?"),
            MoneyError::UnknownZone { nearest: None, .. } => {
                "use an IANA name such as Europe/Paris or UTC".into()
            }
            MoneyError::UnknownGrain { .. } => "use day, week, month, quarter or year".into(),
            MoneyError::UnknownInterval { .. } => "use day, week, month or year".into(),
            MoneyError::BadFactor { .. } => {
                "write a number or a fraction that is zero or more, such as 4.33, 52/12 or 30.4375/7".into()
            }
            MoneyError::BadRate { .. } => {
                "a rate is the price of one unit of the first currency in the second, above zero".into()
            }
            MoneyError::MissingRate { from, to, day, .. } => {
                format!("import a rates file that has {from}/{to} on or shortly before {day}")
            }
        }
    }
}

/// The input as it goes into a message: cut, so that a broken file cannot flood the screen.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return text.to_string();
    }
    let mut cut: String = text.chars().take(LONGEST).collect();
    cut.push('…');
    cut
}
