//! Which discounts were on a subscription and its items, and what they take off.

use super::{Case, Point};
use crate::json::{exact, major};
use crate::piece::{Coupon, Discount as Given, Subscription};
use netnew_facts::{Discount, DiscountKind, DiscountLevel, DiscountValue};
use netnew_money::{Currency, Decimal, Instant, Provider, Ratio};
use std::collections::{BTreeMap, BTreeSet};

/// A discount on a subscription or one of its items, for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) id: String,
    /// Item it is on; none for the subscription as a whole.
    pub(crate) item: Option<String>,
    pub(crate) from: i64,
    pub(crate) to: i64,
    /// What a bill says it took off this item, where nothing else is known of the discount.
    pub(crate) taken: Option<(String, i64)>,
}

/// What an item is for the purpose of sharing out a discount.
pub(crate) struct Share<'a> {
    pub(crate) item: &'a str,
    pub(crate) product: Option<&'a str>,
    /// Interval and count: items of different intervals are billed apart.
    pub(crate) interval: (u8, u32),
    /// Price of an interval after the item's own discounts.
    pub(crate) gross: Ratio,
}

/// Every stretch of time in which a discount was on the subscription or an item.
pub(crate) fn spans(case: &Case) -> Vec<Span> {
    let mut out = Vec::new();
    for level in levels(case) {
        seen(case, level, &mut out);
    }
    billed(case, &mut out);
    of_customer(case, &mut out);
    for span in &mut out {
        // Where it has an end of its own, it is over then, whoever looks when.
        if let Some(end) = case.discounts.get(span.id.as_str()).and_then(|d| d.end) {
            span.to = span.to.min(end);
        }
    }
    out.retain(|span| span.from < span.to);
    out.sort_by(|a, b| (a.from, &a.id, &a.item).cmp(&(b.from, &b.id, &b.item)));
    out
}

fn levels<'a>(case: &Case<'a>) -> BTreeSet<Option<&'a str>> {
    let subs = case.points.iter().flat_map(|p| p.before.into_iter().chain([p.after]));
    [None].into_iter().chain(subs.flat_map(|s| s.items.iter().map(|i| Some(i.id.as_str())))).collect()
}

fn at_level<'a>(sub: &'a Subscription, level: Option<&str>) -> &'a [String] {
    match level {
        None => &sub.discounts,
        Some(item) => sub.items.iter().find(|i| i.id == item).map_or(&[], |i| &i.discounts),
    }
}

fn start_of(case: &Case, id: &str) -> Option<i64> {
    case.discounts.get(id).and_then(|d| d.start)
}

/// What sightings tell: between two of them, a discount that only the later has began at its own start.
fn seen(case: &Case, level: Option<&str>, out: &mut Vec<Span>) {
    let mut open: BTreeMap<String, i64> = BTreeMap::new();
    let mut since = case.latest().start;
    for Point { at, before, after, .. } in &case.points {
        let mut now_has = |sub: &Subscription, out: &mut Vec<Span>, since: i64, exactly: Option<i64>| {
            let list = at_level(sub, level);
            let gone: Vec<String> = open.keys().filter(|id| !list.contains(id)).cloned().collect();
            for id in gone {
                let from = open.remove(&id).unwrap_or(since);
                let end = case.discounts.get(id.as_str()).and_then(|d| d.end.or(d.removed));
                let to = end.filter(|end| *end > from && *end < *at).unwrap_or(*at);
                out.push(Span { id, item: level.map(str::to_string), from, to, taken: None });
            }
            for id in list {
                let from =
                    exactly.unwrap_or_else(|| start_of(case, id).unwrap_or(since).clamp(since.min(*at), *at));
                open.entry(id.clone()).or_insert(from);
            }
        };
        if let Some(before) = before {
            now_has(before, out, since, None);
        }
        // With a sighting that shows what was before, what is new is new as of that moment; a first one shows since when.
        let exactly = (before.is_some() || since > case.latest().start).then_some(*at);
        now_has(after, out, since, exactly);
        since = *at;
    }
    for (id, from) in open {
        out.push(Span { id, item: level.map(str::to_string), from, to: i64::MAX, taken: None });
    }
}

