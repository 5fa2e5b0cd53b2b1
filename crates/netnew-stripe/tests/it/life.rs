//! A made subscription that knows its own true states, and writes itself down as Stripe would: its last state, its
//! invoices, the events of its last thirty days, in either shape of the API.

use crate::ledger::State;
use netnew_facts::{
    CancelReason, Discount, DiscountKind, DiscountLevel, DiscountValue, ItemState, Status, UsageType,
};
use netnew_money::{Currency, Decimal, Instant, IntervalUnit, Zone};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// When the story ends and everything is listed: 20 June 2026, noon.
pub const NOW: i64 = 1_781_956_800;
const DAY: i64 = 86_400;

/// The shape of the API that objects are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Before March 2025.
    Old,
    /// Since 2025-03-31.basil, with the discounts of 2025-09-30.clover.
    New,
    /// Events in the old one, the rest in the new one.
    Mixed,
}

pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }

    fn within(&mut self, from: i64, to: i64) -> i64 {
        from + self.below((to - from).max(1) as u64) as i64
    }
}

#[derive(Clone, PartialEq)]
struct Item {
    id: String,
    price: usize,
    quantity: i64,
    created: i64,
}

#[derive(Clone, PartialEq)]
struct Given {
    id: String,
    coupon: usize,
    item: Option<String>,
    start: i64,
    end: Option<i64>,
}

#[derive(Clone, PartialEq)]
struct Now {
    status: &'static str,
    items: Vec<Item>,
    discounts: Vec<Given>,
    paused: bool,
    period: (i64, i64),
    cancel_at_period_end: bool,
    canceled_at: Option<i64>,
    ended_at: Option<i64>,
}

/// A life under way.
pub struct Life {
    dice: Dice,
    yearly: bool,
    start: i64,
    trial_end: Option<i64>,
    now: Now,
    at: i64,
    /// What the ledger should know.
    pub truth: Vec<State>,
    last: BTreeMap<String, ItemState>,
    pending: Vec<Value>,
    invoices: Vec<Value>,
    events: Vec<Value>,
    given: BTreeMap<String, Given>,
    shape: Shape,
    made: u64,
}

const MONTHLY: [i64; 4] = [1_000, 2_000, 4_905, 9_900];
/// Percent or amount off, and months if repeating.
const COUPONS: [(Option<i64>, Option<i64>, Option<i64>); 4] =
    [(Some(20), None, None), (Some(50), None, Some(3)), (None, Some(300), None), (None, Some(250), Some(2))];

fn instant(at: i64) -> Instant {
    Instant::from_micros(at * 1_000_000)
}

fn add_months(at: i64, months: i32) -> i64 {
    let day = Zone::utc().day_of(instant(at)).ymd().2;
    Zone::utc().add_months(instant(at), months, day).micros() / 1_000_000
}

impl Life {
    /// Lives a life through from its seed.
    pub fn live(seed: u64, shape: Shape) -> Life {
        let mut dice = Dice::new(seed);
        let yearly = dice.below(4) == 0;
        let start = NOW - dice.within(2 * DAY, 800 * DAY);
        let trial = (dice.below(3) == 0).then(|| start + 14 * DAY);
        let first = Item {
            id: "si_1".into(),
            price: dice.below(4) as usize,
            quantity: 1 + dice.below(9) as i64,
            created: start,
        };
        let mut life = Life {
            dice,
            yearly,
            start,
            trial_end: trial,
            now: Now {
                status: if trial.is_some() { "trialing" } else { "active" },
                items: vec![first],
                discounts: Vec::new(),
                paused: false,
                period: (start, start),
                cancel_at_period_end: false,
                canceled_at: None,
                ended_at: None,
            },
            at: start,
            truth: Vec::new(),
            last: BTreeMap::new(),
            pending: Vec::new(),
            invoices: Vec::new(),
            events: Vec::new(),
            given: BTreeMap::new(),
            shape,
            made: 0,
        };
        life.begin();
        life
    }

    fn begin(&mut self) {
        let anchor = self.trial_end.unwrap_or(self.start);
        let step = if self.yearly { 12 } else { 1 };
        self.now.period = (self.start, self.trial_end.unwrap_or_else(|| add_months(anchor, step)));
        self.event("customer.subscription.created", None);
        self.bill("subscription_create");
        self.tell();
        let mut k = if self.trial_end.is_some() { 0 } else { 1 };
        loop {
            let until = self.now.period.1;
            self.between(self.at + 1, until.min(NOW));
            if until > NOW || self.now.ended_at.is_some() {
                break;
            }
            self.at = until;
            self.renew(until, add_months(anchor, step * (k + 1)));
            if self.now.ended_at.is_some() {
                break;
            }
            k += 1;
        }
    }

