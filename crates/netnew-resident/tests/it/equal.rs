//! Over random businesses and policies, the pass gives the steps that the general replay gives, to the last digit.

use netnew_bench::{Dice, Shape};
use netnew_facts::{
    Body, CustomerFacts, Discount, DiscountKind, DiscountLevel, DiscountValue, Fact, ItemState, PayloadRef,
    Status, Text,
};
use netnew_ledger::{Context, CustomerLedger, replay};
use netnew_metrics::{
    Extras, Field, Filter, Frame, ReportCurrency, Rollup, RollupError, RollupRow, known_rates,
};
use netnew_money::{Currency, Day, Decimal, Grain, Instant, IntervalUnit, Zone};
use netnew_policy::Policy;
use netnew_resident::{
    ByPair, Cut, Extent, Image, ImageBuilder, Periods, Posting, Row, Rules, Sink, Step, Walker, can_group,
    pass, rollup,
};
use netnew_testkit::lives::Lives;
use netnew_testkit::question::{Question, Shown};
use netnew_testkit::{to_facts, to_rate_facts};
use std::collections::BTreeMap;

/// Steps as lines, and the first change.
#[derive(Default)]
struct Lines {
    steps: Vec<String>,
    heads: Vec<String>,
    first: Option<i64>,
    names: Names,
}

#[derive(Default, Clone)]
struct Names {
    plans: Vec<Option<Text>>,
    currencies: Vec<String>,
}

impl Lines {
    fn line(&self, step: &Step) -> String {
        let mut out = format!(
            "{} {:?} {:?} {} {} {}",
            step.at, step.day, step.kind, step.present_before, step.present_after, step.expected
        );
        for row in step.rows {
            let (plan, currency) =
                (&self.names.plans[row.plan as usize], &self.names.currencies[usize::from(row.currency)]);
            out += &format!(
                "\n  row {} {plan:?} {currency} {:?} {:?} {} {}",
                row.item, row.kind, row.cause, row.amount, row.before
            );
        }
        for change in step.changes {
            let plan = &self.names.plans[change.plan as usize];
            let currency = &self.names.currencies[usize::from(change.currency)];
            if change.mrr[0] != change.mrr[1] || change.arr[0] != change.arr[1] {
                out += &format!(
                    "\n  change {} {plan:?} {currency} {:?} {:?}",
                    change.item, change.mrr, change.arr
                );
            }
        }
        out
    }
}

impl Sink for Lines {
    fn post(&mut self, _: &Posting) {
        unreachable!("no cut was given");
    }

    fn step(&mut self, step: &Step) -> Result<(), RollupError> {
        self.steps.push(self.line(step));
        Ok(())
    }

    fn heads(&mut self, step: &Step) -> Result<(), RollupError> {
        self.heads.push(self.line(step));
        Ok(())
    }

    fn end(&mut self, _customer: u32, first: Option<i64>) -> Result<(), RollupError> {
        self.first = first;
        Ok(())
    }
}

/// Rows one by one, and who came and went.
struct Rows<'a> {
    rules: &'a Rules,
    rows: Vec<String>,
    kinds: Vec<String>,
    posted: usize,
    names: Names,
}

impl Rows<'_> {
    fn row(&mut self, at: i64, row: &Row) {
        let plan = &self.names.plans[row.plan as usize];
        let currency = &self.names.currencies[usize::from(row.currency)];
        self.rows.push(format!(
            "{at} {} {plan:?} {currency} {:?} {:?} {} {}",
            row.item, row.kind, row.cause, row.amount, row.before
        ));
    }
}

impl Sink for Rows<'_> {
    fn step(&mut self, step: &Step) -> Result<(), RollupError> {
        step.rows.iter().for_each(|row| self.row(step.at, row));
        self.kinds.extend(step.kind.map(|kind| format!("{} {kind:?}", step.at)));
        Ok(())
    }

    fn post(&mut self, posting: &Posting) {
        self.posted += 1;
        let at = posting.at;
        posting.rows(self.rules).for_each(|row| self.row(at, &row));
        self.kinds.extend(posting.kind.map(|kind| format!("{at} {kind:?}")));
    }

    fn end(&mut self, _customer: u32, _first: Option<i64>) -> Result<(), RollupError> {
        Ok(())
    }
}

