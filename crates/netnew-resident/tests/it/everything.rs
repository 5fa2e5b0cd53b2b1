//! Attributes, layers and committed MRR from memory are what the general rollup gives, to the last digit.

use crate::equal::{bench_customers, bench_frame, frame, image, tries};
use netnew_bench::Shape;
use netnew_facts::{Body, CustomerFacts, Fact, Text};
use netnew_ledger::{Context, replay};
use netnew_metrics::{
    Cohorts, Extras, Field, Filter, Frame, Measure, Query, ReportCurrency, Rollup, RollupError, RollupRow,
};
use netnew_money::{Day, Instant};
use netnew_resident::{
    Classes, Cut, Image, People, PeopleBuilder, Rules, cohorts, grouped, without_dimensions,
};
use netnew_testkit::lives::Lives;
use netnew_testkit::question::Shown;
use netnew_testkit::to_facts;
use std::collections::BTreeMap;

/// Everybody, put together from parts as a reader of a large book does.
pub(crate) fn people(customers: &[CustomerFacts], image: &Image, known_on: Instant) -> People {
    let mut all = PeopleBuilder::new(known_on);
    let mut at = 0;
    for part in customers.chunks(3) {
        let mut builder = PeopleBuilder::new(known_on);
        for customer in part {
            let inside = at < image.len() && image.customers.get(at) == &*customer.customer;
            at += usize::from(inside);
            builder.push(customer, inside).unwrap();
        }
        all.append(builder).unwrap();
    }
    all.finish()
}

/// The frame of a life's question with everything that it asks.
pub(crate) fn asked(lives: &Lives, customers: &[CustomerFacts]) -> Frame {
    let question = &lives.question;
    let mut frame = frame(lives, question, customers);
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
    frame
}

type Answer = Result<(Vec<RollupRow>, Option<Day>), RollupError>;

fn slow(customers: &[CustomerFacts], ctx: &Context, query: &Query, extras: Extras) -> Answer {
    let mut rollup = Rollup::new(ctx, query, extras)?;
    for customer in customers {
        rollup.add(&replay(customer, ctx)?)?;
    }
    let first = rollup.first_movement();
    Ok((plain(rollup.finish()?), first))
}

/// A kind that moved by nothing on the whole is the same as one that did not move.
fn plain(mut rows: Vec<RollupRow>) -> Vec<RollupRow> {
    for row in &mut rows {
        row.movements.retain(|_, amount| !amount.is_zero());
        row.causes.retain(|_, amount| !amount.is_zero());
    }
    rows
}

fn compare(seed: u64, customers: &[CustomerFacts], frame: &Frame, extras: Extras) -> (usize, usize) {
    let Ok(query) = frame.query() else { return (0, 0) };
    let ctx = frame.context(&query, extras.committed);
    let image = image(customers, frame.known_on);
    let people = people(customers, &image, frame.known_on);
    let rules = Rules::new(&image, &without_dimensions(&ctx));
    let cut = Cut::new(&image, ctx.zone).unwrap();
    let quick = grouped(&image, &people, &rules, Some(&cut), &ctx, &query, extras)
        .map(|rows| rows.expect("few groups").shown())
        .map(|(rows, first)| (plain(rows), first));
    let special = Classes::new(&image, &people, &ctx, &query, extras).unwrap().special();
    match (slow(customers, &ctx, &query, extras), quick) {
        (Ok(slow), Ok(quick)) => {
            assert_eq!(quick, slow, "seed {seed}, by {:?} where {:?}", query.by, query.filter);
            (slow.0.len(), image.len() - special)
        }
        (Err(slow), Err(quick)) => {
            assert_eq!(quick.code(), slow.code(), "seed {seed}");
            (0, 0)
        }
        (slow, quick) => panic!("seed {seed}: {:?} {:?}", slow.err(), quick.err()),
    }
}

#[test]
fn any_question_over_random_lives_adds_up_as_in_the_general_rollup() {
    let (mut rows, mut classed) = (0, 0);
    for seed in 0..tries(2_000) {
        let lives = Lives::from_seed(70_000 + seed);
        let customers = to_facts(&lives.history);
        let mut frame = asked(&lives, &customers);
        if seed % 4 == 0 {
            frame.by.push(Field::Layer);
        }
        let extras = Extras { retention: seed % 2 == 0, committed: seed % 3 == 0 };
        let (more, quick) = compare(seed, &customers, &frame, extras);
        (rows, classed) = (rows + more, classed + quick);
    }
    assert!(rows > 10_000 && classed > 1_000, "{rows} rows, {classed} customers in classes");
}

fn attribute(customer: &Text, name: &str, value: &str, from: Option<i64>, seq: u64) -> Fact {
    Fact {
        source: "crm".into(),
        customer: customer.clone(),
        body: Body::Attributes {
            effective_at: from.map(Instant::from_micros),
            values: Some(BTreeMap::from([(name.to_string(), Some(value.to_string()))])),
        },
        recorded_at: Instant::MIN,
        version: None,
        booked_seq: seq,
        payload: Default::default(),
    }
}

