//! One record seen through the fields of its kind.

use std::borrow::Cow;

use netnew_facts::Text;
use netnew_money::{Currency, Day, Decimal, Instant, Zone};

use crate::cell::{Cell, Source};
use crate::code;
use crate::currency_mark;
use crate::date::{self, When};
use crate::evidence::Style;
use crate::fields::{Columns, Field};
use crate::number::{self, Lone};
use crate::problem::{Complaint, shown};
use crate::words;

/// What holds for all rows of a file.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// File as it was named.
    pub file: String,
    /// Columns as written.
    pub headers: Vec<String>,
    pub columns: Columns,
    /// By column.
    pub styles: Vec<Style>,
    /// The book's zone: where a date without a time lies.
    pub zone: Zone,
    /// The book's currency: of amounts that name none.
    pub currency: Currency,
}

/// The current record of a source.
#[derive(Clone, Copy)]
pub(crate) struct RowView<'a> {
    pub source: &'a dyn Source,
    pub setup: &'a Setup,
}

impl<'a> RowView<'a> {
    fn cell(&self, field: Field) -> Option<(usize, Cell<'a>)> {
        let at = self.setup.columns.at(field)?;
        match self.source.cell(at) {
            Cell::Empty => None,
            cell => Some((at, cell)),
        }
    }

    /// Text of a field; nothing when the column or the value is missing.
    pub(crate) fn text(&self, field: Field) -> Result<Option<Cow<'a, str>>, Complaint> {
        match self.cell(field) {
            None => Ok(None),
            Some((at, cell)) => text_of(&cell).map_err(|c| c.in_column(at)),
        }
    }

    /// Text of a column that is no field.
    pub(crate) fn text_at(&self, column: usize) -> Result<Option<Cow<'a, str>>, Complaint> {
        text_of(&self.source.cell(column)).map_err(|c| c.in_column(column))
    }

    pub(crate) fn needed_text(&self, field: Field) -> Result<Cow<'a, str>, Complaint> {
        self.text(field)?.ok_or_else(|| self.missing(field))
    }

    /// Reads a word with a function that complains.
    pub(crate) fn word<T>(
        &self,
        field: Field,
        read: impl FnOnce(&str) -> Result<T, Complaint>,
    ) -> Result<Option<T>, Complaint> {
        let Some((at, cell)) = self.cell(field) else { return Ok(None) };
        let text = match text_of(&cell).map_err(|c| c.in_column(at))? {
            Some(text) if !words::means_nothing(&text) => text,
            _ => return Ok(None),
        };
        read(&text).map(Some).map_err(|c| c.in_column(at))
    }

    pub(crate) fn flag(&self, field: Field) -> Result<bool, Complaint> {
        match self.cell(field) {
            None => Ok(false),
            Some((_, Cell::Bool(value))) => Ok(value),
            Some(_) => Ok(self.word(field, words::flag)?.unwrap_or(false)),
        }
    }

    fn when(&self, field: Field) -> Result<Option<(When, Style)>, Complaint> {
        let Some((at, cell)) = self.cell(field) else { return Ok(None) };
        let style = self.setup.styles[at];
        let when = match cell {
            Cell::Text(text) if words::means_nothing(text) => return Ok(None),
            Cell::Text(text) => date::read(text, style.order),
            Cell::Day(day) => Ok(When::Day(day)),
            Cell::Clock(day, micros) => Ok(When::Clock(day, micros)),
            Cell::Instant(instant) => Ok(When::Instant(instant)),
            Cell::Number(number) => match (number.scale(), i64::try_from(number.mantissa())) {
                (0, Ok(whole)) => date::read_number(whole),
                _ => date::read(&number.to_string(), None),
            },
            Cell::Broken(what) => Err(broken(what)),
            other => date::read(&other.written().unwrap_or_default(), None),
        };
        when.map(|when| Some((when, style))).map_err(|c| c.in_column(at))
    }

    /// A moment. A date without a time is the start of that day, in the book's zone or, in a column that says
    /// so, in UTC.
    pub(crate) fn instant(&self, field: Field) -> Result<Option<Instant>, Complaint> {
        Ok(self.when(field)?.map(|(when, style)| {
            if style.utc { when.instant(&Zone::utc()) } else { when.instant(&self.setup.zone) }
        }))
    }

    pub(crate) fn needed_instant(&self, field: Field) -> Result<Instant, Complaint> {
        self.instant(field)?.ok_or_else(|| self.missing(field))
    }

    pub(crate) fn needed_day(&self, field: Field) -> Result<Day, Complaint> {
        self.when(field)?.map(|(when, _)| when.day(&self.setup.zone)).ok_or_else(|| self.missing(field))
    }

    /// A number without a currency.
    pub(crate) fn number(&self, field: Field) -> Result<Option<Decimal>, Complaint> {
        self.bare_number(field, false, None)
    }

    /// A number of 0 to 100, with or without a percent sign. Thousands are out of the question.
    pub(crate) fn percent(&self, field: Field) -> Result<Option<Decimal>, Complaint> {
        self.bare_number(field, true, Some(Lone::Decimals))
    }

    /// A published rate. Those are written by programs: a lone point starts the decimals, whatever follows.
    pub(crate) fn rate(&self, field: Field) -> Result<Option<Decimal>, Complaint> {
        let lone_point = |text: &str| text.contains('.') && !text.contains(',');
        let lone = match self.cell(field) {
            Some((at, Cell::Text(text))) if lone_point(text) && self.setup.styles[at].point.is_none() => {
                Some(Lone::Decimals)
            }
            _ => None,
        };
        self.bare_number(field, false, lone)
    }

    fn bare_number(
        &self,
        field: Field,
        percent: bool,
        lone: Option<Lone>,
    ) -> Result<Option<Decimal>, Complaint> {
        let Some((at, number)) = self.written_number(field, percent, lone)? else { return Ok(None) };
        match number {
            Numeric::Typed(value, _) => Ok(Some(value)),
            Numeric::Written(written, _) if written.marks == ["", ""] => Ok(Some(written.value)),
            Numeric::Written(_, text) => Err(Complaint::new(
                code::BAD_NUMBER,
                format!("{} is not a bare number", shown(text)),
                "leave out what stands beside the digits",
            )
            .in_column(at)),
        }
    }

    /// An amount and its currency: what the currency column says, what stands beside the number, or the book's.
    pub(crate) fn money(
        &self,
        field: Field,
        stated: Option<Currency>,
    ) -> Result<Option<(Decimal, Currency)>, Complaint> {
        let Some((at, number)) = self.written_number(field, false, None)? else { return Ok(None) };
        let (value, marks, text) = match number {
            Numeric::Typed(value, "") => return Ok(Some((value, stated.unwrap_or(self.setup.currency)))),
            Numeric::Typed(value, mark) => (value, [mark, ""], Cow::Owned(format!("{mark} {value}"))),
            Numeric::Written(written, text) => (written.value, written.marks, Cow::Borrowed(text)),
        };
        let currency = currency_mark::resolve(&text, marks, stated, self.setup.currency);
        currency.map(|currency| Some((value, currency))).map_err(|c| c.in_column(at))
    }

    fn written_number(
        &self,
        field: Field,
        percent: bool,
        lone: Option<Lone>,
    ) -> Result<Option<(usize, Numeric<'a>)>, Complaint> {
        let Some((at, cell)) = self.cell(field) else { return Ok(None) };
        let lone = lone.unwrap_or(Lone::AsColumn(self.setup.styles[at].point));
        let number = match cell {
            Cell::Number(value) => Numeric::Typed(value, ""),
            Cell::Money(value, mark) => Numeric::Typed(value, mark),
            Cell::Percent(value) if percent => Numeric::Typed(value, ""),
            Cell::Text(text) if words::means_nothing(text) => return Ok(None),
            Cell::Text(text) => {
                let written = number::read(text, lone, percent).map_err(|c| c.in_column(at))?;
                Numeric::Written(written, text)
            }
            Cell::Broken(what) => return Err(broken(what).in_column(at)),
            other => {
                let text = other.written().unwrap_or_default();
                let message = format!("{} is not a number", shown(&text));
                return Err(Complaint::new(code::BAD_NUMBER, message, "write digits").in_column(at));
            }
        };
        Ok(Some((at, number)))
    }

    pub(crate) fn currency(&self, field: Field) -> Result<Option<Currency>, Complaint> {
        self.word(field, currency_mark::read_code)
    }

    pub(crate) fn needed_currency(&self, field: Field) -> Result<Currency, Complaint> {
        self.currency(field)?.ok_or_else(|| self.missing(field))
    }

    pub(crate) fn integer(&self, field: Field) -> Result<Option<i64>, Complaint> {
        let Some(number) = self.number(field)? else { return Ok(None) };
        match (number.scale(), i64::try_from(number.mantissa())) {
            (0, Ok(whole)) => Ok(Some(whole)),
            _ => Err(self.complain(
                field,
                code::BAD_INTEGER,
                format!("{number} is not a whole number"),
                "write a whole number",
            )),
        }
    }

    /// 1-based line of the record.
    pub(crate) fn line(&self) -> u64 {
        self.source.line()
    }

    pub(crate) fn missing(&self, field: Field) -> Complaint {
        self.complain(field, code::MISSING_VALUE, "the cell is empty", "fill it in, or leave the row out")
    }

    /// A complaint about the cell of a field.
    pub(crate) fn complain(
        &self,
        field: Field,
        code: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Complaint {
        let complaint = Complaint::new(code, message, hint);
        match self.setup.columns.at(field) {
            Some(at) => complaint.in_column(at),
            None => complaint,
        }
    }
}

