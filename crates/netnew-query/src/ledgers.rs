//! One customer's ledger at a time into the rows of several tables: what makes every table that needs the ledger in one
//! pass over the customers. Parts of a book are added up side by side and put together by [`assemble`].

use crate::rows::Rows;
use crate::source::{Parts, Wanted};
use crate::tables::Table;
use datafusion::arrow::array::{AsArray, BooleanArray};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::DataFusionError;
use netnew_facts::{Body, CustomerFacts, Discount, Fact, ItemState, Text};
use netnew_ledger::{Context, CustomerLedger, Kind, Level, LevelChange, Phase, Row, Step};
use netnew_metrics::{Converter, Query, ReportCurrency, RollupError};
use netnew_money::{Amount, Currency, Day, Instant, Rounding};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Why rows could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    /// The ledger or a rate.
    #[error(transparent)]
    Rollup(#[from] RollupError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] DataFusionError),
}

/// What is asked of a pass.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The tables to fill.
    pub tables: Vec<Wanted>,
    /// Instant at which each source's history begins.
    pub begins: BTreeMap<Text, Instant>,
    /// Whether changes that lie ahead are committed already (the policy's `scheduled_changes`).
    pub scheduled: bool,
}

impl Asked {
    fn whole(&self, table: Table) -> Option<bool> {
        self.tables.iter().find(|w| w.table == table).map(|w| w.whole)
    }
}

/// The rows of a part of the book.
pub struct Ledgers<'a> {
    ctx: &'a Context<'a>,
    query: &'a Query,
    asked: &'a Asked,
    converter: Converter<'a>,
    filled: BTreeMap<Table, Rows>,
    /// Per source, up to two customers who are new at the instant its history begins.
    opening: BTreeMap<Text, BTreeSet<Text>>,
    first_movement: Option<Day>,
    posted: bool,
}

/// A finished part.
pub struct Part {
    filled: BTreeMap<Table, Vec<RecordBatch>>,
    opening: BTreeMap<Text, BTreeSet<Text>>,
    first_movement: Option<Day>,
    posted: bool,
}

/// The whole book: rows per table, and the day of the first movement (`None` when nothing is posted).
pub struct Whole {
    /// Rows, by part of the book.
    pub filled: BTreeMap<Table, Parts>,
    /// Day of the first change of a level.
    pub first_movement: Option<Day>,
}

