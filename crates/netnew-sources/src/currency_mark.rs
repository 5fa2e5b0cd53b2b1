//! Currency symbols and codes beside a number, and whether they agree with the currency column.

use netnew_money::Currency;

use crate::code;
use crate::problem::{Complaint, shown};

/// Symbols in capitals, with the currencies that are written so.
const SYMBOLS: &[(&str, &[&str])] = &[
    (
        "$",
        &[
            "USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "TWD", "ARS", "CLP", "COP", "BBD", "BMD", "BND",
            "BSD", "BZD", "FJD", "GYD", "JMD", "KYD", "LRD", "NAD", "SBD", "SRD", "TTD", "UYU", "XCD",
        ],
    ),
    ("US$", &["USD"]),
    ("$US", &["USD"]),
    ("CA$", &["CAD"]),
    ("C$", &["CAD"]),
    ("CAD$", &["CAD"]),
    ("A$", &["AUD"]),
    ("AU$", &["AUD"]),
    ("NZ$", &["NZD"]),
    ("S$", &["SGD"]),
    ("HK$", &["HKD"]),
    ("NT$", &["TWD"]),
    ("MX$", &["MXN"]),
    ("R$", &["BRL"]),
    ("€", &["EUR"]),
    ("£", &["GBP"]),
    ("¥", &["JPY", "CNY"]),
    ("円", &["JPY"]),
    ("元", &["CNY"]),
    ("₹", &["INR"]),
    ("RS", &["INR", "PKR", "LKR", "NPR", "MUR"]),
    ("₩", &["KRW"]),
    ("₪", &["ILS"]),
    ("₺", &["TRY"]),
    ("₽", &["RUB"]),
    ("₴", &["UAH"]),
    ("₫", &["VND"]),
    ("₱", &["PHP"]),
    ("₦", &["NGN"]),
    ("฿", &["THB"]),
    ("KR", &["SEK", "NOK", "DKK", "ISK"]),
    ("ZŁ", &["PLN"]),
    ("KČ", &["CZK"]),
    ("FT", &["HUF"]),
    ("FR", &["CHF"]),
    ("SFR", &["CHF"]),
    ("RM", &["MYR"]),
    ("RP", &["IDR"]),
    ("R", &["ZAR"]),
];

/// Currencies that a mark can stand for; nothing when it is no mark of a currency.
fn candidates(mark: &str) -> Option<Vec<Currency>> {
    if let Ok(currency) = Currency::parse(mark) {
        return Some(vec![currency]);
    }
    let upper = mark.trim_end_matches('.').to_uppercase();
    let (_, codes) = SYMBOLS.iter().find(|(symbol, _)| *symbol == upper)?;
    Some(codes.iter().filter_map(|code| Currency::parse(code).ok()).collect())
}

/// Whether a text is the sign or code of some currency.
pub(crate) fn is_mark(text: &str) -> bool {
    candidates(text).is_some()
}

/// The currency of an amount: what the currency column says, what stands beside the number, or the book's.
///
/// A mark that several currencies share counts as the book's currency if that is one of them. Anything that
/// does not fit together is a complaint.
pub(crate) fn resolve(
    text: &str,
    marks: [&str; 2],
    stated: Option<Currency>,
    book: Currency,
) -> Result<Currency, Complaint> {
    let mut possible: Option<Vec<Currency>> = None;
    for mark in marks.into_iter().filter(|m| !m.is_empty()) {
        let these = candidates(mark).ok_or_else(|| unknown_mark(text, mark))?;
        let both = match possible {
            None => these,
            Some(before) => before.into_iter().filter(|c| these.contains(c)).collect(),
        };
        if both.is_empty() {
            return Err(conflict(text, "names two currencies"));
        }
        possible = Some(both);
    }
    let Some(possible) = possible else { return Ok(stated.unwrap_or(book)) };
    match (stated, &possible[..]) {
        (Some(stated), _) if possible.contains(&stated) => Ok(stated),
        (Some(stated), _) => {
            Err(conflict(text, &format!("is not in {stated}, which the currency column says")))
        }
        (None, [only]) => Ok(*only),
        (None, _) if possible.contains(&book) => Ok(book),
        (None, _) => Err(Complaint::new(
            code::AMBIGUOUS_CURRENCY,
            format!("{} may be {}", shown(text), names(&possible)),
            "add a currency column with ISO codes such as USD",
        )),
    }
}

