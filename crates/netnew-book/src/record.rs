//! A fact as bytes: a key whose byte order is the order of segments, and a value.

use crate::codes::{
    attributes_of, attributes_text, discounts_of, discounts_text, interval_code, interval_of, reason_code,
    reason_of, status_code, status_of,
};
use netnew_facts::{Body, Fact, ItemState, PayloadRef, Text, UsageType, customer_hash, hash64};
use netnew_money::{Currency, Decimal, Instant};
use std::cmp::Ordering;
use std::collections::HashMap;

/// One fact as it is filed: under the customer whose facts it belongs to, which for a shadow is not the
/// customer it speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filed {
    /// Customer it is filed under.
    pub under: Text,
    /// The fact.
    pub fact: Fact,
    /// It says what held already, at another version of its source. Kept, because a version between the two may
    /// still arrive, but no news and not counted.
    pub confirms: bool,
}

impl Filed {
    /// A fact filed where it belongs.
    pub fn own(fact: Fact) -> Filed {
        Filed { under: fact.customer.clone(), fact, confirms: false }
    }

    /// True for a copy that is filed under another customer than it speaks of.
    pub fn is_shadow(&self) -> bool {
        self.under != self.fact.customer
    }
}

/// Hash of (source, subscription), by which owners of a subscription are found.
pub fn subscription_hash(source: &str, subscription: &str) -> u64 {
    let mut bytes = Vec::with_capacity(source.len() + subscription.len() + 1);
    bytes.extend_from_slice(source.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(subscription.as_bytes());
    hash64(&bytes)
}

/// The order of natural keys within a customer: kind, source, subscription, item, effective_at, seq. Facts of one
/// customer are equal in it exactly when [`Fact::same_key`] holds.
pub fn key_order(a: &Fact, b: &Fact) -> Ordering {
    match (&a.body, &b.body) {
        (Body::Attributes { .. }, Body::State { .. }) => Ordering::Less,
        (Body::State { .. }, Body::Attributes { .. }) => Ordering::Greater,
        (Body::Attributes { effective_at: at, .. }, Body::Attributes { effective_at: bt, .. }) => {
            a.source.cmp(&b.source).then(at.cmp(bt))
        }
        (
            Body::State { subscription: s, item: i, effective_at: e, seq: q, .. },
            Body::State { subscription: s2, item: i2, effective_at: e2, seq: q2, .. },
        ) => {
            let items = || item_as_filed(i, s).cmp(item_as_filed(i2, s2));
            a.source.cmp(&b.source).then(s.cmp(s2)).then_with(items).then(e.cmp(e2)).then(q.cmp(q2))
        }
    }
}

/// The order of segments within a customer: that of keys, then of booking.
pub fn filed_order(a: &Filed, b: &Filed) -> Ordering {
    key_order(&a.fact, &b.fact).then(a.fact.booked_seq.cmp(&b.fact.booked_seq))
}

/// Most items bear the name of their subscription and are filed without one.
pub fn item_as_filed<'a>(item: &'a str, subscription: &str) -> &'a str {
    if item == subscription { "" } else { item }
}

/// What sorted runs are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortedBy {
    /// The order of segments: hash of the customer it is filed under, customer, [`filed_order`].
    Customer,
    /// Hash of the subscription, then as above without the customer: all that speaks of one subscription, wherever
    /// it is filed.
    Subscription,
}

/// Writes facts as key and value, and reads them back.
///
/// Texts in keys end with a zero byte, zero and one inside them are escaped, so that the order of bytes is the
/// order of texts. Numbers in values are as short as they can be: runs are written once and read once, and
/// their size is what an import costs in disk.
pub struct Codec {
    by: SortedBy,
    /// Subtracted from moments of learning: most are equal to it.
    base: i64,
    words: Words,
}

impl Codec {
    /// `base` is the moment of learning that most facts have.
    pub fn new(by: SortedBy, base: Instant) -> Codec {
        Codec { by, base: base.micros(), words: Words::default() }
    }

