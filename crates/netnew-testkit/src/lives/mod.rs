//! Random businesses from a seed: the histories that property tests run through the oracle and the engine.
//!
//! Everything is a function of the seed, on every machine. [`Lives::from_seed`] makes a business with a question to ask
//! about it; [`shuffled`], [`repeated`] and [`deliveries`] tell the same history in other ways; [`shrink`] takes away
//! what a failure does not need, and [`Lives::to_text`] writes the rest as a scenario.

mod bills;
mod item;
mod random;
mod retell;
mod shrink;

use std::collections::BTreeMap;

use netnew_money::{Currency, Day, Decimal, Grain, Instant, Zone};

use crate::question::{Question, Shown};
use crate::rows::{PlainAttributes, PlainHistory, PlainRate, PlainRow};
use crate::scenario::{Settings, write_history};

pub use random::SplitMix;
pub use retell::{deliveries, repeated, shuffled};
pub use shrink::shrink;

/// What may happen in a business; all of it unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How many customers, at least 1.
    pub customers: u32,
    /// Prices in several currencies, with rates for every day.
    pub currencies: bool,
    /// Prices below 0.
    pub credits: bool,
    /// Subscriptions that go from one customer to another.
    pub moves: bool,
    /// Rows learned late, corrected and withdrawn.
    pub corrections: bool,
    /// Now lies before some of what is written down.
    pub future: bool,
    /// Policies other than the default one.
    pub knobs: bool,
}

impl Default for Shape {
    fn default() -> Shape {
        Shape {
            customers: 3,
            currencies: true,
            credits: true,
            moves: true,
            corrections: true,
            future: true,
            knobs: true,
        }
    }
}

/// A random business, and a question about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lives {
    /// The seed it grew from.
    pub seed: u64,
    /// The book.
    pub settings: Settings,
    /// What was written down. Two rows with one key were learned at different moments, so that the order in
    /// which they arrive does not matter.
    pub history: PlainHistory,
    /// A question, under a policy of the name `default` with some knobs changed.
    pub question: Question,
}

const ZONES: [&str; 9] = [
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Pacific/Auckland",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Pacific/Apia",
];

/// Values that the knobs acting on item states may take, the default first.
const KNOBS: [(&str, &[&str]); 24] = [
    ("netting", &["day", "event", "window", "period"]),
    ("grouping_window", &["60", "15", "240"]),
    ("transfer.residual", &["origin", "destination"]),
    ("statuses.counted", &["active,past_due", "active", "active,past_due,unpaid,paused,trialing"]),
    ("discount.forever", &["subtract", "ignore"]),
    ("discount.recurring_limited", &["subtract", "ignore", "monthly_plans_only"]),
    ("discount.one_time", &["ignore", "subtract"]),
    ("discount_100", &["zero", "stays_active"]),
    ("free_plan", &["excluded", "stays_active"]),
    ("trial", &["excluded", "counted"]),
    ("past_due.grace", &["never", "0", "30", "1 month"]),
    ("unpaid_status", &["excluded", "counted"]),
    ("pause", &["zero", "counted", "contraction"]),
    ("churn.timing", &["effective_end", "at_request"]),
    ("movement.level", &["customer", "subscription"]),
    ("second_subscription", &["expansion", "new"]),
    ("partial_cancel", &["contraction", "churn"]),
    ("same_period_new_and_churn", &["both", "both_hidden"]),
    ("reactivation.window", &["any", "1", "30"]),
    ("week_start", &["monday", "sunday"]),
    ("rounding", &["half_even_10", "nearest_cent", "truncate_cent"]),
    ("interval.week", &["52/12", "30/7", "4.33", "none"]),
    ("interval.day", &["365/12", "30", "30.437"]),
    ("arr", &["exact", "12_x_mrr"]),
];

impl Lives {
    /// A business in which anything may happen.
    pub fn from_seed(seed: u64) -> Lives {
        Lives::of_shape(seed, Shape::default())
    }

    /// A business in which what the shape allows may happen.
    pub fn of_shape(seed: u64, shape: Shape) -> Lives {
        let mut random = SplitMix::new(seed);
        let zone = Zone::parse(random.pick(&ZONES)).expect("the zones of the list exist");
        let settings = Settings { currency: Currency::USD, zone };
        let mut history = PlainHistory::default();
        for number in 1..=shape.customers.max(1) {
            customer(&mut random, &shape, &settings.zone, number, &mut history);
        }
        if shape.moves {
            some_move(&mut random, shape.customers, &mut history.rows);
        }
        if shape.corrections {
            corrections(&mut random, &settings.zone, &mut history);
        }
        if shape.currencies {
            history.rates = rates(&mut random);
        }
        let question = question(&mut random, &shape, &settings);
        Lives { seed, settings, history, question }
    }