    fn between(&mut self, from: i64, to: i64) {
        let days = (to - from) / DAY;
        let happenings = if days < 2 { 0 } else { self.dice.below(if self.yearly { 5 } else { 3 }) };
        let mut moments: Vec<i64> = (0..happenings).map(|_| self.dice.within(from, to)).collect();
        moments.sort_unstable();
        moments.dedup();
        for at in moments {
            if self.now.ended_at.is_none() {
                self.at = at;
                self.expire();
                self.happen();
            }
        }
    }

    fn watched(&self) -> bool {
        self.at >= NOW - 30 * DAY
    }

    /// Repeating discounts leave the subscription when they are over.
    fn expire(&mut self) {
        let at = self.at;
        if self.now.discounts.iter().any(|d| d.end.is_some_and(|e| e <= at)) {
            let before = self.now.clone();
            self.now.discounts.retain(|d| d.end.is_none_or(|e| e > at));
            self.event("customer.subscription.updated", Some(before));
        }
    }

    fn happen(&mut self) {
        let before = self.now.clone();
        // What changes inside a trial costs nothing, so that no bill tells when: only that is watched changes there.
        let unseen = self.now.status == "trialing" && !self.watched();
        match self.dice.below(if self.watched() { 11 } else { 9 }) {
            0..=5 if unseen => {}
            0 | 1 => {
                let at = self.dice.below(self.now.items.len() as u64) as usize;
                let old = self.now.items[at].clone();
                self.now.items[at].quantity = 1 + self.dice.below(12) as i64;
                self.prorate(Some(&old), Some(at));
            }
            2 | 3 => {
                let at = self.dice.below(self.now.items.len() as u64) as usize;
                let old = self.now.items[at].clone();
                self.now.items[at].price = self.dice.below(4) as usize;
                self.prorate(Some(&old), Some(at));
            }
            4 if self.now.items.len() < 3 => {
                self.made += 1;
                let item = Item {
                    id: format!("si_{}", self.made + 1),
                    price: self.dice.below(4) as usize,
                    quantity: 1 + self.dice.below(3) as i64,
                    created: self.at,
                };
                // Within minutes of the start it would count as made with it.
                if self.at > self.start + 3600 {
                    self.now.items.push(item);
                    self.prorate(None, Some(self.now.items.len() - 1));
                }
            }
            5 if self.now.items.len() > 1 => {
                let at = self.dice.below(self.now.items.len() as u64) as usize;
                let unbilled = |d: &Given| {
                    d.item.as_ref() == Some(&self.now.items[at].id) && d.start >= self.now.period.0
                };
                // A discount that goes with its item before it was on a bill leaves no trace.
                if self.watched() || !self.now.discounts.iter().any(unbilled) {
                    let old = self.now.items.remove(at);
                    self.now.discounts.retain(|d| d.item.as_deref() != Some(old.id.as_str()));
                    self.prorate(Some(&old), None);
                }
            }
            6 if self.now.discounts.is_empty() => self.discount(),
            7 if self.dice.below(4) == 0 && !self.now.cancel_at_period_end => {
                self.now.cancel_at_period_end = true;
                self.now.canceled_at = Some(self.at);
            }
            8 if self.dice.below(6) == 0 => {
                self.now.canceled_at = Some(self.at);
                self.end();
                return;
            }
            9 => self.now.paused = !self.now.paused,
            10 if self.now.status == "active" => self.now.status = "past_due",
            10 if self.now.status == "past_due" => self.now.status = "active",
            _ => {}
        }
        if self.now != before {
            self.event("customer.subscription.updated", Some(before));
        }
        self.tell();
    }

    fn discount(&mut self) {
        self.made += 1;
        // One that comes and goes between two bills leaves no trace: on yearly bills only lasting ones.
        let coupon = if self.yearly { 2 * self.dice.below(2) } else { self.dice.below(4) } as usize;
        let amount = COUPONS[coupon].1.is_some();
        // An amount on the whole is shared out by what the items cost at that moment.
        let on_item = self.dice.below(2) == 0 && !amount;
        let given = Given {
            id: format!("di_{}", self.made),
            coupon,
            item: on_item.then(|| self.now.items[0].id.clone()),
            start: self.at,
            end: COUPONS[coupon].2.map(|months| add_months(self.at, months as i32)),
        };
        self.given.insert(given.id.clone(), given.clone());
        self.now.discounts.push(given);
    }

