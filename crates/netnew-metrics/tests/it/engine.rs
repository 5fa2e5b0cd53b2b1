//! Runs the engine in memory on a plain history, the way a report runs it on a book.

use netnew_facts::{Body, CustomerFacts, Text};
use netnew_ledger::{Kind, replay};
use netnew_metrics::{
    Converter, Extras, Field, Filter, Frame, Query, ReportCurrency, Rollup, RollupRow, Window, known_rates,
    row_place,
};
use netnew_money::{Amount, Currency, Day, Instant, Ratio};
use netnew_policy::Policy;
use netnew_testkit::question::{PlainHeads, PlainMovement, PlainPeriod, Question, Retention, Shown};
use netnew_testkit::rows::PlainHistory;
use netnew_testkit::scenario::{Runner, Settings};
use netnew_testkit::{to_facts, to_rate_facts};
use std::collections::BTreeMap;

/// A history and what holds for it, ready to be asked.
pub struct Engine {
    /// Facts per customer.
    pub customers: Vec<CustomerFacts>,
    rates: Vec<netnew_facts::RateFact>,
    settings: Settings,
}

impl Engine {
    /// Takes a history in.
    pub fn new(settings: &Settings, history: &PlainHistory) -> Engine {
        Engine {
            customers: to_facts(history),
            rates: to_rate_facts(&history.rates),
            settings: settings.clone(),
        }
    }

    fn frame(&self, question: &Question, default: ReportCurrency) -> Result<Frame, String> {
        let known_on = question.known_on.unwrap_or(Instant::MAX);
        let as_of = question.as_of.min(known_on);
        let mut policy = Policy::preset(&question.policy).map_err(|e| e.to_string())?;
        for (knob, value) in &question.knobs {
            policy.set(knob, value).map_err(|e| e.to_string())?;
        }
        let mut data_through: BTreeMap<Text, Instant> = BTreeMap::new();
        let mut first_effective: Option<Instant> = None;
        for fact in self.customers.iter().flat_map(|c| &c.facts) {
            let Body::State { effective_at, .. } = &fact.body else { continue };
            if fact.recorded_at > known_on {
                continue;
            }
            first_effective = Some(first_effective.map_or(*effective_at, |f| f.min(*effective_at)));
            if *effective_at <= as_of {
                let slot = data_through.entry(fact.source.clone()).or_insert(*effective_at);
                *slot = (*slot).max(*effective_at);
            }
        }
        let currency = match question.shown {
            Shown::Default => default,
            Shown::In(currency) => ReportCurrency::In(currency),
            Shown::Original => ReportCurrency::Original,
        };
        let by = question.by.iter().map(|f| Field::parse(f)).collect::<Result<_, _>>();
        Ok(Frame {
            policy,
            zone: question.zone.clone(),
            book_zone: self.settings.zone.clone(),
            book_currency: self.settings.currency,
            rates: known_rates(&self.rates, known_on).map_err(|e| e.to_string())?,
            as_of,
            known_on,
            data_through,
            first_effective,
            currency,
            constant_rates: question.constant_rates,
            grain: question.interval,
            by: by.map_err(|e: netnew_metrics::QueryError| e.to_string())?,
            filter: Filter::parse(&question.filter).map_err(|e| e.to_string())?,
            from: question.from,
            to: question.to,
        })
    }

    fn rows(&self, frame: &Frame, query: &Query, extras: Extras) -> Result<Vec<RollupRow>, String> {
        let ctx = frame.context(query, extras.committed);
        let mut rollup = Rollup::new(&ctx, query, extras).map_err(|e| e.to_string())?;
        for customer in &self.customers {
            let ledger = replay(customer, &ctx).map_err(|e| said(e.code(), &e))?;
            rollup.add(&ledger).map_err(|e| said(e.code(), &e))?;
        }
        let first = rollup.first_movement();
        Ok(frame.trim(rollup.finish().map_err(|e| said(e.code(), &e))?, first))
    }
}

impl Runner for Engine {
    fn movements(&self, question: &Question) -> Result<Vec<PlainMovement>, String> {
        let frame = self.frame(question, ReportCurrency::Original)?;
        let query = frame.query().map_err(|e| e.to_string())?;
        let ctx = frame.context(&query, false);
        let converter = Converter::new(&ctx, &query);
        let mut out = Vec::new();
        for customer in &self.customers {
            let ledger = replay(customer, &ctx).map_err(|e| said(e.code(), &e))?;
            for step in &ledger.steps {
                if step.day < query.from || step.day > query.to || (step.expected && !query.with_expected) {
                    continue;
                }
                for row in &step.rows {
                    let place = row_place(&ctx, &ledger, row);
                    if !query.filter.accepts(|f| place.value(f)) {
                        continue;
                    }
                    let item = &ledger.items[row.item as usize];
                    let (amount, currency) = match frame.currency {
                        ReportCurrency::Original => (row.amount, row.currency),
                        ReportCurrency::In(to) => {
                            let amount = converter.movement(row.amount, row.currency, step.day);
                            (amount.map_err(|e| said(e.code(), &e))?, to)
                        }
                    };
                    out.push(PlainMovement {
                        at: step.at,
                        date: step.day,
                        customer: ledger.customer.to_string(),
                        source: item.source.to_string(),
                        subscription: item.subscription.to_string(),
                        item: item.item.to_string(),
                        plan: row.plan.as_deref().map(str::to_string),
                        kind: row.kind.as_str().to_string(),
                        cause: row.cause.as_str().to_string(),
                        amount,
                        currency,
                    });
                }
            }
        }
        out.sort();
        Ok(out)
    }

