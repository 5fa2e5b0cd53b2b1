use super::*;
use crate::checks::Fields;
use netnew_facts::Status;
use netnew_money::{Amount, MonthFactors, Rounding, normalise};
use serde_json::{Value, json};

fn at(text: &str) -> Instant {
    dates::read(text).unwrap()
}

fn plan(name: &str, count: u32, unit: &str) -> (String, Plan) {
    let plan = Plan {
        external_id: name.to_lowercase(),
        name: name.into(),
        interval_count: count,
        interval_unit: unit.into(),
        data_source_uuid: "ds".into(),
        uuid: format!("pl_{name}"),
    };
    (plan.uuid.clone(), plan)
}

fn line(fields: Value) -> LineItem {
    let mut whole = json!({
        "uuid": "li", "external_id": null, "type": "subscription", "amount_in_cents": 1000, "quantity": 1,
        "subscription_external_id": "s1", "plan_uuid": "pl_Gold",
        "service_period_start": "2026-01-01", "service_period_end": "2026-02-01"
    });
    for (key, value) in fields.as_object().unwrap() {
        whole[key] = value.clone();
    }
    serde_json::from_value(whole).unwrap()
}

fn invoice(order: i64, lines: Vec<LineItem>) -> Known<Invoice> {
    let what = serde_json::from_value(json!({
        "uuid": format!("inv_{order}"), "date": "2026-01-01", "external_id": format!("i{order}"), "currency": "USD",
        "customer_uuid": "cus", "data_source_uuid": "ds", "line_items": [], "transactions": []
    }));
    let mut what: Invoice = what.unwrap();
    what.line_items = lines;
    Known { what, order, place: PayloadRef { payload: 1, row: order as u64 } }
}

fn life(invoices: Vec<Known<Invoice>>) -> Life {
    let plans = [
        plan("Gold", 1, "month"),
        plan("Seats", 1, "month"),
        plan("Quarter", 3, "month"),
        plan("Year", 1, "year"),
        plan("Week", 7, "day"),
    ];
    Life { plans: Arc::new(plans.into_iter().collect()), invoices, ..Life::default() }
}

fn subscription(id: &str, ends: &[&str], chain: Option<&str>) -> Known<Subscription> {
    let what = Subscription {
        uuid: format!("sub_{id}"),
        external_id: id.into(),
        subscription_set_external_id: None,
        cancellation_dates: ends.iter().map(|t| at(t)).collect(),
        plan_uuid: None,
        customer_uuid: "cus".into(),
        data_source_uuid: "ds".into(),
        chain: chain.map(str::to_string),
    };
    Known { what, order: 0, place: PayloadRef { payload: 2, row: 1 } }
}

/// Time, item, status and monthly value of every state.
fn shown(life: &Life) -> Vec<String> {
    let day = Ratio::new(304_375, 10_000).unwrap();
    let factors = MonthFactors { week: day.checked_mul(Ratio::from_int(7)).unwrap(), day };
    states(life)
        .iter()
        .map(|told| {
            let s = &told.state;
            let quantity = Ratio::new(i128::from(s.quantity_micros), 1_000_000).unwrap();
            let worth = s.amount.to_ratio().checked_mul(quantity).unwrap();
            let monthly =
                normalise(worth, s.interval, s.interval_count, &factors, Rounding::HalfEven, 2).unwrap();
            let mrr = if s.status == Status::Canceled { Amount::ZERO } else { monthly.mrr };
            format!("{} {} {} {mrr}", day_of(told.effective_at), told.item, s.status.as_str())
        })
        .collect()
}

fn day_of(at: Instant) -> String {
    super::day(at)
}

#[test]
fn a_line_is_worth_its_amount_less_tax_over_the_plan() {
    let one = |fields: Value| shown(&life(vec![invoice(1, vec![line(fields)])]));
    assert_eq!(one(json!({})), ["2026-01-01 s1 active 10"]);
    assert_eq!(one(json!({"tax_amount_in_cents": 200})), ["2026-01-01 s1 active 8"]);
    assert_eq!(one(json!({"plan_uuid": "pl_Quarter", "amount_in_cents": 9000})), ["2026-01-01 s1 active 30"]);
    assert_eq!(one(json!({"plan_uuid": "pl_Year", "amount_in_cents": 60000})), ["2026-01-01 s1 active 50"]);
    // 1000 hundredths each seven days: 1000 x 30.4375 / 7.
    assert_eq!(one(json!({"plan_uuid": "pl_Week"})), ["2026-01-01 s1 active 43.48"]);
    // The amount is for the whole quantity; three into ten has no exact price of one.
    assert_eq!(one(json!({"quantity": 5})), ["2026-01-01 s1 active 10"]);
    assert_eq!(one(json!({"quantity": 3})), ["2026-01-01 s1 active 10"]);
    assert_eq!(one(json!({"type": "one_time"})), Vec::<String>::new());
    assert_eq!(one(json!({"type": "trial"})), ["2026-01-01 s1 trialing 10"]);
    assert_eq!(one(json!({"disabled": true})), Vec::<String>::new());
}