/// What bills tell of the time before anything was watched: a discount that was taken off and is there no more.
fn billed(case: &Case, out: &mut Vec<Span>) {
    let watched = case.watched_from();
    let base = case.points.first().map(|p| p.before.unwrap_or(p.after));
    let still_there = |id: &str| {
        base.is_some_and(|s| {
            s.discounts.iter().any(|d| d == id) || s.items.iter().any(|i| i.discounts.iter().any(|d| d == id))
        })
    };
    // Moments of regular bills, with the items on them and the discounts on each.
    let mut moments: BTreeMap<i64, Vec<BilledItem>> = BTreeMap::new();
    for (line, ..) in case.lines().filter(|(line, ..)| !line.proration && line.start < watched) {
        let item = line.item.as_deref().or_else(|| {
            let items = &case.latest().items;
            items
                .iter()
                .find(|i| Some(&i.price) == line.price.as_ref())
                .or(items.first())
                .map(|i| i.id.as_str())
        });
        if let Some(item) = item {
            moments.entry(line.start).or_default().push((item, &line.discounts));
        }
    }
    let mut open: BTreeMap<(&str, Option<&str>), Billed> = BTreeMap::new();
    for (at, lines) in moments {
        let listed = |id: &str, on: Option<&str>| {
            lines
                .iter()
                .any(|(item, list)| on.is_none_or(|on| on == *item) && list.iter().any(|(d, _)| d == id))
        };
        // It is over when what it is for is billed without it.
        let over: Vec<(&str, Option<&str>)> = open
            .iter()
            .filter(|((id, on), had)| {
                let meant = |item: &str| had.for_all || had.items.contains(item);
                !listed(id, *on) && lines.iter().any(|(item, _)| meant(item))
            })
            .map(|(key, _)| *key)
            .collect();
        for key in over {
            out.extend(open.remove(&key).map(|had| had.span(case, key, at)));
        }
        for (item, list) in &lines {
            for (id, amount) in list.iter().filter(|(id, _)| !still_there(id)) {
                let known = case.discounts.get(id.as_str()).filter(|g| case.catalogue.coupon_of(g).is_some());
                let on_all = known.is_some_and(|g| g.item.is_none());
                let own_start = start_of(case, id).filter(|s| *s < at && *s >= case.latest().start);
                let key = (id.as_str(), (!on_all).then_some(*item));
                let had = open.entry(key).or_insert_with(|| Billed {
                    from: own_start.unwrap_or(at),
                    amount: 0,
                    items: BTreeSet::new(),
                    known: known.is_some(),
                    for_all: on_all && known.is_some_and(|g| for_all_products(case, g)),
                });
                had.amount = *amount;
                had.items.insert(item);
            }
        }
    }
    for (key, had) in open {
        out.push(had.span(case, key, watched));
    }
}

/// An item on a bill, and the discounts on its line with what they took off.
type BilledItem<'a> = (&'a str, &'a [(String, i64)]);

/// A discount that bills have shown.
struct Billed<'a> {
    from: i64,
    amount: i64,
    items: BTreeSet<&'a str>,
    /// Whether it is known besides.
    known: bool,
    /// Whether it is for every item there is.
    for_all: bool,
}

fn for_all_products(case: &Case, given: &Given) -> bool {
    case.catalogue.coupon_of(given).is_some_and(|coupon| coupon.products.is_empty())
}

impl Billed<'_> {
    fn span(self, case: &Case, (id, item): (&str, Option<&str>), to: i64) -> Span {
        let currency = case.latest().currency.clone().unwrap_or_default();
        Span {
            id: id.to_string(),
            item: item.map(str::to_string),
            from: self.from,
            to,
            taken: (!self.known).then_some((currency, self.amount)),
        }
    }
}

/// A discount of the customer counts where the subscription has none of its own.
fn of_customer(case: &Case, out: &mut Vec<Span>) {
    let current = case.customer_discount.and_then(|c| c.discount.as_deref());
    for (id, given) in case.discounts {
        if given.subscription.is_some() || given.item.is_some() || given.one_invoice {
            continue;
        }
        if out.iter().any(|s| s.id == *id) {
            continue;
        }
        let Some(start) = given.start else { continue };
        let last_billed = || {
            let on = case.lines().filter(|(l, ..)| l.discounts.iter().any(|(d, _)| d == id));
            on.map(|(l, ..)| l.end).max()
        };
        let to = match (given.removed.or(given.end), current == Some(*id)) {
            (Some(end), _) => Some(end),
            (None, true) => Some(i64::MAX),
            (None, false) => last_billed(),
        };
        let Some(to) = to else { continue };
        let own: Vec<(i64, i64)> = out.iter().filter(|s| s.item.is_none()).map(|s| (s.from, s.to)).collect();
        let mut free = vec![(start.max(case.latest().start), to)];
        for (from, until) in own {
            free = free
                .into_iter()
                .flat_map(|(a, b)| [(a, b.min(from)), (a.max(until), b)])
                .filter(|(a, b)| a < b)
                .collect();
        }
        out.extend(free.into_iter().map(|(from, to)| Span {
            id: id.to_string(),
            item: None,
            from,
            to,
            taken: None,
        }));
    }
}

/// The discounts of an item at a moment, in order; `others` are all items that are billed at that moment, this one
/// included. `Err` names a discount of which nothing is known.
pub(crate) fn at(
    case: &Case,
    spans: &[Span],
    moment: i64,
    item: &str,
    others: &[Share],
    currency: Currency,
) -> Result<Vec<Discount>, String> {
    let mut out = Vec::new();
    for span in spans.iter().filter(|s| s.from <= moment && moment < s.to) {
        if span.item.as_deref().is_some_and(|on| on != item) {
            continue;
        }
        out.extend(one(case, span, item, others, currency)?);
    }
    Ok(out)
}