impl<'a> Ledgers<'a> {
    /// An empty part.
    pub fn new(ctx: &'a Context<'a>, query: &'a Query, asked: &'a Asked) -> Ledgers<'a> {
        let zone = ctx.zone.name();
        Ledgers {
            ctx,
            query,
            asked,
            converter: Converter::new(ctx, query),
            filled: asked.tables.iter().map(|w| (w.table, Rows::new(w.table, zone))).collect(),
            opening: BTreeMap::new(),
            first_movement: None,
            posted: false,
        }
    }

    /// Adds a customer.
    ///
    /// # Errors
    /// A missing rate.
    pub fn add(&mut self, ledger: &CustomerLedger) -> Result<(), RowsError> {
        let seen = |first: &Instant| self.query.with_expected || *first <= self.ctx.now();
        if let Some(first) = ledger.first_change.filter(seen) {
            let day = self.ctx.zone.day_of(first);
            self.first_movement = Some(self.first_movement.map_or(day, |known| known.min(day)));
        }
        let rows = ledger.steps.iter().filter(|s| self.counts(s)).flat_map(|step| &step.rows);
        self.posted |= rows.into_iter().any(|row| !row.regroup);
        self.movements(ledger)?;
        self.levels(ledger)?;
        self.presence(ledger)?;
        self.scheduled(ledger)?;
        self.item_states(ledger)
    }

    /// Whether a step belongs to the report.
    fn counts(&self, step: &Step) -> bool {
        step.day <= self.query.to && (self.query.with_expected || !step.expected)
    }

    fn movements(&mut self, ledger: &CustomerLedger) -> Result<(), RowsError> {
        let Some(whole) = self.asked.whole(Table::Movements) else { return Ok(()) };
        for step in &ledger.steps {
            if step.day < self.query.from || !self.counts(step) {
                continue;
            }
            let step_id = whole.then(|| ledger.step_id(step));
            for row in &step.rows {
                self.movement(ledger, step, row, step_id.as_deref())?;
            }
        }
        Ok(())
    }

    fn movement(
        &mut self,
        ledger: &CustomerLedger,
        step: &Step,
        row: &Row,
        step_id: Option<&str>,
    ) -> Result<(), RowsError> {
        let item = &ledger.items[row.item as usize];
        let opens = row.kind == Kind::New && self.asked.begins.get(&item.source) == Some(&step.at);
        if opens {
            let customers = self.opening.entry(item.source.clone()).or_default();
            if customers.len() < 2 {
                customers.insert(ledger.customer.clone());
            }
        }
        let shown = Shown::new(&self.converter, step, row)?;
        let facts: Option<Vec<String>> =
            step_id.map(|_| ledger.row_facts(row).into_iter().map(Fact::id).collect());
        let id = step_id.map(|_| ledger.row_id(step, row));
        let Some(rows) = self.filled.get_mut(&Table::Movements) else { return Ok(()) };
        rows.text(id.as_deref()).text(step_id).at(Some(step.at)).date(Some(step.day));
        rows.text(Some(&ledger.customer)).text(Some(&item.subscription)).text(Some(&item.item));
        rows.text(row.plan.as_deref()).text(Some(row.kind.as_str())).text(Some(row.cause.as_str()));
        rows.money(Some(shown.amount)).text(Some(shown.currency.as_str())).money(shown.rate);
        rows.money(Some(shown.before)).money(Some(shown.before + shown.amount));
        rows.money(Some(shown.customer_before)).money(Some(shown.customer_after));
        rows.texts(facts.as_ref().map(|f| f.iter().map(String::as_str))).text(Some(&item.source));
        rows.money(Some(row.amount)).text(Some(row.currency.as_str()));
        rows.bool(Some(opens)).bool(Some(step.expected));
        Ok(rows.end()?)
    }

    /// Spans of levels, from the changes that the steps post.
    fn levels(&mut self, ledger: &CustomerLedger) -> Result<(), RowsError> {
        if self.asked.whole(Table::Levels).is_none() {
            return Ok(());
        }
        let mut open: BTreeMap<Key, Span> = BTreeMap::new();
        let mut done: Vec<(Key, Span)> = Vec::new();
        for step in ledger.steps.iter().filter(|s| self.counts(s)) {
            for change in step.changes.iter().filter(|c| c.before != c.after) {
                let key = Key::of(change);
                if let Some(span) = open.remove(&key) {
                    done.push((key.clone(), Span { end: Some((step.at, step.day)), ..span }));
                }
                if !change.after.is_zero() {
                    open.insert(key, Span { level: change.after, start: (step.at, step.day), end: None });
                }
            }
        }
        done.extend(open);
        let Some(rows) = self.filled.get_mut(&Table::Levels) else { return Ok(()) };
        for (key, Span { level, start, end }) in done {
            place(rows, ledger, key.item);
            rows.text(key.plan.as_deref()).text(Some(key.currency.as_str()));
            rows.money(Some(level.mrr)).money(Some(level.arr)).money(Some(level.committed));
            rows.at(Some(start.0)).at(end.map(|(at, _)| at));
            rows.date(Some(start.1)).date(end.map(|(_, day)| day.add_days(-1)));
            rows.end()?;
        }
        Ok(())
    }

    /// Stays of the customer, as head counts see them.
    fn presence(&mut self, ledger: &CustomerLedger) -> Result<(), RowsError> {
        let (query, expected) = (self.query, self.query.with_expected);
        let counts = |step: &&Step| step.day <= query.to && (expected || !step.expected);
        let Some(rows) = self.filled.get_mut(&Table::Presence) else { return Ok(()) };
        let mut stay: Option<(&str, Instant, Day)> = None;
        let mut write = |began: (&str, Instant, Day), end: Option<(&str, Instant, Day)>| {
            rows.text(Some(&ledger.customer)).text(Some(began.0)).text(end.map(|e| e.0));
            rows.at(Some(began.1)).at(end.map(|e| e.1)).date(Some(began.2)).date(end.map(|e| e.2));
            rows.end()
        };
        for step in ledger.customer_steps().iter().filter(counts) {
            match (stay, step.present_after) {
                (None, true) => {
                    let began = match step.kind {
                        Some(Kind::New) => "new",
                        Some(Kind::Reactivation) => "reactivation",
                        _ => "entered",
                    };
                    stay = Some((began, step.at, step.day));
                }
                (Some(began), false) => {
                    let ended = if step.kind == Some(Kind::Churn) { "churn" } else { "left" };
                    write(began, Some((ended, step.at, step.day)))?;
                    stay = None;
                }
                _ => {}
            }
        }
        if let Some(began) = stay {
            write(began, None)?;
        }
        Ok(())
    }

    /// What is known to come and does not count yet.
    fn scheduled(&mut self, ledger: &CustomerLedger) -> Result<(), RowsError> {
        if self.asked.whole(Table::Scheduled).is_none() || !self.asked.scheduled {
            return Ok(());
        }
        let ahead: Vec<&Step> = ledger.steps.iter().filter(|s| s.expected && !self.counts(s)).collect();
        let Some(rows) = self.filled.get_mut(&Table::Scheduled) else { return Ok(()) };
        for step in ahead {
            for change in step.changes.iter().filter(|c| c.before != c.after) {
                place(rows, ledger, change.item);
                rows.text(change.plan.as_deref()).text(Some(change.currency.as_str()));
                rows.at(Some(step.at)).date(Some(step.day));
                rows.money(Some(change.before.mrr)).money(Some(change.after.mrr));
                rows.money(Some(change.before.committed)).money(Some(change.after.committed));
                rows.end()?;
            }
        }
        Ok(())
    }

    fn item_states(&mut self, ledger: &CustomerLedger) -> Result<(), RowsError> {
        let Some(whole) = self.asked.whole(Table::ItemStates) else { return Ok(()) };
        let now = self.ctx.now();
        let Some(rows) = self.filled.get_mut(&Table::ItemStates) else { return Ok(()) };
        for (item, phases) in ledger.phases.iter().enumerate() {
            let past = &phases[..phases.partition_point(|p| p.from <= now)];
            for (at, phase) in past.iter().enumerate() {
                let Some(state) = ledger.state(phase) else { continue };
                // An item that has gone to another customer is told by the other.
                if !phase.live && phase.status != netnew_facts::Status::Canceled {
                    continue;
                }
                place(rows, ledger, item as u32);
                rows.at(Some(phase.from)).at(past.get(at + 1).map(|next| next.from));
                item_state(rows, state, Some(phase));
                rows.money(Some(phase.level.mrr)).money(Some(phase.level.arr));
                rows.bool(Some(phase.counts)).text(Some(phase.layer.as_str()));
                rows.text(whole.then(|| ledger.states[phase.fact as usize].id()).as_deref());
                rows.end()?;
            }
        }
        Ok(())
    }

    /// The finished part.
    ///
    /// # Errors
    /// The engine's.
    pub fn finish(self) -> Result<Part, RowsError> {
        let filled = self
            .filled
            .into_iter()
            .map(|(table, rows)| Ok((table, rows.finish()?)))
            .collect::<Result<_, DataFusionError>>()?;
        Ok(Part { filled, opening: self.opening, first_movement: self.first_movement, posted: self.posted })
    }
}

