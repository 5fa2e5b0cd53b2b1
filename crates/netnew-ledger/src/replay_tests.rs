//! The ledger on small lives. Larger stories are the scenarios in `tests/scenarios`.

use crate::*;
use netnew_facts::{
    Body, CancelReason, CustomerFacts, Discount, DiscountKind, DiscountLevel, DiscountValue, Fact, ItemState,
    PayloadRef, Status, Text,
};
use netnew_money::{Currency, Day, Decimal, Grain, Instant, IntervalUnit, RateTable, Zone};
use netnew_policy::Policy;
use std::collections::BTreeMap;

struct Life {
    facts: Vec<Fact>,
    policy: Policy,
    rates: RateTable,
    data_through: Option<&'static str>,
}

fn at(text: &str) -> Instant {
    match text.len() {
        10 => Zone::utc().start_of(Day::parse(text).unwrap()),
        _ => Instant::parse_rfc3339(text).unwrap(),
    }
}

impl Life {
    fn new() -> Life {
        Life {
            facts: Vec::new(),
            policy: Policy::preset("default").unwrap(),
            rates: RateTable::new(),
            data_through: None,
        }
    }

    fn set(mut self, knob: &str, value: &str) -> Life {
        self.policy.set(knob, value).unwrap();
        self
    }

    fn state(self, when: &str, subscription: &str, change: impl FnOnce(&mut ItemState)) -> Life {
        self.item(when, subscription, subscription, change)
    }

    fn item(
        mut self,
        when: &str,
        subscription: &str,
        item: &str,
        change: impl FnOnce(&mut ItemState),
    ) -> Life {
        let mut state = ItemState::monthly(Decimal::from_i64(0), Currency::parse("USD").unwrap());
        change(&mut state);
        self.facts.push(Fact {
            source: "files".into(),
            customer: "acme".into(),
            body: Body::State {
                subscription: subscription.into(),
                item: item.into(),
                effective_at: at(when),
                seq: 0,
                state: Some(Box::new(state)),
            },
            recorded_at: at(when),
            version: None,
            booked_seq: self.facts.len() as u64 + 1,
            payload: PayloadRef::default(),
        });
        self
    }

    fn country(mut self, when: Option<&str>, value: &str) -> Life {
        let mut fact = self.facts[0].clone();
        fact.body = Body::Attributes {
            effective_at: when.map(at),
            values: Some([("country".to_string(), Some(value.to_string()))].into()),
        };
        self.facts.push(fact);
        self
    }

    fn ledger(&self, as_of: &str, dimensions: Dimensions) -> CustomerLedger {
        let zone = Zone::utc();
        let newest = self.facts.iter().filter_map(|f| f.effective_at()).filter(|e| *e <= at(as_of)).max();
        let through = self.data_through.map(at).or(newest);
        let data_through: BTreeMap<Text, Instant> =
            through.map(|t| [("files".into(), t)].into()).unwrap_or_default();
        let ctx = Context {
            policy: &self.policy,
            zone: &zone,
            book_zone: &zone,
            book_currency: Currency::parse("USD").unwrap(),
            rates: &self.rates,
            as_of: at(as_of),
            known_on: Instant::MAX,
            horizon: Instant::MAX,
            data_through: &data_through,
            grain: Grain::Month,
            range_start: None,
            range_end: None,
            dimensions,
        };
        let ids = vec!["acme".into()];
        replay(&CustomerFacts { customer: "acme".into(), ids, facts: self.facts.clone() }, &ctx).unwrap()
    }

    /// Rows as a bookkeeper writes them: day, plan, kind, amount, cause; `~` marks what is only expected.
    fn check(&self, expect: &str) {
        self.check_as_of("2027-01-01", expect);
    }

    fn check_as_of(&self, as_of: &str, expect: &str) {
        let ledger = self.ledger(as_of, Dimensions::default());
        let expect: Vec<String> = expect
            .lines()
            .map(|l| l.split_whitespace().collect::<Vec<_>>().join(" "))
            .filter(|l| !l.is_empty())
            .collect();
        assert_eq!(lines(&ledger), expect);
    }
}

fn lines(ledger: &CustomerLedger) -> Vec<String> {
    let mut out = Vec::new();
    for step in &ledger.steps {
        for row in &step.rows {
            out.push(format!(
                "{}{} {} {} {} {}",
                if step.expected { "~" } else { "" },
                step.day,
                row.plan.as_deref().unwrap_or("-"),
                row.kind.as_str(),
                row.amount,
                row.cause.as_str()
            ));
        }
    }
    out
}

fn plan(name: &str, price: &str) -> impl FnOnce(&mut ItemState) {
    let (name, price) = (name.to_string(), Decimal::parse(price).unwrap());
    move |s| {
        s.plan = Some(name.as_str().into());
        s.amount = price;
    }
}

