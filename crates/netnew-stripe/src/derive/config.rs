//! What each item was over time: its price and quantity.

use super::Case;
use crate::piece::{Item, Line, Subscription};
use netnew_facts::PayloadRef;
use std::collections::{BTreeMap, BTreeSet};

/// Price and quantity of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) price: String,
    pub(crate) quantity: Option<i64>,
    /// Percent of tax inside the price, if rates are said.
    pub(crate) tax_inside: Option<String>,
    /// What a line says of a price that is not given itself: unit, and the length of its period.
    pub(crate) by_line: Option<ByLine>,
}

/// A price as far as a line tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ByLine {
    pub(crate) unit: String,
    pub(crate) currency: String,
    pub(crate) period: (i64, i64),
}

/// An item's price and quantity from a moment on; none where it is gone.
#[derive(Clone, Debug)]
pub(crate) struct ConfigFrom {
    pub(crate) at: i64,
    pub(crate) config: Option<Config>,
    pub(crate) observed: bool,
    pub(crate) place: PayloadRef,
}

/// Something known of an item at a moment.
#[derive(Clone)]
struct Mark {
    at: i64,
    kind: MarkKind,
    config: Option<Config>,
    place: PayloadRef,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum MarkKind {
    /// Just before, by a line that gives money back.
    LineBefore,
    /// Just before, by an event.
    SeenBefore,
    /// From then on, by a line or a phase.
    LineFrom,
    /// From then on, by an event.
    SeenFrom,
    /// At that moment, listed.
    Listed,
}

/// Every item that was ever spoken of, with its prices and quantities over time.
pub(crate) fn configs(case: &Case) -> BTreeMap<String, Vec<ConfigFrom>> {
    let mut marks: BTreeMap<String, Vec<Mark>> = BTreeMap::new();
    sightings(case, &mut marks);
    billed(case, &mut marks);
    scheduled(case, &mut marks);
    let began = began(case);
    let mut out = BTreeMap::new();
    for (item, mut of_item) in marks {
        of_item.sort_by_key(|mark| (mark.at, mark.kind));
        let start = began.get(item.as_str()).copied();
        out.insert(item, walk(case, of_item, start));
    }
    out
}

fn config_of(item: &Item) -> Config {
    Config {
        price: item.price.clone(),
        quantity: item.quantity,
        tax_inside: item.tax_inside.clone(),
        by_line: None,
    }
}

fn sightings(case: &Case, marks: &mut BTreeMap<String, Vec<Mark>>) {
    let ids: BTreeSet<&str> = case
        .points
        .iter()
        .flat_map(|p| p.before.into_iter().chain([p.after]))
        .flat_map(|s| s.items.iter().map(|i| i.id.as_str()))
        .collect();
    for id in ids {
        let of_item = marks.entry(id.to_string()).or_default();
        let config = |sub: &Subscription| sub.items.iter().find(|i| i.id == id).map(config_of);
        for point in &case.points {
            // A list that was cut off does not say that an item is gone.
            let complete = |sub: &Subscription| !sub.more_items || config(sub).is_some();
            let mut mark = |sub: &Subscription, kind| {
                if complete(sub) {
                    of_item.push(Mark { at: point.at, kind, config: config(sub), place: point.place });
                }
            };
            match (point.observed, point.before) {
                (true, Some(before)) => {
                    mark(before, MarkKind::SeenBefore);
                    mark(point.after, MarkKind::SeenFrom);
                }
                (true, None) => mark(point.after, MarkKind::SeenFrom),
                (false, _) => mark(point.after, MarkKind::Listed),
            }
        }
    }
}

/// The item that a line is about: as it says, else the one with its price, else the only one.
fn item_of(case: &Case, line: &Line) -> String {
    if let Some(item) = &line.item {
        return item.clone();
    }
    let items = || case.points.iter().rev().flat_map(|p| p.after.items.iter());
    let same_price = items().find(|i| Some(&i.price) == line.price.as_ref());
    let only = || {
        let ids: BTreeSet<&str> = items().map(|i| i.id.as_str()).collect();
        (ids.len() == 1).then(|| case.latest().items.first()).flatten()
    };
    match same_price.or_else(only) {
        Some(item) => item.id.clone(),
        None => format!("{}/{}", case.id, line.price.as_deref().unwrap_or("item")),
    }
}

fn config_by(line: &Line) -> Option<Config> {
    let price = line.price.clone()?;
    let by_line = line.unit.clone().filter(|_| !line.proration).map(|unit| ByLine {
        unit,
        currency: line.currency.clone(),
        period: (line.start, line.end),
    });
    Some(Config { price, quantity: line.quantity, tax_inside: None, by_line })
}

/// A line and the raw record that it is in.
type Placed<'a> = (&'a Line, PayloadRef);

