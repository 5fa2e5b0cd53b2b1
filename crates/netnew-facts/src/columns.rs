//! Statements about states as columns: what a bulk import hands over instead of one [`crate::Statement`] a row.

use crate::state::ItemState;
use netnew_money::Instant;

/// Stands for "no instant" in a column of microseconds.
pub const NO_INSTANT: i64 = i64::MIN;

/// Texts by row, their bytes in one place.
#[derive(Clone, Debug, Default)]
pub struct TextColumn {
    /// Bytes of the texts, in whatever order.
    pub bytes: Vec<u8>,
    /// By row: where its text begins, and how long it is.
    pub spans: Vec<(u32, u32)>,
}

impl TextColumn {
    /// The text of a row.
    pub fn get(&self, row: usize) -> &[u8] {
        let (start, length) = self.spans[row];
        &self.bytes[start as usize..(start + length) as usize]
    }

    /// Adds a row.
    pub fn push(&mut self, text: &[u8]) {
        self.spans.push((self.bytes.len() as u32, text.len() as u32));
        self.bytes.extend_from_slice(text);
    }

    /// Gives a row another text.
    pub fn set(&mut self, row: usize, text: &[u8]) {
        self.spans[row] = (self.bytes.len() as u32, text.len() as u32);
        self.bytes.extend_from_slice(text);
    }

    /// No rows.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
    }
}

/// The instants of a state, in microseconds or [`NO_INSTANT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Instants {
    /// [`ItemState::trial_end`].
    pub trial_end: i64,
    /// [`ItemState::cancel_requested_at`].
    pub cancel_requested_at: i64,
    /// [`ItemState::cancel_at`].
    pub cancel_at: i64,
    /// The end of every discount; [`NO_INSTANT`] leaves them as they are.
    pub until: i64,
}

impl Instants {
    /// None at all.
    pub const NONE: Instants = Instants {
        trial_end: NO_INSTANT,
        cancel_requested_at: NO_INSTANT,
        cancel_at: NO_INSTANT,
        until: NO_INSTANT,
    };

    /// Puts the instants that there are to a state.
    pub fn put_to(&self, state: &mut ItemState) {
        let put = |slot: &mut Option<Instant>, at: i64| {
            if at != NO_INSTANT {
                *slot = Some(Instant::from_micros(at));
            }
        };
        put(&mut state.trial_end, self.trial_end);
        put(&mut state.cancel_requested_at, self.cancel_requested_at);
        put(&mut state.cancel_at, self.cancel_at);
        state.discounts.iter_mut().for_each(|discount| put(&mut discount.until, self.until));
    }
}

/// A row that states nothing: it is a problem.
pub const NO_STATEMENT: u32 = u32::MAX;
/// A row that withdraws what was said.
pub const WITHDRAWN: u32 = u32::MAX - 1;

/// Consecutive rows of a file of states.
#[derive(Clone, Debug, Default)]
pub struct StateBatch {
    /// How many rows of the file come before.
    pub first: u64,
    /// Customers.
    pub customers: TextColumn,
    /// Subscriptions.
    pub subscriptions: TextColumn,
    /// Items; an empty text is the subscription.
    pub items: TextColumn,
    /// From when each holds, in microseconds.
    pub effective_at: Vec<i64>,
    /// Order within an instant.
    pub seq: Vec<i64>,
    /// When the file says it was learned, or [`NO_INSTANT`]; that is its version too.
    pub recorded_at: Vec<i64>,
    /// Index into the reader's list of contents, [`WITHDRAWN`], or [`NO_STATEMENT`].
    pub content: Vec<u32>,
    /// Instants to put to the content of a row, by row, ascending.
    pub instants: Vec<(u32, Instants)>,
}

impl StateBatch {
    /// How many rows.
    pub fn len(&self) -> usize {
        self.content.len()
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.content.is_empty()
    }
}