/// The rows and presences of the general replay in the same words.
fn rows_of(ledger: &CustomerLedger) -> (Vec<String>, Vec<String>) {
    let mut out = (Vec::new(), Vec::new());
    for step in &ledger.steps {
        for row in step.rows.iter().filter(|r| !r.regroup) {
            out.0.push(format!(
                "{} {} {:?} {} {:?} {:?} {} {}",
                step.at.micros(),
                row.item,
                row.plan,
                row.currency.as_str(),
                row.kind,
                row.cause,
                row.amount.raw(),
                row.before.raw()
            ));
        }
        out.1.extend(step.kind.map(|kind| format!("{} {kind:?}", step.at.micros())));
    }
    out
}

fn general(ledger: &CustomerLedger, separate: bool) -> (Vec<String>, Vec<String>, Option<i64>) {
    let line = |step: &netnew_ledger::Step| {
        let mut out = format!(
            "{} {:?} {:?} {} {} {}",
            step.at.micros(),
            step.day,
            step.kind,
            step.present_before,
            step.present_after,
            step.expected
        );
        for row in step.rows.iter().filter(|r| !r.regroup) {
            out += &format!(
                "\n  row {} {:?} {} {:?} {:?} {} {}",
                row.item,
                row.plan,
                row.currency.as_str(),
                row.kind,
                row.cause,
                row.amount.raw(),
                row.before.raw()
            );
        }
        for change in &step.changes {
            let (mrr, arr) = (
                [change.before.mrr.raw(), change.after.mrr.raw()],
                [change.before.arr.raw(), change.after.arr.raw()],
            );
            if mrr[0] != mrr[1] || arr[0] != arr[1] {
                out += &format!(
                    "\n  change {} {:?} {} {mrr:?} {arr:?}",
                    change.item,
                    change.plan,
                    change.currency.as_str()
                );
            }
        }
        out
    };
    // A step that only changes what is committed is none to the pass.
    let matters = |step: &&netnew_ledger::Step| {
        step.kind.is_some()
            || !step.rows.is_empty()
            || step.changes.iter().any(|c| c.before.mrr != c.after.mrr || c.before.arr != c.after.arr)
    };
    let steps = ledger.steps.iter().filter(matters).map(line).collect();
    let heads = match separate {
        true => ledger.customer_steps().iter().filter(matters).map(line).collect(),
        false => Vec::new(),
    };
    (steps, heads, ledger.first_change.map(Instant::micros))
}

pub(crate) fn frame(lives: &Lives, question: &Question, customers: &[CustomerFacts]) -> Frame {
    let known_on = question.known_on.unwrap_or(Instant::MAX);
    let as_of = question.as_of.min(known_on);
    let mut policy = Policy::preset(&question.policy).unwrap();
    for (knob, value) in &question.knobs {
        policy.set(knob, value).unwrap();
    }
    let mut data_through: BTreeMap<Text, Instant> = BTreeMap::new();
    for fact in customers.iter().flat_map(|c| &c.facts) {
        let Body::State { effective_at, .. } = &fact.body else { continue };
        if fact.recorded_at <= known_on && *effective_at <= as_of {
            let slot = data_through.entry(fact.source.clone()).or_insert(*effective_at);
            *slot = (*slot).max(*effective_at);
        }
    }
    Frame {
        policy,
        zone: question.zone.clone(),
        book_zone: lives.settings.zone.clone(),
        book_currency: lives.settings.currency,
        rates: known_rates(&to_rate_facts(&lives.history.rates), known_on).unwrap(),
        as_of,
        known_on,
        data_through,
        first_effective: None,
        currency: ReportCurrency::Original,
        constant_rates: None,
        grain: question.interval,
        by: Vec::new(),
        filter: Default::default(),
        from: question.from,
        to: question.to,
    }
}

pub(crate) fn image(customers: &[CustomerFacts], known_on: Instant) -> Image {
    let mut builder = ImageBuilder::new(known_on);
    customers.iter().for_each(|c| builder.push(c).unwrap());
    builder.finish().finish()
}