    /// Appends the key.
    pub fn key(&self, filed: &Filed, out: &mut Vec<u8>) {
        let fact = &filed.fact;
        match (self.by, &fact.body) {
            (SortedBy::Subscription, Body::State { subscription, .. }) => {
                out.extend_from_slice(&subscription_hash(&fact.source, subscription).to_be_bytes());
            }
            _ => {
                out.extend_from_slice(&customer_hash(&filed.under).to_be_bytes());
                put_ordered_text(out, &filed.under);
            }
        }
        match &fact.body {
            Body::Attributes { effective_at, .. } => {
                out.push(0);
                put_ordered_text(out, &fact.source);
                out.extend_from_slice(&ordered(effective_at.map_or(i64::MIN, Instant::micros)));
            }
            Body::State { subscription, item, effective_at, seq, .. } => {
                out.push(1);
                put_ordered_text(out, &fact.source);
                put_ordered_text(out, subscription);
                put_ordered_text(out, item_as_filed(item, subscription));
                out.extend_from_slice(&ordered(effective_at.micros()));
                out.extend_from_slice(&ordered(*seq));
            }
        }
        out.extend_from_slice(&fact.booked_seq.to_be_bytes());
    }

    /// Appends the value: what the key does not hold.
    pub fn value(&self, filed: &Filed, out: &mut Vec<u8>) {
        let fact = &filed.fact;
        let holds = match &fact.body {
            Body::State { state, .. } => state.is_some(),
            Body::Attributes { values, .. } => values.is_some(),
        };
        let flags = [
            (HOLDS, holds),
            (VERSION, fact.version.is_some()),
            (SHADOW, filed.is_shadow()),
            (CONFIRMS, filed.confirms),
        ];
        out.push(flags.iter().filter(|(_, set)| *set).map(|(bit, _)| bit).sum());
        if self.by == SortedBy::Subscription {
            put_text(out, &filed.under);
        }
        if filed.is_shadow() {
            put_text(out, &fact.customer);
        }
        put_signed(out, fact.recorded_at.micros().wrapping_sub(self.base));
        if let Some(version) = fact.version {
            put_signed(out, version.wrapping_sub(self.base));
        }
        put_number(out, u64::from(fact.payload.payload));
        put_number(out, fact.payload.row);
        match &fact.body {
            Body::Attributes { values, .. } => put_text(out, &attributes_text(values.as_ref())),
            Body::State { state: Some(state), .. } => put_state(out, state, self.base),
            Body::State { state: None, .. } => {}
        }
    }

    /// Reads a key and a value; `None` when they are not what was written.
    pub fn read(&mut self, key: &[u8], value: &[u8]) -> Option<Filed> {
        let mut key = Cursor { bytes: key };
        let mut from = Cursor { bytes: value };
        let flags = from.u8()?;
        key.take(8)?;
        let under = match self.by {
            SortedBy::Customer => self.words.id(0, &key.ordered_text()?)?,
            SortedBy::Subscription => self.words.id(0, from.bytes()?)?,
        };
        let customer = if flags & SHADOW != 0 { self.words.id(1, from.bytes()?)? } else { under.clone() };
        let kind = key.u8()?;
        let source = self.words.id(2, &key.ordered_text()?)?;
        let recorded_at = Instant::from_micros(from.signed()?.wrapping_add(self.base));
        let version = match flags & VERSION != 0 {
            true => Some(from.signed()?.wrapping_add(self.base)),
            false => None,
        };
        let payload = PayloadRef { payload: u32::try_from(from.number()?).ok()?, row: from.number()? };
        let body = if kind == 0 {
            let effective_at = Some(key.ordered()?).filter(|at| *at != i64::MIN).map(Instant::from_micros);
            Body::Attributes { effective_at, values: attributes_of(from.text()?)? }
        } else {
            let subscription = self.words.id(3, &key.ordered_text()?)?;
            let item = key.ordered_text()?;
            let item = if item.is_empty() { subscription.clone() } else { self.words.id(4, &item)? };
            let effective_at = Instant::from_micros(key.ordered()?);
            let seq = key.ordered()?;
            let state = match flags & HOLDS != 0 {
                true => Some(Box::new(read_state(&mut from, self.base, &mut self.words)?)),
                false => None,
            };
            Body::State { subscription, item, effective_at, seq, state }
        };
        let booked_seq = u64::from_be_bytes(key.take(8)?.try_into().ok()?);
        let fact = Fact { source, customer, body, recorded_at, version, booked_seq, payload };
        let all_read = key.bytes.is_empty() && from.bytes.is_empty();
        all_read.then_some(Filed { under, fact, confirms: flags & CONFIRMS != 0 })
    }
}

