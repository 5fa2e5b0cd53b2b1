//! ISO 4217 currencies and their smallest units, with the exceptions of billing providers.

use std::fmt;

use crate::error::shown;
use crate::wide::pow10;
use crate::{Amount, MoneyError};

/// A currency of ISO 4217, by its three-letter code.
///
/// Source: ISO 4217 list one (currencies and funds in use), with the additions of 2024 and 2025 (ZWG, XCG,
/// XAD), and from list three some replaced currencies that a billing history can still contain: ANG, BGN,
/// BYR, CUC, EEK, HRK, LTL, LVL, MRO, SLL, STD, VEF and ZWL. The codes for testing (XTS) and for no
/// currency (XXX) are not accepted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// Whose convention an amount in smallest units follows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Provider {
    /// The minor unit of ISO 4217.
    Iso,
    /// Stripe's API: <https://docs.stripe.com/currencies#zero-decimal> and `#special-cases`.
    Stripe,
}

#[rustfmt::skip]
const CODES: [&str; 189] = [
    "AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN", "BHD", "BIF",
    "BMD", "BND", "BOB", "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BYR", "BZD", "CAD", "CDF", "CHE", "CHF", "CHW",
    "CLF", "CLP", "CNY", "COP", "COU", "CRC", "CUC", "CUP", "CVE", "CZK", "DJF", "DKK", "DOP", "DZD", "EEK", "EGP",
    "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD", "HNL", "HRK",
    "HTG", "HUF", "IDR", "ILS", "INR", "IQD", "IRR", "ISK", "JMD", "JOD", "JPY", "KES", "KGS", "KHR", "KMF", "KPW",
    "KRW", "KWD", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "LTL", "LVL", "LYD", "MAD", "MDL", "MGA", "MKD",
    "MMK", "MNT", "MOP", "MRO", "MRU", "MUR", "MVR", "MWK", "MXN", "MXV", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK",
    "NPR", "NZD", "OMR", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "PYG", "QAR", "RON", "RSD", "RUB", "RWF", "SAR",
    "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SLL", "SOS", "SRD", "SSP", "STD", "STN", "SVC", "SYP", "SZL",
    "THB", "TJS", "TMT", "TND", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "UGX", "USD", "USN", "UYI", "UYU", "UYW",
    "UZS", "VED", "VEF", "VES", "VND", "VUV", "WST", "XAD", "XAF", "XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XCD",
    "XCG", "XDR", "XOF", "XPD", "XPF", "XPT", "XSU", "XUA", "YER", "ZAR", "ZMW", "ZWG", "ZWL",
];

/// What people write instead of a code.
const NICKNAMES: [(&str, &str); 18] = [
    ("$", "USD"),
    ("US$", "USD"),
    ("USDOLLAR", "USD"),
    ("DOLLAR", "USD"),
    ("€", "EUR"),
    ("EURO", "EUR"),
    ("EUROS", "EUR"),
    ("£", "GBP"),
    ("UKP", "GBP"),
    ("STG", "GBP"),
    ("YEN", "JPY"),
    ("RMB", "CNY"),
    ("CNH", "CNY"),
    ("NTD", "TWD"),
    ("NT$", "TWD"),
    ("₹", "INR"),
    ("R$", "BRL"),
    ("SFR", "CHF"),
];

/// Preferred as suggestions: a typo is more likely one of these than of a rare code.
const COMMON: [&str; 20] = [
    "USD", "EUR", "GBP", "JPY", "CAD", "AUD", "CHF", "CNY", "INR", "BRL", "SEK", "NOK", "DKK", "NZD", "SGD",
    "HKD", "MXN", "PLN", "ZAR", "KRW",
];

impl Currency {
    /// US dollar.
    pub const USD: Currency = Currency(*b"USD");
    /// Euro.
    pub const EUR: Currency = Currency(*b"EUR");
    /// Pound sterling.
    pub const GBP: Currency = Currency(*b"GBP");
    /// Yen.
    pub const JPY: Currency = Currency(*b"JPY");

    /// Reads a code in any case, with blanks around it.
    ///
    /// # Errors
    /// [`MoneyError::UnknownCurrency`] with the code most likely meant.
    pub fn parse(text: &str) -> Result<Currency, MoneyError> {
        let trimmed = text.trim();
        if let Ok(bytes) = <[u8; 3]>::try_from(trimmed.as_bytes()) {
            let upper = bytes.map(|b| b.to_ascii_uppercase());
            if position(upper).is_some() {
                return Ok(Currency(upper));
            }
        }
        Err(MoneyError::UnknownCurrency { code: shown(trimmed), nearest: nearest(trimmed) })
    }

