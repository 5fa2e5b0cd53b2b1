//! Single shapes of Stripe's objects: what each says.

use crate::ledger::{ledger, states, told};
use crate::life::NOW;
use netnew_facts::{CancelReason, DiscountKind, DiscountValue, Status, UsageType};
use netnew_money::Instant;
use serde_json::{Value, json};

const START: i64 = NOW - 100 * 86_400;

fn price() -> Value {
    json!({"id": "price_a", "object": "price", "currency": "usd", "unit_amount": 1000, "nickname": "A",
        "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"}})
}

fn subscription(change: impl FnOnce(&mut Value)) -> Value {
    let mut out = json!({"id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active",
        "created": START, "start_date": START, "currency": "usd", "discounts": [],
        "items": {"object": "list", "data": [{"id": "si_1", "object": "subscription_item", "created": START,
            "quantity": 2, "price": price(), "current_period_start": NOW - 10 * 86_400, "current_period_end": NOW + 20 * 86_400}]}});
    change(&mut out);
    out
}

fn at(seconds: i64) -> Instant {
    Instant::from_micros(seconds * 1_000_000)
}

fn one(objects: &[Value]) -> Vec<(Instant, netnew_facts::ItemState)> {
    states(&told(objects, NOW)).into_iter().map(|(_, _, at, state)| (at, state)).collect()
}

#[test]
fn the_oldest_shape_has_one_plan_and_no_items() {
    let old = json!({"id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active", "start": START,
        "created": START, "quantity": 3, "plan": {"id": "gold", "object": "plan", "name": "Gold", "amount": 700,
        "currency": "usd", "interval": "year", "interval_count": 1}});
    let states = one(&[old]);
    assert_eq!((states.len(), states[0].1.amount.to_string().as_str()), (1, "7"));
    assert_eq!((states[0].1.plan.as_deref(), states[0].1.quantity_micros), (Some("Gold"), 3_000_000));
}

#[test]
fn asked_to_end_and_ended_are_two_moments() {
    let ended = subscription(|s| {
        s["status"] = json!("canceled");
        (s["canceled_at"], s["ended_at"]) = (json!(START + 100), json!(START + 9_000));
        s["cancellation_details"] = json!({"reason": "payment_failed", "feedback": null, "comment": null});
    });
    let states = one(&[ended]);
    let last = &states.last().unwrap();
    assert_eq!((last.0, last.1.status), (at(START + 9_000), Status::Canceled));
    assert_eq!(last.1.cancel_requested_at, Some(at(START + 100)));
    assert_eq!(last.1.reason, Some(CancelReason::Involuntary));
    assert_eq!(states[1].1.cancel_at, Some(at(START + 9_000)), "known from the request on");
}

#[test]
fn what_ends_with_its_period_says_when() {
    let states = one(&[subscription(|s| {
        s["cancel_at_period_end"] = json!(true);
        s["canceled_at"] = json!(NOW - 50);
    })]);
    assert_eq!(states.last().unwrap().1.cancel_at, Some(at(NOW + 20 * 86_400)));
}

#[test]
fn what_never_was_paid_never_began() {
    for status in ["incomplete", "incomplete_expired"] {
        let history = told(&[subscription(|s| s["status"] = json!(status))], NOW);
        assert_eq!((history.states.len(), history.never_began), (0, 1));
    }
    // What became active began when it started.
    let event = |n: i64, status: &str, before: Value| {
        json!({"id": format!("evt_{n}"), "object": "event", "created": START + n, "type": if n == 0 {
            "customer.subscription.created" } else { "customer.subscription.updated" },
            "data": {"object": subscription(|s| s["status"] = json!(status)), "previous_attributes": before}})
    };
    let states =
        one(&[event(0, "incomplete", json!(null)), event(900, "active", json!({"status": "incomplete"}))]);
    assert_eq!((states.len(), states[0].0, states[0].1.status), (1, at(START), Status::Active));
}