/// Bits of a value's first byte.
const HOLDS: u8 = 1;
const VERSION: u8 = 2;
const SHADOW: u8 = 4;
const CONFIRMS: u8 = 8;

/// Bits of a state's first byte above the status.
const METERED: u8 = 16;
const RECONSTRUCTED: u8 = 32;
const TIMES: u8 = 64;
const REASON: u8 = 128;

fn put_state(out: &mut Vec<u8>, state: &ItemState, base: i64) {
    let times = [state.trial_end, state.cancel_requested_at, state.cancel_at];
    let has_times = times.iter().any(Option::is_some);
    let has_reason = state.reason.is_some() || state.reason_text.is_some();
    let flags = [
        (METERED, state.usage_type == UsageType::Metered),
        (RECONSTRUCTED, state.reconstructed),
        (TIMES, has_times),
        (REASON, has_reason),
    ];
    let flags: u8 = flags.iter().filter(|(_, set)| *set).map(|(bit, _)| bit).sum();
    out.push(status_code(state.status) as u8 | flags);
    put_text(out, state.plan.as_deref().unwrap_or_default());
    put_wide(out, state.amount.mantissa());
    out.push(state.amount.scale());
    out.extend_from_slice(&state.currency.bytes());
    out.push(interval_code(state.interval) as u8);
    put_number(out, u64::from(state.interval_count));
    put_signed(out, state.quantity_micros);
    put_text(out, &discounts_text(&state.discounts));
    if has_times {
        for time in times {
            out.push(u8::from(time.is_some()));
            put_signed(out, time.map_or(0, |t| t.micros().wrapping_sub(base)));
        }
    }
    if has_reason {
        out.push(reason_code(state.reason) as u8);
        put_text(out, state.reason_text.as_deref().unwrap_or_default());
    }
}

fn read_state(from: &mut Cursor, base: i64, words: &mut Words) -> Option<ItemState> {
    let flags = from.u8()?;
    let status = status_of(i32::from(flags & 15))?;
    let plan = from.bytes()?;
    let plan = if plan.is_empty() { None } else { Some(words.word(plan)?) };
    let amount = Decimal::new(from.wide()?, from.u8()?);
    let currency = words.currency(from.take(3)?)?;
    let interval = interval_of(i32::from(from.u8()?))?;
    let interval_count = u32::try_from(from.number()?).ok()?;
    let quantity_micros = from.signed()?;
    let discounts = discounts_of(from.text()?)?;
    let mut times = [None; 3];
    if flags & TIMES != 0 {
        for time in &mut times {
            let some = from.u8()? == 1;
            let micros = from.signed()?.wrapping_add(base);
            *time = some.then_some(Instant::from_micros(micros));
        }
    }
    let (mut reason, mut reason_text) = (None, None);
    if flags & REASON != 0 {
        reason = reason_of(i32::from(from.u8()?))?;
        let text = from.bytes()?;
        reason_text = if text.is_empty() { None } else { Some(words.word(text)?) };
    }
    let usage_type = if flags & METERED != 0 { UsageType::Metered } else { UsageType::Licensed };
    Some(ItemState {
        status,
        plan,
        amount,
        currency,
        interval,
        interval_count,
        quantity_micros,
        usage_type,
        discounts,
        trial_end: times[0],
        cancel_requested_at: times[1],
        cancel_at: times[2],
        reason,
        reason_text,
        reconstructed: flags & RECONSTRUCTED != 0,
    })
}

