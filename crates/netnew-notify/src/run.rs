//! One round: what is there to tell, what is due, and over the wire with it.
//!
//! A round holds the lock of the book's outbox, which the operating system lets go of when a process dies, so two
//! processes never send at once. Before a message goes out, the catalog says so (`sending`); after, that it is `sent`. Whoever
//! finds one that is still `sending` knows that a process ended in between, and sends the very same message again under the
//! same id.

use crate::channel::{Channel, Secrets};
use crate::error::NotifyError;
use crate::message::{body, subject};
use crate::report::body as report_body;
use crate::store::{Draft, Message, Notify, delivery_id, post};
use crate::wire::{Outcome, send};
use netnew_decide::alerts::{Alert, Rule};
use netnew_facts::hash128_hex;
use netnew_money::{Day, Grain, Instant, Zone};
use netnew_report::decide::Marks;
use netnew_report::written::{Every, Written, write};
use netnew_report::{Now, Question, Report, View, decide};
use rusqlite::params;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Alerts of the last so many days are told; what happened longer ago is history.
pub const LOOK_BACK_DAYS: i32 = 35;
/// Tries, over about two days, before a message is given up.
const TRIES: u32 = 14;
const SECOND: i64 = 1_000_000;
/// The longest pause between two tries.
const LONGEST: i64 = 6 * 3_600;

/// What a round is a function of.
pub struct World<'a> {
    /// The book as it stands.
    pub view: &'a View,
    /// Where secrets are found.
    pub secrets: Secrets<'a>,
    /// What time it is; asked again and again, for sending takes time.
    pub now: &'a (dyn Fn() -> Now + Sync),
    /// What the book is called, for subjects.
    pub title: &'a str,
}

/// What a round did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// Another process was at it; nothing was done.
    pub busy: bool,
    /// Alerts that were not in the outbox before.
    pub found: u64,
    /// Messages that went out.
    pub sent: Vec<String>,
    /// Messages that will be tried again, with why.
    pub later: Vec<(String, String)>,
    /// Messages that were given up, with why.
    pub failed: Vec<(String, String)>,
    /// Alerts that wait for quiet hours to end.
    pub held: u64,
    /// What could not be worked out.
    pub problems: Vec<String>,
}

impl World<'_> {
    fn zone(&self) -> Result<Zone, NotifyError> {
        Zone::parse(&self.view.book.settings().timezone).map_err(|error| NotifyError::Report(error.into()))
    }

    fn instant(&self, zone: &Zone) -> Result<Instant, NotifyError> {
        Ok((self.now)().at(zone)?)
    }

    fn report(&self) -> Result<Report, NotifyError> {
        Ok(Report::of(
            &Question { interval: "month".into(), ..Question::default() },
            self.view,
            &(self.now)(),
        )?)
    }
}

impl Ran {
    /// As JSON.
    pub fn to_json(&self) -> Value {
        let told = |all: &[(String, String)]| -> Vec<Value> {
            all.iter().map(|(id, said)| json!({"id": id, "said": said})).collect()
        };
        json!({
            "busy": self.busy, "found": self.found, "sent": self.sent, "later": told(&self.later),
            "failed": told(&self.failed), "held": self.held, "problems": self.problems,
        })
    }
}

/// One round: looks for what is to be told, then sends what is due.
///
/// # Errors
/// A catalog that cannot be read or written. A figure that cannot be worked out, or a server that does not answer, is
/// part of [`Ran`].
pub fn run(notify: &Notify, world: &World) -> Result<Ran, NotifyError> {
    let mut ran = Ran::default();
    let Some(_lock) = lock(notify)? else { return Ok(Ran { busy: true, ..ran }) };
    let zone = world.zone()?;
    let now = world.instant(&zone)?;
    match look(notify, world, &zone, now) {
        Ok(found) => ran.found = found,
        Err(error) => ran.problems.push(format!("{error} (hint: {})", error.hint())),
    }
    if let Err(error) = schedule(notify, world, &zone, now, &mut ran) {
        ran.problems.push(format!("{error} (hint: {})", error.hint()));
    }
    let quiet = notify.quiet()?.is_some_and(|q| q.holds(now, &zone));
    if quiet {
        ran.held = notify.waiting()?.iter().map(|(_, count)| count).sum();
    } else {
        assemble(notify, now)?;
    }
    for id in notify.due(now, !quiet)? {
        deliver(notify, world, &zone, &id, &mut ran)?;
    }
    notify.set_mark("problem", ran.problems.first().map(String::as_str))?;
    notify.set_mark("ran_at", Some(&now.to_string()))?;
    Ok(ran)
}

