//! Many small writes, few commits.
//!
//! A commit costs several waits for the disk, whether it holds one fact or a thousand. Deliveries of billing systems and
//! writes of API clients come one at a time and each wants to know that it is safe. Here they queue in memory;
//! **one thread** takes whatever has gathered for a source, makes it durable in **one** commit (the raw records and the facts), and
//! only then answers each. While it writes, the next group gathers: the busier it gets, the larger the groups.
//!
//! # How a door uses it
//!
//! 1. Implement [`Door`]: an item is what one write says, checked and parsed already (that work is done by whoever brings it,
//!    on its own thread); [`Door::book`] turns a whole group of them into statements.
//! 2. `let entrance = writer.entrance("my-source", MyDoor);` once per source; an [`Entrance`] is cheap to clone.
//! 3. `entrance.submit(record, item, |answer| ...)` from anywhere; the closure is called once the write is durable, or
//!    with why it is not. In async code let it fill a oneshot channel and await that; [`Entrance::write`] blocks instead.
//!    For plain statements there is a ready-made door, [`Statements`].
//! 4. [`WriteError::Full`] and [`WriteError::Busy`] mean "not now": answer 503 with `Retry-After`. [`WriteError::Refused`] is the
//!    door's own no to one item: nothing of that item was booked, the rest of its group was.
//!
//! ```text
//! requests -> submit (bounded) -> group by source -> raw records + Door::book -> one commit -> an answer each
//! ```
//!
//! **What holds.** Nothing is answered with success before it survives a loss of power. Items of one entrance are booked in
//! the order in which they were submitted. When a group fails, its items are tried one by one, so that one bad item harms no
//! other. A writer that is dropped or closed finishes what it has taken, and takes no more. It asks the time of the clock it
//! was given.

mod door;
mod error;
mod queue;
mod writer;

pub use door::{Door, Group, Statements, Submitted};
pub use error::{Failure, WriteError};
pub use writer::{Clock, Committed, Entrance, Limits, Load, Writer};