fn billed(case: &Case, marks: &mut BTreeMap<String, Vec<Mark>>) {
    let mut by_item: BTreeMap<String, BTreeMap<i64, Vec<Placed>>> = BTreeMap::new();
    for (line, _, place) in case.lines() {
        by_item.entry(item_of(case, line)).or_default().entry(line.start).or_default().push((line, place));
    }
    for (item, moments) in by_item {
        let of_item = marks.entry(item).or_default();
        for (at, lines) in moments {
            let (mut back, mut on): (Vec<_>, Vec<_>) =
                lines.into_iter().partition(|(line, _)| line.proration && line.amount < 0);
            // What is billed and given back again within the moment has not been.
            back.retain(|(b, _)| {
                let same = |(o, _): &(&Line, PayloadRef)| {
                    o.proration && (&o.price, o.quantity, o.end) == (&b.price, b.quantity, b.end)
                };
                let paired = on.iter().position(same).filter(|_| on.len() > 1);
                if let Some(at) = paired {
                    on.remove(at);
                }
                paired.is_none()
            });
            let mut mark = |kind, config, place| of_item.push(Mark { at, kind, config, place });
            for (line, place) in &back {
                mark(MarkKind::LineBefore, config_by(line), *place);
            }
            match on.iter().rev().find_map(|(line, place)| Some((config_by(line)?, *place))) {
                Some((config, place)) => mark(MarkKind::LineFrom, Some(config), place),
                None => {
                    if let Some((_, place)) = back.first() {
                        mark(MarkKind::LineFrom, None, *place);
                    }
                }
            }
        }
    }
}

/// Phases of schedules: what was, and, past the last sighting, what is to come.
fn scheduled(case: &Case, marks: &mut BTreeMap<String, Vec<Mark>>) {
    for (schedule, place) in &case.schedules {
        for phase in &schedule.phases {
            let given_up = schedule.left.is_some_and(|left| phase.start >= left);
            let waiting =
                matches!(schedule.status.as_str(), "canceled" | "released") && phase.start >= case.seen();
            if given_up || waiting {
                continue;
            }
            let items = &case.latest().items;
            let mut left: Vec<&Item> = items.iter().collect();
            let mut placed: Vec<(String, &(String, Option<i64>))> = Vec::new();
            let mut open = Vec::new();
            for wanted in &phase.items {
                match left.iter().position(|i| i.price == wanted.0) {
                    Some(at) => placed.push((left.remove(at).id.clone(), wanted)),
                    None => open.push(wanted),
                }
            }
            for wanted in open {
                let id = match left.is_empty() {
                    false => left.remove(0).id.clone(),
                    true => format!("{}/{}", case.id, wanted.0),
                };
                placed.push((id, wanted));
            }
            let mut mark = |id: String, config| {
                let one = Mark { at: phase.start, kind: MarkKind::LineFrom, config, place: *place };
                marks.entry(id).or_default().push(one);
            };
            for (id, (price, quantity)) in placed {
                let tax_inside = items.iter().find(|i| i.id == id).and_then(|i| i.tax_inside.clone());
                let config = Config { price: price.clone(), quantity: *quantity, tax_inside, by_line: None };
                mark(id, Some(config));
            }
            // A phase names all items: one that it does not name ends with it, if it lies ahead.
            for gone in left.into_iter().filter(|_| phase.start > case.seen()) {
                mark(gone.id.clone(), None);
            }
        }
    }
}

/// From when each item was part of the subscription, as its own date or the first bill tells.
fn began<'a>(case: &Case<'a>) -> BTreeMap<&'a str, i64> {
    /// An item made within so many seconds of its subscription is one it was made with.
    const TOGETHER: i64 = 300;
    let (start, created) = (case.latest().start, case.latest().created);
    let mut out = BTreeMap::new();
    for sub in case.points.iter().flat_map(|p| p.before.into_iter().chain([p.after])) {
        for item in &sub.items {
            let later = item.created.filter(|at| *at > created + TOGETHER);
            out.insert(item.id.as_str(), later.unwrap_or(start));
        }
    }
    out
}

