//! Numbers as people write them: `1,234.50`, `1.234,50`, `1 234,50`, `(49.00)`, `49-`, `€49`, `49 USD`.
//!
//! One separator followed by exactly three digits (`1,234`) may group thousands or start the decimals. Which of
//! the two is decided from the other cells of the column, or not at all: it is never guessed.

use netnew_money::{Decimal, MoneyError};

use crate::code;
use crate::problem::{Complaint, shown};

/// The character that starts the decimals of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    Dot,
    Comma,
}

/// How a lone separator before exactly three digits is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lone {
    /// By what the column's other cells have shown, if anything.
    AsColumn(Option<Point>),
    /// As the start of the decimals, because a number of thousands is impossible here.
    Decimals,
}

/// A number as it stands in a cell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Written<'a> {
    pub value: Decimal,
    /// Currency symbol or code before and after the number; empty when there is none.
    pub marks: [&'a str; 2],
    /// What the cell proves about the column: which character starts the decimals.
    pub shows: Option<Point>,
}

/// Reads a number. `percent` allows a percent sign.
pub(crate) fn read(text: &str, lone: Lone, percent: bool) -> Result<Written<'_>, Complaint> {
    if let Some(value) = plain_whole(text) {
        return Ok(Written { value, marks: ["", ""], shows: None });
    }
    let bad = || bad_number(text);
    let frame = Frame::split(text, percent).ok_or_else(bad)?;
    let digits = Digits::split(frame.number).ok_or_else(bad)?;
    let point_at = match digits.layout {
        Layout::Whole => None,
        Layout::Point(at) => Some(at),
        Layout::Lone(at, which) => match lone {
            Lone::Decimals => Some(at),
            Lone::AsColumn(Some(point)) => (point == which).then_some(at),
            Lone::AsColumn(None) => return Err(ambiguous(text, frame.number, at)),
        },
    };
    let value =
        assemble(frame.number, point_at, frame.negative).map_err(|error| out_of_range(text, &error))?;
    Ok(Written { value, marks: frame.marks, shows: digits.shows })
}

/// What a cell proves about its column, if it is a number at all.
pub(crate) fn evidence(text: &str) -> Option<Point> {
    let frame = Frame::split(text, true)?;
    Digits::split(frame.number)?.shows
}

/// Most cells are short runs of digits.
fn plain_whole(text: &str) -> Option<Decimal> {
    let bytes = text.as_bytes();
    if bytes.is_empty() || bytes.len() > 18 || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(Decimal::from_i64(bytes.iter().fold(0i64, |sum, b| sum * 10 + i64::from(b - b'0'))))
}

fn bad_number(text: &str) -> Complaint {
    Complaint::new(
        code::BAD_NUMBER,
        format!("{} is not a number", shown(text)),
        "write digits with a decimal point, such as 1234.50",
    )
}

fn out_of_range(text: &str, error: &MoneyError) -> Complaint {
    Complaint::new(code::BAD_NUMBER, format!("{}: {error}", shown(text)), error.hint())
}

fn ambiguous(text: &str, number: &str, at: usize) -> Complaint {
    let (whole, rest) = (&number[..at], &number[at + 1..]);
    Complaint::new(
        code::AMBIGUOUS_NUMBER,
        format!(
            "{} may be {whole}{rest} or {whole}.{rest}, and no other cell of the column tells",
            shown(text)
        ),
        format!("write {whole}{rest}.00 or {whole}.{rest}0"),
    )
}

/// A cell taken apart into number, sign and marks.
struct Frame<'a> {
    negative: bool,
    number: &'a str,
    marks: [&'a str; 2],
}

const MINUS: [char; 4] = ['-', '\u{2212}', '\u{2013}', '\u{fe63}'];

impl<'a> Frame<'a> {
    fn split(text: &'a str, percent: bool) -> Option<Frame<'a>> {
        let first_digit = text.find(|c: char| c.is_ascii_digit())?;
        let last_digit = text.rfind(|c: char| c.is_ascii_digit())?;
        let start = match text[..first_digit].chars().next_back() {
            // `.5` starts with its point, but the point of `Rs.5` belongs to the letters.
            Some('.' | ',') if !text[..first_digit - 1].ends_with(char::is_alphabetic) => first_digit - 1,
            _ => first_digit,
        };
        let before = Side::read(&text[..start], false)?;
        let after = Side::read(without_no_cents(&text[last_digit + 1..]), percent)?;
        let bracketed = match (before.bracket, after.bracket) {
            (true, true) => true,
            (false, false) => false,
            _ => return None,
        };
        if usize::from(before.minus) + usize::from(after.minus) + usize::from(bracketed) > 1 {
            return None;
        }
        Some(Frame {
            negative: before.minus || after.minus || bracketed,
            number: &text[start..=last_digit],
            marks: [before.mark, after.mark],
        })
    }
}

/// `49,-` and `49.-` say that there are no cents, not that the number is negative.
fn without_no_cents(after: &str) -> &str {
    let rest = after.strip_prefix([',', '.']).unwrap_or(after);
    if rest.len() == after.len() {
        return after;
    }
    rest.trim_start_matches(MINUS)
}

/// What stands on one side of the digits.
struct Side<'a> {
    minus: bool,
    bracket: bool,
    mark: &'a str,
}