fn lock(notify: &Notify) -> Result<Option<Box<dyn netnew_book::Lock>>, NotifyError> {
    let path = notify.dir().join("notify.lock");
    let held = notify.files().lock(&path, 0).map_err(|error| {
        NotifyError::refused(
            "io",
            format!("{}: {error}", path.display()),
            "may this program write into the book's directory?",
        )
    })?;
    Ok(held.ok())
}

/// Looks through what was there before a new channel, so that only what comes after is told. For whoever adds one.
///
/// # Errors
/// As [`run`], and figures that cannot be worked out.
pub fn begin(notify: &Notify, world: &World) -> Result<u64, NotifyError> {
    let zone = world.zone()?;
    let now = world.instant(&zone)?;
    look(notify, world, &zone, now)
}

/// Finds alerts and puts those that are new into the outbox, for every channel.
fn look(notify: &Notify, world: &World, zone: &Zone, now: Instant) -> Result<u64, NotifyError> {
    let channels = notify.channels()?;
    if channels.is_empty() {
        return Ok(0);
    }
    let (today, clock) = zone.clock(now);
    let rules = rules_text(world)?;
    let names: Vec<&str> = channels.iter().filter(|c| c.begun).map(|c| c.name.as_str()).collect();
    let version = world.view.snapshot.version();
    let hour = clock / (3_600 * SECOND);
    let key = hash128_hex(&[
        version.to_string().as_bytes(),
        rules.as_bytes(),
        names.join(",").as_bytes(),
        format!("{today} {hour}").as_bytes(),
    ]);
    // Nothing moved since the last look: not the book, not the rules, not the hour.
    if names.len() == channels.len() && notify.mark("looked")?.as_deref() == Some(key.as_str()) {
        return Ok(0);
    }
    let mut report = world.report()?;
    // Whole periods for rules about metrics, up to years.
    report.from = Some(today.first_of_month().add_months(-24));
    let from = report.from.map(|day| Grain::Year.period_start(day, report.policy.week_start));
    report.from = from;
    let told = decide::alerts(&report, None)?;
    let prints: Vec<String> = told.rules.iter().map(|rule| rule.to_json().to_string()).collect();
    let fresh = fresh_rules(notify, &told.rules, &prints)?;
    let told = told.rows;
    let first = today.add_days(-LOOK_BACK_DAYS);
    let recent: Vec<&Alert> = told.iter().filter(|a| a.date >= first && a.at <= now).collect();
    let mut found = 0;
    notify.write(|db| {
        for channel in &channels {
            for alert in recent.iter().rev() {
                let early = alert.at < channel.since && !channel.begun;
                let before = early || fresh.contains(&alert.rule);
                let state = if before { "before" } else { "queued" };
                let body = (!before).then(|| alert.to_json().to_string());
                let added = db.execute(
                    "INSERT OR IGNORE INTO notify_deliveries (id, channel, alert, body, state, created_at) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![
                        delivery_id(&alert.id, &channel.name),
                        channel.name,
                        alert.id,
                        body,
                        state,
                        now.micros()
                    ],
                )?;
                found += u64::from(added > 0 && !before);
            }
            db.execute("UPDATE notify_channels SET begun = 1 WHERE name = ?1", [&channel.name])?;
        }
        Ok(())
    })?;
    notify.set_mark("rules", Some(&json!(prints).to_string()))?;
    if names.len() == channels.len() {
        notify.set_mark("looked", Some(&key))?;
    }
    Ok(found)
}