/// Puts the parts of a book together.
///
/// # Errors
/// The engine's.
pub fn assemble(parts: Vec<Part>) -> Result<Whole, RowsError> {
    let mut opening: BTreeMap<Text, BTreeSet<Text>> = BTreeMap::new();
    let mut whole = Whole { filled: BTreeMap::new(), first_movement: None };
    let mut posted = false;
    for part in parts {
        posted |= part.posted;
        whole.first_movement = match (whole.first_movement, part.first_movement) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        for (source, customers) in part.opening {
            opening.entry(source).or_default().extend(customers);
        }
        for (table, batches) in part.filled {
            whole.filled.entry(table).or_default().push(batches);
        }
    }
    whole.first_movement = whole.first_movement.filter(|_| posted);
    // A single one is taken for the first customer there ever was.
    opening.retain(|_, customers| customers.len() > 1);
    for batch in whole.filled.get_mut(&Table::Movements).into_iter().flatten().flatten() {
        *batch = truncated(batch, &opening)?;
    }
    Ok(whole)
}

/// Movements with `truncated` true only for sources that begin with several customers at once.
fn truncated(
    batch: &RecordBatch,
    opening: &BTreeMap<Text, BTreeSet<Text>>,
) -> Result<RecordBatch, DataFusionError> {
    let schema = batch.schema();
    let (Ok(at), Ok(source)) = (schema.index_of("truncated"), schema.index_of("source")) else {
        return Ok(batch.clone());
    };
    let opens = batch.column(at).as_boolean();
    if opens.true_count() == 0 {
        return Ok(batch.clone());
    }
    let sources = batch.column(source).as_string_view();
    let marks: BooleanArray =
        (0..opens.len()).map(|i| Some(opens.value(i) && opening.contains_key(sources.value(i)))).collect();
    let mut columns = batch.columns().to_vec();
    columns[at] = Arc::new(marks);
    Ok(RecordBatch::try_new(schema, columns)?)
}

