//! A fact as bytes: a key whose byte order is the order of segments, and a value.

use netnew_facts::{
    Body, CancelReason, Discount, Entry, EntryKind, Fact, ItemState, PayloadRef, Status, Text, UsageType,
    customer_hash, hash64,
};
use netnew_money::{Currency, Decimal, Instant, IntervalUnit};

/// One fact as it is filed: under the customer whose facts it belongs to, which for a shadow is not the
/// customer it speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filed {
    /// Customer it is filed under.
    pub under: Text,
    /// The fact.
    pub fact: Fact,
}

impl Filed {
    /// A fact filed where it belongs.
    pub fn own(fact: Fact) -> Filed {
        Filed { under: fact.customer.clone(), fact }
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

/// Hash by which it is found that customers share what a fact speaks of: its subscription, or for an entry its key.
/// Attributes are a customer's own.
pub fn shared_hash(fact: &Fact) -> Option<u64> {
    match &fact.body {
        Body::State { subscription, .. } => Some(subscription_hash(&fact.source, subscription)),
        Body::Entry { kind, key, .. } => {
            Some(subscription_hash(&fact.source, &format!("\u{1}{}\u{1}{key}", kind.code())))
        }
        Body::Attributes { .. } => None,
    }
}

/// The bytes that order records: hash, customer, then for items source, subscription, item, effective_at and seq, for
/// entries kind, source and key; last booked_seq.
///
/// Texts end with a zero byte; ids hold none (the importers refuse control characters), and one that did would only
/// order oddly.
pub fn key_bytes(filed: &Filed, out: &mut Vec<u8>) {
    let text = |out: &mut Vec<u8>, text: &str| {
        out.extend_from_slice(text.as_bytes());
        out.push(0);
    };
    out.extend_from_slice(&customer_hash(&filed.under).to_be_bytes());
    text(out, &filed.under);
    match &filed.fact.body {
        Body::Attributes { effective_at, .. } => {
            out.push(0);
            text(out, &filed.fact.source);
            out.extend_from_slice(&ordered(effective_at.map_or(i64::MIN, Instant::micros)));
        }
        Body::State { subscription, item, effective_at, seq, .. } => {
            out.push(1);
            text(out, &filed.fact.source);
            text(out, subscription);
            text(out, item);
            out.extend_from_slice(&ordered(effective_at.micros()));
            out.extend_from_slice(&ordered(*seq));
        }
        Body::Entry { kind, key, .. } => {
            out.extend_from_slice(&[2, kind.code()]);
            text(out, &filed.fact.source);
            text(out, key);
        }
    }
    out.extend_from_slice(&filed.fact.booked_seq.to_be_bytes());
}

/// A signed number whose bytes order like the number.
fn ordered(value: i64) -> [u8; 8] {
    ((value as u64) ^ (1 << 63)).to_be_bytes()
}

/// Everything of a fact, for the sorted runs of an import; [`unpack`] reads it.
pub fn pack(filed: &Filed, out: &mut Vec<u8>) {
    let fact = &filed.fact;
    put_text(out, &filed.under);
    put_text(out, &fact.customer);
    put_text(out, &fact.source);
    put_i64(out, fact.recorded_at.micros());
    put_option(out, fact.version);
    put_i64(out, fact.booked_seq as i64);
    put_i64(out, i64::from(fact.payload.payload));
    put_i64(out, fact.payload.row as i64);
    match &fact.body {
        Body::Attributes { effective_at, values } => {
            out.push(0);
            put_option(out, effective_at.map(Instant::micros));
            put_text(out, &values.as_ref().map_or_else(String::new, attributes_text));
        }
        Body::State { subscription, item, effective_at, seq, state } => {
            out.push(1);
            put_text(out, subscription);
            put_text(out, item);
            put_i64(out, effective_at.micros());
            put_i64(out, *seq);
            match state {
                None => out.push(0),
                Some(state) => {
                    out.push(1);
                    pack_state(out, state);
                }
            }
        }
        Body::Entry { kind, key, effective_at, entry } => {
            out.extend_from_slice(&[2, kind.code()]);
            put_text(out, key);
            put_i64(out, effective_at.micros());
            put_text(out, &entry_text(entry.as_deref()));
        }
    }
}

fn pack_state(out: &mut Vec<u8>, state: &ItemState) {
    out.push(status_code(state.status) as u8);
    put_text(out, state.plan.as_deref().unwrap_or_default());
    out.extend_from_slice(&state.amount.mantissa().to_le_bytes());
    out.push(state.amount.scale());
    out.extend_from_slice(state.currency.as_str().as_bytes());
    out.push(interval_code(state.interval) as u8);
    put_i64(out, i64::from(state.interval_count));
    put_i64(out, state.quantity_micros);
    out.push(u8::from(state.usage_type == UsageType::Metered));
    put_text(out, &discounts_text(&state.discounts));
    put_option(out, state.trial_end.map(Instant::micros));
    put_option(out, state.cancel_requested_at.map(Instant::micros));
    put_option(out, state.cancel_at.map(Instant::micros));
    out.push(reason_code(state.reason) as u8);
    put_text(out, state.reason_text.as_deref().unwrap_or_default());
    out.push(u8::from(state.reconstructed));
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn put_i64(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put_option(out: &mut Vec<u8>, value: Option<i64>) {
    out.push(u8::from(value.is_some()));
    put_i64(out, value.unwrap_or_default());
}

/// Reads what [`pack`] wrote; `None` when it is cut short or not what was written.
pub fn unpack(bytes: &[u8]) -> Option<Filed> {
    let mut from = Cursor { bytes };
    let (under, customer, source) = (from.text()?, from.text()?, from.text()?);
    let recorded_at = Instant::from_micros(from.i64()?);
    let version = from.option()?;
    let booked_seq = from.i64()? as u64;
    let payload = PayloadRef { payload: u32::try_from(from.i64()?).ok()?, row: from.i64()? as u64 };
    let body = match from.u8()? {
        0 => {
            let effective_at = from.option()?.map(Instant::from_micros);
            let text = from.text()?;
            let values = if text.is_empty() { None } else { Some(serde_json::from_str(&text).ok()?) };
            Body::Attributes { effective_at, values }
        }
        2 => {
            let kind = EntryKind::from_code(from.u8()?)?;
            let key = from.text()?;
            let effective_at = Instant::from_micros(from.i64()?);
            let entry = entry_of(kind, &from.text()?).ok()?;
            Body::Entry { kind, key, effective_at, entry }
        }
        _ => {
            let (subscription, item) = (from.text()?, from.text()?);
            let effective_at = Instant::from_micros(from.i64()?);
            let seq = from.i64()?;
            let state = if from.u8()? == 1 { Some(Box::new(unpack_state(&mut from)?)) } else { None };
            Body::State { subscription, item, effective_at, seq, state }
        }
    };
    let fact = Fact { source, customer, body, recorded_at, version, booked_seq, payload };
    Some(Filed { under, fact })
}

fn unpack_state(from: &mut Cursor) -> Option<ItemState> {
    Some(ItemState {
        status: status_of(i32::from(from.u8()?))?,
        plan: Some(from.text()?).filter(|p| !p.is_empty()),
        amount: Decimal::new(i128::from_le_bytes(from.take(16)?.try_into().ok()?), from.u8()?),
        currency: Currency::parse(std::str::from_utf8(from.take(3)?).ok()?).ok()?,
        interval: interval_of(i32::from(from.u8()?))?,
        interval_count: u32::try_from(from.i64()?).ok()?,
        quantity_micros: from.i64()?,
        usage_type: if from.u8()? == 1 { UsageType::Metered } else { UsageType::Licensed },
        discounts: discounts_of(&from.text()?)?,
        trial_end: from.option()?.map(Instant::from_micros),
        cancel_requested_at: from.option()?.map(Instant::from_micros),
        cancel_at: from.option()?.map(Instant::from_micros),
        reason: reason_of(i32::from(from.u8()?)),
        reason_text: Some(from.text()?).filter(|t| !t.is_empty()),
        reconstructed: from.u8()? == 1,
    })
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

    fn i64(&mut self) -> Option<i64> {
        Some(i64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn option(&mut self) -> Option<Option<i64>> {
        let some = self.u8()? == 1;
        let value = self.i64()?;
        Some(some.then_some(value))
    }

    fn text(&mut self) -> Option<Text> {
        let length = u32::from_le_bytes(self.take(4)?.try_into().ok()?) as usize;
        Some(std::str::from_utf8(self.take(length)?).ok()?.into())
    }
}

/// Codes in segments: position in the lists below, never to be changed.
pub fn status_code(status: Status) -> i32 {
    Status::ALL.iter().position(|s| *s == status).map_or(0, |at| at as i32)
}

/// Reads [`status_code`].
pub fn status_of(code: i32) -> Option<Status> {
    Status::ALL.get(usize::try_from(code).ok()?).copied()
}

/// Day 0, week 1, month 2, year 3.
pub fn interval_code(unit: IntervalUnit) -> i32 {
    match unit {
        IntervalUnit::Day => 0,
        IntervalUnit::Week => 1,
        IntervalUnit::Month => 2,
        IntervalUnit::Year => 3,
    }
}

/// Reads [`interval_code`].
pub fn interval_of(code: i32) -> Option<IntervalUnit> {
    [IntervalUnit::Day, IntervalUnit::Week, IntervalUnit::Month, IntervalUnit::Year]
        .get(usize::try_from(code).ok()?)
        .copied()
}

/// None 0, voluntary 1, involuntary 2.
pub fn reason_code(reason: Option<CancelReason>) -> i32 {
    match reason {
        None => 0,
        Some(CancelReason::Voluntary) => 1,
        Some(CancelReason::Involuntary) => 2,
    }
}

/// Reads [`reason_code`].
pub fn reason_of(code: i32) -> Option<CancelReason> {
    match code {
        1 => Some(CancelReason::Voluntary),
        2 => Some(CancelReason::Involuntary),
        _ => None,
    }
}

/// Empty for no discounts, else the JSON list.
pub fn discounts_text(discounts: &[Discount]) -> String {
    if discounts.is_empty() { String::new() } else { Discount::list_to_json(discounts) }
}

/// Reads [`discounts_text`].
pub fn discounts_of(text: &str) -> Option<Vec<Discount>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    Discount::parse_list(text, &mut |t| Instant::parse_rfc3339(t).map_err(|e| e.to_string())).ok()
}

/// Attributes as JSON; equal maps give equal text. A withdrawn row is the empty text.
pub fn attributes_text(values: &netnew_facts::Attributes) -> String {
    serde_json::to_string(values).expect("a map of strings always serialises")
}

/// Empty for a retraction, else the entry's JSON.
pub fn entry_text(entry: Option<&Entry>) -> String {
    entry.map_or_else(String::new, Entry::to_json)
}

/// Reads [`entry_text`].
pub fn entry_of(kind: EntryKind, text: &str) -> Result<Option<Box<Entry>>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    Entry::from_json(kind, text).map(|entry| Some(Box::new(entry)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filed() -> Filed {
        let mut state = ItemState::monthly(
            Decimal::parse("-12345678901234567890.123").unwrap(),
            Currency::parse("EUR").unwrap(),
        );
        state.plan = Some("Pro".into());
        state.cancel_at = Some(Instant::from_micros(-5));
        state.reason = Some(CancelReason::Involuntary);
        state.reason_text = Some("card".into());
        Filed::own(Fact {
            source: "files".into(),
            customer: "acme".into(),
            body: Body::State {
                subscription: "s".into(),
                item: "i".into(),
                effective_at: Instant::from_micros(-7),
                seq: -1,
                state: Some(Box::new(state)),
            },
            recorded_at: Instant::from_micros(9),
            version: Some(3),
            booked_seq: 11,
            payload: PayloadRef { payload: 2, row: 5 },
        })
    }

    #[test]
    fn a_fact_comes_back_as_it_was() {
        let mut bytes = Vec::new();
        pack(&filed(), &mut bytes);
        assert_eq!(unpack(&bytes), Some(filed()));
        assert_eq!(unpack(&bytes[..bytes.len() - 1]), None);
    }

    #[test]
    fn an_entry_comes_back_as_it_was_and_so_does_its_withdrawal() {
        let mut one = filed();
        let usd = Currency::parse("USD").unwrap();
        let refund = netnew_facts::Refund::of(netnew_money::Amount::from_major(5), usd);
        for entry in [Some(Box::new(Entry::Refund(refund))), None] {
            one.fact.body = Body::Entry {
                kind: EntryKind::Refund,
                key: "re_1".into(),
                effective_at: Instant::from_micros(3),
                entry,
            };
            let mut bytes = Vec::new();
            pack(&one, &mut bytes);
            assert_eq!(unpack(&bytes), Some(one.clone()));
        }
    }

    #[test]
    fn keys_order_by_time_also_before_1970() {
        let key = |micros: i64| {
            let mut one = filed();
            if let Body::State { effective_at, .. } = &mut one.fact.body {
                *effective_at = Instant::from_micros(micros);
            }
            let mut bytes = Vec::new();
            key_bytes(&one, &mut bytes);
            bytes
        };
        assert!(key(-7) < key(-6) && key(-1) < key(0) && key(0) < key(1));
    }
}