    /// Every accepted currency, in the order of the codes.
    pub fn all() -> impl Iterator<Item = Currency> {
        CODES.iter().filter_map(|code| <[u8; 3]>::try_from(code.as_bytes()).ok()).map(Currency)
    }

    /// The code in capitals: `USD`.
    pub fn as_str(self) -> &'static str {
        CODES[position(self.0).expect("only codes of the table are constructed")]
    }

    /// The code in capitals as ASCII bytes.
    pub const fn bytes(self) -> [u8; 3] {
        self.0
    }

    /// How many decimals the minor unit has by ISO 4217: 2 for USD, 0 for JPY, 3 for KWD.
    /// Metals and the like, which have no minor unit, count as 0.
    pub fn exponent(self) -> u8 {
        match &self.0 {
            b"BIF" | b"BYR" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG"
            | b"RWF" | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"XAG" | b"XAU" | b"XBA" | b"XBB" | b"XBC" | b"XBD" | b"XDR" | b"XPD" | b"XPT" | b"XSU"
            | b"XUA" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }

    /// How many decimals an amount in this provider's smallest unit has.
    ///
    /// Stripe differs from ISO in MGA (no decimals) and in ISK and UGX, which have lost their decimals
    /// but are still given with two zeros. HUF and TWD have two decimals in charges.
    pub fn provider_exponent(self, provider: Provider) -> u8 {
        match (provider, &self.0) {
            (Provider::Stripe, b"MGA") => 0,
            (Provider::Stripe, b"ISK" | b"UGX") => 2,
            _ => self.exponent(),
        }
    }

    /// The amount of so many of the provider's smallest unit: 1050 is `10.5` in USD and `1050` in JPY.
    /// Every 64-bit number is in range; panics, like `+`, when a larger one is not.
    pub fn amount_from_minor(self, minor: i128, provider: Provider) -> Amount {
        self.checked_amount_from_minor(minor, provider)
            .unwrap_or_else(|| panic!("{minor} smallest units of {self} are beyond the range of an amount"))
    }

    /// Like [`Currency::amount_from_minor`], nothing when out of range.
    pub fn checked_amount_from_minor(self, minor: i128, provider: Provider) -> Option<Amount> {
        let missing = Amount::SCALE.checked_sub(self.provider_exponent(provider))?;
        minor.checked_mul(pow10(missing)?).map(Amount::from_raw)
    }

    /// The amount in the provider's smallest unit; nothing when it is not a whole number of them.
    pub fn amount_to_minor(self, amount: Amount, provider: Provider) -> Option<i128> {
        let unit = pow10(Amount::SCALE.checked_sub(self.provider_exponent(provider))?)?;
        (amount.raw() % unit == 0).then_some(amount.raw() / unit)
    }
}

fn position(code: [u8; 3]) -> Option<usize> {
    CODES.binary_search_by(|known| known.as_bytes().cmp(&code)).ok()
}

fn nearest(text: &str) -> Option<&'static str> {
    let upper = text.to_uppercase();
    if let Some((_, code)) = NICKNAMES.iter().find(|(name, _)| *name == upper) {
        return Some(code);
    }
    let letters: Vec<char> = upper.chars().take(6).collect();
    COMMON.iter().chain(&CODES).find(|code| is_one_slip(&letters, code)).copied()
}