#[test]
fn quantities_are_kept_where_the_price_of_one_is_exact() {
    let quantity =
        |fields: Value| states(&life(vec![invoice(1, vec![line(fields)])]))[0].state.quantity_micros;
    assert_eq!(quantity(json!({"quantity": 5})), 5_000_000);
    assert_eq!(quantity(json!({"quantity": 3})), 1_000_000);
    assert_eq!(quantity(json!({"quantity": 0})), 1_000_000);
}

#[test]
fn a_prorated_line_is_stretched_to_the_whole_interval_at_its_place_in_the_calendar() {
    let part = |start: &str, end: &str, kind: Value| {
        let fields = json!({"prorated": true, "proration_type": kind, "amount_in_cents": 2000,
            "service_period_start": start, "service_period_end": end});
        shown(&life(vec![invoice(1, vec![line(fields)])]))[0].clone()
    };
    // Ten days for 20: a month of 31, 28 and 30 days.
    assert_eq!(part("2026-01-22", "2026-02-01", Value::Null), "2026-01-22 s1 active 62");
    assert_eq!(part("2026-02-19", "2026-03-01", json!("full")), "2026-02-19 s1 active 56");
    assert_eq!(part("2026-04-21", "2026-05-01", Value::Null), "2026-04-21 s1 active 60");
    // No period at all cannot be stretched.
    assert_eq!(part("2026-01-22", "2026-01-22", Value::Null), "2026-01-22 s1 active 20");
}

#[test]
fn a_difference_adds_to_what_is_there() {
    let more = json!({"prorated": true, "proration_type": "differential", "amount_in_cents": 250,
        "service_period_start": "2026-04-16", "service_period_end": "2026-05-01"});
    let first = json!({"service_period_start": "2026-04-01", "service_period_end": "2026-05-01"});
    let all = life(vec![invoice(1, vec![line(first.clone())]), invoice(2, vec![line(more)])]);
    assert_eq!(shown(&all), ["2026-04-01 s1 active 10", "2026-04-16 s1 active 15"]);
    let less = json!({"prorated": true, "amount_in_cents": -250,
        "service_period_start": "2026-04-16", "service_period_end": "2026-05-01"});
    let all = life(vec![invoice(1, vec![line(first)]), invoice(2, vec![line(less)])]);
    assert_eq!(shown(&all), ["2026-04-01 s1 active 10", "2026-04-16 s1 active 5"]);
}

#[test]
fn what_is_given_back_beside_a_new_plan_is_not_a_level() {
    let first = line(json!({"service_period_start": "2026-04-01"}));
    let period = |fields: Value| {
        let mut fields = fields;
        fields["prorated"] = json!(true);
        fields["service_period_start"] = json!("2026-04-16");
        fields["service_period_end"] = json!("2026-05-01");
        line(fields)
    };
    let back = period(json!({"amount_in_cents": -500}));
    let new = period(json!({"amount_in_cents": 1500, "plan_uuid": "pl_Seats"}));
    let all = life(vec![invoice(1, vec![first]), invoice(2, vec![back, new])]);
    assert_eq!(shown(&all), ["2026-04-01 s1 active 10", "2026-04-16 s1 active 30"]);
}

#[test]
fn parts_of_one_invoice_stand_side_by_side() {
    let base = line(json!({}));
    let seats = line(json!({"plan_uuid": "pl_Seats", "amount_in_cents": 500}));
    let next = |plan: &str| line(json!({"service_period_start": "2026-02-01", "plan_uuid": plan}));
    let all = life(vec![invoice(1, vec![base, seats]), invoice(2, vec![next("pl_Gold")])]);
    assert_eq!(
        shown(&all),
        [
            "2026-01-01 s1 active 10",
            "2026-01-01 s1:2 active 5",
            "2026-02-01 s1 active 10",
            "2026-02-01 s1:2 canceled 0"
        ]
    );
}

