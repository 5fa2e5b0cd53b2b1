//! A made-up subscription business with known answers.
//!
//! [`Demo`] lives the lives of its customers, each by itself and the same ever again for a seed: they sign up,
//! try, pay, grow, fail to pay, pause, leave and come back, on several plans, by the month, the quarter and the
//! year, in two currencies. It writes the files that such a business could bring (item states, customers,
//! exchange rates, in the columns of `docs/importing.md`), customer by customer, so that a million of them need
//! no more memory than one.
//!
//! While it makes things happen it knows what they come to, by the rules of `docs/ledger.md` under the default
//! policy, and adds that up: [`Answers`]. The rows are never read for that. So a ledger that is made from the
//! files can be held against the answers, to the last digit.
//!
//! Everything is an argument: there is no clock, and no other source of chance than the seed.

mod answers;
mod calendar;
mod catalogue;
mod csv;
mod life;
mod profile;
mod random;
mod rates;
mod witness;
mod words;

use std::io::{self, Write};

use netnew_money::Day;

pub use answers::{Answers, Heads, MonthAnswer, Waterfall};

use calendar::Calendar;
use csv::{CUSTOMERS_HEADER, Customers, Lines, RATES_HEADER, STATES_HEADER, States};
use rates::Rates;

/// Which business to make.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// Another seed makes another business.
    pub seed: u64,
    /// How many customers ever signed up, those who never paid included.
    pub customers: u32,
    /// How many calendar months there are, the running one included; 1 to 1,200.
    pub months: u32,
    /// The last day of the history. Nothing happens after its first moment (UTC), so that the answers hold
    /// whenever on that day they are asked for.
    pub as_of: Day,
}

impl DemoOptions {
    /// 600 customers over 24 months up to a day.
    pub fn up_to(as_of: Day) -> DemoOptions {
        DemoOptions { seed: 1, customers: 600, months: 24, as_of }
    }
}

/// A made-up business.
#[derive(Clone, Debug)]
pub struct Demo {
    world: World,
}

/// What all customers share.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub seed: u64,
    pub customers: u32,
    pub calendar: Calendar,
    pub rates: Rates,
}

/// Text is handed on in pieces of about this size.
const PIECE_BYTES: usize = 1 << 17;

impl Demo {
    /// The business of these options. Nothing is made before it is asked for.
    pub fn new(options: DemoOptions) -> Demo {
        let calendar = Calendar::new(&options);
        let rates = Rates::new(&calendar, options.seed);
        let DemoOptions { seed, customers, .. } = options;
        Demo { world: World { seed, customers, calendar, rates } }
    }

    /// Writes the item states as CSV, customer by customer and for each by time; returns the rows.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_states_csv(&self, out: &mut dyn Write) -> io::Result<u64> {
        let mut states = States::default();
        out.write_all(STATES_HEADER.as_bytes())?;
        for index in 0..self.world.customers {
            life::live(&self.world, index, &mut states);
            hand_on(&mut states.0, out, PIECE_BYTES)?;
        }
        hand_on(&mut states.0, out, 1)?;
        Ok(states.0.rows)
    }

    /// Writes the customers as CSV: a row each, and another for each move to another country; returns the rows.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_customers_csv(&self, out: &mut dyn Write) -> io::Result<u64> {
        let mut customers = Customers::default();
        out.write_all(CUSTOMERS_HEADER.as_bytes())?;
        for index in 0..self.world.customers {
            life::live(&self.world, index, &mut customers);
            hand_on(&mut customers.0, out, PIECE_BYTES)?;
        }
        hand_on(&mut customers.0, out, 1)?;
        Ok(customers.0.rows)
    }

    /// Writes what a euro cost in dollars on each working day as CSV; returns the rows.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_rates_csv(&self, out: &mut dyn Write) -> io::Result<u64> {
        let mut lines = Lines::rates(&self.world.rates);
        out.write_all(RATES_HEADER.as_bytes())?;
        hand_on(&mut lines, out, 1)?;
        Ok(lines.rows)
    }

    /// What is true about the business. It lives every life once more.
    pub fn answers(&self) -> Answers {
        let mut ledger = answers::Ledger::new(&self.world);
        for index in 0..self.world.customers {
            life::live(&self.world, index, &mut ledger);
        }
        ledger.finish()
    }

    /// The answers as a table to print, see [`Answers::markdown`].
    pub fn answers_markdown(&self) -> String {
        self.answers().markdown()
    }
}

/// Writes what has come together once it is `enough` bytes.
fn hand_on(lines: &mut Lines, out: &mut dyn Write, enough: usize) -> io::Result<()> {
    if lines.text.len() >= enough {
        out.write_all(&lines.text)?;
        lines.text.clear();
    }
    Ok(())
}