fn names(possible: &[Currency]) -> String {
    let first: Vec<&str> = possible.iter().take(3).map(|c| c.as_str()).collect();
    let more = if possible.len() > first.len() { " or another currency" } else { "" };
    format!("{}{more}", first.join(", "))
}

fn unknown_mark(text: &str, mark: &str) -> Complaint {
    let is_code = mark.chars().count() == 3 && mark.chars().all(char::is_alphabetic);
    match Currency::parse(mark) {
        Err(error) if is_code => {
            Complaint::new(code::UNKNOWN_CURRENCY, format!("{}: {error}", shown(text)), error.hint())
        }
        _ => Complaint::new(
            code::BAD_NUMBER,
            format!("{} is not a number: {} is no currency", shown(text), shown(mark)),
            "write digits with a decimal point, such as 1234.50",
        ),
    }
}

fn conflict(text: &str, what: &str) -> Complaint {
    Complaint::new(
        code::CURRENCY_CONFLICT,
        format!("{} {what}", shown(text)),
        "leave the currency out of the amount, or correct the currency column",
    )
}

/// Reads a cell of a currency column: a code, or a symbol that means one currency only.
pub(crate) fn read_code(text: &str) -> Result<Currency, Complaint> {
    match Currency::parse(text) {
        Ok(currency) => Ok(currency),
        Err(error) => match candidates(text).as_deref() {
            Some([only]) => Ok(*only),
            _ => Err(Complaint::new(code::UNKNOWN_CURRENCY, error.to_string(), error.hint())),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(marks: [&str; 2], stated: Option<&str>, book: &str) -> Result<&'static str, &'static str> {
        let parse = |code: &str| Currency::parse(code).unwrap();
        resolve("x", marks, stated.map(parse), parse(book)).map(Currency::as_str).map_err(|c| c.code())
    }

    #[test]
    fn column_mark_and_book_must_agree() {
        assert_eq!(resolved(["", ""], None, "EUR"), Ok("EUR"));
        assert_eq!(resolved(["", ""], Some("USD"), "EUR"), Ok("USD"));
        assert_eq!(resolved(["€", ""], None, "USD"), Ok("EUR"));
        assert_eq!(resolved(["", "usd"], None, "EUR"), Ok("USD"));
        assert_eq!(resolved(["$", ""], Some("CAD"), "EUR"), Ok("CAD"));
        assert_eq!(resolved(["$", ""], None, "AUD"), Ok("AUD"));
        assert_eq!(resolved(["$", "CAD"], None, "USD"), Ok("CAD"));
        assert_eq!(resolved(["kr.", ""], None, "NOK"), Ok("NOK"));
        assert_eq!(resolved(["$", ""], None, "EUR"), Err(code::AMBIGUOUS_CURRENCY));
        assert_eq!(resolved(["€", ""], Some("USD"), "EUR"), Err(code::CURRENCY_CONFLICT));
        assert_eq!(resolved(["€", "USD"], None, "USD"), Err(code::CURRENCY_CONFLICT));
        assert_eq!(resolved(["", "USF"], None, "USD"), Err(code::UNKNOWN_CURRENCY));
        assert_eq!(resolved(["", "seats"], None, "USD"), Err(code::BAD_NUMBER));
    }

    #[test]
    fn a_currency_column_takes_codes_and_clear_symbols() {
        assert_eq!(read_code("eur").unwrap(), Currency::EUR);
        assert_eq!(read_code("€").unwrap(), Currency::EUR);
        assert_eq!(read_code("$").unwrap_err().code(), code::UNKNOWN_CURRENCY);
    }

    #[test]
    fn every_code_of_the_table_exists() {
        for (symbol, codes) in SYMBOLS {
            assert_eq!(candidates(symbol).unwrap().len(), codes.len(), "{symbol}");
        }
    }
}