fn one(
    case: &Case,
    span: &Span,
    item: &str,
    others: &[Share],
    currency: Currency,
) -> Result<Option<Discount>, String> {
    let level = if span.item.is_some() { DiscountLevel::Item } else { DiscountLevel::Subscription };
    let given = case.discounts.get(span.id.as_str()).copied();
    let Some((given, coupon)) = given.and_then(|g| Some((g, case.catalogue.coupon_of(g)?))) else {
        let Some((code, amount)) = &span.taken else { return Err(span.id.clone()) };
        let billed = Currency::parse(code).unwrap_or(currency);
        let value = major(&amount.to_string(), billed).ok_or_else(|| span.id.clone())?;
        let kind = DiscountKind::Forever;
        return Ok(Some(Discount { value: DiscountValue::Amount(value), kind, until: None, level }));
    };
    let me = others.iter().find(|s| s.item == item);
    let covered = |share: &Share| {
        coupon.products.is_empty() || share.product.is_some_and(|p| coupon.products.iter().any(|c| c == p))
    };
    if me.is_some_and(|me| !covered(me)) {
        return Ok(None);
    }
    let value = match &coupon.percent_off {
        Some(percent) => DiscountValue::Percent(Decimal::parse(percent).map_err(|_| span.id.clone())?),
        None => {
            let off = amount_off(coupon, currency).ok_or_else(|| span.id.clone())?;
            let sharing: Vec<&Share> = others
                .iter()
                .filter(|s| covered(s) && me.is_some_and(|me| me.interval == s.interval))
                .collect();
            DiscountValue::Amount(match level {
                DiscountLevel::Item => off,
                DiscountLevel::Subscription => {
                    part_of(off, item, &sharing, currency).ok_or_else(|| span.id.clone())?
                }
            })
        }
    };
    Ok(Some(lasting(given, coupon, value, level)))
}

fn lasting(given: &Given, coupon: &Coupon, value: DiscountValue, level: DiscountLevel) -> Discount {
    let second = |s: i64| Instant::from_micros(s.saturating_mul(1_000_000));
    let computed = || {
        let months = i32::try_from(coupon.months?).ok()?;
        Some(netnew_money::Zone::utc().add_interval(
            second(given.start?),
            netnew_money::IntervalUnit::Month,
            months,
        ))
    };
    let end = given.end.map(second);
    let (kind, until) = match coupon.duration.as_str() {
        "repeating" => match end.or_else(computed) {
            Some(until) => (DiscountKind::Repeating, Some(until)),
            None => (DiscountKind::Forever, None),
        },
        "once" => (DiscountKind::Once, end),
        _ => (DiscountKind::Forever, end),
    };
    Discount { value, kind, until, level }
}

fn amount_off(coupon: &Coupon, currency: Currency) -> Option<Decimal> {
    let (code, amount) =
        coupon.amounts_off.iter().find(|(code, _)| code.eq_ignore_ascii_case(currency.as_str()))?;
    major(amount, Currency::parse(code).ok()?)
}

/// An item's part of an amount that is taken off a bill: in proportion, in whole smallest units, what is left over to the
/// largest remainders.
fn part_of(off: Decimal, item: &str, sharing: &[&Share], currency: Currency) -> Option<Decimal> {
    let total = sharing.iter().try_fold(Ratio::ZERO, |sum, s| sum.checked_add(s.gross))?;
    if sharing.len() < 2 || total <= Ratio::ZERO {
        return Some(off);
    }
    let exponent = currency.provider_exponent(Provider::Stripe);
    let units = off.to_ratio().checked_mul(Ratio::from_int(10i128.pow(u32::from(exponent))))?;
    // What has no whole smallest units is shared as it is.
    if units.den() != 1 {
        let me = sharing.iter().find(|s| s.item == item)?;
        return exact(off.to_ratio().checked_mul(me.gross)?.checked_div(total)?);
    }
    let mut parts: Vec<(i128, Ratio, &str)> = Vec::with_capacity(sharing.len());
    for share in sharing {
        let part = units.checked_mul(share.gross)?.checked_div(total)?;
        let whole = part.num().div_euclid(part.den());
        parts.push((whole, part.checked_sub(Ratio::from_int(whole))?, share.item));
    }
    let mut left = units.num() - parts.iter().map(|p| p.0).sum::<i128>();
    parts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.2.cmp(b.2)));
    for part in &mut parts {
        if left > 0 {
            part.0 += 1;
            left -= 1;
        }
    }
    parts.iter().find(|p| p.2 == item).map(|p| Decimal::new(p.0, exponent))
}