    fn end(&mut self) {
        let before = self.now.clone();
        self.now.ended_at = Some(self.at);
        self.now.status = "canceled";
        self.event("customer.subscription.deleted", Some(before));
        self.tell();
    }

    fn renew(&mut self, from: i64, to: i64) {
        self.expire();
        if self.now.cancel_at_period_end {
            self.end();
            return;
        }
        let before = self.now.clone();
        self.now.period = (from, to);
        if self.now.status == "trialing" {
            self.now.status = "active";
        }
        // A discount that is taken away is missed on the next bill: it is taken away with one, and was on one before.
        let billed = self.now.discounts.iter().all(|d| d.start < before.period.0);
        if !self.now.discounts.is_empty() && billed && self.dice.below(4) == 0 {
            self.now.discounts.clear();
        }
        self.event("customer.subscription.updated", Some(before));
        self.bill("subscription_cycle");
        self.tell();
    }

    fn amount(&self, price: usize) -> i64 {
        MONTHLY[price] * if self.yearly { 10 } else { 1 }
    }

    fn price_id(&self, price: usize) -> String {
        format!("price_{price}{}", if self.yearly { "y" } else { "m" })
    }

    /// Prices as they are given with items.
    fn price(&self, price: usize) -> Value {
        json!({
            "id": self.price_id(price), "object": "price", "currency": "usd", "unit_amount": self.amount(price),
            "unit_amount_decimal": self.amount(price).to_string(), "product": format!("prod_{price}"), "nickname": null,
            "billing_scheme": "per_unit", "tiers_mode": null, "transform_quantity": null, "livemode": true,
            "recurring": {"interval": if self.yearly { "year" } else { "month" }, "interval_count": 1, "usage_type": "licensed"},
        })
    }

    /// Bills what is changed in the middle of a period: the rest of the old given back, the rest of the new charged.
    fn prorate(&mut self, old: Option<&Item>, new: Option<usize>) {
        // A trial costs nothing: nothing to give back.
        if self.now.status == "trialing" {
            return;
        }
        let period = (self.at, self.now.period.1);
        let new = new.map(|at| self.now.items[at].clone());
        if let (Some(old), Some(new)) = (old, &new)
            && old == new
        {
            return;
        }
        if let Some(old) = old {
            let line = self.line(old, period, -1, true);
            self.pending.push(line);
        }
        if let Some(new) = new {
            let line = self.line(&new, period, 1, true);
            self.pending.push(line);
        }
    }

    fn line(&mut self, item: &Item, period: (i64, i64), sign: i64, proration: bool) -> Value {
        self.made += 1;
        let trial = !proration && self.now.status == "trialing";
        let amount = if trial {
            0
        } else {
            sign * self.amount(item.price) * item.quantity / if proration { 2 } else { 1 }
        };
        let taken: Vec<Value> = match proration || trial {
            true => Vec::new(),
            false => self
                .now
                .discounts
                .iter()
                .filter(|d| d.item.as_ref().is_none_or(|i| *i == item.id))
                .map(|d| json!({"amount": 100, "discount": d.id}))
                .collect(),
        };
        let mut line = json!({
            "id": format!("il_{}", self.made), "object": "line_item", "amount": amount, "currency": "usd",
            "period": {"start": period.0, "end": period.1}, "quantity": item.quantity, "discount_amounts": taken,
        });
        match self.shape {
            Shape::Old => {
                line["type"] = json!(if proration { "invoiceitem" } else { "subscription" });
                line["proration"] = json!(proration);
                line["subscription"] = json!("sub_1");
                line["subscription_item"] = json!(item.id);
                line["price"] = self.price(item.price);
            }
            Shape::New | Shape::Mixed => {
                line["parent"] = json!({"type": "subscription_item_details", "subscription_item_details":
                    {"subscription": "sub_1", "subscription_item": item.id, "proration": proration}});
                line["pricing"] = json!({"type": "price_details", "unit_amount_decimal": self.amount(item.price).to_string(),
                    "price_details": {"price": self.price_id(item.price), "product": format!("prod_{}", item.price)}});
            }
        }
        line
    }

