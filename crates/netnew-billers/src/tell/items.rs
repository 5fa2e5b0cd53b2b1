//! Items, prices and discounts put to how a subscription stands: the states of every item.

use super::stand::{Point, Stand, points, settled};
use super::{Catalogue, History, Sight, Told};
use crate::json::rounded;
use crate::piece::{Billed, Item, Off, Seen, Standing};
use crate::price::charged;
use crate::said::Trouble;
use netnew_facts::{
    Discount, DiscountKind, DiscountLevel, DiscountValue, ItemState, PayloadRef, Status, Text, UsageType,
};
use netnew_money::{Currency, Decimal, Instant, IntervalUnit, Ratio, Zone, line_value};
use std::collections::{BTreeMap, BTreeSet};

/// An item that begins so soon after its subscription, in microseconds, began with it.
const AT_ONCE: i64 = 3_600_000_000;

pub(super) struct Teller<'a> {
    id: &'a str,
    customer: &'a str,
    sights: &'a [Sight<'a>],
    billed: &'a [&'a Billed],
    catalogue: &'a Catalogue,
    complaints: BTreeMap<String, (PayloadRef, Trouble)>,
    wanted: BTreeSet<String>,
    last: BTreeMap<String, ItemState>,
    told: Vec<Told>,
    /// When the subscription began.
    began: i64,
}

/// A price and quantity in the book's terms.
#[derive(Clone)]
struct Priced {
    plan: Option<String>,
    thing: Option<String>,
    unit: Decimal,
    quantity_micros: i64,
    currency: Currency,
    interval: IntervalUnit,
    count: u32,
    usage: UsageType,
    own: Vec<Discount>,
}