/// Texts seen before, so that equal ones share memory.
#[derive(Default)]
pub struct Words {
    last: [Option<Text>; 5],
    known: HashMap<Box<[u8]>, Text>,
    latest: Option<Text>,
    currency: Option<Currency>,
}

/// At most so many plans and the like are remembered.
const REMEMBERED: usize = 50_000;

impl Words {
    /// Ids, in their column (0 to 4): they repeat from row to row.
    pub fn id(&mut self, column: usize, bytes: &[u8]) -> Option<Text> {
        let slot = &mut self.last[column];
        match slot {
            Some(last) if last.as_bytes() == bytes => Some(last.clone()),
            _ => {
                let text: Text = std::str::from_utf8(bytes).ok()?.into();
                *slot = Some(text.clone());
                Some(text)
            }
        }
    }

    /// Plans and the like, which repeat over the whole file.
    pub fn word(&mut self, bytes: &[u8]) -> Option<Text> {
        if let Some(latest) = &self.latest
            && latest.as_bytes() == bytes
        {
            return Some(latest.clone());
        }
        let text = match self.known.get(bytes) {
            Some(known) => known.clone(),
            None => {
                let text: Text = std::str::from_utf8(bytes).ok()?.into();
                if self.known.len() < REMEMBERED {
                    self.known.insert(bytes.into(), text.clone());
                }
                text
            }
        };
        self.latest = Some(text.clone());
        Some(text)
    }

    /// A currency by its three letters.
    pub fn currency(&mut self, bytes: &[u8]) -> Option<Currency> {
        if let Some(currency) = self.currency
            && currency.bytes() == bytes
        {
            return Some(currency);
        }
        self.currency = Some(Currency::parse(std::str::from_utf8(bytes).ok()?).ok()?);
        self.currency
    }
}

/// A signed number whose bytes order like the number.
fn ordered(value: i64) -> [u8; 8] {
    ((value as u64) ^ (1 << 63)).to_be_bytes()
}

fn put_ordered_text(out: &mut Vec<u8>, text: &str) {
    if text.bytes().all(|b| b > 1) {
        out.extend_from_slice(text.as_bytes());
    } else {
        for byte in text.bytes() {
            match byte {
                0 | 1 => out.extend_from_slice(&[1, byte + 1]),
                _ => out.push(byte),
            }
        }
    }
    out.push(0);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn put_number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_number(out, ((value << 1) ^ (value >> 63)) as u64);
}

fn put_wide(out: &mut Vec<u8>, value: i128) {
    match i64::try_from(value) {
        Ok(value) => {
            out.push(0);
            put_signed(out, value);
        }
        Err(_) => {
            out.push(1);
            out.extend_from_slice(&value.to_le_bytes());
        }
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.bytes.split_at_checked(count)?;
        self.bytes = tail;
        Some(head)
    }

    fn u8(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    fn ordered(&mut self) -> Option<i64> {
        let bits = u64::from_be_bytes(self.take(8)?.try_into().ok()?);
        Some((bits ^ (1 << 63)) as i64)
    }

    fn ordered_text(&mut self) -> Option<std::borrow::Cow<'a, [u8]>> {
        let end = self.bytes.iter().position(|b| *b == 0)?;
        let raw = self.take(end + 1)?.split_last()?.1;
        if !raw.contains(&1) {
            return Some(raw.into());
        }
        let mut text = Vec::with_capacity(raw.len());
        let mut bytes = raw.iter();
        while let Some(byte) = bytes.next() {
            text.push(if *byte == 1 { bytes.next()?.checked_sub(1)? } else { *byte });
        }
        Some(text.into())
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.take(length)
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let bits = self.number()?;
        Some((bits >> 1) as i64 ^ -((bits & 1) as i64))
    }

    fn wide(&mut self) -> Option<i128> {
        match self.u8()? {
            0 => Some(i128::from(self.signed()?)),
            _ => Some(i128::from_le_bytes(self.take(16)?.try_into().ok()?)),
        }
    }
}

#[cfg(test)]
mod tests;
