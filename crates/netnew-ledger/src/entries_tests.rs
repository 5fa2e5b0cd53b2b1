//! What payments, invoices, refunds and usage do to the ledger (section 10).

use crate::*;
use netnew_facts::{
    Body, CustomerFacts, Entry, Fact, Invoice, InvoiceLine, ItemState, PayloadRef, Payment, PaymentResult,
    Refund, Status, Usage, UsageType,
};
use netnew_money::{Amount, Currency, Day, Decimal, Grain, Instant, RateTable, Zone};
use netnew_policy::Policy;
use std::collections::BTreeMap;

fn at(text: &str) -> Instant {
    Zone::utc().start_of(Day::parse(text).unwrap())
}

fn usd() -> Currency {
    Currency::parse("USD").unwrap()
}

struct Life {
    facts: Vec<Fact>,
    policy: Policy,
}

impl Life {
    fn new(knob: &str, value: &str) -> Life {
        let mut policy = Policy::preset("default").unwrap();
        policy.set(knob, value).unwrap();
        Life { facts: Vec::new(), policy }
    }

    fn fact(mut self, body: Body) -> Life {
        self.facts.push(Fact {
            source: "files".into(),
            customer: "acme".into(),
            body,
            recorded_at: at("2026-12-01"),
            version: None,
            booked_seq: self.facts.len() as u64 + 1,
            payload: PayloadRef::default(),
        });
        self
    }

    fn state(self, when: &str, subscription: &str, change: impl FnOnce(&mut ItemState)) -> Life {
        let mut state = ItemState::monthly(Decimal::from_i64(100), usd());
        change(&mut state);
        self.fact(Body::State {
            subscription: subscription.into(),
            item: subscription.into(),
            effective_at: at(when),
            seq: 0,
            state: Some(Box::new(state)),
        })
    }

    fn entry(self, when: &str, key: &str, entry: Entry) -> Life {
        let (kind, effective_at) = (entry.kind(), at(when));
        self.fact(Body::Entry { kind, key: key.into(), effective_at, entry: Some(Box::new(entry)) })
    }

    fn paid(self, when: &str, key: &str, invoice: Option<&str>, result: PaymentResult) -> Life {
        let payment = Payment {
            result,
            invoice: invoice.map(Into::into),
            ..Payment::succeeded(Amount::from_major(100), usd())
        };
        self.entry(when, key, Entry::Payment(payment))
    }

    fn invoice(self, when: &str, key: &str, subscription: &str, until: &str) -> Life {
        let mut invoice = Invoice { total: Amount::from_major(100), ..Invoice::open(usd()) };
        invoice.lines.push(InvoiceLine {
            subscription: Some(subscription.into()),
            period_start: Some(at(when)),
            period_end: Some(at(until)),
            ..InvoiceLine::of(Amount::from_major(100))
        });
        self.entry(when, key, Entry::Invoice(invoice))
    }

    fn used(self, when: &str, quantity: &str) -> Life {
        let usage = Usage {
            quantity: Decimal::parse(quantity).unwrap(),
            subscription: Some("m".into()),
            item: None,
            metric: None,
            amount: None,
            currency: None,
        };
        let key = format!("u{}", self.facts.len());
        self.entry(when, &key, Entry::Usage(usage))
    }

    fn lines(&self) -> Vec<String> {
        let zone = Zone::utc();
        let data_through = BTreeMap::from([("files".into(), at("2026-12-01"))]);
        let ctx = Context {
            policy: &self.policy,
            zone: &zone,
            book_zone: &zone,
            book_currency: usd(),
            rates: &RateTable::new(),
            as_of: at("2026-12-15"),
            known_on: Instant::MAX,
            horizon: at("2026-12-15"),
            data_through: &data_through,
            grain: Grain::Month,
            range_start: None,
            range_end: None,
            dimensions: Dimensions::default(),
        };
        let ids = vec!["acme".into()];
        let facts = CustomerFacts { customer: "acme".into(), ids, facts: self.facts.clone() };
        let forwards = lines_of(&replay(&facts, &ctx).unwrap());
        let mut turned = facts;
        turned.facts.reverse();
        assert_eq!(lines_of(&replay(&turned, &ctx).unwrap()), forwards, "the order of facts matters");
        forwards
    }
}

fn lines_of(ledger: &CustomerLedger) -> Vec<String> {
    let rows = ledger.steps.iter().flat_map(|step| step.rows.iter().map(move |row| (step, row)));
    rows.map(|(step, row)| {
        format!("{} {} {} {}", step.day, row.kind.as_str(), row.amount, row.cause.as_str())
    })
    .collect()
}

