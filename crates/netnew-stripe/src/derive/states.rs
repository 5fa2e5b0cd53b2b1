//! Stands, prices, quantities and discounts put together: the states of every item.

use super::config::{ByLine, Config, ConfigFrom, configs};
use super::discounts::{self, Share, Span};
use super::stand::{Stand, StandFrom, stands};
use super::{Case, History, Told};
use crate::json::{major, rounded};
use crate::parse::Trouble;
use crate::price::charged;
use netnew_facts::{DiscountKind, DiscountValue, ItemState, PayloadRef, Status, Text, UsageType};
use netnew_money::{Currency, Day, Decimal, Instant, IntervalUnit, Ratio, Zone, line_value};
use std::collections::{BTreeMap, BTreeSet};

/// A price and quantity in the book's terms.
#[derive(Clone)]
struct Priced {
    plan: String,
    product: Option<String>,
    unit: Decimal,
    quantity_micros: i64,
    currency: Currency,
    interval: IntervalUnit,
    count: u32,
    usage: UsageType,
}

/// Adds the states of a subscription to the history.
pub(super) fn tell(case: &Case, history: &mut History) {
    let stands = stands(case);
    let Some(first) = stands.iter().find(|s| s.stand.is_some()).map(|s| s.at) else {
        history.never_began += 1;
        return;
    };
    let configs = configs(case);
    let spans = discounts::spans(case);
    let mut teller = Teller {
        case,
        complaints: BTreeMap::new(),
        wanted: BTreeSet::new(),
        last: BTreeMap::new(),
        told: Vec::new(),
    };
    for moment in moments(&stands, &configs, &spans, first) {
        teller.at(moment, &stands, &configs, &spans);
    }
    let place = case.points.last().map(|p| p.place).unwrap_or_default();
    history.wanted.append(&mut teller.wanted);
    history.problems.extend(teller.complaints.into_values().map(|t| (place, t)));
    let mut told = teller.told;
    mark(case, &mut told);
    told.sort_by(|a, b| (&a.item, a.effective_at).cmp(&(&b.item, b.effective_at)));
    history.states.extend(told);
}

fn moments(
    stands: &[StandFrom],
    configs: &BTreeMap<String, Vec<ConfigFrom>>,
    spans: &[Span],
    first: i64,
) -> BTreeSet<i64> {
    let of_configs = configs.values().flatten().map(|c| c.at);
    let of_spans = spans.iter().flat_map(|s| [s.from, s.to]).filter(|at| *at != i64::MAX);
    stands.iter().map(|s| s.at).chain(of_configs).chain(of_spans).map(|at| at.max(first)).collect()
}

/// Observed is what an event says of its own moment, and what holds when last seen; the rest was rebuilt.
fn mark(case: &Case, told: &mut [Told]) {
    let seen = second(case.seen());
    let watched: BTreeSet<i64> = case.points.iter().filter(|p| p.observed).map(|p| p.at).collect();
    let mut current: BTreeMap<String, Instant> = BTreeMap::new();
    for one in told.iter().filter(|t| t.effective_at <= seen) {
        let slot = current.entry(one.item.clone()).or_insert(one.effective_at);
        *slot = (*slot).max(one.effective_at);
    }
    for one in told.iter_mut() {
        let now = current.get(&one.item) == Some(&one.effective_at);
        let by_event = watched.contains(&one.effective_at.micros().div_euclid(1_000_000));
        one.state.reconstructed = !(now || by_event);
    }
}

pub(super) fn second(at: i64) -> Instant {
    Instant::from_micros(at.saturating_mul(1_000_000))
}

struct Teller<'a, 'b> {
    case: &'a Case<'b>,
    complaints: BTreeMap<String, Trouble>,
    wanted: BTreeSet<String>,
    /// The last state of each item.
    last: BTreeMap<String, ItemState>,
    told: Vec<Told>,
}

impl Teller<'_, '_> {
    fn at(
        &mut self,
        moment: i64,
        stands: &[StandFrom],
        configs: &BTreeMap<String, Vec<ConfigFrom>>,
        spans: &[Span],
    ) {
        let Some(from) = stands.iter().rfind(|s| s.at <= moment) else { return };
        let Some(stand) = &from.stand else { return };
        let mut held: Vec<(&String, Option<Priced>, PayloadRef)> = Vec::new();
        for (item, timeline) in configs {
            let Some(holds) = timeline.iter().rfind(|c| c.at <= moment) else { continue };
            // The raw record is that of what changed last.
            let place = if holds.at > from.at { holds.place } else { from.place };
            match &holds.config {
                Some(config) => {
                    let priced = self.priced(item, config, moment);
                    if priced.is_some() {
                        held.push((item, priced, place));
                    }
                }
                None => held.push((item, None, place)),
            }
        }
        let shares = self.shares(&held, spans, moment);
        for (item, priced, place) in &held {
            let state = match priced {
                Some(priced) if stand.status != Status::Canceled => {
                    let found = discounts::at(self.case, spans, moment, item, &shares, priced.currency);
                    let discounts = found.unwrap_or_else(|id| {
                        self.unknown_discount(&id);
                        Vec::new()
                    });
                    let mut state = state(stand, priced);
                    state.discounts = discounts.into_iter().filter(|d| d.validate().is_ok()).collect();
                    state
                }
                // What never was cannot end.
                _ => match self.last.get(*item) {
                    Some(last) if last.status != Status::Canceled => ended(last, stand),
                    _ => continue,
                },
            };
            if self.last.get(*item) == Some(&state) {
                continue;
            }
            self.last.insert((*item).clone(), state.clone());
            self.told.push(Told {
                subscription: self.case.id.to_string(),
                item: (*item).clone(),
                effective_at: second(moment),
                state,
                place: *place,
            });
        }
    }

