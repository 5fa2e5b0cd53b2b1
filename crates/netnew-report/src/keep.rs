//! Answers as bytes, to be kept beside a book.

use crate::customers::Listed;
use crate::movements::Movement;
use netnew_facts::Text;
use netnew_ledger::{Cause, ItemInfo, Kind, Layer, Row};
use netnew_metrics::{CohortRow, GroupKey, Heads, Period, Retained, RollupRow, Window};
use netnew_money::{Amount, Currency, Day, Instant, Ratio};
use std::collections::BTreeMap;

/// Something that can be kept. What is taken is what was put, or nothing.
pub(crate) trait Keep: Sized {
    fn put(&self, out: &mut Vec<u8>);
    fn take(from: &mut &[u8]) -> Option<Self>;
}

fn bytes<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = from.split_at_checked(N)?;
    *from = tail;
    head.try_into().ok()
}

macro_rules! number {
    ($($kind:ty),*) => {$(
        impl Keep for $kind {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                Some(<$kind>::from_le_bytes(bytes(from)?))
            }
        }
    )*};
}

number!(u8, u32, i32, i64, u64, i128);

impl Keep for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Some(u8::take(from)? == 1)
    }
}

impl Keep for String {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u64).put(out);
        out.extend_from_slice(self.as_bytes());
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let length = usize::try_from(u64::take(from)?).ok()?;
        let (head, tail) = from.split_at_checked(length)?;
        *from = tail;
        String::from_utf8(head.to_vec()).ok()
    }
}

impl Keep for Text {
    fn put(&self, out: &mut Vec<u8>) {
        self.to_string().put(out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Some(String::take(from)?.into())
    }
}

impl<T: Keep> Keep for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        self.iter().for_each(|value| value.put(out));
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Some(match bool::take(from)? {
            true => Some(T::take(from)?),
            false => None,
        })
    }
}

impl<T: Keep> Keep for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u64).put(out);
        self.iter().for_each(|value| value.put(out));
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let count = u64::take(from)?;
        (0..count).map(|_| T::take(from)).collect()
    }
}

impl<A: Keep, B: Keep> Keep for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Some((A::take(from)?, B::take(from)?))
    }
}

impl<K: Keep + Ord, V: Keep> Keep for BTreeMap<K, V> {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u64).put(out);
        for (key, value) in self {
            key.put(out);
            value.put(out);
        }
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let count = u64::take(from)?;
        (0..count).map(|_| Some((K::take(from)?, V::take(from)?))).collect()
    }
}

impl Keep for Amount {
    fn put(&self, out: &mut Vec<u8>) {
        self.raw().put(out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Some(Amount::from_raw(i128::take(from)?))
    }
}

impl Keep for Day {
    fn put(&self, out: &mut Vec<u8>) {
        self.days().put(out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Some(Day::from_days(i32::take(from)?))
    }
}

impl Keep for Instant {
    fn put(&self, out: &mut Vec<u8>) {
        self.micros().put(out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Some(Instant::from_micros(i64::take(from)?))
    }
}

impl Keep for Currency {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_str().as_bytes());
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Currency::parse(std::str::from_utf8(&bytes::<3>(from)?).ok()?).ok()
    }
}

macro_rules! one_of {
    ($kind:ty, $all:expr) => {
        impl Keep for $kind {
            fn put(&self, out: &mut Vec<u8>) {
                out.push($all.iter().position(|one| one == self).unwrap_or_default() as u8);
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                $all.get(usize::from(u8::take(from)?)).copied()
            }
        }
    };
}

one_of!(Kind, Kind::ALL);
one_of!(Cause, Cause::ALL);
one_of!(Window, Window::ALL);
one_of!(Layer, [Layer::PastDue, Layer::Paused, Layer::Cancelling, Layer::Discounted, Layer::Paid]);

macro_rules! fields {
    ($kind:ident: $($field:ident),*) => {
        impl Keep for $kind {
            fn put(&self, out: &mut Vec<u8>) {
                $(self.$field.put(out);)*
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                Some($kind { $($field: Keep::take(from)?,)* })
            }
        }
    };
}

fields!(Period: start, first, last, whole, next);
fields!(GroupKey: values, currency);
fields!(Heads: new, reactivated, entered, churned, left);
fields!(Retained: start, end, least, customers, kept);
fields!(RollupRow: period, group, start, movements, causes, fx, end, arr, committed, heads_start, heads, heads_end, retained);
fields!(ItemInfo: source, subscription, item);
fields!(Row: item, plan, currency, kind, cause, amount, arr, before, after, epoch, layer, phases, regroup);
fields!(Movement: id, step, at, date, customer, item, row, currency, rate, customer_before, customer_after, facts, group, expected, truncated, reconstructed);
fields!(CohortRow: cohort, age, size, value, mature);

impl Keep for Ratio {
    fn put(&self, out: &mut Vec<u8>) {
        self.num().put(out);
        self.den().put(out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Ratio::new(i128::take(from)?, i128::take(from)?)
    }
}

/// What a customer's status can be.
const STATUSES: [&str; 3] = ["active", "churned", "never"];

impl Keep for Listed {
    fn put(&self, out: &mut Vec<u8>) {
        self.customer.put(out);
        self.attributes.put(out);
        self.mrr.put(out);
        out.push(STATUSES.iter().position(|s| *s == self.status).unwrap_or_default() as u8);
        self.first.put(out);
        self.last.put(out);
        (self.subscriptions as u64).put(out);
        self.plans.put(out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Some(Listed {
            customer: Keep::take(from)?,
            attributes: Keep::take(from)?,
            mrr: Keep::take(from)?,
            status: STATUSES.get(usize::from(u8::take(from)?))?,
            first: Keep::take(from)?,
            last: Keep::take(from)?,
            subscriptions: usize::try_from(u64::take(from)?).ok()?,
            plans: Keep::take(from)?,
        })
    }
}