#[test]
fn at_one_instant_the_last_in_order_holds() {
    let first = line(json!({"event_order": 2, "amount_in_cents": 2000}));
    let second = line(json!({"event_order": 1, "amount_in_cents": 1000}));
    let all = life(vec![invoice(1, vec![first]), invoice(2, vec![second])]);
    assert_eq!(shown(&all), ["2026-01-01 s1 active 20"]);
}

#[test]
fn cancellations_end_and_later_lines_begin_again() {
    let mut all = life(vec![
        invoice(1, vec![line(json!({}))]),
        invoice(2, vec![line(json!({"service_period_start": "2026-05-01"}))]),
    ]);
    all.subscriptions = vec![subscription("s1", &["2025-12-31", "2026-02-15", "2026-05-01"], None)];
    assert_eq!(
        shown(&all),
        ["2026-01-01 s1 active 10", "2026-02-15 s1 canceled 0", "2026-05-01 s1 active 10"]
    );
}

#[test]
fn voided_and_disabled_invoices_say_nothing() {
    for (status, disabled) in [(Some("voided"), false), (Some("written_off"), false), (None, true)] {
        let mut one = invoice(1, vec![line(json!({}))]);
        one.what.status = status.map(str::to_string);
        one.what.disabled = disabled;
        assert!(states(&life(vec![one])).is_empty());
    }
}

fn event(order: i64, kind: &str, fields: Value) -> Known<SubscriptionEvent> {
    let mut whole = json!({
        "id": order, "data_source_uuid": "ds", "customer_external_id": "c", "subscription_external_id": "s1",
        "event_date": "2026-01-01", "effective_date": "2026-01-01", "event_type": kind,
        "external_id": format!("e{order}"), "created_at": "2026-01-01", "updated_at": "2026-01-01"
    });
    for (key, value) in fields.as_object().unwrap() {
        whole[key] = value.clone();
    }
    let what = serde_json::from_value(whole).unwrap();
    Known { what, order, place: PayloadRef { payload: 3, row: order as u64 } }
}

#[test]
fn events_start_change_and_end_subscriptions() {
    let worth = |date: &str, cents: i64| json!({"effective_date": date, "plan_external_id": "gold", "currency": "USD", "amount_in_cents": cents});
    let mut all = life(Vec::new());
    all.events = vec![
        event(1, "subscription_start", worth("2026-01-01", 1000)),
        event(2, "subscription_update_scheduled", worth("2026-02-01", 3000)),
        event(3, "subscription_update_scheduled", worth("2026-03-01", 2000)),
        event(4, "subscription_cancellation_scheduled", json!({"effective_date": "2026-04-01"})),
        event(5, "subscription_event_retracted", json!({"retracted_event_id": "e2"})),
    ];
    assert_eq!(
        shown(&all),
        ["2026-01-01 s1 active 10", "2026-03-01 s1 active 20", "2026-04-01 s1 canceled 0"]
    );
    let ended = states(&all).pop().unwrap();
    assert_eq!(ended.state.cancel_requested_at, Some(at("2026-01-01")));
    all.events.push(event(6, "scheduled_subscription_cancellation_retracted", json!({})));
    assert_eq!(shown(&all).len(), 2);
}

#[test]
fn connected_subscriptions_go_on_in_one_another() {
    let second = line(json!({"subscription_external_id": "s2", "service_period_start": "2026-03-01"}));
    let mut all = life(vec![invoice(1, vec![line(json!({}))]), invoice(2, vec![second])]);
    all.subscriptions = vec![subscription("s1", &["2026-02-10"], None), subscription("s2", &[], None)];
    assert_eq!(shown(&all)[1], "2026-02-10 s1 canceled 0");
    all.subscriptions =
        vec![subscription("s1", &["2026-02-10"], Some("x")), subscription("s2", &[], Some("x"))];
    assert_eq!(
        shown(&all),
        ["2026-01-01 s1 active 10", "2026-03-01 s1 canceled 0", "2026-03-01 s2 active 10"]
    );
}

#[test]
fn amounts_beyond_reason_are_refused_before_they_get_here() {
    let body = json!({"amount_in_cents": "9999999999999999999999"});
    let mut fields = Fields::of(body.as_object().unwrap());
    assert_eq!(fields.number("amount_in_cents"), None);
}