    /// What the items are worth to each other when a discount on the whole is shared out.
    fn shares<'s>(
        &self,
        held: &'s [(&String, Option<Priced>, PayloadRef)],
        spans: &[Span],
        moment: i64,
    ) -> Vec<Share<'s>> {
        let mut out = Vec::new();
        for (item, priced, _) in held {
            let Some(priced) = priced.as_ref().filter(|p| p.usage == UsageType::Licensed) else { continue };
            let Some(mut gross) = line_value(priced.unit, priced.quantity_micros) else { continue };
            let own: Vec<Span> =
                spans.iter().filter(|s| s.item.as_deref() == Some(item.as_str())).cloned().collect();
            let own = discounts::at(self.case, &own, moment, item, &[], priced.currency).unwrap_or_default();
            for discount in own {
                let off = match discount.value {
                    DiscountValue::Percent(p) => {
                        p.to_ratio().checked_mul(gross).and_then(|v| v.checked_div(Ratio::from_int(100)))
                    }
                    DiscountValue::Amount(a) => Some(a.to_ratio()),
                };
                gross =
                    off.and_then(|off| gross.checked_sub(off)).map_or(gross, |left| left.max(Ratio::ZERO));
            }
            out.push(Share {
                item,
                product: priced.product.as_deref(),
                interval: (priced.interval as u8, priced.count),
                gross,
            });
        }
        out
    }

    fn unknown_discount(&mut self, id: &str) {
        let sub = self.case.id;
        self.wanted.insert(
            self.case
                .discounts
                .get(id)
                .and_then(|d| d.coupon.as_ref())
                .map_or_else(|| id.to_string(), |c| format!("coupon {c}")),
        );
        self.complaints.entry(format!("discount {id}")).or_insert_with(|| {
            Trouble::new(
                "unknown_discount",
                format!("the discount {id} of the subscription {sub} is given by its id only, and its coupon nowhere"),
                "expand discounts and coupons when exporting, or give the coupons too",
            )
        });
    }

    fn priced(&mut self, item: &str, config: &Config, moment: i64) -> Option<Priced> {
        let found = priced(self.case, item, config, moment);
        self.wanted.extend(self.case.catalogue.wanted_for(&config.price));
        match found {
            Ok(priced) => Some(priced),
            Err(trouble) => {
                self.complaints.entry(format!("price {}", config.price)).or_insert(trouble);
                None
            }
        }
    }
}

fn state(stand: &Stand, priced: &Priced) -> ItemState {
    ItemState {
        status: stand.status,
        plan: Some(Text::from(priced.plan.as_str())),
        amount: priced.unit,
        currency: priced.currency,
        interval: priced.interval,
        interval_count: priced.count,
        quantity_micros: priced.quantity_micros,
        usage_type: priced.usage,
        discounts: Vec::new(),
        trial_end: stand.trial_end.map(second),
        cancel_requested_at: stand.requested.map(second),
        cancel_at: stand.cancel_at.map(second),
        reason: stand.reason,
        reason_text: stand.reason_text.as_deref().map(Text::from),
        reconstructed: false,
    }
}

/// The end of an item: with its subscription, or by itself.
fn ended(last: &ItemState, stand: &Stand) -> ItemState {
    let whole = stand.status == Status::Canceled;
    ItemState {
        status: Status::Canceled,
        trial_end: None,
        cancel_at: None,
        cancel_requested_at: stand.requested.filter(|_| whole).map(second),
        reason: stand.reason.filter(|_| whole),
        reason_text: stand.reason_text.as_deref().filter(|_| whole).map(Text::from),
        discounts: last.discounts.iter().copied().filter(|d| d.kind != DiscountKind::Once).collect(),
        ..last.clone()
    }
}

