//! Back-off of sign-ins, per account and per address. It is counted in the catalog, so a restart forgives nothing.
//!
//! An attempt is counted before its password is looked at and taken back when it was right: a thousand attempts sent
//! at once are a thousand attempts. Unknown e-mail addresses are counted like known ones.

use crate::error::AccessError;
use crate::{DAY, MINUTE, SECOND};
use netnew_money::Instant;
use rusqlite::{OptionalExtension, Transaction, params};
use sha2::{Digest, Sha256};
use std::net::{IpAddr, Ipv6Addr};

struct Limit {
    /// Failures that cost nothing: people mistype.
    free: i64,
    /// The longest wait, in microseconds. It bounds what a stranger can do to an account's owner.
    longest: i64,
}

const ACCOUNT: Limit = Limit { free: 5, longest: 15 * MINUTE };
const ADDRESS: Limit = Limit { free: 20, longest: 60 * MINUTE };
/// Failures are forgotten after a day without any.
const FORGOTTEN: i64 = DAY;

impl Limit {
    fn delay(&self, failures: i64) -> i64 {
        match failures - self.free {
            over if over <= 0 => 0,
            over => (SECOND << over.min(20)).min(self.longest),
        }
    }
}

/// Whom an attempt is counted against.
pub struct Counters {
    account: [u8; 32],
    address: [u8; 32],
}

impl Counters {
    /// For an e-mail address and where the attempt came from.
    pub fn new(email: &str, address: &str) -> Counters {
        let key = |kind: &str, text: &str| {
            Sha256::new().chain_update(kind).chain_update("\n").chain_update(text).finalize().into()
        };
        Counters { account: key("account", email), address: key("address", &network(address)) }
    }

    fn both(&self) -> [(&[u8; 32], Limit); 2] {
        [(&self.account, ACCOUNT), (&self.address, ADDRESS)]
    }

    /// Counts an attempt, or refuses it. A refused one is not counted: waiting always ends.
    pub fn attempt(&self, db: &Transaction, now: Instant) -> Result<Result<(), AccessError>, AccessError> {
        db.execute(
            "DELETE FROM login_failures WHERE last_at <= ?1",
            [now.micros().saturating_sub(FORGOTTEN)],
        )?;
        let mut counts = Vec::new();
        let mut wait = 0;
        for (who, limit) in self.both() {
            let (failures, until) = db
                .query_row(
                    "SELECT failures, blocked_until FROM login_failures WHERE who = ?1",
                    [who],
                    |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
                )
                .optional()?
                .unwrap_or((0, i64::MIN));
            // After the clock was set back, the end of the wait may be years away.
            wait = wait.max(until.saturating_sub(now.micros()).min(limit.delay(failures)));
            counts.push(failures);
        }
        if wait > 0 {
            let wait_seconds =
                u64::try_from(wait.div_euclid(SECOND) + i64::from(wait % SECOND != 0)).unwrap_or(1);
            return Ok(Err(AccessError::TooMany { wait_seconds }));
        }
        for ((who, limit), failures) in self.both().into_iter().zip(counts) {
            set(db, who, &limit, failures + 1, now)?;
        }
        Ok(Ok(()))
    }

    /// Takes an attempt back that was right: the account starts afresh, the address only loses this one.
    pub fn was_right(&self, db: &Transaction, now: Instant) -> Result<(), AccessError> {
        db.execute("DELETE FROM login_failures WHERE who = ?1", [&self.account])?;
        let failures: Option<i64> = db
            .query_row("SELECT failures FROM login_failures WHERE who = ?1", [&self.address], |row| {
                row.get(0)
            })
            .optional()?;
        match failures {
            Some(failures) => set(db, &self.address, &ADDRESS, (failures - 1).max(0), now),
            None => Ok(()),
        }
    }
}

fn set(
    db: &Transaction,
    who: &[u8; 32],
    limit: &Limit,
    failures: i64,
    now: Instant,
) -> Result<(), AccessError> {
    db.execute(
        "INSERT INTO login_failures (who, failures, last_at, blocked_until) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (who) \
         DO UPDATE SET failures = excluded.failures, last_at = excluded.last_at, blocked_until = excluded.blocked_until",
        params![who, failures, now.micros(), now.micros().saturating_add(limit.delay(failures))],
    )?;
    Ok(())
}

/// What an address is counted as: of IPv6 the first 64 bits, because one customer of a provider has all that follow.
fn network(address: &str) -> String {
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(v4)) => v4.to_string(),
        Ok(IpAddr::V6(v6)) => match v6.to_ipv4_mapped() {
            Some(v4) => v4.to_string(),
            None => {
                let s = v6.segments();
                format!("{}/64", Ipv6Addr::new(s[0], s[1], s[2], s[3], 0, 0, 0, 0))
            }
        },
        Err(_) => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits: Vec<i64> = (0..20).map(|n| ACCOUNT.delay(n) / SECOND).collect();
        assert_eq!(waits[..9], [0, 0, 0, 0, 0, 0, 2, 4, 8]);
        assert_eq!(waits[19], 900);
        assert_eq!(ADDRESS.delay(i64::MAX) / SECOND, 3600);
    }

    #[test]
    fn addresses_are_counted_by_who_has_them() {
        assert_eq!(network("203.0.113.9"), "203.0.113.9");
        assert_eq!(network("::ffff:203.0.113.9"), "203.0.113.9");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("a socket"), "a socket");
    }
}