/// Names of the rules that were not there at the last look: what they find now happened before them.
fn fresh_rules(notify: &Notify, rules: &[Rule], prints: &[String]) -> Result<BTreeSet<String>, NotifyError> {
    let Some(known) = notify.mark("rules")? else { return Ok(BTreeSet::new()) };
    let known: BTreeSet<String> = serde_json::from_str(&known).unwrap_or_default();
    Ok(rules
        .iter()
        .zip(prints)
        .filter(|(_, print)| !known.contains(*print))
        .map(|(rule, _)| rule.name.clone())
        .collect())
}

fn rules_text(world: &World) -> Result<String, NotifyError> {
    let file = std::fs::read_to_string(world.view.book.dir().join(decide::RULES_FILE)).unwrap_or_default();
    let kept: Vec<String> = world.view.book.alert_rules()?.into_iter().map(|(_, text)| text).collect();
    Ok(format!("{file}\n{}", kept.join("\n")))
}

/// Puts the reports that are due into the outbox: of each schedule the latest one, once for each recipient.
fn schedule(
    notify: &Notify,
    world: &World,
    zone: &Zone,
    now: Instant,
    ran: &mut Ran,
) -> Result<(), NotifyError> {
    for schedule in notify.schedules()? {
        let Some((day, _)) = schedule.due(now, zone) else { continue };
        let recipients: Vec<Option<&str>> = match schedule.to.is_empty() {
            true => vec![None],
            false => schedule.to.iter().map(|one| Some(one.as_str())).collect(),
        };
        let id = |recipient: &Option<&str>| {
            report_id(&schedule.name, schedule.since, day, recipient.unwrap_or_default())
        };
        let mut missing = Vec::new();
        for recipient in recipients {
            if notify.message(&id(&recipient))?.is_none() {
                missing.push(recipient);
            }
        }
        if missing.is_empty() {
            continue;
        }
        let every = match schedule.days.every() {
            "weekly" => Every::Week,
            _ => Every::Month,
        };
        // Earlier numbers are compared with what this schedule's last report knew.
        let mark = format!("reported.{}", schedule.name);
        let last = notify.mark(&mark)?.and_then(|text| Instant::parse_rfc3339(&text).ok());
        let last = last.filter(|at| *at > schedule.since && *at < now);
        let marks = Marks::of(world.secrets.access)?;
        let written = match world.report().and_then(|report| Ok(write(&report, every, &marks, last)?)) {
            Ok(written) => written,
            Err(error) => {
                ran.problems.push(format!(
                    "the schedule {}: {error} (hint: {})",
                    schedule.name,
                    error.hint()
                ));
                continue;
            }
        };
        let body = report_body(
            world.title,
            &written,
            notify.address()?.as_deref(),
            schedule.unsubscribe.as_deref(),
        )?;
        let subject = body["letter"]["subject"].as_str().unwrap_or_default().to_string();
        notify.write(|db| {
            for recipient in &missing {
                let id = id(recipient);
                let draft = Draft {
                    id: &id,
                    channel: &schedule.channel,
                    kind: "report",
                    recipient: *recipient,
                    subject: &subject,
                    body: &body,
                };
                post(db, &draft, now)?;
            }
            Ok(())
        })?;
        notify.set_mark(&mark, Some(&now.to_string()))?;
    }
    Ok(())
}

/// The id of a report's delivery: a schedule that was removed and made again is another.
fn report_id(schedule: &str, since: Instant, day: Day, recipient: &str) -> String {
    hash128_hex(&[
        b"report",
        schedule.as_bytes(),
        since.to_string().as_bytes(),
        day.to_string().as_bytes(),
        recipient.as_bytes(),
    ])
}

