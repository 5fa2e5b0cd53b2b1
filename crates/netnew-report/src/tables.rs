//! The book's tables as record batches: the one place where SQL meets the report.

use crate::{Report, ReportError, customers, metrics};
use netnew_book::BookError;
use netnew_ledger::CustomerLedger;
use netnew_metrics::registry::{self, Metric, Value as MetricValue};
use netnew_metrics::{Converter, Extras, Period, Query, ReportCurrency, Window};
use netnew_money::{Amount, Currency, Day, Grain, Rate, Rounding, WeekStart};
use netnew_policy::ScheduledChanges;
use netnew_query::ledgers::{self, Asked, Ledgers, Part, RowsError, Whole};
use netnew_query::{EngineError, Parts, QueryError, Rows, SourceError, Table, Tables, Wanted};
use rayon::prelude::*;
use std::fmt;

/// A report's book, as tables.
pub struct BookTables {
    report: Report,
    query: Query,
    currency: Option<String>,
}

impl fmt::Debug for BookTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BookTables")
    }
}

impl From<RowsError> for ReportError {
    fn from(error: RowsError) -> ReportError {
        match error {
            RowsError::Rollup(error) => error.into(),
            RowsError::Engine(error) => engine(&error),
        }
    }
}

impl From<QueryError> for ReportError {
    fn from(error: QueryError) -> ReportError {
        match error.usage {
            true => ReportError::usage(error.code, error.message, error.hint),
            false => ReportError::refused(error.code, error.message, error.hint),
        }
    }
}

fn engine(error: &EngineError) -> ReportError {
    ReportError::refused(
        "sql_failed",
        error.to_string(),
        "this is a bug in netnew; please report it with the query",
    )
}

fn source(error: ReportError) -> SourceError {
    SourceError { code: error.code, message: error.message, hint: error.hint }
}

impl BookTables {
    /// The tables of a report.
    pub fn new(report: Report) -> Result<BookTables, ReportError> {
        let query = report.query()?;
        let currency = match report.currency {
            ReportCurrency::In(currency) => Some(currency.as_str().to_string()),
            ReportCurrency::Original => None,
        };
        Ok(BookTables { report, query, currency })
    }

    /// Tables that are made of customers' ledgers, in one pass over all of them; `future` works out what lies ahead too.
    /// Whatever computes ledgers faster takes the place of [`Report::fold`] here.
    fn ledgers(&self, asked: &Asked, customers: bool, future: bool) -> Result<(Whole, Parts), ReportError> {
        let ctx = self.report.context(&self.query, future);
        let zone = self.report.zone.name();
        let parts = self.report.fold(
            &ctx,
            || {
                Ok::<_, ReportError>((
                    Ledgers::new(&ctx, &self.query, asked),
                    Rows::new(Table::Customers, zone),
                ))
            },
            |(rows, listed), facts, ledger: CustomerLedger| {
                rows.add(&ledger)?;
                if customers
                    && let Some(line) = customers::listed(&self.report, &ctx, &self.query, facts, &ledger)?
                {
                    self.customer(listed, &line)?;
                }
                Ok::<_, ReportError>(())
            },
        )?;
        let mut finished: Vec<Part> = Vec::new();
        let mut listed: Parts = Vec::new();
        for (rows, customers) in parts {
            finished.push(rows.finish()?);
            listed.push(customers.finish().map_err(|e| engine(&e))?);
        }
        Ok((ledgers::assemble(finished)?, listed))
    }

    fn customer(&self, rows: &mut Rows, line: &customers::Listed) -> Result<(), ReportError> {
        let attribute = |name: &str| line.attributes.get(name).map(String::as_str);
        rows.text(Some(&line.customer));
        for name in ["name", "email", "country", "channel"] {
            rows.text(attribute(name));
        }
        rows.text(Some(line.status)).money(self.currency.is_some().then_some(line.mrr));
        rows.text(self.currency.as_deref()).texts(Some(line.plans.iter().map(String::as_str)));
        rows.int(i64::try_from(line.subscriptions).ok());
        let day = |text: &Option<String>| text.as_deref().and_then(|t| Day::parse(t).ok());
        rows.date(day(&line.first)).date(day(&line.last));
        rows.text(Some(&serde_json::json!(line.attributes).to_string()));
        rows.end().map_err(|e| engine(&e))
    }