pub(crate) fn tries(default: u64) -> u64 {
    std::env::var("NETNEW_LIVES").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

fn check(
    seed: u64,
    image: &Image,
    ctx: &Context,
    customers: &[CustomerFacts],
    text: &dyn Fn() -> String,
) -> (usize, usize) {
    let cut = Cut::new(image, ctx.zone).expect("a few years");
    let rules = Rules::with_cut(image, ctx, Some(&cut));
    let names = Names {
        plans: rules.plans.clone(),
        currencies: rules.currencies.iter().map(|c| c.as_str().to_string()).collect(),
    };
    let mut walker = Walker::new(image, &rules, ctx, 0);
    let mut quick = Walker::new(image, &rules, ctx, 0).with_cut(&cut);
    let mut at = 0;
    let separate = ctx.policy.movement_level == netnew_policy::MovementLevel::Subscription;
    let (mut compared, mut posted) = (0, 0);
    for customer in customers {
        let wanted = replay(customer, ctx);
        let known = at < image.len() && image.customers.get(at) == &*customer.customer;
        if !known {
            assert!(wanted.map(|l| l.steps.is_empty()).unwrap_or(false), "seed {seed}: a customer got lost");
            continue;
        }
        let mut rows =
            Rows { rules: &rules, rows: Vec::new(), kinds: Vec::new(), posted: 0, names: names.clone() };
        if quick.customers(at..at + 1, &mut rows).is_ok()
            && let Ok(wanted) = &wanted
        {
            assert_eq!((rows.rows, rows.kinds), rows_of(wanted), "seed {seed}\n{}", text());
            posted += rows.posted;
        }
        let mut lines = Lines { names: names.clone(), ..Lines::default() };
        let got = walker.customer(at, &mut lines);
        at += 1;
        match (wanted, got) {
            (Err(wanted), Err(got)) => assert_eq!(wanted.code(), got.code(), "seed {seed}"),
            (Ok(wanted), Ok(())) => {
                let wanted = general(&wanted, separate);
                compared += wanted.0.len();
                assert_eq!((lines.steps, lines.heads, lines.first), wanted, "seed {seed}\n{}", text());
            }
            (wanted, got) => panic!("seed {seed}: {:?} {:?}", wanted.err(), got.err()),
        }
    }
    assert_eq!(at, image.len(), "seed {seed}");
    (compared, posted)
}

#[test]
fn the_pass_gives_the_steps_of_the_general_replay() {
    let (mut compared, mut posted) = (0, 0);
    for seed in 0..tries(2_000) {
        let lives = Lives::from_seed(seed);
        let customers = to_facts(&lives.history);
        let question = &lives.question;
        let frame = frame(&lives, question, &customers);
        let Ok(query) = frame.query() else { continue };
        let ctx = frame.context(&query, seed % 3 == 0);
        let image = image(&customers, frame.known_on);
        let (steps, events) = check(seed, &image, &ctx, &customers, &|| lives.to_text("movements"));
        (compared, posted) = (compared + steps, posted + events);
    }
    assert!(compared > 5_000, "only {compared} steps were compared, {posted} events of them from templates");
}

/// Bytes in memory.
pub(crate) struct Bytes(pub Vec<u8>);

impl netnew_resident::Source for Bytes {
    fn read(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<()> {
        let from = self.0.get(offset as usize..).unwrap_or_default();
        let bytes = from.get(..buffer.len()).ok_or(std::io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}

#[test]
fn an_image_comes_back_as_it_was_written_and_no_other() {
    for seed in 0..tries(60) {
        let lives = Lives::from_seed(seed);
        let image = image(&to_facts(&lives.history), Instant::MAX);
        let mut bytes = Vec::new();
        if !image.write(7, &mut bytes).unwrap() {
            continue;
        }
        let mut bytes = Bytes(bytes);
        let read = |bytes: &Bytes, version| Image::read(bytes, version, Extent::All).unwrap();
        assert_eq!(read(&bytes, 7), Some(image), "seed {seed}");
        assert_eq!(read(&bytes, 8), None);
        let numbers = Image::read(&bytes, 7, Extent::Numbers).unwrap().unwrap();
        assert_eq!(numbers.rows(), read(&bytes, 7).unwrap().rows());
        let length = bytes.0.len();
        for at in [0, 9, 40, length / 2, length - 1] {
            bytes.0[at] ^= 1;
            assert_eq!(read(&bytes, 7), None, "seed {seed}, byte {at}");
            bytes.0[at] ^= 1;
        }
        bytes.0.pop();
        assert_eq!(read(&bytes, 7), None);
    }
}

/// A frame over made-up customers, under a policy drawn from a seed.
pub(crate) fn bench_frame(seed: u64) -> Frame {
    let mut dice = Dice::new(seed, 1);
    let mut policy = Policy::preset("default").unwrap();
    let knobs: [(&str, &[&str]); 8] = [
        ("netting", &["event", "window", "day", "period"]),
        ("transfer.residual", &["origin", "destination"]),
        ("interval.week", &["52/12", "4.33", "4"]),
        ("statuses.counted", &["active,past_due", "active", "active,past_due,trialing"]),
        ("reactivation.window", &["any", "30", "90"]),
        ("second_subscription", &["expansion", "expansion", "new"]),
        ("discount.recurring_limited", &["subtract", "ignore"]),
        ("rounding", &["half_even_10", "half_even_10", "nearest_cent"]),
    ];
    for (knob, values) in knobs {
        policy.set(knob, values[dice.below(values.len() as u64) as usize]).unwrap();
    }
    let zone = ["UTC", "America/New_York", "Asia/Kathmandu"][dice.below(3) as usize];
    let usd = Currency::parse("USD").unwrap();
    Frame {
        policy,
        zone: Zone::parse(zone).unwrap(),
        book_zone: Zone::utc(),
        book_currency: usd,
        rates: known_rates(&[], Instant::MAX).unwrap(),
        as_of: Instant::parse_rfc3339(
            ["2024-12-31T00:00:00Z", "2023-05-05T05:05:05Z"][dice.below(2) as usize],
        )
        .unwrap(),
        known_on: Instant::MAX,
        data_through: BTreeMap::new(),
        first_effective: Some(Instant::parse_rfc3339("2021-01-01T00:00:00Z").unwrap()),
        currency: ReportCurrency::In(usd),
        constant_rates: None,
        grain: [Grain::Month, Grain::Week, Grain::Year][dice.below(3) as usize],
        by: Vec::new(),
        filter: Default::default(),
        from: [None, Some(Day::from_ymd(2022, 3, 15).unwrap())][dice.below(2) as usize],
        to: [None, Some(Day::from_ymd(2025, 3, 15).unwrap())][dice.below(2) as usize],
    }
}

/// Customers of the data sets for measuring, as facts; all in dollars.
pub(crate) fn bench_customers(seed: u64, shape: Shape) -> Vec<CustomerFacts> {
    let mut customers: BTreeMap<u32, CustomerFacts> = BTreeMap::new();
    for row in netnew_bench::rows(60, seed, shape) {
        let id: Text = format!("c{}", row.customer).into();
        let mut state =
            ItemState::monthly(Decimal::new(i128::from(row.cents), 2), Currency::parse("USD").unwrap());
        state.plan = Some(format!("plan {}", row.plan).into());
        (state.interval, state.interval_count) = [
            (IntervalUnit::Month, 1),
            (IntervalUnit::Year, 1),
            (IntervalUnit::Month, 3),
            (IntervalUnit::Week, 1),
        ][usize::from(row.interval)];
        state.status =
            [Status::Active, Status::Canceled, Status::Trialing, Status::PastDue][usize::from(row.status)];
        state.quantity_micros = i64::from(row.quantity) * 1_000_000;
        let instant = |at: i64| (at != 0).then(|| Instant::from_micros(at));
        state.trial_end = instant(row.trial_end);
        if row.discount > 0 {
            state.discounts.push(Discount {
                value: DiscountValue::Percent(Decimal::from_i64(i64::from(row.discount))),
                kind: DiscountKind::Repeating,
                until: instant(row.discount_until),
                level: DiscountLevel::Item,
            });
        }
        // Some things happen on one day.
        let at = if row.at % 7 == 0 { row.at / DAY * DAY } else { row.at };
        let fact = Fact {
            source: "files".into(),
            customer: id.clone(),
            body: Body::State {
                subscription: format!("s{}", row.subscription).into(),
                item: format!("i{}", row.item).into(),
                effective_at: Instant::from_micros(at),
                seq: i64::from(row.at % DAY != 0),
                state: Some(Box::new(state)),
            },
            recorded_at: Instant::MIN,
            version: None,
            booked_seq: 0,
            payload: PayloadRef::default(),
        };
        customers
            .entry(row.customer)
            .or_insert_with(|| CustomerFacts { customer: id.clone(), ids: vec![id], facts: Vec::new() })
            .facts
            .push(fact);
    }
    customers.into_values().collect()
}

const DAY: i64 = 86_400_000_000;

#[test]
fn made_up_customers_add_up_to_the_same_waterfall_on_every_path() {
    let mut posted = 0;
    for seed in 0..tries(150) {
        let shape = if seed % 2 == 0 { Shape::Plain } else { Shape::Hard };
        let customers = bench_customers(seed, shape);
        let image = image(&customers, Instant::MAX);
        let mut frame = bench_frame(seed);
        frame.data_through = image.data_through(frame.as_of);
        let query = frame.query().unwrap();
        let ctx = frame.context(&query, false);
        posted += check(seed, &image, &ctx, &customers, &|| String::new()).1;
        let mut slow = Rollup::new(&ctx, &query, Extras::default()).unwrap();
        for customer in &customers {
            slow.add(&replay(customer, &ctx).unwrap()).unwrap();
        }
        let first = slow.first_movement();
        let wanted = (slow.finish().unwrap(), first);
        let cut = Cut::new(&image, ctx.zone).unwrap();
        let rules = Rules::with_cut(&image, &ctx, Some(&cut));
        let (whole, chunks) = (ByPair::new(&image, &cut), ByPair::in_chunks(&image, &cut, 50));
        for order in [None, Some(&whole), Some(&chunks)] {
            let days = rollup(&image, &rules, &ctx, &cut, order, query.to, query.with_expected).unwrap();
            let (rows, any) = days.waterfall(&query).unwrap();
            let first = days.first_change().filter(|_| any).map(|at| ctx.zone.day_of(at));
            assert_eq!((rows, first), wanted, "seed {seed}");
        }
    }
    assert!(posted > 1_000, "only {posted} events were posted from templates");
}

#[test]
fn groups_and_currencies_add_up_as_in_the_general_rollup() {
    let (mut compared, mut refused) = (0, 0);
    for seed in 0..tries(1_200) {
        let lives = Lives::from_seed(40_000 + seed);
        let customers = to_facts(&lives.history);
        let question = &lives.question;
        let mut frame = frame(&lives, question, &customers);
        frame.by = question.by.iter().map(|field| Field::parse(field).unwrap()).collect();
        frame.filter = Filter::parse(&question.filter).unwrap();
        frame.currency = match question.shown {
            Shown::Default => ReportCurrency::In(lives.settings.currency),
            Shown::In(currency) => ReportCurrency::In(currency),
            Shown::Original => ReportCurrency::Original,
        };
        frame.constant_rates = question.constant_rates;
        let effective = customers.iter().flat_map(|c| &c.facts).filter_map(|fact| match &fact.body {
            Body::State { effective_at, .. } if fact.recorded_at <= frame.known_on => Some(*effective_at),
            _ => None,
        });
        frame.first_effective = effective.min();
        let Ok(query) = frame.query() else { continue };
        if !can_group(&query) {
            continue;
        }
        let ctx = frame.context(&query, false);
        let extras = Extras { retention: seed % 2 == 0, committed: false };
        let slow = || -> Result<_, RollupError> {
            let mut rollup = Rollup::new(&ctx, &query, extras)?;
            for customer in &customers {
                rollup.add(&replay(customer, &ctx)?)?;
            }
            let first = rollup.first_movement();
            Ok((rollup.finish()?, first))
        };
        let image = image(&customers, frame.known_on);
        let rules = Rules::new(&image, &ctx);
        let quick = || -> Result<_, RollupError> {
            let mut whole = Periods::new(&image, &rules, &ctx, &query, extras)?;
            let parts = pass(&image, &rules, &ctx, None, || {
                Periods::new(&image, &rules, &ctx, &query, extras).expect("made before")
            })?;
            parts.into_iter().for_each(|part| whole.merge(part));
            let first = whole.first_movement();
            Ok((whole.finish()?, first))
        };
        match (slow(), quick()) {
            (Ok(slow), Ok(quick)) => {
                // A kind that moved by nothing on the whole is the same as one that did not move.
                let plain = |mut rows: (Vec<RollupRow>, Option<Day>)| {
                    for row in &mut rows.0 {
                        row.movements.retain(|_, amount| !amount.is_zero());
                        row.causes.retain(|_, amount| !amount.is_zero());
                    }
                    rows
                };
                compared += slow.0.len();
                assert_eq!(plain(quick), plain(slow), "seed {seed}\n{}", lives.to_text("movements"));
            }
            (Err(slow), Err(quick)) => {
                refused += 1;
                assert_eq!(quick.code(), slow.code(), "seed {seed}");
            }
            (slow, quick) => panic!("seed {seed}: {:?} {:?}", slow.err(), quick.err()),
        }
    }
    assert!(compared > 5_000, "only {compared} rows were compared, {refused} refused");
}

#[test]
fn an_image_gives_its_facts_back() {
    for seed in 0..tries(300) {
        let lives = Lives::from_seed(seed);
        let customers = to_facts(&lives.history);
        let image = image(&customers, Instant::MAX);
        let again: Vec<CustomerFacts> = (0..image.len()).map(|at| image.customer_facts(at)).collect();
        let twice = self::image(&again, Instant::MAX);
        let facts: Vec<CustomerFacts> = (0..twice.len()).map(|at| twice.customer_facts(at)).collect();
        assert_eq!(again, facts, "seed {seed}");
        for facts in &again {
            let original = customers.iter().find(|c| c.customer == facts.customer).unwrap();
            let ids: Vec<String> = original.facts.iter().map(|f| f.id()).collect();
            assert!(facts.facts.iter().all(|f| ids.contains(&f.id())), "seed {seed}");
        }
    }
}
