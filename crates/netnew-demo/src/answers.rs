//! What is true about the business, as its simulator knows it.

use std::fmt::Write as _;
use std::io::{self, Write};

use netnew_money::{Amount, Currency, Day};

use crate::World;
use crate::catalogue::{Money, Plan};
use crate::witness::{Kind, Level, Movement, Witness};

/// The way from the MRR at a month's start to that at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waterfall {
    /// MRR at the start.
    pub start: Amount,
    /// From customers who pay for the first time.
    pub new: Amount,
    /// From customers who came back.
    pub reactivation: Amount,
    /// From customers who pay more than before.
    pub expansion: Amount,
    /// From customers who pay less than before; zero or below.
    pub contraction: Amount,
    /// From customers who left; zero or below.
    pub churn: Amount,
    /// What moved from plan to plan, or from currency to currency.
    pub transfer: Amount,
    /// What exchange rates did to the level; zero in an original currency.
    pub fx: Amount,
    /// MRR at the end.
    pub end: Amount,
}

impl Waterfall {
    /// All movements together, without what exchange rates did.
    pub fn movements(&self) -> Amount {
        self.new + self.reactivation + self.expansion + self.contraction + self.churn + self.transfer
    }

    fn is_empty(&self) -> bool {
        *self == Waterfall::default()
    }
}

/// Customers who pay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    /// At the month's start.
    pub start: i64,
    /// Who came for the first time.
    pub new: i64,
    /// Who came back.
    pub reactivated: i64,
    /// Who left.
    pub churned: i64,
    /// At the month's end.
    pub end: i64,
}

/// What is true about a calendar month, cut in UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonthAnswer {
    /// Its first day.
    pub period: Day,
    /// Its last day in the history: the last of the month but for the running one.
    pub last: Day,
    /// False for the month that the history ends in.
    pub complete: bool,
    /// In US dollars: movements at their day's rate, levels at that of the last day.
    pub total: Waterfall,
    /// In each currency by itself, those that were ever used.
    pub by_currency: Vec<(Currency, Waterfall)>,
    /// In US dollars, each plan that was ever paid for.
    pub by_plan: Vec<(&'static str, Waterfall)>,
    /// Customers.
    pub customers: Heads,
}

/// What is true about the business under the default policy in a book of US dollars and UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// Every month of the history.
    pub months: Vec<MonthAnswer>,
}

/// Sums of a month, plan and currency.
#[derive(Clone, Copy, Default)]
struct Cell {
    own: [Amount; Kind::COUNT],
    dollars: [Amount; Kind::COUNT],
    end_own: Amount,
    end_dollars: Amount,
}

const CELLS: usize = Plan::PAID.len() * Money::ALL.len();

/// Adds up what lives tell.
pub(crate) struct Ledger<'a> {
    world: &'a World,
    months: Vec<([Cell; CELLS], Heads)>,
}