/// A level, from when to when, with the local days of both.
struct Span {
    level: Level,
    start: (Instant, Day),
    end: Option<(Instant, Day)>,
}

/// What levels are told apart by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    item: u32,
    plan: Option<Text>,
    currency: Currency,
    epoch: u32,
    layer: netnew_ledger::Layer,
}

impl Key {
    fn of(change: &LevelChange) -> Key {
        Key {
            item: change.item,
            plan: change.plan.clone(),
            currency: change.currency,
            epoch: change.epoch,
            layer: change.layer,
        }
    }
}

/// A row's amounts as shown.
struct Shown {
    amount: Amount,
    before: Amount,
    customer_before: Amount,
    customer_after: Amount,
    currency: Currency,
    rate: Option<Amount>,
}

impl Shown {
    fn new(converter: &Converter, step: &Step, row: &Row) -> Result<Shown, RollupError> {
        let ReportCurrency::In(to) = converter.currency() else {
            return Ok(Shown {
                amount: row.amount,
                before: row.before,
                customer_before: step.level_before.get(row.currency),
                customer_after: step.level_after.get(row.currency),
                currency: row.currency,
                rate: None,
            });
        };
        let rate = converter.rate(row.currency, step.day)?;
        Ok(Shown {
            amount: converter.movement(row.amount, row.currency, step.day)?,
            before: converter.movement(row.before, row.currency, step.day)?,
            customer_before: converter.total(&step.level_before, step.day)?,
            customer_after: converter.total(&step.level_after, step.day)?,
            currency: to,
            rate: match rate {
                None => Some(Amount::from_major(1)),
                Some(rate) => rate.value.round_to(Amount::SCALE, Rounding::HalfEven).map(Amount::from_raw),
            },
        })
    }
}

/// The columns customer, source, subscription, item.
fn place(rows: &mut Rows, ledger: &CustomerLedger, item: u32) {
    let info = &ledger.items[item as usize];
    rows.text(Some(&ledger.customer)).text(Some(&info.source));
    rows.text(Some(&info.subscription)).text(Some(&info.item));
}