#[test]
fn an_item_waits_for_the_first_payment_of_its_own_subscription() {
    let life = Life::new("activation.moment", "first_payment")
        .state("2026-01-01", "s", |_| {})
        .state("2026-02-01", "t", |s| s.amount = Decimal::from_i64(40))
        .invoice("2026-01-01", "i1", "s", "2026-02-01")
        .paid("2026-01-02", "p1", Some("i1"), PaymentResult::Failed)
        .paid("2026-01-05", "p2", Some("i1"), PaymentResult::Succeeded);
    assert_eq!(life.lines(), ["2026-01-05 new 100 other"]);
    let named_none = life.paid("2026-03-03", "p3", None, PaymentResult::Succeeded);
    // The waiting item was there before, so it is no second subscription that starts.
    assert_eq!(named_none.lines(), ["2026-01-05 new 100 other", "2026-03-03 expansion 40 other"]);
}

#[test]
fn a_waiting_item_changes_unseen_and_an_ended_one_never_counts() {
    let life = Life::new("activation.moment", "first_payment")
        .state("2026-01-01", "s", |s| s.status = Status::PastDue)
        .state("2026-02-01", "s", |s| s.amount = Decimal::from_i64(150))
        .state("2026-05-01", "s", |s| s.status = Status::Canceled);
    assert!(life.lines().is_empty());
    let paid = life.paid("2026-03-10", "p", None, PaymentResult::Succeeded);
    assert_eq!(paid.lines(), ["2026-03-10 new 150 other", "2026-05-01 churn -150 cancel_voluntary"]);
}

#[test]
fn a_trial_that_waits_converts_when_it_is_paid() {
    let life = Life::new("activation.moment", "invoice_opened")
        .state("2026-01-01", "s", |s| {
            s.status = Status::Trialing;
            s.trial_end = Some(at("2026-01-15"));
        })
        .invoice("2026-01-20", "i1", "s", "2026-02-20");
    assert_eq!(life.lines(), ["2026-01-20 new 100 trial_conversion"]);
}

#[test]
fn a_full_refund_takes_its_time_out_and_a_part_does_not() {
    let life = Life::new("refund", "erases_history")
        .state("2026-01-01", "s", |_| {})
        .invoice("2026-02-01", "i2", "s", "2026-03-01")
        .paid("2026-02-01", "p2", Some("i2"), PaymentResult::Succeeded);
    let refund = |amount: i64| {
        let refund = Refund { payment: Some("p2".into()), ..Refund::of(Amount::from_major(amount), usd()) };
        Entry::Refund(refund)
    };
    assert_eq!(life.lines(), ["2026-01-01 new 100 other"]);
    let part = life.entry("2026-02-20", "r1", refund(60));
    assert_eq!(part.lines(), ["2026-01-01 new 100 other"]);
    let whole = part.entry("2026-02-21", "r2", refund(40));
    assert_eq!(
        whole.lines(),
        ["2026-01-01 new 100 other", "2026-02-01 churn -100 other", "2026-03-01 reactivation 100 other"]
    );
}

fn metered(rule: &str) -> Life {
    Life::new("metered", rule).state("2026-01-10", "m", |s| {
        s.usage_type = UsageType::Metered;
        s.amount = Decimal::parse("0.5").unwrap();
    })
}

#[test]
fn usage_sets_a_level_once_a_month() {
    let life = metered("trailing_30_days")
        .used("2026-01-20", "100")
        .used("2026-01-31", "20")
        .used("2026-02-10", "300")
        .used("2026-03-01", "7");
    assert_eq!(
        life.lines(),
        ["2026-02-01 new 60 usage", "2026-03-01 expansion 100 usage", "2026-04-01 churn -160 usage"]
    );
}

#[test]
fn the_mean_of_three_months_begins_with_as_many_as_there_are() {
    let life = metered("three_month_mean")
        .used("2026-01-20", "100")
        .used("2026-02-20", "200")
        .used("2026-03-20", "200")
        .used("2026-04-20", "500")
        .state("2026-05-02", "m", |s| s.status = Status::Canceled);
    let amounts: Vec<String> =
        life.lines().iter().map(|l| l.split(' ').take(3).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        amounts,
        [
            "2026-02-01 new 50",
            "2026-03-01 expansion 25",
            "2026-04-01 expansion 8.3333333333",
            "2026-05-01 expansion 66.6666666667",
            "2026-05-02 churn -150",
        ]
    );
}

#[test]
fn committed_usage_counts_like_a_licence_and_by_default_nothing_does() {
    let life = metered("committed_plus_overage").used("2026-01-20", "1000");
    assert_eq!(life.lines(), ["2026-01-10 new 0.5 other"]);
    assert!(metered("excluded").used("2026-01-20", "1000").lines().is_empty());
}