fn canceled(s: &mut ItemState) {
    s.status = Status::Canceled;
}

fn percent(value: i64, kind: DiscountKind, until: Option<&str>) -> Discount {
    Discount {
        value: DiscountValue::Percent(Decimal::from_i64(value)),
        kind,
        until: until.map(at),
        level: DiscountLevel::Item,
    }
}

#[test]
fn a_life_with_all_five_stories() {
    Life::new()
        .state("2026-01-10", "s", plan("Basic", "20"))
        .state("2026-02-10", "s", plan("Pro", "50"))
        .state("2026-03-10", "s", plan("Basic", "20"))
        .state("2026-04-10", "s", canceled)
        .state("2026-06-10", "s", plan("Basic", "20"))
        .check(
            "2026-01-10 Basic new 20 other
             2026-02-10 Basic transfer -20 upgrade
             2026-02-10 Pro transfer 20 upgrade
             2026-02-10 Pro expansion 30 upgrade
             2026-03-10 Pro transfer -20 downgrade
             2026-03-10 Pro contraction -30 downgrade
             2026-03-10 Basic transfer 20 downgrade
             2026-04-10 Basic churn -20 cancel_voluntary
             2026-06-10 Basic reactivation 20 other",
        );
}

#[test]
fn netting_by_day_hides_what_came_and_went() {
    let life = |netting: &str| {
        Life::new()
            .set("netting", netting)
            .state("2026-01-10T10:00:00Z", "s", plan("Basic", "20"))
            .state("2026-01-10T10:55:00Z", "s", plan("Pro", "50"))
            .state("2026-01-10T12:00:00Z", "s", canceled)
    };
    life("day").check("");
    life("window").check("2026-01-10 Pro new 50 other\n2026-01-10 Pro churn -50 cancel_voluntary");
    life("event").check(
        "2026-01-10 Basic new 20 other
         2026-01-10 Basic transfer -20 upgrade
         2026-01-10 Pro transfer 20 upgrade
         2026-01-10 Pro expansion 30 upgrade
         2026-01-10 Pro churn -50 cancel_voluntary",
    );
}

#[test]
fn a_trial_counts_once_its_end_is_known_to_have_passed() {
    let trial = |s: &mut ItemState| {
        plan("Pro", "50")(s);
        s.status = Status::Trialing;
        s.trial_end = Some(at("2026-01-24"));
    };
    Life::new().state("2026-01-10", "s", trial).check("");
    Life::new()
        .state("2026-01-10", "s", trial)
        .check_as_of("2026-01-20", "~2026-01-24 Pro new 50 trial_conversion");
    let mut later = Life::new().state("2026-01-10", "s", trial);
    later.data_through = Some("2026-01-24");
    later.check("2026-01-24 Pro new 50 trial_conversion");
}

#[test]
fn discounts_end_by_themselves() {
    Life::new()
        .state("2026-01-10", "s", |s| {
            plan("Pro", "100")(s);
            s.discounts = vec![percent(20, DiscountKind::Repeating, Some("2026-04-10"))];
        })
        .check("2026-01-10 Pro new 80 other\n2026-04-10 Pro expansion 20 discount_end");
    let once = || {
        Life::new().state("2026-01-31", "s", |s| {
            plan("Pro", "100")(s);
            s.discounts = vec![percent(20, DiscountKind::Once, None)];
        })
    };
    once().check("2026-01-31 Pro new 100 other");
    once()
        .set("discount.one_time", "subtract")
        .check("2026-01-31 Pro new 80 other\n2026-02-28 Pro expansion 20 discount_end");
}

#[test]
fn a_full_discount_is_churn_or_keeps_the_customer() {
    let life = || {
        Life::new().state("2026-01-01", "s", plan("Pro", "50")).state("2026-02-01", "s", |s| {
            plan("Pro", "50")(s);
            s.discounts = vec![percent(100, DiscountKind::Repeating, Some("2026-03-01"))];
        })
    };
    life().check(
        "2026-01-01 Pro new 50 other
         2026-02-01 Pro churn -50 discount_start
         2026-03-01 Pro reactivation 50 discount_end",
    );
    life().set("discount_100", "stays_active").check(
        "2026-01-01 Pro new 50 other
         2026-02-01 Pro contraction -50 discount_start
         2026-03-01 Pro expansion 50 discount_end",
    );
}