impl<'a> Teller<'a> {
    pub(super) fn new(
        id: &'a str,
        customer: &'a str,
        sights: &'a [Sight<'a>],
        billed: &'a [&'a Billed],
        catalogue: &'a Catalogue,
    ) -> Teller<'a> {
        Teller {
            id,
            customer,
            sights,
            billed,
            catalogue,
            complaints: BTreeMap::new(),
            wanted: BTreeSet::new(),
            last: BTreeMap::new(),
            told: Vec::new(),
            began: 0,
        }
    }

    pub(super) fn tell(mut self, history: &mut History) {
        let mut seen = settled(self.sights);
        if seen.iter().all(|s| s.standing == Standing::Pending) {
            history.never_began += 1;
            return;
        }
        fill_items(&mut seen);
        slots(&mut seen);
        for one in &mut seen {
            self.trial_of_plan(one);
        }
        self.began = seen[0].started.or(seen[0].trial_start).unwrap_or(seen[0].at);
        since_when(&mut seen, self.began);
        // Seen so soon, it was seen at its beginning.
        seen[0].made |= seen[0].at.saturating_sub(self.began) < AT_ONCE;
        let extra: Vec<Vec<i64>> = seen.iter().map(since).collect();
        let points = points(&seen, self.sights, &extra, &self.discount_dates(&seen));
        for point in &points {
            self.at(point, &seen);
        }
        history.problems.extend(self.complaints.into_values());
        history.wanted.append(&mut self.wanted);
        self.told.sort_by(|a, b| (&a.item, a.effective_at).cmp(&(&b.item, b.effective_at)));
        history.states.append(&mut self.told);
    }

    /// A trial that only the plan knows of.
    fn trial_of_plan(&self, seen: &mut Seen) {
        let first = seen.items.iter().flatten().next();
        let thing = first.and_then(|item| self.catalogue.thing(item.thing.as_deref()?));
        let (Some(thing), Some(started), None) = (thing, seen.started, seen.trial_end) else { return };
        if thing.trials.is_empty() {
            return;
        }
        let mut end = Instant::from_micros(started);
        for (word, count) in &thing.trials {
            let (Some(unit), Ok(count)) = (crate::json::unit(word), i32::try_from(*count)) else { return };
            end = Zone::utc().add_interval(end, unit, count);
        }
        seen.trial_end = Some(end.micros());
        if seen.standing == Standing::Active && end.micros() > seen.at {
            seen.standing = Standing::Trialing;
        }
    }

    /// Moments at which a discount begins.
    fn discount_dates(&self, seen: &[Seen]) -> BTreeSet<i64> {
        let on_items = seen.iter().flat_map(|s| s.items.iter().flatten()).flat_map(|i| i.discounts.iter());
        let on_all = seen.iter().flat_map(|s| s.discounts.iter());
        on_items.chain(on_all).filter_map(|d| d.from).collect()
    }

    fn at(&mut self, point: &Point, seen: &[Seen]) {
        let Some(stand) = &point.stand else { return };
        let sight = &seen[point.sight];
        let items = point.changed.unwrap_or_else(|| sight.items.as_deref().unwrap_or_default());
        let began = self.began;
        let there = |item: &&Item| {
            item.since.is_none_or(|since| since <= point.at || since - began < AT_ONCE)
                || point.at >= sight.at
        };
        let mut held: Vec<(String, Priced)> = Vec::new();
        for item in items.iter().filter(there) {
            if let Some(priced) = self.priced(item, point) {
                held.push((item.id.clone(), priced));
            }
        }
        // What a later sight has and dates to before itself.
        if point.changed.is_none()
            && let Some(later) = seen.get(point.sight + 1).filter(|_| point.at > sight.at)
        {
            for item in later.items.iter().flatten() {
                let begun = item.since.is_some_and(|since| since > sight.at && since <= point.at);
                if begun && !held.iter().any(|(id, _)| *id == item.id) {
                    held.extend(self.priced(item, point).map(|priced| (item.id.clone(), priced)));
                }
            }
        }
        let whole = self.on_all(&sight.discounts, &held, point);
        let gone: Vec<String> =
            self.last.keys().filter(|id| !held.iter().any(|(held, _)| held == *id)).cloned().collect();
        for (id, priced) in held {
            let state = if stand.status == Status::Canceled {
                match self.last.get(&id) {
                    Some(last) if last.status != Status::Canceled => ended(last, stand, true),
                    _ => continue,
                }
            } else {
                let mut state = state(stand, &priced);
                state.discounts = priced.own;
                state.discounts.extend(whole.get(&id).into_iter().flatten().copied());
                state
            };
            self.push(point, id, state);
        }
        for id in gone {
            let Some(last) = self.last.get(&id).filter(|last| last.status != Status::Canceled) else {
                continue;
            };
            let state = ended(last, stand, stand.status == Status::Canceled);
            self.push(point, id, state);
        }
    }

    fn push(&mut self, point: &Point, item: String, mut state: ItemState) {
        state.reconstructed = point.rebuilt;
        let same =
            |last: &ItemState| ItemState { reconstructed: state.reconstructed, ..last.clone() } == state;
        if self.last.get(&item).is_some_and(same) {
            return;
        }
        self.last.insert(item.clone(), state.clone());
        let effective_at = Instant::from_micros(point.at);
        // Of two sights of one moment the later one holds.
        self.told.retain(|t| t.item != item || t.effective_at != effective_at);
        self.told.push(Told {
            customer: self.customer.to_string(),
            subscription: self.id.to_string(),
            item,
            effective_at,
            state,
            place: point.place,
        });
    }

    fn complain(&mut self, about: &str, place: PayloadRef, trouble: Trouble) {
        self.complaints.entry(about.to_string()).or_insert((place, trouble));
    }

    fn priced(&mut self, item: &Item, point: &Point) -> Option<Priced> {
        match self.price(item, point.at) {
            Ok(mut priced) => {
                let own: Vec<&Off> = item.discounts.iter().collect();
                let own = self.understood(&own, priced.currency, point);
                priced.own = self.stated(&own, &priced, point, None, DiscountLevel::Item);
                Some(priced)
            }
            Err(trouble) => {
                self.complain(&format!("item {}", item.id), point.place, trouble);
                None
            }
        }
    }

    fn price(&mut self, item: &Item, at: i64) -> Result<Priced, Trouble> {
        let what = item.thing.as_deref().unwrap_or(&item.id);
        let named = item.thing.as_deref().and_then(|id| self.catalogue.thing(id));
        let of = named.and_then(|t| t.of.as_deref()).and_then(|id| self.catalogue.thing(id));
        let id = self.id;
        let lacks = |what: String| {
            Trouble::new(
                "unknown_price",
                format!("the item {} of the subscription {id} {what}", item.id),
                "give the prices, plans and products too, in the same command or before",
            )
        };
        let complete = item.unit.is_some() && item.interval.is_some() && item.plan.is_some();
        if let Some(id) = item.thing.as_ref().filter(|_| named.is_none() && !complete) {
            self.wanted.insert(id.clone());
        }
        let only = named.filter(|t| t.prices.len() == 1).map(|t| t.prices[0].0.as_str());
        let market = item.market.as_deref().and_then(|id| self.catalogue.thing(id)?.currency.as_deref());
        let code = item.currency.as_deref().or(only.filter(|code| !code.is_empty())).or(market);
        let Some(code) = code else {
            self.wanted.extend(item.market.clone());
            return Err(lacks("has no currency, and nothing given names one".into()));
        };
        let currency = Currency::parse(code).map_err(|error| {
            let what = format!("the subscription {}: {error}", self.id);
            Trouble::new("unknown_currency", what, "check the currency code")
        })?;
        let interval = item.interval.as_ref().or(named.and_then(|t| t.interval.as_ref()));
        let (word, count) = interval
            .or(of.and_then(|t| t.interval.as_ref()))
            .ok_or_else(|| lacks(format!("has no billing interval, and {what} is given nowhere")))?;
        let unit_of_time = crate::json::unit(word)
            .ok_or_else(|| lacks(format!("has the interval {word:?}, which is none")))?;
        let metered = item.metered || named.is_some_and(|t| t.metered);
        let given = item.unit.as_deref().and_then(|unit| Decimal::parse(unit).ok());
        let cost = match given {
            Some(unit) => Some((unit, item.quantity_micros)),
            None => named.and_then(|thing| charged(thing, currency, item.quantity_micros)),
        };
        let (unit, quantity_micros) = match cost {
            Some(cost) => cost,
            // What is metered counts nothing by itself, so that its price need not be known.
            None if metered => (Decimal::ZERO, 1_000_000),
            None => {
                self.wanted.extend(item.thing.clone());
                return Err(lacks(format!("has no price in {code}, and {what} is given nowhere with one")));
            }
        };
        let inside = item.tax_inside || (given.is_none() && named.is_some_and(|t| t.tax_inside));
        let unit = self.net(item, unit, inside, at)?;
        let plan = item.plan.clone().or_else(|| self.catalogue.name(what).map(str::to_string));
        Ok(Priced {
            plan: plan.or_else(|| item.thing.clone()),
            thing: item.thing.clone(),
            unit,
            quantity_micros,
            currency,
            interval: unit_of_time,
            count: (*count).max(1),
            usage: if metered { UsageType::Metered } else { UsageType::Licensed },
            own: Vec::new(),
        })
    }

    /// Takes out tax that is inside a price, as the bill nearest before has it, else the first after.
    fn net(&self, item: &Item, unit: Decimal, inside: bool, at: i64) -> Result<Decimal, Trouble> {
        let thing = item.thing.as_deref().unwrap_or(&item.id);
        let near = self
            .billed
            .iter()
            .filter(|b| b.thing == thing)
            .min_by_key(|b| (b.at > at, b.at.saturating_sub(at).saturating_abs()));
        let found = near.and_then(|billed| match (&billed.unit, billed.net) {
            (Some(unit), _) => Decimal::parse(unit).ok(),
            (None, Some((net, gross))) if net != gross => {
                rounded(unit.to_ratio().checked_mul(Ratio::new(i128::from(net), i128::from(gross))?)?)
            }
            _ => None,
        });
        match found {
            Some(found) => Ok(found),
            None if !inside || near.is_some() => Ok(unit),
            None => Err(Trouble::new(
                "tax_inside",
                format!(
                    "the price {unit} of the item {} of the subscription {} has tax in it, and no bill says how much",
                    item.id, self.id
                ),
                "give the subscription's transactions or invoices too; they say what it is without tax",
            )),
        }
    }

    /// Discounts with what their coupons say.
    fn understood(&mut self, offs: &[&Off], currency: Currency, point: &Point) -> Vec<Off> {
        let mut out = Vec::new();
        for off in offs {
            if off.from.is_some_and(|from| from > point.at && from - self.began >= AT_ONCE) {
                continue;
            }
            let own = off.percent.is_some() || off.amount.is_some();
            let Some(id) = off.coupon.as_ref().filter(|_| !own) else {
                out.push((*off).clone());
                continue;
            };
            let Some(coupon) = self.catalogue.coupon(id) else {
                self.wanted.insert(format!("coupon {id}"));
                let trouble = Trouble::new(
                    "unknown_discount",
                    format!("the discount {id} of the subscription {} is given by its id only", self.id),
                    "give the discounts or coupons too, in the same command or before",
                );
                self.complain(&format!("discount {id}"), point.place, trouble);
                continue;
            };
            let mut full = Off { from: off.from, until: off.until.or(coupon.until), ..coupon.clone() };
            if full.until.is_some() && full.kind != "once" {
                full.kind = "repeating".into();
            }
            let elsewhere = |code: &str| !code.eq_ignore_ascii_case(currency.as_str());
            if full.amount.is_some() && full.currency.as_deref().is_some_and(elsewhere) {
                continue;
            }
            out.push(full);
        }
        out
    }

    /// Discounts on the whole, by item.
    fn on_all(
        &mut self,
        offs: &[Off],
        held: &[(String, Priced)],
        point: &Point,
    ) -> BTreeMap<String, Vec<Discount>> {
        let mut out: BTreeMap<String, Vec<Discount>> = BTreeMap::new();
        let Some((_, first)) = held.first() else { return out };
        let offs: Vec<&Off> = offs.iter().collect();
        for off in self.understood(&offs, first.currency, point) {
            let fits =
                |p: &Priced| off.only.is_empty() || p.thing.as_ref().is_some_and(|t| off.only.contains(t));
            let of: Vec<&(String, Priced)> = held.iter().filter(|(_, p)| fits(p)).collect();
            let worth = |p: &Priced| {
                line_value(p.unit, p.quantity_micros)
                    .filter(|_| p.usage == UsageType::Licensed)
                    .unwrap_or(Ratio::ZERO)
            };
            let total = of.iter().try_fold(Ratio::ZERO, |sum, (_, p)| sum.checked_add(worth(p)));
            for (id, priced) in &of {
                let share = total.filter(|t| !t.is_zero()).and_then(|t| worth(priced).checked_div(t));
                let found = self.stated(
                    std::slice::from_ref(&off),
                    priced,
                    point,
                    share,
                    DiscountLevel::Subscription,
                );
                out.entry(id.clone()).or_default().extend(found);
            }
        }
        out
    }

    /// Discounts in the book's terms; an amount on the whole in the share that falls to the item.
    fn stated(
        &self,
        offs: &[Off],
        priced: &Priced,
        point: &Point,
        share: Option<Ratio>,
        level: DiscountLevel,
    ) -> Vec<Discount> {
        let mut out = Vec::new();
        for off in offs {
            let amount = |text: &String| {
                let amount = Decimal::parse(text).ok()?.to_ratio();
                let units = Ratio::new(i128::from(priced.quantity_micros), 1_000_000)?;
                let amount = if off.per_unit { amount.checked_mul(units)? } else { amount };
                let part = share.filter(|_| !off.per_unit).map_or(Some(amount), |s| s.checked_mul(amount))?;
                rounded(part).map(DiscountValue::Amount)
            };
            let percent = off.percent.as_ref().and_then(|p| Decimal::parse(p).ok());
            let Some(value) =
                percent.map(DiscountValue::Percent).or_else(|| off.amount.as_ref().and_then(amount))
            else {
                continue;
            };
            let until = off.until.or_else(|| lasts(off, priced, point.at));
            let kind = match (off.kind.as_str(), until) {
                ("once", _) => DiscountKind::Once,
                ("repeating", Some(_)) => DiscountKind::Repeating,
                _ => DiscountKind::Forever,
            };
            let until = until.filter(|_| kind != DiscountKind::Forever).map(Instant::from_micros);
            if until.is_some_and(|until| until.micros() <= point.at) {
                continue;
            }
            let discount = Discount { value, kind, until, level };
            out.extend(discount.validate().is_ok().then_some(discount));
        }
        out
    }
}