    /// The business and its question as a scenario; `expect` says what to ask, such as `movements`.
    pub fn to_text(&self, expect: &str) -> String {
        let question = &self.question;
        let mut out = format!("# A random business, seed {}.\n", self.seed);
        out.push_str(&write_history(&self.settings, &self.history));
        for (knob, value) in &question.knobs {
            out.push_str(&format!("set {knob} \"{value}\"\n"));
        }
        out.push_str(&format!("as-of {}\n", question.as_of));
        if let Some(known_on) = question.known_on {
            out.push_str(&format!("known-on {known_on}\n"));
        }
        out.push_str(&format!("expect {expect} timezone {}", question.zone));
        match question.interval {
            Grain::Day => out.push_str(" daily"),
            Grain::Week => out.push_str(" weekly"),
            Grain::Month => {}
            Grain::Quarter => out.push_str(" quarterly"),
            Grain::Year => out.push_str(" yearly"),
        }
        for (word, day) in
            [("from", question.from), ("to", question.to), ("constant", question.constant_rates)]
        {
            if let Some(day) = day {
                out.push_str(&format!(" {word} {day}"));
            }
        }
        if !question.by.is_empty() {
            out.push_str(&format!(" by {}", question.by.join(",")));
        }
        if !question.filter.is_empty() {
            out.push_str(&format!(" where \"{}\"", question.filter.replace('\\', "\\\\")));
        }
        match question.shown {
            Shown::Default => {}
            Shown::In(currency) => out.push_str(&format!(" in {currency}")),
            Shown::Original => out.push_str(" in original"),
        }
        out.push('\n');
        out
    }
}

/// A moment between the first day of 2024 and the first of 2026. Few days, and few times of day, so that things meet.
fn moment(random: &mut SplitMix, zone: &Zone) -> Instant {
    let start = Day::from_ymd(2024, 1, 1).expect("a day");
    let day = match random.below(4) {
        0 => start.add_months(random.small(24)).last_of_month(),
        1 => start.add_months(random.small(24)),
        _ => start.add_days(random.small(730)),
    };
    time_of_day(random, zone, day)
}

fn time_of_day(random: &mut SplitMix, zone: &Zone, day: Day) -> Instant {
    match random.below(8) {
        0 => zone.at(day, 9, 30, 0, 0),
        1 => zone.at(day, 9, 45, 0, 0),
        2 => zone.at(day, 2, 30, 0, 0),
        3 => zone.start_of(day.add_days(1)).add_micros(-1),
        4 => zone.at(day, 23, 50, 0, 0),
        _ => zone.start_of(day),
    }
}

fn customer(random: &mut SplitMix, shape: &Shape, zone: &Zone, number: u32, history: &mut PlainHistory) {
    let name = format!("c{number}");
    for subscription in 0..random.between(1, 3) {
        let source = if random.one_in(4) { "billing" } else { "files" };
        let subscription = format!("s{number}-{subscription}");
        for nth in 0..random.between(1, 2) {
            let item = if nth == 0 && random.one_in(2) { subscription.clone() } else { format!("i{nth}") };
            item::life(random, shape, zone, [source, &name, &subscription, &item], &mut history.rows);
        }
    }
    for (attribute, values) in [("country", ["DE", "FR"]), ("channel", ["ads", "word of mouth"])] {
        if random.one_in(3) {
            history.attributes.push(attributes(random, &name, None, attribute, &values));
        }
        while random.one_in(3) {
            // Sometimes at the very instant at which something happens to an item.
            let at = match history.rows.get(random.index(history.rows.len() * 2)) {
                Some(row) => row.effective_at,
                None => moment(random, zone),
            };
            history.attributes.push(attributes(random, &name, Some(at), attribute, &values));
        }
    }
}

fn attributes(
    random: &mut SplitMix,
    customer: &str,
    effective_at: Option<Instant>,
    name: &str,
    values: &[&str],
) -> PlainAttributes {
    let value = if random.one_in(5) { None } else { Some(random.pick(values).to_string()) };
    PlainAttributes {
        source: crate::rows::DEFAULT_SOURCE.to_string(),
        customer: customer.to_string(),
        effective_at,
        recorded_at: Some(learned(random)),
        values: Some(BTreeMap::from([(name.to_string(), value)])),
    }
}

/// A moment of learning that no other row has.
fn learned(random: &mut SplitMix) -> Instant {
    let base = Day::from_ymd(2024, 1, 1).expect("a day").add_days(random.small(730));
    Zone::utc().start_of(base).add_micros(random.serial())
}

/// From one of its states on, an item belongs to another customer.
fn some_move(random: &mut SplitMix, customers: u32, rows: &mut [PlainRow]) {
    if !random.one_in(3) || rows.is_empty() {
        return;
    }
    let moved = rows[random.index(rows.len())].clone();
    let taker = format!("c{}", random.between(1, customers.max(1)));
    let same_item = |row: &&mut PlainRow| {
        (&row.source, &row.subscription, &row.item) == (&moved.source, &moved.subscription, &moved.item)
    };
    for row in rows.iter_mut().filter(same_item).filter(|row| row.effective_at >= moved.effective_at) {
        row.customer.clone_from(&taker);
    }
}