#[test]
fn two_subscriptions_end_one_after_the_other() {
    Life::new()
        .state("2026-01-01", "a", plan("Pro", "10"))
        .state("2026-01-02", "b", plan("Pro", "15"))
        .state("2026-03-01", "a", canceled)
        .state("2026-04-01", "b", |s| {
            canceled(s);
            s.reason = Some(CancelReason::Involuntary);
        })
        .check(
            "2026-01-01 Pro new 10 other
             2026-01-02 Pro expansion 15 second_subscription
             2026-03-01 Pro contraction -10 cancel_voluntary
             2026-04-01 Pro churn -15 cancel_involuntary",
        );
}

#[test]
fn a_plan_change_done_as_cancel_and_create_is_one_expansion() {
    Life::new()
        .state("2026-01-01", "old", plan("Basic", "10"))
        .state("2026-02-01T09:00:00Z", "old", canceled)
        .state("2026-02-01T09:00:05Z", "fresh", plan("Pro", "30"))
        .check(
            "2026-01-01 Basic new 10 other
             2026-02-01 Pro transfer 10 upgrade
             2026-02-01 Pro expansion 20 upgrade
             2026-02-01 Basic transfer -10 upgrade",
        );
}

#[test]
fn an_annual_thousand_is_exact_both_ways() {
    let ledger = Life::new()
        .state("2026-01-01", "s", |s| {
            plan("Year", "1000")(s);
            s.interval = IntervalUnit::Year;
        })
        .ledger("2026-02-01", Dimensions::default());
    let level = ledger.phases[0][0].level;
    assert_eq!(level.mrr.to_string(), "83.3333333333");
    assert_eq!(level.arr.to_string(), "1000");
}

#[test]
fn a_scheduled_cancel_needs_no_event_and_lies_ahead_until_then() {
    let life = Life::new().state("2026-01-01", "s", |s| {
        plan("Pro", "50")(s);
        s.cancel_requested_at = Some(at("2026-02-20"));
        s.cancel_at = Some(at("2026-03-01"));
    });
    life.check_as_of("2026-02-01", "2026-01-01 Pro new 50 other\n~2026-03-01 Pro churn -50 cancel_voluntary");
    life.check_as_of("2026-03-01", "2026-01-01 Pro new 50 other\n2026-03-01 Pro churn -50 cancel_voluntary");
    life.set("churn.timing", "at_request")
        .check("2026-01-01 Pro new 50 other\n2026-02-20 Pro churn -50 cancel_voluntary");
}

#[test]
fn grace_runs_out() {
    Life::new()
        .set("past_due.grace", "30")
        .state("2026-01-01", "s", plan("Pro", "50"))
        .state("2026-02-01", "s", |s| {
            plan("Pro", "50")(s);
            s.status = Status::PastDue;
        })
        .check("2026-01-01 Pro new 50 other\n2026-03-03 Pro churn -50 cancel_involuntary");
}

#[test]
fn a_change_of_country_moves_the_level() {
    let life = Life::new()
        .state("2026-01-01", "s", plan("Pro", "50"))
        .country(None, "DE")
        .country(Some("2026-02-01"), "FR")
        .state("2026-02-01T12:00:00Z", "s", plan("Pro", "60"));
    let dimensions = Dimensions { attributes: vec!["country".into()], layer: false };
    let ledger = life.ledger("2027-01-01", dimensions);
    let told: Vec<String> = ledger
        .steps
        .iter()
        .flat_map(|s| &s.rows)
        .map(|r| {
            let country = ledger.epochs[r.epoch as usize].values[0].clone().unwrap_or_default();
            format!("{country} {} {}", r.kind.as_str(), r.amount)
        })
        .collect();
    assert_eq!(told, ["DE new 50", "DE transfer -50", "FR transfer 50", "FR expansion 10"]);
}

#[test]
fn currencies_switch_at_the_days_rate() {
    let mut life = Life::new()
        .state("2026-01-01", "s", |s| {
            plan("Pro", "10")(s);
            s.currency = Currency::parse("EUR").unwrap();
        })
        .state("2026-02-01", "s", plan("Pro", "12"));
    let (euro, dollar) = (Currency::parse("EUR").unwrap(), Currency::parse("USD").unwrap());
    life.rates
        .insert(Day::parse("2026-01-30").unwrap(), euro, dollar, Decimal::parse("1.1").unwrap())
        .unwrap();
    life.check(
        "2026-01-01 Pro new 10 other
         2026-02-01 Pro transfer -10 currency_switch
         2026-02-01 Pro transfer 11 currency_switch
         2026-02-01 Pro expansion 1 currency_switch",
    );
}

#[test]
fn hidden_months_leave_no_trace() {
    Life::new()
        .set("same_period_new_and_churn", "both_hidden")
        .state("2026-04-03", "s", plan("Pro", "10"))
        .state("2026-04-20", "s", canceled)
        .state("2026-06-01", "s", plan("Pro", "10"))
        .check("2026-06-01 Pro new 10 other");
}