/// Customers of the data sets for measuring, most of them with a country, some of whom move.
pub(crate) fn customers_with_countries(seed: u64, shape: Shape) -> Vec<CustomerFacts> {
    let mut customers = bench_customers(seed, shape);
    for (at, customer) in customers.iter_mut().enumerate() {
        let id = customer.customer.clone();
        let first = customer.facts.iter().filter_map(Fact::effective_at).min().unwrap().micros();
        if at % 5 > 0 {
            customer.facts.push(attribute(&id, "country", ["DE", "FR", "", "US"][at % 4], None, 1));
        }
        if at % 7 == 0 {
            let day = 86_400_000_000;
            customer.facts.push(attribute(&id, "country", "JP", Some(first + at as i64 * day), 2));
        }
        if at % 3 == 0 {
            customer.facts.push(attribute(&id, "channel", ["ads", "web"][at % 2], Some(first - 1), 3));
        }
    }
    customers
}

#[test]
fn made_up_customers_add_up_by_country_channel_and_plan() {
    let mut classed = 0;
    for seed in 0..tries(120) {
        let shape = if seed % 2 == 0 { Shape::Plain } else { Shape::Hard };
        let customers = customers_with_countries(seed, shape);
        let mut frame = bench_frame(seed);
        frame.data_through = image(&customers, Instant::MAX).data_through(frame.as_of);
        let by = ["country", "channel,country", "", "plan,country", "layer", "attr:nothing"];
        let by = by[(seed / 2) as usize % by.len()];
        frame.by = by.split(',').filter(|f| !f.is_empty()).map(|f| Field::parse(f).unwrap()).collect();
        let filter = ["", "country=DE|", "channel!=ads", "country!=JP,plan!=plan 3"][(seed / 3) as usize % 4];
        frame.filter = Filter::parse(filter).unwrap();
        let extras = Extras { retention: seed % 3 != 0, committed: seed % 5 == 0 };
        classed += compare(seed, &customers, &frame, extras).1;
    }
    assert!(classed > 1_000, "{classed} customers in classes");
}

fn compare_cohorts(seed: u64, customers: &[CustomerFacts], frame: &Frame) -> usize {
    let Ok(query) = frame.query() else { return 0 };
    let ctx = frame.context(&query, false);
    let image = image(customers, frame.known_on);
    let people = people(customers, &image, frame.known_on);
    let rules = Rules::new(&image, &without_dimensions(&ctx));
    let cut = Cut::new(&image, ctx.zone).unwrap();
    let slow = || -> Result<_, RollupError> {
        let mut slow = Cohorts::new(&ctx, &query)?;
        customers.iter().try_for_each(|customer| slow.add(&replay(customer, &ctx)?))?;
        Ok(slow)
    };
    let quick = || cohorts(&image, &people, &rules, Some(&cut), &ctx, &query).map(Option::unwrap);
    for measure in [Measure::Customers, Measure::Mrr, Measure::Nrr, Measure::Grr] {
        match (slow(), quick()) {
            (Ok(slow), Ok(quick)) => {
                let slow = slow.finish(measure, |p| p.whole);
                assert_eq!(quick.finish(measure, |p| p.whole), slow, "seed {seed}");
                if measure == Measure::Grr {
                    return slow.len();
                }
            }
            (Err(slow), Err(quick)) => assert_eq!(quick.code(), slow.code(), "seed {seed}"),
            (slow, quick) => panic!("seed {seed}: {:?} {:?}", slow.err(), quick.err()),
        }
    }
    0
}

#[test]
fn cohorts_are_those_of_the_general_replay() {
    let mut cells = 0;
    for seed in 0..tries(800) {
        let lives = Lives::from_seed(90_000 + seed);
        let customers = to_facts(&lives.history);
        let mut frame = asked(&lives, &customers);
        frame.by.clear();
        if frame.currency == ReportCurrency::Original {
            frame.currency = ReportCurrency::In(lives.settings.currency);
        }
        if seed % 4 == 0 {
            frame.policy.set("cohort.start", "first_subscription").unwrap();
        }
        cells += compare_cohorts(seed, &customers, &frame);
    }
    for seed in 0..tries(60) {
        let shape = if seed % 2 == 0 { Shape::Plain } else { Shape::Hard };
        let customers = customers_with_countries(seed, shape);
        let mut frame = bench_frame(seed);
        frame.data_through = image(&customers, Instant::MAX).data_through(frame.as_of);
        let filter = ["", "country=DE|", "channel!=ads,plan!=plan 3", "layer=paid"][(seed / 3) as usize % 4];
        frame.filter = Filter::parse(filter).unwrap();
        cells += compare_cohorts(seed, &customers, &frame);
    }
    assert!(cells > 10_000, "only {cells} cells were compared");
}

#[test]
fn attributes_come_back_as_they_were_written_and_no_others() {
    let customers = customers_with_countries(7, Shape::Plain);
    let people = people(&customers, &image(&customers, Instant::MAX), Instant::MAX);
    assert!(people.customers.names().eq(["channel", "country"]));
    let mut bytes = Vec::new();
    assert!(people.write(7, &mut bytes).unwrap());
    let mut bytes = crate::equal::Bytes(bytes);
    let read = |bytes: &crate::equal::Bytes, version| People::read(bytes, version, &|_| true).unwrap();
    assert_eq!(read(&bytes, 7), Some(people));
    assert_eq!(read(&bytes, 8), None);
    let one = People::read(&bytes, 7, &|name| name == "country").unwrap().unwrap();
    assert!(one.customers.names().eq(["country"]));
    for at in 0..bytes.0.len() {
        bytes.0[at] ^= 1;
        assert_eq!(read(&bytes, 7), None, "byte {at}");
        bytes.0[at] ^= 1;
    }
    bytes.0.pop();
    assert_eq!(read(&bytes, 7), None);
}
