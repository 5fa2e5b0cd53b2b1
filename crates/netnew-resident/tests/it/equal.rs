//! Over random businesses and policies, the pass gives the steps that the general replay gives, to the last digit.

use netnew_facts::{Body, CustomerFacts, Text};
use netnew_ledger::{Context, CustomerLedger, replay};
use netnew_metrics::{Frame, ReportCurrency, RollupError, known_rates};
use netnew_money::Instant;
use netnew_policy::Policy;
use netnew_resident::{Cut, Image, ImageBuilder, Posting, Row, Rules, Sink, Step, Walker};
use netnew_testkit::lives::Lives;
use netnew_testkit::question::Question;
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
                out += &format!("\n  change {} {plan:?} {currency} {:?} {:?}", change.item, change.mrr, change.arr);
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
    image: &'a Image,
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
        let at = posting.at(self.image);
        posting.rows(self.image, self.rules).for_each(|row| self.row(at, &row));
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

fn frame(lives: &Lives, question: &Question, customers: &[CustomerFacts]) -> Frame {
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

fn image(customers: &[CustomerFacts], known_on: Instant) -> Image {
    let mut builder = ImageBuilder::new(known_on);
    customers.iter().for_each(|c| builder.push(c).unwrap());
    builder.finish().finish()
}

fn tries(default: u64) -> u64 {
    std::env::var("NETNEW_LIVES").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

fn check(seed: u64, image: &Image, ctx: &Context, customers: &[CustomerFacts], text: &dyn Fn() -> String) -> (usize, usize) {
    let rules = Rules::new(image, ctx);
    let names = Names {
        plans: rules.plans.clone(),
        currencies: rules.currencies.iter().map(|c| c.as_str().to_string()).collect(),
    };
    let mut walker = Walker::new(image, &rules, ctx, 0).with_arr();
    let cut = Cut::new(image, ctx.zone).expect("a few years");
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
        let mut rows = Rows { image, rules: &rules, rows: Vec::new(), kinds: Vec::new(), posted: 0, names: names.clone() };
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
    assert!(compared > 5_000 && posted > 500, "only {compared} steps and {posted} events were compared");
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