impl<'a> Ledger<'a> {
    pub(crate) fn new(world: &'a World) -> Ledger<'a> {
        let empty = ([Cell::default(); CELLS], Heads::default());
        Ledger { world, months: vec![empty; world.calendar.months.len()] }
    }

    fn cell(&mut self, month: usize, plan: Plan, money: Money) -> &mut Cell {
        &mut self.months[month].0[plan as usize * Money::ALL.len() + money as usize]
    }

    pub(crate) fn finish(&self) -> Answers {
        let sum = |month: usize, converted: bool, wanted: &dyn Fn(Plan, Money) -> bool| {
            let mut sum = Sums::default();
            for plan in Plan::PAID {
                for money in Money::ALL.into_iter().filter(|money| wanted(plan, *money)) {
                    let cell = &self.months[month].0[plan as usize * Money::ALL.len() + money as usize];
                    sum.add(if converted { &cell.dollars } else { &cell.own });
                    sum.end += if converted { cell.end_dollars } else { cell.end_own };
                }
            }
            sum
        };
        let months = 0..self.months.len();
        let walk = |converted: bool, wanted: &dyn Fn(Plan, Money) -> bool| -> Vec<Waterfall> {
            let mut start = Amount::ZERO;
            let fall = |month| sum(month, converted, wanted).after(&mut start);
            months.clone().map(fall).collect()
        };
        let total = walk(true, &|_, _| true);
        let currencies: Vec<(Currency, Vec<Waterfall>)> = Money::ALL
            .into_iter()
            .map(|money| (money.currency(), walk(false, &|_, other| other == money)))
            .filter(|(_, months)| months.iter().any(|month| !month.is_empty()))
            .collect();
        let plans: Vec<(&'static str, Vec<Waterfall>)> = Plan::PAID
            .into_iter()
            .map(|plan| (plan.name(), walk(true, &|other, _| other == plan)))
            .filter(|(_, months)| months.iter().any(|month| !month.is_empty()))
            .collect();
        let mut present = 0;
        let answers = months.clone().map(|month| {
            let customers = Heads { start: present, ..self.months[month].1 };
            present += customers.new + customers.reactivated - customers.churned;
            let calendar = &self.world.calendar;
            let period = calendar.months[month];
            MonthAnswer {
                period,
                last: calendar.last_day(month),
                complete: period.last_of_month() < calendar.as_of,
                total: total[month],
                by_currency: currencies.iter().map(|(currency, all)| (*currency, all[month])).collect(),
                by_plan: plans.iter().map(|(plan, all)| (*plan, all[month])).collect(),
                customers: Heads { end: present, ..customers },
            }
        });
        Answers { months: answers.collect() }
    }
}

impl Witness for Ledger<'_> {
    fn movement(&mut self, movement: &Movement) {
        let Movement { month, day, kind, plan, money, amount } = *movement;
        let dollars = self.world.rates.in_dollars(amount, money, day);
        let cell = self.cell(month, plan, money);
        cell.own[kind as usize] += amount;
        cell.dollars[kind as usize] += dollars;
    }

    fn head(&mut self, month: usize, kind: Kind) {
        let heads = &mut self.months[month].1;
        match kind {
            Kind::New => heads.new += 1,
            Kind::Reactivation => heads.reactivated += 1,
            _ => heads.churned += 1,
        }
    }

    fn level(&mut self, level: &Level) {
        let Level { month, plan, money, amount } = *level;
        let dollars = self.world.rates.in_dollars(amount, money, self.world.calendar.last_day(month));
        let cell = self.cell(month, plan, money);
        cell.end_own += amount;
        cell.end_dollars += dollars;
    }
}

#[derive(Default)]
struct Sums {
    kinds: [Amount; Kind::COUNT],
    end: Amount,
}

impl Sums {
    fn add(&mut self, kinds: &[Amount; Kind::COUNT]) {
        for (sum, amount) in self.kinds.iter_mut().zip(kinds) {
            *sum += *amount;
        }
    }

    /// The way from the end of the month before, which becomes the end of this one.
    fn after(&self, end_before: &mut Amount) -> Waterfall {
        let [new, reactivation, expansion, contraction, churn, transfer] = self.kinds;
        let start = std::mem::replace(end_before, self.end);
        let fx = self.end - start - self.kinds.iter().sum();
        Waterfall { start, new, reactivation, expansion, contraction, churn, transfer, fx, end: self.end }
    }
}

const COLUMNS: [&str; 16] = [
    "period",
    "complete",
    "start",
    "new",
    "reactivation",
    "expansion",
    "contraction",
    "churn",
    "transfer",
    "fx",
    "end",
    "customers_start",
    "customers_new",
    "customers_reactivated",
    "customers_churned",
    "customers_end",
];

impl MonthAnswer {
    fn cells(&self) -> [String; 16] {
        let (t, c) = (&self.total, &self.customers);
        let [start, new, reactivation, expansion] =
            [t.start, t.new, t.reactivation, t.expansion].map(|a| a.to_string());
        let [contraction, churn, transfer, fx, end] =
            [t.contraction, t.churn, t.transfer, t.fx, t.end].map(|a| a.to_string());
        let [c1, c2, c3, c4, c5] = [c.start, c.new, c.reactivated, c.churned, c.end].map(|n| n.to_string());
        let (period, complete) = (self.period.to_string(), self.complete.to_string());
        [
            period,
            complete,
            start,
            new,
            reactivation,
            expansion,
            contraction,
            churn,
            transfer,
            fx,
            end,
            c1,
            c2,
            c3,
            c4,
            c5,
        ]
    }
}

impl Answers {
    /// A Markdown table in US dollars, a line per month, exact to the last digit.
    pub fn markdown(&self) -> String {
        let rows: Vec<[String; 16]> = self.months.iter().map(MonthAnswer::cells).collect();
        let width = |column: usize| {
            let widest = rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
            widest.max(COLUMNS[column].len())
        };
        let mut text = String::new();
        let mut line = |cells: &dyn Fn(usize) -> String| {
            for column in 0..COLUMNS.len() {
                let _ = write!(text, "| {:>1$} ", cells(column), width(column));
            }
            text.push_str("|\n");
        };
        line(&|column| COLUMNS[column].to_string());
        line(&|column| format!("{}:", "-".repeat(width(column) - 1)));
        for row in &rows {
            line(&|column| row[column].clone());
        }
        text
    }

    /// The same table as CSV; returns its rows.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_csv(&self, out: &mut dyn Write) -> io::Result<u64> {
        writeln!(out, "{}", COLUMNS.join(","))?;
        for month in &self.months {
            writeln!(out, "{}", month.cells().join(","))?;
        }
        Ok(self.months.len() as u64)
    }
}