    fn bill(&mut self, reason: &str) {
        let (at, period) = (self.at, self.now.period);
        let mut lines = std::mem::take(&mut self.pending);
        for item in self.now.items.clone() {
            lines.push(self.line(&item, period, 1, false));
        }
        let discounts: Vec<Value> =
            self.now.discounts.iter().map(|d| self.discount_json(d, self.shape)).collect();
        let mut invoice = json!({
            "id": format!("in_{}", self.invoices.len() + 1), "object": "invoice", "customer": "cus_1", "created": at,
            "currency": "usd", "status": "paid", "billing_reason": reason, "attempt_count": 1, "livemode": true,
            "status_transitions": {"finalized_at": at, "paid_at": at}, "discounts": discounts,
            // The invoice's own period is the one that has passed.
            "period_start": at - 30 * DAY, "period_end": at, "lines": {"object": "list", "has_more": false, "data": lines},
        });
        match self.shape {
            Shape::Old => invoice["subscription"] = json!("sub_1"),
            _ => {
                invoice["parent"] = json!({"type": "subscription_details", "subscription_details": {"subscription": "sub_1"}});
            }
        }
        self.invoices.push(invoice);
    }

    fn discount_json(&self, given: &Given, shape: Shape) -> Value {
        let (percent, amount, months) = COUPONS[given.coupon];
        let coupon = json!({
            "id": format!("CO{}", given.coupon), "object": "coupon", "percent_off": percent, "amount_off": amount,
            "currency": amount.map(|_| "usd"), "duration": if months.is_some() { "repeating" } else { "forever" },
            "duration_in_months": months,
        });
        let mut out = json!({
            "id": given.id, "object": "discount", "customer": "cus_1", "start": given.start, "end": given.end,
            "subscription": "sub_1", "subscription_item": given.item, "promotion_code": null,
        });
        match shape {
            Shape::Old => out["coupon"] = coupon,
            _ => out["source"] = json!({"type": "coupon", "coupon": coupon}),
        }
        out
    }

    fn object(&self, now: &Now, shape: Shape) -> Value {
        let on = |item: Option<&str>| -> Vec<Value> {
            let mine = now.discounts.iter().filter(|d| d.item.as_deref() == item);
            mine.map(|d| self.discount_json(d, shape)).collect()
        };
        let items: Vec<Value> = now
            .items
            .iter()
            .map(|item| {
                let mut out = json!({
                    "id": item.id, "object": "subscription_item", "created": item.created, "quantity": item.quantity,
                    "price": self.price(item.price), "subscription": "sub_1", "discounts": on(Some(&item.id)),
                });
                if shape != Shape::Old {
                    out["current_period_start"] = json!(now.period.0);
                    out["current_period_end"] = json!(now.period.1);
                }
                out
            })
            .collect();
        let mut out = json!({
            "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": now.status, "created": self.start,
            "start_date": self.start, "trial_start": self.trial_end.map(|_| self.start), "trial_end": self.trial_end,
            "cancel_at": null, "cancel_at_period_end": now.cancel_at_period_end, "canceled_at": now.canceled_at,
            "ended_at": now.ended_at, "cancellation_details": {"reason": now.canceled_at.map(|_| "cancellation_requested")},
            "pause_collection": now.paused.then(|| json!({"behavior": "void", "resumes_at": null})), "currency": "usd",
            "discounts": on(None), "livemode": true, "items": {"object": "list", "has_more": false, "data": items},
        });
        if shape == Shape::Old {
            out["current_period_start"] = json!(now.period.0);
            out["current_period_end"] = json!(now.period.1);
        }
        out
    }

    /// What happened, as an event with what was before; kept if it is of the last thirty days.
    fn event(&mut self, kind: &str, before: Option<Now>) {
        if !self.watched() {
            return;
        }
        let shape = if self.shape == Shape::New { Shape::New } else { Shape::Old };
        let object = self.object(&self.now, shape);
        let mut data = json!({"object": object});
        if kind == "customer.subscription.updated"
            && let Some(before) = before
        {
            let old = self.object(&before, shape);
            let changed: serde_json::Map<String, Value> = old
                .as_object()
                .unwrap()
                .iter()
                .filter(|(name, value)| object.get(name.as_str()) != Some(*value))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            data["previous_attributes"] = Value::Object(changed);
        }
        self.events.push(json!({
            "id": format!("evt_{}", self.events.len() + 1), "object": "event", "type": kind, "created": self.at,
            "livemode": true, "data": data,
        }));
    }

    /// Writes down what is true from now on.
    fn tell(&mut self) {
        let mut now: BTreeMap<String, ItemState> = BTreeMap::new();
        for item in &self.now.items {
            now.insert(item.id.clone(), self.state(item));
        }
        let at = instant(self.at);
        for (id, last) in self.last.clone() {
            if !now.contains_key(&id) && last.status != Status::Canceled {
                now.insert(id, ItemState { status: Status::Canceled, ..last });
            }
        }
        for (id, state) in now {
            if self.last.get(&id) != Some(&state)
                && (self.last.contains_key(&id) || state.status != Status::Canceled)
            {
                self.truth.push(("sub_1".into(), id.clone(), at, state.clone()));
                self.last.insert(id, state);
            }
        }
    }