/// Some rows are learned late, some corrected, some withdrawn.
fn corrections(random: &mut SplitMix, zone: &Zone, history: &mut PlainHistory) {
    for at in 0..history.rows.len() {
        if random.one_in(4) {
            history.rows[at].recorded_at = Some(learned(random));
        }
        if !random.one_in(6) {
            continue;
        }
        let mut corrected = history.rows[at].clone();
        let since =
            corrected.learned_at().max(Zone::utc().start_of(Day::from_ymd(2024, 1, 1).expect("a day")));
        let days = i64::from(random.small(90));
        corrected.recorded_at = Some(since.add_micros(days * 86_400_000_000 + random.serial()));
        match random.below(5) {
            0 => corrected.retracted = true,
            1 => corrected.amount = Decimal::from_i64(i64::from(random.between(1, 50))),
            2 => corrected.plan = Some("Corrected".to_string()),
            3 => corrected.reconstructed = true,
            _ => corrected.quantity_micros = i64::from(random.between(0, 5)) * 500_000,
        }
        // Retractions carry nothing, so that they are equal to what a file or a scenario says of them.
        if corrected.retracted {
            let mut bare = PlainRow::monthly(
                &corrected.customer,
                &corrected.subscription,
                corrected.effective_at,
                Decimal::ZERO,
                Currency::USD,
            );
            (bare.source, bare.item, bare.seq) = (corrected.source, corrected.item, corrected.seq);
            (bare.recorded_at, bare.retracted) = (corrected.recorded_at, true);
            corrected = bare;
        }
        history.rows.push(corrected);
    }
    // A retraction of something that was never said.
    if random.one_in(8)
        && let Some(row) = history.rows.first().cloned()
    {
        let at = moment(random, zone);
        let mut never = PlainRow::monthly(&row.customer, &row.subscription, at, Decimal::ZERO, Currency::USD);
        (never.source, never.item, never.retracted) = (row.source, row.item, true);
        (never.seq, never.recorded_at) = (99, Some(learned(random)));
        history.rows.push(never);
    }
}

/// Rates every few days over all of history and a year to either side, one way round or the other.
fn rates(random: &mut SplitMix) -> Vec<PlainRate> {
    let mut rates = Vec::new();
    let first = Day::from_ymd(2023, 6, 1).expect("a day");
    let mut day = first;
    while day.days_since(first) < 1_400 {
        for (code, low, high, inverse) in
            [("EUR", 90, 130, false), ("GBP", 110, 150, false), ("JPY", 9_000, 16_000, true)]
        {
            let foreign = Currency::parse(code).expect("a currency of the list");
            let rate = Decimal::new(i128::from(random.between(low, high)), 2);
            let (base, quote) = if inverse { (Currency::USD, foreign) } else { (foreign, Currency::USD) };
            rates.push(PlainRate { day, base, quote, rate: Some(rate), recorded_at: None });
        }
        day = day.add_days(random.small(6) + 1);
    }
    rates
}

fn question(random: &mut SplitMix, shape: &Shape, settings: &Settings) -> Question {
    let mut knobs = BTreeMap::new();
    if shape.knobs {
        for (knob, values) in KNOBS {
            if random.one_in(4) {
                knobs.insert(knob.to_string(), random.pick(values).to_string());
            }
        }
    }
    let zone = if random.one_in(4) {
        Zone::parse(random.pick(&ZONES)).expect("the zones of the list exist")
    } else {
        settings.zone.clone()
    };
    let as_of = if shape.future && random.one_in(2) {
        moment(random, &settings.zone)
    } else {
        settings.zone.start_of(Day::from_ymd(2026, 6, 1).expect("a day"))
    };
    let known_on = (shape.corrections && random.one_in(4)).then(|| moment(random, &settings.zone));
    let today = zone.day_of(known_on.map_or(as_of, |known_on| as_of.min(known_on)));
    let from = random.one_in(3).then(|| today.add_days(-random.small(500)));
    let to = random.one_in(3).then(|| today.add_days(random.small(300) - 150));
    let dimensions = ["plan", "currency", "country", "channel", "source", "layer", "attr:country"];
    let by = match random.below(4) {
        0 => vec![random.pick(&dimensions).to_string()],
        1 => vec!["plan".to_string(), random.pick(&dimensions[2..]).to_string()],
        _ => Vec::new(),
    };
    let filters =
        ["plan=Basic|Pro", "country=DE", "country!=FR", "channel=", "layer!=paid", "source=files,plan!=Pro"];
    let filter = if random.one_in(4) { random.pick(&filters).to_string() } else { String::new() };
    let shown = match random.below(6) {
        0 => Shown::Original,
        1 if shape.currencies => Shown::In(Currency::EUR),
        2 if shape.currencies => Shown::In(Currency::JPY),
        _ => Shown::Default,
    };
    let constant = shape.currencies && shown != Shown::Original && random.one_in(6);
    Question {
        policy: "default".to_string(),
        knobs,
        as_of,
        known_on,
        zone,
        from,
        to: to.filter(|to| from.is_none_or(|from| from <= *to)),
        interval: random.pick(&[Grain::Month, Grain::Month, Grain::Quarter, Grain::Year, Grain::Week]),
        by,
        filter,
        shown,
        constant_rates: constant.then(|| Day::from_ymd(2025, 3, 3).expect("a day")),
    }
}