fn priced(case: &Case, item: &str, config: &Config, moment: i64) -> Result<Priced, Trouble> {
    let unknown = |what: &str| {
        Trouble::new(
            "unknown_price",
            format!("the price {} of the item {item} of the subscription {} {what}", config.price, case.id),
            "give the prices and plans too, with tiers and currency_options expanded",
        )
    };
    let Some(price) = case.catalogue.price(&config.price) else {
        return by_line(config).ok_or_else(|| unknown("is given nowhere"));
    };
    let code = case.latest().currency.as_deref().unwrap_or(&price.main.currency);
    let currency = Currency::parse(code).map_err(|error| {
        Trouble::new(
            "unknown_currency",
            format!("the subscription {}: {error}", case.id),
            "check the currency code",
        )
    })?;
    let word = price.interval.as_deref().ok_or_else(|| unknown("is no recurring price"))?;
    let interval = interval(word).ok_or_else(|| unknown("has an interval that is none"))?;
    let usage = if price.metered { UsageType::Metered } else { UsageType::Licensed };
    let quantity = config.quantity.unwrap_or(1);
    let cost = charged(price, quantity, currency);
    let (unit, quantity_micros) = match cost {
        Some(cost) if cost.quantity_micros >= 0 => (cost.unit, cost.quantity_micros),
        // What is metered counts nothing by itself, so that its price need not be known.
        _ if price.metered => (Decimal::ZERO, 1_000_000),
        _ => return Err(unknown(&format!("says nothing of what {quantity} cost in {currency}"))),
    };
    let unit = without_tax(case, item, config, price.tax_inside, unit, moment)
        .ok_or_else(|| unknown("is too large"))?;
    Ok(Priced {
        plan: case.catalogue.plan(price),
        product: price.product.clone(),
        unit,
        quantity_micros,
        currency,
        interval,
        count: u32::try_from(price.interval_count).ok().filter(|c| *c > 0).unwrap_or(1),
        usage,
    })
}

fn interval(word: &str) -> Option<IntervalUnit> {
    match word {
        "day" => Some(IntervalUnit::Day),
        "week" => Some(IntervalUnit::Week),
        "month" => Some(IntervalUnit::Month),
        "year" => Some(IntervalUnit::Year),
        _ => None,
    }
}

/// Takes out tax that is inside a price: by its rates, or else as the bill nearest in time before it has it.
fn without_tax(
    case: &Case,
    item: &str,
    config: &Config,
    inside: bool,
    unit: Decimal,
    moment: i64,
) -> Option<Decimal> {
    let hundred = Ratio::from_int(100);
    if let Some(percent) = &config.tax_inside {
        let percent = Decimal::parse(percent).ok()?.to_ratio();
        return rounded(unit.to_ratio().checked_mul(hundred)?.checked_div(hundred.checked_add(percent)?)?);
    }
    if !inside {
        return Some(unit);
    }
    let billed = case
        .lines()
        .filter(|(line, ..)| {
            line.item.as_deref().is_none_or(|i| i == item) && !line.proration && line.amount > 0
        })
        .min_by_key(|(line, ..)| (line.start > moment, (moment - line.start).abs()));
    let Some((line, ..)) = billed else { return Some(unit) };
    let taxed = line.amount - line.discounts.iter().map(|(_, amount)| amount).sum::<i64>();
    if line.tax_inside <= 0 || taxed <= line.tax_inside {
        return Some(unit);
    }
    let net = Ratio::new(i128::from(taxed - line.tax_inside), i128::from(taxed))?;
    rounded(unit.to_ratio().checked_mul(net)?)
}

/// A price that is given nowhere, from a line of a whole period: its unit amount, and the length of the period.
fn by_line(config: &Config) -> Option<Priced> {
    let ByLine { unit, currency, period } = config.by_line.as_ref()?;
    let currency = Currency::parse(currency).ok()?;
    let (interval, count) = length(*period)?;
    Some(Priced {
        plan: config.price.clone(),
        product: None,
        unit: major(unit, currency)?,
        quantity_micros: config.quantity.unwrap_or(1).checked_mul(1_000_000)?,
        currency,
        interval,
        count,
        usage: UsageType::Licensed,
    })
}

/// A period as whole years, months, weeks or days, if it is that to the second.
fn length((from, to): (i64, i64)) -> Option<(IntervalUnit, u32)> {
    let zone = Zone::utc();
    let (start, end) = (second(from), second(to));
    let day: Day = zone.day_of(start);
    for months in 1..=36 {
        let anchored = (1..=31u32).rev().take(4).chain([day.ymd().2]);
        if anchored.into_iter().any(|anchor| zone.add_months(start, months, anchor) == end) {
            let months = u32::try_from(months).ok()?;
            return Some(if months % 12 == 0 {
                (IntervalUnit::Year, months / 12)
            } else {
                (IntervalUnit::Month, months)
            });
        }
    }
    let days = u32::try_from((to - from).checked_div(86_400).filter(|_| (to - from) % 86_400 == 0)?).ok()?;
    match days {
        0 => None,
        d if d % 7 == 0 => Some((IntervalUnit::Week, d / 7)),
        d => Some((IntervalUnit::Day, d)),
    }
}