impl<'a> Side<'a> {
    fn read(text: &'a str, percent: bool) -> Option<Side<'a>> {
        let (mut minus, mut plus, mut bracket) = (0, 0, 0);
        let is_other = |c: char| {
            !(c.is_whitespace()
                || MINUS.contains(&c)
                || matches!(c, '+' | '(' | ')')
                || (percent && c == '%'))
        };
        for c in text.chars() {
            match c {
                '+' => plus += 1,
                '(' | ')' => bracket += 1,
                c if MINUS.contains(&c) => minus += 1,
                _ => {}
            }
        }
        if minus + plus > 1 || bracket > 1 {
            return None;
        }
        let mark = match (text.find(is_other), text.rfind(is_other)) {
            (Some(from), Some(to)) => {
                let width = text[to..].chars().next().map_or(1, char::len_utf8);
                &text[from..to + width]
            }
            _ => "",
        };
        // A mark is one word; anything longer is prose with a number in it.
        if mark.chars().count() > 5 || mark.contains(|c: char| !is_other(c)) {
            return None;
        }
        Some(Side { minus: minus == 1, bracket: bracket == 1, mark })
    }
}

/// Where the decimals of a run of digits and separators start.
enum Layout {
    /// Nowhere.
    Whole,
    /// At this byte.
    Point(usize),
    /// At this byte, or it groups thousands.
    Lone(usize, Point),
}

struct Digits {
    layout: Layout,
    shows: Option<Point>,
}

fn is_sure_grouping(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'' | '\u{2019}' | '_')
}

impl Digits {
    fn split(number: &str) -> Option<Digits> {
        if number.contains(['e', 'E']) {
            return exponent_form(number).then_some(Digits { layout: Layout::Whole, shows: None });
        }
        if !number.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',') || is_sure_grouping(c)) {
            return None;
        }
        let count = |wanted: char| number.chars().filter(|&c| c == wanted).count();
        let (dots, commas) = (count('.'), count(','));
        let last = number.rfind(['.', ',']);
        match (dots, commas, last) {
            (_, _, None) => well_grouped(number).then_some(Digits { layout: Layout::Whole, shows: None }),
            (0, 1, Some(at)) => Digits::single(number, at, Point::Comma),
            (1, 0, Some(at)) => Digits::single(number, at, Point::Dot),
            (0, _, _) => {
                well_grouped(number).then_some(Digits { layout: Layout::Whole, shows: Some(Point::Dot) })
            }
            (_, 0, _) => {
                well_grouped(number).then_some(Digits { layout: Layout::Whole, shows: Some(Point::Comma) })
            }
            (_, _, Some(at)) => {
                let point = if number[at..].starts_with('.') { Point::Dot } else { Point::Comma };
                let once = if point == Point::Dot { dots == 1 } else { commas == 1 };
                let sound = once && well_grouped(&number[..at]) && all_digits(&number[at + 1..]);
                sound.then_some(Digits { layout: Layout::Point(at), shows: Some(point) })
            }
        }
    }

    /// One point or comma, perhaps with surely grouping characters before it.
    fn single(number: &str, at: usize, which: Point) -> Option<Digits> {
        let (whole, decimals) = (&number[..at], &number[at + 1..]);
        if !all_digits(decimals) || !(whole.is_empty() || well_grouped(whole)) {
            return None;
        }
        let may_group = decimals.len() == 3
            && all_digits(whole)
            && (1..=3).contains(&whole.len())
            && !whole.starts_with('0');
        Some(if may_group {
            Digits { layout: Layout::Lone(at, which), shows: None }
        } else {
            Digits { layout: Layout::Point(at), shows: Some(which) }
        })
    }
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Groups of three from the right (or of two after the first three, as in India), all with one separator.
fn well_grouped(text: &str) -> bool {
    let Some(separator) = text.chars().find(|c| !c.is_ascii_digit()) else { return all_digits(text) };
    let mut groups: Vec<&str> = text.split(separator).collect();
    if !groups.iter().all(|g| all_digits(g)) {
        return false;
    }
    let (first, last) = (groups.remove(0), groups.pop().unwrap_or(""));
    let middle = |length: usize| groups.iter().all(|g| g.len() == length);
    last.len() == 3 && ((first.len() <= 3 && middle(3)) || (first.len() <= 2 && middle(2)))
}