    fn state(&self, item: &Item) -> ItemState {
        let cents = |amount: i64| Decimal::new(i128::from(amount), 2);
        let status = match self.now.status {
            "trialing" => Status::Trialing,
            "canceled" => Status::Canceled,
            _ if self.now.paused => Status::Paused,
            "past_due" => Status::PastDue,
            _ => Status::Active,
        };
        let gross: Vec<(String, i64)> =
            self.now.items.iter().map(|i| (i.id.clone(), self.amount(i.price) * i.quantity)).collect();
        let discounts = self.now.discounts.iter().filter(|d| d.item.as_ref().is_none_or(|i| *i == item.id));
        let discounts = discounts.map(|given| {
            let (percent, amount, months) = COUPONS[given.coupon];
            let value = match (percent, amount) {
                (Some(percent), _) => DiscountValue::Percent(Decimal::from_i64(percent)),
                (_, amount) => DiscountValue::Amount(cents(shared(amount.unwrap_or(0), &gross, &item.id))),
            };
            Discount {
                value,
                kind: if months.is_some() { DiscountKind::Repeating } else { DiscountKind::Forever },
                until: given.end.map(instant),
                level: if given.item.is_some() { DiscountLevel::Item } else { DiscountLevel::Subscription },
            }
        });
        let ends = self.now.cancel_at_period_end && self.now.ended_at.is_none();
        ItemState {
            status,
            plan: Some(format!("Plan {}", item.price).as_str().into()),
            amount: cents(self.amount(item.price)),
            currency: Currency::USD,
            interval: if self.yearly { IntervalUnit::Year } else { IntervalUnit::Month },
            interval_count: 1,
            quantity_micros: item.quantity * 1_000_000,
            usage_type: UsageType::Licensed,
            discounts: discounts.collect(),
            trial_end: self.trial_end.filter(|_| status == Status::Trialing).map(instant),
            cancel_requested_at: self.now.canceled_at.map(instant),
            cancel_at: ends.then(|| instant(self.now.period.1)),
            reason: self.now.canceled_at.map(|_| CancelReason::Voluntary),
            reason_text: None,
            reconstructed: false,
        }
    }

    fn waiting(&self, line: &Value) -> Value {
        let mut item = line.clone();
        item["id"] = json!(line["id"].as_str().unwrap().replace("il_", "ii_"));
        item["object"] = json!("invoiceitem");
        item["customer"] = json!("cus_1");
        item["date"] = line["period"]["start"].clone();
        item["proration"] = json!(true);
        item["invoice"] = Value::Null;
        let details = line["parent"]["subscription_item_details"].clone();
        if !details.is_null() {
            item["parent"] = json!({"type": "subscription_details", "subscription_details":
                {"subscription": details["subscription"], "subscription_item": details["subscription_item"]}});
        }
        item
    }

    /// Everything that Stripe gives when it is asked now.
    pub fn objects(&self) -> Vec<Value> {
        let shape = if self.shape == Shape::Old { Shape::Old } else { Shape::New };
        let mut out: Vec<Value> = (0..4)
            .map(|n| json!({"id": format!("prod_{n}"), "object": "product", "name": format!("Plan {n}")}))
            .collect();
        out.extend((0..4).map(|n| self.price(n)));
        let mut last = self.now.clone();
        // What has ended stays as it was.
        last.discounts.retain(|d| last.ended_at.is_some() || d.end.is_none_or(|end| end > NOW));
        out.push(self.object(&last, shape));
        out.extend(self.invoices.iter().cloned());
        out.extend(self.events.iter().cloned());
        // What waits for the next bill.
        out.extend(self.pending.iter().map(|line| self.waiting(line)));
        out
    }
}

/// An item's part of an amount off the whole, in cents: in proportion, the rest to the largest remainders.
fn shared(amount: i64, gross: &[(String, i64)], item: &str) -> i64 {
    let total: i64 = gross.iter().map(|g| g.1).sum();
    let mut parts: Vec<(i64, i64, &str)> =
        gross.iter().map(|(id, g)| (amount * g / total, -(amount * g % total), id.as_str())).collect();
    parts.sort_by_key(|p| (p.1, p.2.to_string()));
    let left = amount - parts.iter().map(|p| p.0).sum::<i64>();
    let at = parts.iter().position(|p| p.2 == item).unwrap();
    parts[at].0 + i64::from((at as i64) < left)
}