/// The end of a discount that is for so many intervals from its beginning.
fn lasts(off: &Off, priced: &Priced, at: i64) -> Option<i64> {
    let (count, unit) = match (off.cycles, off.months) {
        (Some(cycles), _) => (cycles.checked_mul(priced.count)?, priced.interval),
        (None, months) => (months?, IntervalUnit::Month),
    };
    let from = Instant::from_micros(off.from.unwrap_or(at));
    Some(Zone::utc().add_interval(from, unit, i32::try_from(count).ok()?).micros())
}

fn state(stand: &Stand, priced: &Priced) -> ItemState {
    ItemState {
        status: stand.status,
        plan: priced.plan.as_deref().map(Text::from),
        amount: priced.unit,
        currency: priced.currency,
        interval: priced.interval,
        interval_count: priced.count,
        quantity_micros: priced.quantity_micros,
        usage_type: priced.usage,
        discounts: Vec::new(),
        trial_end: stand.trial_end.map(Instant::from_micros),
        cancel_requested_at: stand.requested.map(Instant::from_micros),
        cancel_at: stand.cancel_at.map(Instant::from_micros),
        reason: stand.reason,
        reason_text: stand.reason_text.as_deref().map(Text::from),
        reconstructed: false,
    }
}

/// The end of an item: with its subscription, or by itself.
fn ended(last: &ItemState, stand: &Stand, whole: bool) -> ItemState {
    ItemState {
        status: Status::Canceled,
        trial_end: None,
        cancel_at: None,
        cancel_requested_at: stand.requested.filter(|_| whole).map(Instant::from_micros),
        reason: stand.reason.filter(|_| whole),
        reason_text: stand.reason_text.as_deref().filter(|_| whole).map(Text::from),
        discounts: last.discounts.iter().copied().filter(|d| d.kind != DiscountKind::Once).collect(),
        ..last.clone()
    }
}