    fn load_all(&self, wanted: &[Wanted]) -> Result<Vec<Parts>, ReportError> {
        if self.report.is_empty()? && wanted.iter().all(|w| needs_ledger(w.table)) {
            return Ok(vec![Vec::new(); wanted.len()]);
        }
        let asks = |table: Table| wanted.iter().any(|w| w.table == table);
        let first = asks(Table::Periods) && self.report.from.is_none();
        let tables: Vec<Wanted> = wanted.iter().copied().filter(|w| of_ledgers(w.table)).collect();
        let asked = Asked { tables, begins: self.report.snapshot.begins(), scheduled: false };
        let (mut whole, mut listed) = match first || asks(Table::Customers) || !asked.tables.is_empty() {
            true => self.ledgers(&asked, asks(Table::Customers), false)?,
            false => (Whole { filled: Default::default(), first_movement: None }, Vec::new()),
        };
        wanted
            .iter()
            .map(|one| match one.table {
                Table::Customers => Ok(std::mem::take(&mut listed)),
                Table::Scheduled => self.scheduled(*one),
                Table::Periods => self.periods(whole.first_movement),
                Table::Metrics => self.metrics(),
                Table::Facts => self.facts(one.whole),
                Table::Rates => self.rates(),
                Table::Payloads => self.payloads(),
                table => Ok(whole.filled.remove(&table).unwrap_or_default()),
            })
            .collect()
    }

    fn rows(&self, table: Table) -> Rows {
        Rows::new(table, self.report.zone.name())
    }

    fn scheduled(&self, wanted: Wanted) -> Result<Parts, ReportError> {
        let scheduled = self.report.policy.scheduled_changes != ScheduledChanges::Ignored;
        let asked = Asked { tables: vec![wanted], begins: Default::default(), scheduled };
        let (mut whole, _) = self.ledgers(&asked, false, true)?;
        Ok(whole.filled.remove(&Table::Scheduled).unwrap_or_default())
    }

    /// The report's periods; without `--from`, from the month of the first movement on.
    fn periods(&self, first_movement: Option<Day>) -> Result<Parts, ReportError> {
        let mut periods = self.query.periods()?;
        if self.report.from.is_none() {
            let month = match first_movement.filter(|first| *first <= self.query.to) {
                Some(first) => Grain::Month.period_start(first, WeekStart::Monday),
                None => return Ok(Vec::new()),
            };
            periods.retain(|p| p.last >= month);
            for period in &mut periods {
                period.first = period.first.max(month);
                period.whole &= period.start >= month;
            }
        }
        let today = self.report.today();
        let now = periods.iter().position(|p| p.first <= today && today <= p.last);
        let months = metrics::months(&self.report, self.query.grain);
        let mut rows = self.rows(Table::Periods);
        for (at, period) in periods.iter().enumerate() {
            rows.date(Some(period.start)).date(Some(period.first)).date(Some(period.last));
            for window in [Window::Period, Window::Months3, Window::Months12] {
                rows.date(Some(window.start(period)));
            }
            rows.bool(Some(self.report.complete(period))).bool(Some(now.is_some_and(|now| now <= at)));
            rows.int(i64::try_from(months.num()).ok()).int(i64::try_from(months.den()).ok());
            rows.end().map_err(|e| engine(&e))?;
        }
        Ok(vec![rows.finish().map_err(|e| engine(&e))?])
    }