/// Makes a message of all that waits for a channel.
fn assemble(notify: &Notify, now: Instant) -> Result<(), NotifyError> {
    let address = notify.address()?;
    for (channel, _) in notify.waiting()? {
        notify.write(|db| {
            let mut statement = db.prepare(
                "SELECT id, body FROM notify_deliveries WHERE channel = ?1 AND state = 'queued' ORDER BY created_at, rowid",
            )?;
            let rows = statement.query_map([&channel], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?)))?;
            let mut alerts: Vec<(String, Value)> = Vec::new();
            for row in rows {
                let (id, text) = row?;
                alerts.push((id, text.and_then(|t| serde_json::from_str(&t).ok()).unwrap_or(json!({}))));
            }
            if alerts.is_empty() {
                return Ok(());
            }
            let id = match alerts.as_slice() {
                [(one, _)] => one.clone(),
                all => hash128_hex(&all.iter().map(|(id, _)| id.as_bytes()).collect::<Vec<_>>()),
            };
            let body = body(&alerts, address.as_deref());
            let values: Vec<Value> = alerts.iter().map(|(_, alert)| alert.clone()).collect();
            let subject = subject(&values);
            post(db, &Draft { id: &id, channel: &channel, kind: "alert", recipient: None, subject: &subject, body: &body }, now)?;
            for (delivery, _) in &alerts {
                db.execute(
                    "UPDATE notify_deliveries SET state = 'posted', message = ?2, body = NULL WHERE id = ?1",
                    params![delivery, id],
                )?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Sends one message and writes down what came of it.
fn deliver(notify: &Notify, world: &World, zone: &Zone, id: &str, ran: &mut Ran) -> Result<(), NotifyError> {
    let Some(message) = notify.message(id)? else { return Ok(()) };
    let Ok(channel) = notify.channel(&message.channel) else { return Ok(()) };
    notify.write(|db| {
        let said = (message.state == "sending").then_some("a process ended while it was sending this; sent again under the same id");
        db.execute(
            "UPDATE notify_messages SET state = 'sending', attempts = attempts + 1, said = coalesce(?2, said) WHERE id = ?1",
            params![id, said],
        )?;
        Ok(())
    })?;
    let outcome = send(&channel, &message, &world.secrets, world.instant(zone)?);
    record(notify, &message, &outcome, world.instant(zone)?)?;
    let named = message.id.clone();
    match outcome {
        Outcome::Sent => ran.sent.push(named),
        Outcome::Later { said, .. } if message.attempts + 1 < TRIES => ran.later.push((named, said)),
        Outcome::Later { said, .. } | Outcome::Refused(said) => ran.failed.push((named, said)),
    }
    Ok(())
}

fn record(notify: &Notify, message: &Message, outcome: &Outcome, now: Instant) -> Result<(), NotifyError> {
    let tried = message.attempts + 1;
    let (state, said, next) = match outcome {
        Outcome::Sent => ("sent", None, None),
        Outcome::Later { said, after_seconds } if tried < TRIES => {
            ("queued", Some(said), Some(pause_seconds(&message.id, tried, *after_seconds)))
        }
        Outcome::Later { said, .. } | Outcome::Refused(said) => ("failed", Some(said), None),
    };
    let next_at = now.micros().saturating_add(next.unwrap_or(0).saturating_mul(SECOND));
    let done = matches!(state, "sent" | "failed").then(|| now.micros());
    notify.write(|db| {
        db.execute(
            "UPDATE notify_messages SET state = ?2, next_at = ?3, done_at = ?4, said = CASE WHEN ?2 = 'sent' THEN said ELSE ?5 END, \
             body = CASE WHEN ?2 = 'sent' THEN NULL ELSE body END WHERE id = ?1",
            params![message.id, state, next_at, done, said],
        )?;
        Ok(())
    })
}

/// Seconds until the next try: a minute, doubled each time up to six hours, give or take a fifth, so that not all come
/// back at once; never sooner than the other side asked, up to a day.
fn pause_seconds(id: &str, tried: u32, asked: Option<u64>) -> i64 {
    let base =
        60_i64.saturating_mul(1_i64.checked_shl(tried.saturating_sub(1).min(20)).unwrap_or(1)).min(LONGEST);
    let drawn = hash128_hex(&[id.as_bytes(), tried.to_string().as_bytes()]);
    let drawn = i64::from_str_radix(&drawn[..4], 16).unwrap_or(0);
    let jittered = base * 4 / 5 + base * 2 / 5 * drawn / 0xffff;
    let asked = asked.map_or(0, |s| i64::try_from(s).unwrap_or(i64::MAX).min(24 * 3_600));
    jittered.max(asked)
}

/// Sends a test through a channel at once, outside the order of the outbox but into its log.
///
/// # Errors
/// `busy` when another process is sending; a channel that is not there.
pub fn test(notify: &Notify, world: &World, channel: &Channel) -> Result<Message, NotifyError> {
    let Some(_lock) = lock(notify)? else {
        return Err(NotifyError::refused("busy", "another process is sending", "try again in a moment"));
    };
    let zone = world.zone()?;
    let now = world.instant(&zone)?;
    let random = netnew_access::random::<16>()?;
    let id = hash128_hex(&[b"test", channel.name.as_bytes(), &random]);
    let text = format!(
        "This is a test of the channel {} of {}. Alerts and reports will look like themselves.",
        channel.name, world.title
    );
    let subject = format!("Test of the channel {}", channel.name);
    let body = json!({"text": text});
    notify.write(|db| {
        post(
            db,
            &Draft {
                id: &id,
                channel: &channel.name,
                kind: "test",
                recipient: None,
                subject: &subject,
                body: &body,
            },
            now,
        )
        .map(drop)
    })?;
    let Some(message) = notify.message(&id)? else {
        return Err(NotifyError::refused("busy", "the test is gone", "try again"));
    };
    let outcome = send(channel, &message, &world.secrets, now);
    // A test is not tried again.
    let outcome = match outcome {
        Outcome::Later { said, .. } => Outcome::Refused(said),
        other => other,
    };
    record(notify, &message, &outcome, world.instant(&zone)?)?;
    Ok(notify.message(&id)?.unwrap_or(message))
}

/// Sends a report through a channel now, whatever the schedules say; tried again later if it does not go out.
///
/// # Errors
/// `busy` when another process is sending; a drawing that would not be true.
pub fn send_report(
    notify: &Notify,
    world: &World,
    channel: &Channel,
    written: &Written,
) -> Result<Message, NotifyError> {
    let Some(_lock) = lock(notify)? else {
        return Err(NotifyError::refused("busy", "another process is sending", "try again in a moment"));
    };
    let zone = world.zone()?;
    let now = world.instant(&zone)?;
    let id = hash128_hex(&[b"report by hand", &netnew_access::random::<16>()?]);
    let body = report_body(world.title, written, notify.address()?.as_deref(), None)?;
    let subject = body["letter"]["subject"].as_str().unwrap_or_default();
    let draft =
        Draft { id: &id, channel: &channel.name, kind: "report", recipient: None, subject, body: &body };
    notify.write(|db| post(db, &draft, now).map(drop))?;
    deliver(notify, world, &zone, &id, &mut Ran::default())?;
    notify.message(&id)?.ok_or_else(|| {
        NotifyError::refused("unknown_name", "the message is gone", "was the channel removed?")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_obey() {
        let mut last = 0;
        for tried in 1..=8 {
            let pause = pause_seconds("m", tried, None);
            let base = 60 << (tried - 1);
            assert!(pause >= base * 4 / 5 && pause <= base * 6 / 5, "{tried}: {pause}");
            assert!(pause > last);
            last = pause;
        }
        assert!(pause_seconds("m", 30, None) <= LONGEST * 6 / 5);
        assert_ne!(pause_seconds("m", 6, None), pause_seconds("n", 6, None), "not all at once");
        assert_eq!(pause_seconds("m", 1, Some(900)), 900);
        assert_eq!(pause_seconds("m", 1, Some(u64::MAX)), 24 * 3_600);
    }
}
