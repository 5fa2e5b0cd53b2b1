//! From flags to a running report: the book, the policy, the clock, and every customer's ledger in parallel.

use crate::answers::answer;
use crate::memory::Memory;
use crate::policies::{load_policy, require_facts, set_knob};
use crate::view::View;
use crate::{Now, Question, ReportError, instant_or_end_of_day, parse_day, resident};
use netnew_book::{Book, BookError, Part, Snapshot};
use netnew_facts::{Body, CustomerFacts};
use netnew_ledger::{Context, CustomerLedger, replay};
use netnew_metrics::{
    CashRollup, CashRows, Extras, Field, Filter, Frame, Query, ReportCurrency, Rollup, RollupRow, known_rates,
};
use netnew_money::{Currency, Grain, Instant, Zone};
use netnew_resident::Extent;
use rayon::prelude::*;
use std::sync::Arc;

/// A book opened for reading, with everything that the ledger is a function of.
pub struct Report {
    /// The book.
    pub book: Arc<Book>,
    /// A consistent view of it, as known at the asked moment.
    pub snapshot: Arc<Snapshot>,
    /// What the figures are a function of besides the facts.
    pub frame: Frame,
    /// What was asked, as it was asked.
    pub question: Question,
    /// What it shares with other reports.
    pub(crate) view: View,
}

impl std::ops::Deref for Report {
    type Target = Frame;

    fn deref(&self) -> &Frame {
        &self.frame
    }
}

impl std::ops::DerefMut for Report {
    fn deref_mut(&mut self) -> &mut Frame {
        &mut self.frame
    }
}

impl Report {
    /// A question about a book.
    ///
    /// # Errors
    /// What is wrong with the question (wrong usage), or with the book (refused).
    pub fn open(args: &Question, book: Book, now: &Now) -> Result<Report, ReportError> {
        Report::of(args, &View::new(Arc::new(book))?, now)
    }

    /// A question about a book that is already open.
    ///
    /// # Errors
    /// As [`Report::open`].
    pub fn of(args: &Question, view: &View, now: &Now) -> Result<Report, ReportError> {
        let book = view.book.clone();
        let settings = book.settings().clone();
        let mut policy = load_policy(args.policy.as_deref(), &book)?;
        for change in &args.set {
            set_knob(&mut policy, change)?;
        }
        require_facts(&policy, &view.snapshot)?;
        let book_zone = Zone::parse(&settings.timezone)?;
        let zone = match (&args.timezone, policy.timezone.as_deref()) {
            (Some(name), _) => Zone::parse(name).map_err(usage)?,
            (None, Some(name)) => Zone::parse(name)?,
            (None, None) => book_zone.clone(),
        };
        let said = now.at(&zone)?;
        let known_on = match &args.known_on {
            Some(text) => instant_or_end_of_day("--known-on", text, &zone)?,
            None => Instant::MAX,
        };
        let snapshot = match known_on == Instant::MAX {
            true => view.snapshot.clone(),
            false => Arc::new(book.snapshot_at(known_on)?),
        };
        let as_of = said.min(known_on);
        let mut data_through = match snapshot.data_through_at_a_glance(as_of, known_on) {
            Some(known) => known,
            None if known_on == Instant::MAX && resident::fits(&snapshot)? => {
                view.memory.image(view, Extent::Numbers)?.data_through(as_of)
            }
            None => snapshot.data_through(as_of, known_on)?,
        };
        // A source that is synced says itself how far it goes: also when nothing has happened there for a while.
        data_through.extend(snapshot.complete_through(as_of, known_on));
        let rates = known_rates(&snapshot.rates()?, known_on)?;
        let first_effective = snapshot.first_effective(known_on)?;
        let day = |flag: &str, text: &Option<String>| text.as_deref().map(|t| parse_day(flag, t)).transpose();
        let interval = if args.interval.is_empty() { "month" } else { &args.interval };
        let grain = Grain::parse(interval).map_err(|_| {
            ReportError::usage(
                "bad_interval",
                format!("unknown interval {:?}", args.interval),
                "use day, week, month, quarter or year",
            )
        })?;
        let currency = match args.currency.as_deref() {
            None => ReportCurrency::In(settings.currency),
            Some(text) if text.eq_ignore_ascii_case("original") => ReportCurrency::Original,
            Some(text) => ReportCurrency::In(Currency::parse(text).map_err(usage)?),
        };
        let by = match args.by.as_deref() {
            None | Some("") => Vec::new(),
            Some(text) => text.split(',').map(Field::parse).collect::<Result<_, _>>()?,
        };
        let frame = Frame {
            rates,
            zone,
            book_zone,
            book_currency: settings.currency,
            as_of,
            known_on,
            data_through,
            first_effective,
            currency,
            constant_rates: day("--constant-rates", &args.constant_rates)?,
            grain,
            by,
            filter: Filter::parse(args.filter.as_deref().unwrap_or_default())?,
            from: day("--from", &args.from)?,
            to: day("--to", &args.to)?,
            policy,
        };
        Ok(Report { snapshot, book, frame, question: args.clone(), view: view.clone() })
    }

    /// True when nothing has been imported that MRR could come from.
    pub fn is_empty(&self) -> Result<bool, ReportError> {
        Ok(self.snapshot.counts()?.states == 0)
    }

    /// Which facts a replay needs.
    fn part(&self, ctx: &Context) -> Part {
        if ctx.policy.uses_entries() { Part::All } else { Part::Items }
    }