/// The columns from `status` to `reason`. With a phase, the status is the phase's.
fn item_state(rows: &mut Rows, state: &ItemState, phase: Option<&Phase>) {
    let status = phase.map_or(state.status, |p| p.status);
    rows.text(Some(status.as_str())).text(state.plan.as_deref());
    rows.decimal(Some(state.amount)).text(Some(&state.amount.to_string()));
    rows.text(Some(state.currency.as_str())).text(Some(state.interval.as_str()));
    rows.int(Some(i64::from(state.interval_count)));
    rows.money(Some(Amount::from_raw(i128::from(state.quantity_micros) * 10_000)));
    rows.text(Some(state.usage_type.as_str()));
    let discounts = (!state.discounts.is_empty()).then(|| Discount::list_to_json(&state.discounts));
    rows.text(discounts.as_deref());
    rows.at(state.trial_end).at(state.cancel_requested_at).at(state.cancel_at);
    rows.text(state.reason.map(|r| r.as_str()));
}

/// Adds the facts of a customer to [`Table::Facts`]: those recorded up to `known_on`.
///
/// # Errors
/// The engine's.
pub fn add_facts(
    rows: &mut Rows,
    customer: &CustomerFacts,
    known_on: Instant,
    whole: bool,
) -> Result<(), DataFusionError> {
    // Where a subscription names several customers its facts are filed under each of them; each is told once.
    let own = |fact: &&Fact| fact.recorded_at <= known_on && customer.ids.contains(&fact.customer);
    for fact in customer.facts.iter().filter(own) {
        rows.text(whole.then(|| fact.id()).as_deref()).text(Some(&fact.source));
        rows.text(Some(&customer.customer)).text(Some(&fact.customer));
        match &fact.body {
            Body::State { subscription, item, effective_at, seq, state } => {
                rows.text(Some("state")).text(Some(subscription)).text(Some(item)).at(Some(*effective_at));
                learned(rows, fact).int(Some(*seq)).bool(Some(state.is_none()));
                match state {
                    Some(state) => {
                        item_state(rows, state, None);
                        rows.text(state.reason_text.as_deref());
                    }
                    None => no_state(rows),
                }
                rows.text(None);
            }
            Body::Attributes { effective_at, values } => {
                rows.text(Some("attributes")).text(None).text(None).at(*effective_at);
                learned(rows, fact).int(None).bool(Some(values.is_none()));
                no_state(rows);
                let json = values.as_ref().map(|values| {
                    let map: Map<String, Value> = values
                        .iter()
                        .map(|(k, v)| (k.clone(), v.as_deref().map_or(Value::Null, Value::from)))
                        .collect();
                    Value::Object(map).to_string()
                });
                rows.text(json.as_deref());
            }
            Body::Entry { kind, key, effective_at, entry } => {
                rows.text(Some(kind.as_str())).text(None).text(Some(key)).at(Some(*effective_at));
                learned(rows, fact).int(None).bool(Some(entry.is_none()));
                no_state(rows);
                rows.text(entry.as_ref().map(|entry| entry.to_json()).as_deref());
            }
        }
        rows.int(Some(i64::from(fact.payload.payload))).int(i64::try_from(fact.payload.row).ok());
        rows.end()?;
    }
    Ok(())
}

fn learned<'r>(rows: &'r mut Rows, fact: &Fact) -> &'r mut Rows {
    rows.at(Some(fact.recorded_at)).int(i64::try_from(fact.booked_seq).ok())
}

/// Nulls from `status` to `reason_text`.
fn no_state(rows: &mut Rows) {
    rows.text(None).text(None).decimal(None).text(None).text(None).text(None).int(None).money(None);
    rows.text(None).text(None).at(None).at(None).at(None).text(None).text(None);
}