/// A payload that does not say what a subscription consists of leaves it as it was; the first takes it from the next.
fn fill_items(seen: &mut [Seen]) {
    let Some(first) = seen.iter().find_map(|s| s.items.clone()) else { return };
    let mut last = first;
    for one in seen {
        match &one.items {
            Some(items) => last.clone_from(items),
            None => one.items = Some(last.clone()),
        }
    }
}

/// A coupon that does not say since when it is there is there since it was first seen.
fn since_when(seen: &mut [Seen], began: i64) {
    let mut known: Vec<(String, i64)> = Vec::new();
    for (n, one) in seen.iter_mut().enumerate() {
        let first = if n == 0 { began } else { one.at };
        let on_items = one.items.iter_mut().flatten().flat_map(|item| item.discounts.iter_mut());
        let mut now = Vec::new();
        for off in on_items.chain(one.discounts.iter_mut()) {
            let Some(id) = off.coupon.clone() else { continue };
            let before = known.iter().find(|(known, _)| *known == id).map(|(_, from)| *from);
            let from = *off.from.get_or_insert(before.unwrap_or(first));
            now.push((id, from));
        }
        known = now;
    }
}

/// Gives items that are known by their prices only the id of the item whose place they take.
fn slots(seen: &mut [Seen]) {
    // Price id -> item id, as of the sight before.
    let mut taken: Vec<(String, String)> = Vec::new();
    let mut used: BTreeSet<String> = BTreeSet::new();
    for one in seen {
        let items = one.items.get_or_insert_with(Vec::new);
        taken = place(items, &taken, &mut used);
        let mut then = taken.clone();
        for next in &mut one.next {
            then = place(&mut next.items, &then, &mut used.clone());
        }
    }
}

fn place(
    items: &mut [Item],
    before: &[(String, String)],
    used: &mut BTreeSet<String>,
) -> Vec<(String, String)> {
    let prices: Vec<String> = items.iter().filter(|i| i.by_price).map(|i| i.id.clone()).collect();
    let mut free: Vec<&(String, String)> =
        before.iter().filter(|(price, _)| !prices.contains(price)).collect();
    free.reverse();
    let mut now = Vec::new();
    for item in items.iter_mut().filter(|i| i.by_price) {
        let price = item.id.clone();
        let same = before.iter().find(|(was, _)| *was == price).map(|(_, id)| id.clone());
        let id = same.or_else(|| free.pop().map(|(_, id)| id.clone())).unwrap_or_else(|| {
            let mut id = price.clone();
            // An id that another item goes by already.
            while used.contains(&id) {
                id.push('+');
            }
            id
        });
        used.insert(id.clone());
        item.id.clone_from(&id);
        now.push((price, id));
    }
    now
}

fn since(seen: &Seen) -> Vec<i64> {
    seen.items.iter().flatten().filter_map(|item| item.since).collect()
}