/// Whether two configurations cost the same; a line does not say what tax is inside.
fn same(a: &Option<Config>, b: &Option<Config>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => {
            a.price == b.price && (a.quantity == b.quantity || a.quantity.is_none() || b.quantity.is_none())
        }
        (None, None) => true,
        _ => false,
    }
}

fn walk(case: &Case, marks: Vec<Mark>, began: Option<i64>) -> Vec<ConfigFrom> {
    let mut out: Vec<ConfigFrom> = Vec::new();
    let mut absent = None;
    let watched = case.watched_from();
    for mark in marks {
        let by_line = matches!(mark.kind, MarkKind::LineBefore | MarkKind::LineFrom);
        // Where it was watched, what bills say of the same time is no news.
        if by_line && mark.at >= watched && mark.at <= case.seen() && is_watched(case, mark.at) {
            continue;
        }
        let observed = mark.kind == MarkKind::SeenFrom;
        let holds = out.last().map(|l| l.config.clone());
        let before = matches!(mark.kind, MarkKind::LineBefore | MarkKind::SeenBefore);
        match holds {
            None if mark.config.is_none() => absent = Some(mark.at),
            None => {
                let at = first_of(case, &mark, began, absent);
                out.push(ConfigFrom { at, config: mark.config, observed, place: mark.place });
            }
            Some(holds) if same(&holds, &mark.config) => {
                fill_in(out.last_mut(), &mark);
            }
            Some(_) if mark.kind == MarkKind::SeenBefore => take_back(&mut out, &mark),
            // What was given back differs from what was known: it changed in between without a bill, and again now.
            Some(_) if before => {}
            Some(_) => {
                out.push(ConfigFrom { at: mark.at, config: mark.config, observed, place: mark.place });
            }
        }
    }
    // Of several at one moment the last holds.
    let mut kept: Vec<ConfigFrom> = Vec::with_capacity(out.len());
    for one in out {
        match kept.last_mut() {
            Some(last) if last.at >= one.at => *last = ConfigFrom { at: last.at, ..one },
            _ => kept.push(one),
        }
    }
    kept
}

/// From when the first that is known of an item holds: from its beginning, unless it was added just then. `began` is
/// when the item was made, `absent` when the subscription was last seen without it.
fn first_of(case: &Case, mark: &Mark, began: Option<i64>, absent: Option<i64>) -> i64 {
    let start = case.latest().start;
    let before = matches!(mark.kind, MarkKind::LineBefore | MarkKind::SeenBefore);
    match (absent, began) {
        (Some(_), _) if !before && mark.kind != MarkKind::Listed => mark.at,
        (Some(absent), Some(began)) if began > absent => began.min(mark.at),
        (Some(_), _) => mark.at,
        (None, Some(began)) => began.min(mark.at),
        // Only bills speak of it: it was there at the first, or came with the bill.
        (None, None) if !before && mark.at > first_bill(case) => mark.at,
        (None, None) => start.min(mark.at),
    }
}

/// A sighting of the same price and quantity knows more than a line.
fn fill_in(holds: Option<&mut ConfigFrom>, mark: &Mark) {
    if let (Some(holds), Some(seen)) = (holds.and_then(|h| h.config.as_mut()), &mark.config) {
        if seen.tax_inside.is_some() {
            holds.tax_inside.clone_from(&seen.tax_inside);
        }
        if holds.quantity.is_none() {
            holds.quantity = seen.quantity;
        }
    }
}

/// An event says that until now it was otherwise than the bills had it: a change that they date earlier is the one that
/// the event tells.
fn take_back(out: &mut Vec<ConfigFrom>, mark: &Mark) {
    let rebuilt = out.last().is_some_and(|l| !l.observed);
    let returns = out.len() > 1 && same(&out[out.len() - 2].config, &mark.config);
    if rebuilt && returns {
        out.pop();
    }
}

/// Whether events cover a moment: an event before it and one after it that begins where the other ended.
fn is_watched(case: &Case, at: i64) -> bool {
    case.points.windows(2).any(|pair| {
        let (from, to) = (&pair[0], &pair[1]);
        let items = |s: &Subscription| s.items.clone();
        from.at <= at
            && at <= to.at
            && from.observed
            && to.before.is_some_and(|b| items(b) == items(from.after))
    }) || case.points.iter().any(|p| p.observed && p.at == at)
}

/// When the first bill of the subscription began.
fn first_bill(case: &Case) -> i64 {
    case.lines().map(|(line, ..)| line.start).min().unwrap_or(case.latest().start)
}