fn exponent_form(number: &str) -> bool {
    number.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'-' | b'+'))
        && Decimal::parse(number).is_ok()
}

fn assemble(number: &str, point_at: Option<usize>, negative: bool) -> Result<Decimal, MoneyError> {
    let mut plain = String::with_capacity(number.len() + 2);
    if negative {
        plain.push('-');
    }
    if number.contains(['e', 'E']) {
        plain.push_str(number);
        return Decimal::parse(&plain);
    }
    if point_at == Some(0) {
        plain.push('0');
    }
    for (at, c) in number.char_indices() {
        if c.is_ascii_digit() {
            plain.push(c);
        } else if point_at == Some(at) {
            plain.push('.');
        }
    }
    Decimal::parse(&plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, point: Option<Point>) -> Result<String, &'static str> {
        read(text, Lone::AsColumn(point), false).map(|w| w.value.to_string()).map_err(|c| c.code())
    }

    #[test]
    fn numbers_that_can_mean_only_one_thing_need_no_column() {
        for (text, expected) in [
            ("49", "49"),
            ("1,234.50", "1234.5"),
            ("1.234,50", "1234.5"),
            ("1 234,50", "1234.5"),
            ("1\u{202f}234\u{202f}567,5", "1234567.5"),
            ("1'234.50", "1234.5"),
            ("1 234,567", "1234.567"),
            ("12,34,567.00", "1234567"),
            ("1,234,567", "1234567"),
            ("1.234.567", "1234567"),
            ("0,125", "0.125"),
            ("0.125", "0.125"),
            ("1234,567", "1234.567"),
            ("49,9", "49.9"),
            (".5", "0.5"),
            ("(1,200.00)", "-1200"),
            ("49.00-", "-49"),
            ("\u{2212}49", "-49"),
            ("-$1,200.00", "-1200"),
            ("$-49", "-49"),
            ("($49)", "-49"),
            ("49,-", "49"),
            ("49.-", "49"),
            ("1e3", "1000"),
            ("1.5E-2", "0.015"),
            ("+7", "7"),
            ("9999999999999999999", "9999999999999999999"),
        ] {
            assert_eq!(value(text, None).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_lone_separator_before_three_digits_needs_the_column() {
        for text in ["1,234", "1.234", "$12,345", "(999.000)"] {
            assert_eq!(value(text, None), Err(code::AMBIGUOUS_NUMBER), "{text}");
        }
        assert_eq!(value("1,234", Some(Point::Dot)).unwrap(), "1234");
        assert_eq!(value("1,234", Some(Point::Comma)).unwrap(), "1.234");
        assert_eq!(value("1.234", Some(Point::Dot)).unwrap(), "1.234");
        assert_eq!(value("1.234", Some(Point::Comma)).unwrap(), "1234");
        let sure = read("33.333", Lone::Decimals, true).unwrap();
        assert_eq!(sure.value.to_string(), "33.333");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            "abc",
            "1.2.3",
            "1,23,45",
            "12 34",
            "49 per month",
            "--5",
            "(5",
            "-5-",
            "1,234.5,6",
            "1.234,5.6",
            "0x10",
            "1,2345,678",
            "(-5)",
            "12:30",
        ] {
            assert_eq!(value(text, None), Err(code::BAD_NUMBER), "{text}");
        }
        assert_eq!(value(&"9".repeat(60), None), Err(code::BAD_NUMBER));
    }

    #[test]
    fn marks_are_kept_apart() {
        for (text, marks) in [
            ("€49", ["€", ""]),
            ("49 USD", ["", "USD"]),
            ("US$ 49", ["US$", ""]),
            ("Rs.500", ["Rs.", ""]),
            ("kr. 49", ["kr.", ""]),
            ("$49 CAD", ["$", "CAD"]),
            ("49", ["", ""]),
            ("5%", ["", "%"]),
            ("1e", ["", "e"]),
        ] {
            assert_eq!(read(text, Lone::AsColumn(None), false).unwrap().marks, marks, "{text}");
        }
        assert_eq!(read("20 %", Lone::Decimals, true).unwrap().marks, ["", ""]);
    }

    #[test]
    fn cells_prove_what_they_prove() {
        assert_eq!(evidence("49.50"), Some(Point::Dot));
        assert_eq!(evidence("49,50"), Some(Point::Comma));
        assert_eq!(evidence("1,234,567"), Some(Point::Dot));
        assert_eq!(evidence("1.234,5"), Some(Point::Comma));
        assert_eq!(evidence("1 234,567"), Some(Point::Comma));
        assert_eq!(evidence("1,234"), None);
        assert_eq!(evidence("49"), None);
        assert_eq!(evidence("n/a"), None);
    }
}
