//! Published exchange rates.

use netnew_facts::{Statement, StatementBody};

use crate::code;
use crate::fields::Field;
use crate::problem::Complaint;
use crate::row::RowView;
use crate::rows::{Decode, statement};

pub(crate) struct Rates;

impl Decode for Rates {
    fn decode(&mut self, row: RowView<'_>, out: &mut Vec<Statement>) -> Result<(), Complaint> {
        let day = row.needed_day(Field::Date)?;
        let base = row.needed_currency(Field::Base)?;
        let quote = row.needed_currency(Field::Quote)?;
        if base == quote {
            return Err(row.complain(
                Field::Quote,
                code::BAD_RATE,
                format!("{base} has no rate against itself"),
                "name two currencies: one unit of base is worth rate units of quote",
            ));
        }
        let rate = if row.flag(Field::Retract)? {
            None
        } else {
            let rate = row.rate(Field::Rate)?.ok_or_else(|| row.missing(Field::Rate))?;
            if rate.is_negative() || rate.is_zero() {
                return Err(row.complain(
                    Field::Rate,
                    code::BAD_RATE,
                    format!("the rate {rate} is not above zero"),
                    "one unit of base is worth rate units of quote",
                ));
            }
            Some(rate)
        };
        out.push(statement(row, StatementBody::Rate { day, base, quote, rate })?);
        Ok(())
    }
}