enum Numeric<'a> {
    /// A number of a typed cell, with the currency it is shown in, if any.
    Typed(Decimal, &'a str),
    Written(number::Written<'a>, &'a str),
}

fn text_of<'a>(cell: &Cell<'a>) -> Result<Option<Cow<'a, str>>, Complaint> {
    match cell {
        Cell::Broken(what) => Err(broken(what)),
        cell => Ok(cell.written()),
    }
}

fn broken(what: &str) -> Complaint {
    Complaint::new(code::CELL_ERROR, format!("the cell holds {what}"), "correct the cell at its source")
}

/// Shares equal texts: ids and plan names repeat, mostly close together. A fixed number of slots keeps memory
/// bounded however many different texts there are.
pub(crate) struct Interner(Vec<Option<Text>>);

impl Interner {
    const SLOTS: usize = 4096;

    pub(crate) fn new() -> Interner {
        Interner(vec![None; Interner::SLOTS])
    }

    pub(crate) fn get(&mut self, text: &str) -> Text {
        let slot = netnew_facts::hash64(text.as_bytes()) as usize % Interner::SLOTS;
        match &self.0[slot] {
            Some(held) if **held == *text => held.clone(),
            _ => {
                let shared: Text = text.into();
                self.0[slot] = Some(shared.clone());
                shared
            }
        }
    }
}