    fn mrr(&self, question: &Question) -> Result<Vec<PlainPeriod>, String> {
        let frame = self.frame(question, ReportCurrency::In(self.settings.currency))?;
        if frame.first_effective.is_none() {
            return Ok(Vec::new());
        }
        let query = frame.query().map_err(|e| e.to_string())?;
        let rows = self.rows(&frame, &query, Extras::default())?;
        Ok(rows.iter().map(|row| plain_period(&frame, &query, row, self.settings.currency)).collect())
    }

    fn level(&self, question: &Question, at: Instant, customer: Option<&str>) -> Result<Amount, String> {
        self.standing(question, at, customer, false)
    }

    fn arr(&self, question: &Question, at: Instant, customer: Option<&str>) -> Result<Amount, String> {
        self.standing(question, at, customer, true)
    }

    fn retained(
        &self,
        question: &Question,
        measure: Retention,
        from: Day,
        to: Day,
    ) -> Option<Result<Option<Ratio>, String>> {
        Some(self.retention(question, measure, from, to))
    }
}

impl Engine {
    /// Retention over any window: the report's periods are made so long that the window is one of them.
    fn retention(
        &self,
        question: &Question,
        measure: Retention,
        from: Day,
        to: Day,
    ) -> Result<Option<Ratio>, String> {
        let mut question = question.clone();
        (question.from, question.to) = (Some(from), Some(to));
        question.interval = netnew_money::Grain::Year;
        let frame = self.frame(&question, ReportCurrency::In(self.settings.currency))?;
        let query = frame.query().map_err(|e| e.to_string())?;
        let rows = self.rows(&frame, &query, Extras { retention: true, committed: false })?;
        let [row] = rows.as_slice() else {
            return Err("a window over several calendar years is not one row".into());
        };
        let kept = row.retained.get(&Window::Period).copied().unwrap_or_default();
        let of = |amount: Amount| Ratio::from_amount(amount).checked_div(Ratio::from_amount(row.start));
        Ok(match measure {
            Retention::Net => of(kept.end),
            Retention::Gross => of(kept.least),
            Retention::GrossByMovements => {
                of(row.start + row.movement(Kind::Contraction) + row.movement(Kind::Churn))
            }
        })
    }

    fn standing(
        &self,
        question: &Question,
        at: Instant,
        customer: Option<&str>,
        yearly: bool,
    ) -> Result<Amount, String> {
        let book = ReportCurrency::In(self.settings.currency);
        let mut frame = self.frame(question, book)?;
        if frame.currency == ReportCurrency::Original {
            frame.currency = book;
        }
        // A level is asked for at its own day's rate.
        frame.constant_rates = None;
        let day = frame.zone.day_of(at);
        let query = frame.query_over(day, day);
        let mut ctx = frame.context(&query, true);
        ctx.horizon = at;
        let converter = Converter::new(&ctx, &query);
        let mut sum = Amount::ZERO;
        for facts in self.customers.iter().filter(|c| customer.is_none_or(|id| id == &*c.customer)) {
            let ledger = replay(facts, &ctx).map_err(|e| said(e.code(), &e))?;
            for phases in &ledger.phases {
                let Some(phase) = phases.last() else { continue };
                let Some(state) = ledger.state(phase) else { continue };
                let amount = if yearly { phase.level.arr } else { phase.level.mrr };
                sum += converter.movement(amount, state.currency, day).map_err(|e| said(e.code(), &e))?;
            }
        }
        Ok(sum)
    }
}

/// An error as the command line prints it: code, then words.
fn said(code: &str, error: &dyn std::fmt::Display) -> String {
    format!("{code}: {error}")
}

fn plain_period(frame: &Frame, query: &Query, row: &RollupRow, currency: Currency) -> PlainPeriod {
    let currency = match frame.currency {
        ReportCurrency::In(currency) => currency,
        ReportCurrency::Original => row.group.currency.unwrap_or(currency),
    };
    PlainPeriod {
        period: row.period.start,
        group: row.group.values.clone(),
        currency,
        complete: frame.complete(&row.period),
        expected: frame.expected(query, &row.period),
        start: row.start,
        new: row.movement(Kind::New),
        reactivation: row.movement(Kind::Reactivation),
        expansion: row.movement(Kind::Expansion),
        contraction: row.movement(Kind::Contraction),
        churn: row.movement(Kind::Churn),
        transfer: row.movement(Kind::Transfer),
        fx: row.fx,
        end: row.end,
        customers: PlainHeads {
            start: row.heads_start,
            new: row.heads.new,
            reactivated: row.heads.reactivated,
            entered: row.heads.entered,
            churned: row.heads.churned,
            left: row.heads.left,
            end: row.heads_end,
        },
    }
}