/// Whether one letter is wrong, missing or too many, or two neighbours are swapped.
fn is_one_slip(typed: &[char], code: &str) -> bool {
    let code: Vec<char> = code.chars().collect();
    let start = typed.iter().zip(&code).take_while(|(a, b)| a == b).count();
    let (typed, code) = (&typed[start..], &code[start..]);
    match (typed, code) {
        ([a, b, rest @ ..], [c, d, tail @ ..]) if a == d && b == c && rest == tail => true,
        ([_, rest @ ..], [_, tail @ ..]) if rest == tail => true,
        ([_, rest @ ..], all) if rest == all => true,
        (all, [_, tail @ ..]) => all == tail,
        _ => false,
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::parse(code).unwrap()
    }

    #[test]
    fn the_table_is_sorted_and_every_code_reads_back() {
        assert!(CODES.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(Currency::all().count(), CODES.len());
        for (known, code) in Currency::all().zip(CODES) {
            assert_eq!(Currency::parse(code), Ok(known));
            assert_eq!(known.as_str(), code);
            assert!(known.exponent() <= 4);
        }
        for code in COMMON.iter().chain(NICKNAMES.iter().map(|(_, code)| code)) {
            assert!(Currency::parse(code).is_ok(), "{code}");
        }
    }

    #[test]
    fn reads_any_case_with_blanks() {
        assert_eq!(currency(" usd\n"), Currency::USD);
        assert_eq!(currency("Eur"), Currency::EUR);
        assert_eq!(format!("{:>5}|{:?}", Currency::GBP, Currency::JPY), "  GBP|JPY");
    }

    #[test]
    fn suggests_what_was_meant() {
        let cases = [
            ("USS", Some("USD")),
            ("UDS", Some("USD")),
            ("euro", Some("EUR")),
            ("€", Some("EUR")),
            ("US$", Some("USD")),
            ("USDT", Some("USD")),
            ("RMB", Some("CNY")),
            ("GB", Some("GBP")),
            ("XXX", None),
            ("QQQ", None),
            ("", None),
            ("a long line that is no currency", None),
        ];
        for (text, nearest) in cases {
            match Currency::parse(text) {
                Err(MoneyError::UnknownCurrency { nearest: found, .. }) if text != "XXX" => {
                    assert_eq!(found, nearest, "{text}");
                }
                Err(MoneyError::UnknownCurrency { .. }) => {}
                other => panic!("{text}: {other:?}"),
            }
        }
        let error = Currency::parse("USS").unwrap_err();
        assert_eq!((error.code(), error.hint().as_str()), ("unknown_currency", "did you mean USD?"));
    }

    #[test]
    fn smallest_units() {
        let cases = [
            ("USD", 2, 2),
            ("JPY", 0, 0),
            ("KWD", 3, 3),
            ("CLF", 4, 4),
            ("MGA", 2, 0),
            ("ISK", 0, 2),
            ("UGX", 0, 2),
            ("HUF", 2, 2),
            ("TWD", 2, 2),
            ("HRK", 2, 2),
        ];
        for (code, iso, stripe) in cases {
            assert_eq!(currency(code).exponent(), iso, "{code}");
            assert_eq!(currency(code).provider_exponent(Provider::Iso), iso, "{code}");
            assert_eq!(currency(code).provider_exponent(Provider::Stripe), stripe, "{code}");
        }
        let stripe_with = |decimals: u8| -> String {
            let codes = Currency::all().filter(|c| !c.as_str().starts_with('X') || decimals != 0);
            let codes = codes.filter(|c| c.provider_exponent(Provider::Stripe) == decimals);
            codes.map(Currency::as_str).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(stripe_with(0), "BIF BYR CLP DJF GNF JPY KMF KRW MGA PYG RWF UYI VND VUV");
        assert_eq!(stripe_with(3), "BHD IQD JOD KWD LYD OMR TND");
        for code in ["XAF", "XOF", "XPF"] {
            assert_eq!(currency(code).provider_exponent(Provider::Stripe), 0);
        }
    }

    #[test]
    fn amounts_from_and_to_smallest_units() {
        let cases = [("USD", 1050, "10.5"), ("JPY", 1050, "1050"), ("KWD", 1050, "1.05"), ("ISK", 500, "5")];
        for (code, minor, printed) in cases {
            let amount = currency(code).amount_from_minor(minor, Provider::Stripe);
            assert_eq!(amount.to_string(), printed, "{code}");
            assert_eq!(currency(code).amount_to_minor(amount, Provider::Stripe), Some(minor));
        }
        assert_eq!(currency("ISK").amount_from_minor(500, Provider::Iso), Amount::from_major(500));
        assert_eq!(
            Currency::USD.amount_from_minor(i128::from(i64::MIN), Provider::Iso).raw() % 100_000_000,
            0
        );
        assert_eq!(Currency::JPY.checked_amount_from_minor(i128::MAX, Provider::Iso), None);
        let tenth_of_a_cent = Amount::parse("0.001").unwrap();
        assert_eq!(Currency::USD.amount_to_minor(tenth_of_a_cent, Provider::Iso), None);
    }
}