    fn metrics(&self) -> Result<Parts, ReportError> {
        let all: Vec<&'static Metric> = registry::all().iter().collect();
        let extras = Extras { retention: true, committed: true };
        let rollup = self.report.rows(&self.query, extras)?;
        let earlier = metrics::earlier_rows(&self.report, &self.query, &rollup, &all, extras)?;
        let mut rows = self.rows(Table::Metrics);
        let cash = metrics::cash(&self.report, &self.query, &all)?;
        for figure in metrics::figures(&self.report, &self.query, &earlier, &rollup, &all, cash.as_ref()) {
            let period: &Period = &figure.row.period;
            let value = figure.value.and_then(|value| match value {
                MetricValue::Money(amount) => Some(amount),
                MetricValue::Ratio(ratio) => {
                    ratio.round_to(Amount::SCALE, Rounding::HalfEven).map(Amount::from_raw)
                }
                MetricValue::Count(count) => Some(Amount::from_major(count)),
            });
            rows.date(Some(period.start)).text(Some(figure.metric.name)).money(value);
            let unit = metrics::unit_name(figure.metric, figure.row, &self.report);
            rows.text(Some(&unit)).bool(Some(self.report.complete(period)));
            rows.end().map_err(|e| engine(&e))?;
        }
        Ok(vec![rows.finish().map_err(|e| engine(&e))?])
    }

    fn facts(&self, whole: bool) -> Result<Parts, ReportError> {
        let parts = self.report.snapshot.partitions(rayon::current_num_threads() * 4);
        parts
            .into_par_iter()
            .map(|part| {
                let mut rows = self.rows(Table::Facts);
                let mut failed = None;
                let scanned = self.report.snapshot.scan(part, &mut |customer| {
                    ledgers::add_facts(&mut rows, &customer, self.report.known_on, whole).map_err(|error| {
                        failed = Some(engine(&error));
                        BookError::stopped()
                    })
                });
                match failed {
                    Some(error) => Err(error),
                    None => scanned.map_err(ReportError::from),
                }?;
                rows.finish().map_err(|e| engine(&e))
            })
            .collect()
    }

    fn rates(&self) -> Result<Parts, ReportError> {
        let mut rows = self.rows(Table::Rates);
        for fact in self.report.snapshot.rates()?.iter().filter(|f| f.recorded_at <= self.report.known_on) {
            rows.date(Some(fact.day)).text(Some(fact.base.as_str())).text(Some(fact.quote.as_str()));
            rows.decimal(fact.rate).text(fact.rate.map(|r| r.to_string()).as_deref());
            rows.text(Some(&fact.source)).at(Some(fact.recorded_at));
            rows.int(i64::try_from(fact.booked_seq).ok()).int(Some(i64::from(fact.payload.payload)));
            rows.int(i64::try_from(fact.payload.row).ok());
            rows.end().map_err(|e| engine(&e))?;
        }
        Ok(vec![rows.finish().map_err(|e| engine(&e))?])
    }

    fn payloads(&self) -> Result<Parts, ReportError> {
        let mut rows = self.rows(Table::Payloads);
        for payload in self.report.snapshot.payloads() {
            rows.int(Some(i64::from(payload.id))).text(Some(&payload.name)).text(Some(&payload.sha256));
            rows.int(i64::try_from(payload.bytes).ok());
            rows.end().map_err(|e| engine(&e))?;
        }
        Ok(vec![rows.finish().map_err(|e| engine(&e))?])
    }
}

/// Tables that [`Ledgers`] fills.
fn of_ledgers(table: Table) -> bool {
    matches!(table, Table::Movements | Table::Levels | Table::Presence | Table::ItemStates)
}

/// Tables that are empty when no state was ever imported.
fn needs_ledger(table: Table) -> bool {
    of_ledgers(table) || matches!(table, Table::Scheduled | Table::Periods | Table::Metrics)
}

impl Tables for BookTables {
    fn zone(&self) -> &str {
        self.report.zone.name()
    }

    fn load(&self, wanted: &[Wanted]) -> Result<Vec<Parts>, SourceError> {
        self.load_all(wanted).map_err(source)
    }

    fn rate(&self, currency: &str, day: Day) -> Result<Option<Rate>, SourceError> {
        let currency = Currency::parse(currency).map_err(|e| source(e.into()))?;
        let ctx = self.report.context(&self.query, false);
        Converter::new(&ctx, &self.query).rate(currency, day).map_err(|e| source(e.into()))
    }

    fn currency(&self) -> Option<&str> {
        self.currency.as_deref()
    }
}