    /// What is known of a customer by any of its ids, as far as its ledger needs it.
    ///
    /// # Errors
    /// A book that cannot be read.
    pub fn customer_facts(&self, id: &str) -> Result<Option<CustomerFacts>, ReportError> {
        let part = if self.policy.uses_entries() { Part::All } else { Part::Items };
        Ok(self.snapshot.customer_part(id, part)?)
    }

    /// Replays every customer, several at once, folding ledgers into one accumulator per part of the book; the
    /// accumulators come back in the order of the parts.
    pub fn fold<A, E>(
        &self,
        ctx: &Context,
        new: impl Fn() -> Result<A, E> + Sync,
        add: impl Fn(&mut A, &CustomerFacts, CustomerLedger) -> Result<(), E> + Sync,
    ) -> Result<Vec<A>, ReportError>
    where
        A: Send,
        E: Into<ReportError> + Send,
    {
        let parts = self.snapshot.partitions(rayon::current_num_threads() * 4);
        let folded: Vec<Result<A, ReportError>> = parts
            .into_par_iter()
            .map(|part| {
                let mut accumulator = new().map_err(Into::into)?;
                let mut failed: Option<ReportError> = None;
                let scanned = self.snapshot.scan_part(part, self.part(ctx), &mut |customer| {
                    if customer.facts.iter().all(|fact| matches!(fact.body, Body::Entry { .. })) {
                        return Ok(());
                    }
                    let outcome = replay(&customer, ctx)
                        .map_err(ReportError::from)
                        .and_then(|ledger| add(&mut accumulator, &customer, ledger).map_err(Into::into));
                    match outcome {
                        Ok(()) => Ok(()),
                        Err(error) => {
                            failed = Some(error);
                            Err(BookError::stopped())
                        }
                    }
                });
                match (failed, scanned) {
                    (Some(error), _) => Err(error),
                    (None, Err(error)) => Err(error.into()),
                    (None, Ok(())) => Ok(accumulator),
                }
            })
            .collect();
        folded.into_iter().collect()
    }

    /// What came in and went out over a question's periods; `None` where entries cannot be told apart by what it groups
    /// by or filters on.
    ///
    /// # Errors
    /// A missing rate, or a book that cannot be read.
    pub fn cash(&self, query: &Query) -> Result<Option<CashRows>, ReportError> {
        let ctx = self.context(query, false);
        let Some(mut whole) = CashRollup::new(&ctx, query)? else { return Ok(None) };
        if self.snapshot.counts()?.entries == 0 {
            return Ok(Some(whole.finish()));
        }
        let parts = self.snapshot.partitions(rayon::current_num_threads() * 4);
        let folded: Vec<Result<Option<CashRollup>, ReportError>> = parts
            .into_par_iter()
            .map(|part| {
                let mut rollup = CashRollup::new(&ctx, query)?;
                let mut failed: Option<ReportError> = None;
                let scanned = self.snapshot.scan_part(part, Part::Entries, &mut |customer| {
                    let added = rollup.as_mut().map_or(Ok(()), |rollup| rollup.add(&customer));
                    added.map_err(|error| {
                        failed = Some(error.into());
                        BookError::stopped()
                    })
                });
                match failed {
                    Some(error) => Err(error),
                    None => Ok(scanned.map(|()| rollup)?),
                }
            })
            .collect();
        for part in folded {
            if let Some(part) = part? {
                whole.merge(part);
            }
        }
        Ok(Some(whole.finish()))
    }

    /// The book in memory, if it is of a size for it and nobody looks back.
    pub(crate) fn memory(&self) -> Result<Option<&Memory>, ReportError> {
        let held = self.known_on == Instant::MAX && resident::fits(&self.snapshot)?;
        // An image holds states only: what payments, refunds or usage change is for the general replay.
        Ok((held && !self.policy.uses_entries()).then_some(&*self.view.memory))
    }

    /// Rolls the whole book up.
    pub fn rows(&self, query: &Query, extras: Extras) -> Result<Vec<RollupRow>, ReportError> {
        let ctx = self.context(query, extras.committed);
        if let Some(since) = self.memory()?.and_then(Memory::since)
            && let Some(rows) = since.rows(&self.view, &ctx, query, extras)?
        {
            let (rows, first) = rows.shown();
            return Ok(self.trim(rows, first));
        }
        let what = format!("rows {extras:?} {}", self.from.is_none());
        answer(self, &ctx, query, &what, || self.work_rows(&ctx, query, extras))
    }

    fn work_rows(&self, ctx: &Context, query: &Query, extras: Extras) -> Result<Vec<RollupRow>, ReportError> {
        if let Some(memory) = self.memory()?
            && let Some(rows) = memory.rows(&self.view, ctx, query, extras)?
        {
            let (rows, first) = rows.shown();
            return Ok(self.trim(rows, first));
        }
        let parts =
            self.fold(ctx, || Rollup::new(ctx, query, extras), |rollup, _, ledger| rollup.add(&ledger))?;
        let mut whole = Rollup::new(ctx, query, extras)?;
        for part in parts {
            whole.merge(part);
        }
        let first = whole.first_movement();
        let rows = whole.finish()?;
        Ok(self.trim(rows, first))
    }
}

fn usage(error: netnew_money::MoneyError) -> ReportError {
    ReportError::usage(error.code(), error.to_string(), error.hint())
}