#[test]
fn a_pause_of_collection_is_a_pause_until_it_resumes() {
    let states = one(&[subscription(|s| {
        s["pause_collection"] = json!({"behavior": "void", "resumes_at": NOW + 500});
    })]);
    let seen: Vec<(Instant, Status)> = states.iter().map(|(at, s)| (*at, s.status)).collect();
    let expected = [
        (at(START), Status::Active),
        (at(NOW - 10 * 86_400), Status::Paused),
        (at(NOW + 500), Status::Active),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn discounts_are_read_in_both_shapes() {
    let coupon = json!({"id": "TEN", "object": "coupon", "percent_off": 12.5, "duration": "repeating", "duration_in_months": 2});
    let old = json!({"id": "di_1", "object": "discount", "coupon": coupon, "start": START, "end": NOW, "subscription": "sub_1"});
    let new = json!({"id": "di_1", "object": "discount", "source": {"type": "coupon", "coupon": "TEN"}, "customer": "cus_1", "start": START,
        "end": NOW, "subscription": "sub_1"});
    let by_object = one(&[subscription(|s| {
        s.as_object_mut().unwrap().remove("discounts");
        s["discount"] = old;
    })]);
    let by_id = one(&[subscription(|s| s["discounts"] = json!(["di_1"])), new, coupon]);
    for states in [by_object, by_id] {
        let discount = states[0].1.discounts[0];
        assert!(matches!(discount.value, DiscountValue::Percent(p) if p.to_string() == "12.5"));
        assert_eq!((discount.kind, discount.until), (DiscountKind::Repeating, Some(at(NOW))));
    }
    let history = told(&[subscription(|s| s["discounts"] = json!(["di_unknown"]))], NOW);
    assert_eq!(history.problems[0].1.code, "unknown_discount");
}

#[test]
fn a_customers_discount_counts_where_there_is_no_other() {
    let coupon = json!({"id": "FIVE", "object": "coupon", "amount_off": 500, "currency": "usd", "duration": "forever"});
    let customer = json!({"id": "cus_1", "object": "customer", "created": START, "discount":
        {"id": "di_c", "object": "discount", "coupon": coupon, "customer": "cus_1", "start": START + 86_400, "end": null}});
    let lines = ledger(&states(&told(&[customer, subscription(|_| {})], NOW)), NOW);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].contains("contraction -5 discount_start"), "{lines:?}");
}

#[test]
fn tax_inside_a_price_is_taken_out() {
    let states = one(&[subscription(|s| {
        s["default_tax_rates"] =
            json!([{"id": "txr_1", "object": "tax_rate", "inclusive": true, "percentage": 25.0}]);
    })]);
    assert_eq!(states[0].1.amount.to_string(), "8");
}

#[test]
fn metered_items_are_kept_as_such() {
    let states = one(&[subscription(|s| {
        let item = &mut s["items"]["data"][0];
        item["quantity"] = Value::Null;
        item["price"]["recurring"]["usage_type"] = json!("metered");
    })]);
    assert_eq!(states[0].1.usage_type, UsageType::Metered);
}

#[test]
fn schedules_tell_what_is_to_come() {
    let dear = json!({"id": "price_b", "object": "price", "currency": "usd", "unit_amount": 3000, "nickname": "B",
        "recurring": {"interval": "month", "interval_count": 1}});
    let schedule = json!({"id": "sub_sched_1", "object": "subscription_schedule", "customer": "cus_1", "subscription": "sub_1",
        "status": "active", "end_behavior": "release", "phases": [
            {"start_date": START, "end_date": NOW + 1_000, "items": [{"price": "price_a", "quantity": 2}]},
            {"start_date": NOW + 1_000, "end_date": NOW + 9_000, "items": [{"price": "price_b", "quantity": 1}]}]});
    let states = one(&[dear, schedule, subscription(|_| {})]);
    let last = states.last().unwrap();
    assert_eq!((states.len(), last.0, last.1.amount.to_string().as_str()), (2, at(NOW + 1_000), "30"));
}

#[test]
fn a_price_that_is_gone_is_read_off_its_bill() {
    let end = START + 31 * 86_400;
    let invoice = json!({"id": "in_1", "object": "invoice", "customer": "cus_1", "created": START, "status": "paid",
        "parent": {"subscription_details": {"subscription": "sub_1"}}, "lines": {"data": [{"id": "il_1", "amount": 800,
        "currency": "usd", "quantity": 1, "period": {"start": START, "end": end}, "parent": {"subscription_item_details":
        {"subscription": "sub_1", "subscription_item": "si_1"}}, "pricing": {"unit_amount_decimal": "800",
        "price_details": {"price": "price_gone"}}}]}});
    let history = told(&[invoice, subscription(|s| s["items"]["data"][0]["created"] = json!(START))], NOW);
    assert_eq!(history.wanted.iter().collect::<Vec<_>>(), ["price_gone"]);
    assert!(history.problems.iter().all(|(_, p)| p.code == "unknown_price"));
}

#[test]
fn what_is_wrong_is_said_and_the_rest_is_read() {
    for (object, code) in [
        (json!({"id": "sub_1", "object": "subscription", "status": "active"}), "missing_value"),
        (json!({"id": "evt_1", "object": "event", "type": "x"}), "missing_value"),
        (json!({"hello": "world"}), "not_stripe"),
    ] {
        let said = netnew_stripe::read(&object);
        assert_eq!(said.problems.first().map(|p| p.code), Some(code), "{object}");
    }
    let yen = subscription(|s| s["currency"] = json!("xyz"));
    assert_eq!(told(&[yen], NOW).problems[0].1.code, "unknown_currency");
    assert_eq!(
        netnew_stripe::read(&json!({"id": "po_1", "object": "payout"})).unused.as_deref(),
        Some("payout")
    );
}
