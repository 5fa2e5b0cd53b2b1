//! A Stripe account read into a book: everything once, then what its events tell.
//!
//! Each few pages are committed with how far the reading has come. Whoever stops it, at whatever moment, loses at most
//! those pages, and what is read twice adds nothing. When all is read, the customers that were spoken of are told, some
//! hundreds at a time, each commit again whole.

use crate::error::ConnectError;
use crate::http::{Refusal, Stripe};
use crate::intake::{self, Gathered, Listed, Mode};
use crate::webhook::MODE_MARK;
use netnew_book::{Book, Finish, ImportOptions};
use netnew_facts::PayloadRef;
use netnew_money::Instant;
use netnew_stripe::{Trouble, read};
use serde_json::Value;
use std::collections::BTreeMap;

/// Pages of a hundred in one commit.
const PAGES: usize = 10;
/// Customers and charges told in one commit.
const TOLD: u32 = 1_000;
/// Stripe lists events for thirty days; a day less is sure.
const EVENTS_SECONDS: i64 = 29 * 86_400;
/// Events may show up late: so much is read again.
const OVERLAP_SECONDS: i64 = 3_600;

/// Seconds between which no events could be read any more, with a blank between.
pub(crate) const GAP_MARK: &str = "gap";

/// One kind of object that is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Name, as in the API's paths.
    pub name: &'static str,
    /// Part of the query besides paging.
    pub(crate) query: &'static str,
    /// What to have in full, where the account's version can.
    expand: &'static str,
    /// Text that its ids are kept with: before and after.
    pub(crate) kept: (&'static str, &'static str),
    /// Accounts of an older version do not have it, and lack nothing.
    pub(crate) of_newer_versions: bool,
}

const fn resource(name: &'static str, query: &'static str, expand: &'static str) -> Resource {
    Resource { name, query, expand, kept: ("", ""), of_newer_versions: false }
}

/// What is read, in this order: names before those who use them.
pub const RESOURCES: [Resource; 14] = [
    resource("products", "", ""),
    resource("prices", "", "&expand[]=data.tiers&expand[]=data.currency_options"),
    Resource { kept: ("coupon ", ""), ..resource("coupons", "", "&expand[]=data.applies_to") },
    resource("promotion_codes", "", ""),
    Resource { kept: ("", " seen"), ..resource("customers", "", "") },
    resource("subscriptions", "&status=all", "&expand[]=data.discounts&expand[]=data.items.data.discounts"),
    resource("subscription_schedules", "", ""),
    resource("invoices", "", "&expand[]=data.discounts"),
    resource("invoiceitems", "&pending=true", ""),
    Resource { kept: ("entry credit-notes/", ""), ..resource("credit_notes", "", "") },
    // Which charge pays which invoice is said by payments of invoices since 2025, and by the invoice or the charge before.
    Resource { of_newer_versions: true, ..resource("invoice_payments", "", "") },
    resource("charges", "", ""),
    resource("refunds", "", ""),
    resource("disputes", "", ""),
];

/// What a sync tells while it runs.
#[derive(Clone, Debug)]
pub enum Progress<'a> {
    /// So many objects of a resource were fetched in this run; how far that is, in thousandths, where it can be told: lists go
    /// back in time, and how far back the account goes is known from those before.
    Fetched(&'a str, u64, Option<u64>),
    /// So many customers were told, of so many.
    Told(u64, u64),
}

/// What a sync did.
#[derive(Debug, Default)]
pub struct Synced {
    /// Objects fetched in this run, by resource.
    pub fetched: BTreeMap<String, u64>,
    /// Facts added.
    pub facts: u64,
    /// What was there already.
    pub duplicates: u64,
    /// Facts that replaced earlier ones.
    pub superseded: u64,
    /// Customers told.
    pub customers: u64,
    /// Objects of the other mode, or on test clocks, left out.
    pub left_out: u64,
    /// What could not be read or understood: missing permissions, unknown prices.
    pub problems: Vec<Trouble>,
    /// Resources that the key may not read.
    pub unread: Vec<String>,
}

struct Run<'a> {
    book: &'a Book,
    source: &'a str,
    stripe: &'a Stripe<'a>,
    clock: &'a dyn Fn() -> Instant,
    progress: &'a mut dyn FnMut(Progress),
    out: Synced,
    /// When the oldest object seen in this run was made, in seconds.
    oldest: i64,
}

/// An id as it goes into an address: coupons choose theirs.
pub(crate) fn encoded(id: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    id.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn seconds(at: Instant) -> i64 {
    at.micros().div_euclid(1_000_000)
}

/// Reads an account into a book, from where the last run stopped. `clock` says what time it is.
///
/// # Errors
/// When the key is refused, the account cannot be reached, or the book cannot be written. What was committed before holds,
/// and the next run goes on from there.
pub fn sync(
    book: &Book,
    source: &str,
    stripe: &Stripe,
    clock: &dyn Fn() -> Instant,
    progress: &mut dyn FnMut(Progress),
) -> Result<Synced, ConnectError> {
    let mut run = Run { book, source, stripe, clock, progress, out: Synced::default(), oldest: i64::MAX };
    let marks = book.source_marks(source)?;
    let started = seconds(clock());
    let number = |name: &str| marks.get(name).and_then(|v| v.parse::<i64>().ok());
    // After too long a rest events have been lost: everything is listed again.
    let rested = number("events").is_some_and(|to| started - to > EVENTS_SECONDS);
    let blind = marks.contains_key("no events");
    if rested || (blind && number("listed").is_some()) {
        run.forget(if rested { &["listed", "events"] } else { &["listed"] }, true)?;
    }
    let whole = rested || blind || number("listed").is_none();
    let since = number("since").filter(|_| !rested && number("listed").is_none()).unwrap_or(started);
    if whole {
        run.mark(&[("since", since.to_string())])?;
    }
    // Lists that were read to their end are done; what the key could not read then, it may read now.
    for resource in RESOURCES {
        run.list(resource)?;
    }
    if whole {
        run.mark(&[("listed", started.to_string())])?;
        if number("events").is_none() || rested {
            run.mark(&[("events", (since - EVENTS_SECONDS).to_string())])?;
        }
    }
    run.events(started)?;
    run.tell()?;
    let mut marks = vec![("synced", seconds(clock()).to_string())];
    // What happened until the run began was there to be read; without subscriptions that says nothing.
    if !run.out.unread.iter().any(|name| name == "subscriptions") {
        marks.push(("complete", started.saturating_mul(1_000_000).to_string()));
    }
    if let Some(live) = stripe.live() {
        marks.push((MODE_MARK, if live { "live" } else { "test" }.to_string()));
    }
    if rested && let Some(from) = number("events") {
        marks.push((GAP_MARK, format!("{from} {}", started - EVENTS_SECONDS)));
    }
    run.mark(&marks)?;
    Ok(run.out)
}

impl Run<'_> {
    fn options(&self) -> ImportOptions<'_> {
        ImportOptions {
            source: self.source,
            now: (self.clock)(),
            replace: false,
            wait_ms: 60_000,
            memory_budget_bytes: 64 << 20,
        }
    }

    fn mark(&self, marks: &[(&str, String)]) -> Result<(), ConnectError> {
        let mut import = self.book.begin_import(self.options())?;
        import.evident().marks.extend(marks.iter().map(|(name, value)| (name.to_string(), value.clone())));
        import.finish(Finish::Commit)?;
        Ok(())
    }

    /// Forgets how far lists were read.
    fn forget(&self, names: &[&str], lists: bool) -> Result<(), ConnectError> {
        let mut marks: Vec<(&str, String)> = names.iter().map(|n| (*n, String::new())).collect();
        let of_lists: Vec<String> =
            RESOURCES.iter().flat_map(|r| [format!("done {}", r.name), format!("at {}", r.name)]).collect();
        if lists {
            marks.extend(of_lists.iter().map(|n| (n.as_str(), String::new())));
        }
        self.mark(&marks)
    }

    /// Reads a list to its end, newest first, from where it was left.
    fn list(&mut self, resource: Resource) -> Result<(), ConnectError> {
        let marks = self.book.source_marks(self.source)?;
        if marks.contains_key(&format!("done {}", resource.name)) {
            return Ok(());
        }
        let cursor = marks.get(&format!("at {}", resource.name)).cloned();
        self.read(resource.name, resource.query, resource.expand, cursor, None)
    }

    /// Reads what happened since the last run.
    fn events(&mut self, started: i64) -> Result<(), ConnectError> {
        let marks = self.book.source_marks(self.source)?;
        let from =
            marks.get("events").and_then(|v| v.parse::<i64>().ok()).unwrap_or(started - EVENTS_SECONDS);
        let query = format!("&created[gte]={}", from - OVERLAP_SECONDS);
        self.read("events", &query, "", None, Some(("events", started.to_string())))
    }

    /// Pages through a path; each few pages are one commit with the cursor, the last one with `finally`.
    fn read(
        &mut self,
        name: &str,
        query: &str,
        expand: &str,
        mut cursor: Option<String>,
        finally: Option<(&str, String)>,
    ) -> Result<(), ConnectError> {
        let mut expand = expand;
        let mut gathered: Vec<(i64, Value)> = Vec::new();
        let mut pages = 0;
        loop {
            let after =
                cursor.as_ref().map(|c| format!("&starting_after={}", encoded(c))).unwrap_or_default();
            let asked_at = seconds((self.clock)());
            let page =
                match self.stripe.get(&format!("/v1/{name}"), &format!("limit=100{query}{expand}{after}")) {
                    Ok(page) => page,
                    // Another version may not know what to expand.
                    Err(Refusal::Request(_)) if !expand.is_empty() => {
                        expand = "";
                        continue;
                    }
                    // What the cursor pointed to was deleted: begin again, what is read twice adds nothing.
                    Err(Refusal::Request(_) | Refusal::Gone(_)) if cursor.is_some() => {
                        cursor = None;
                        continue;
                    }
                    Err(refusal) => return self.give_up(name, refusal),
                };
            let data = page.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
            let last = data.last().and_then(|o| o.get("id")).and_then(Value::as_str).map(str::to_string);
            let more = page.get("has_more").and_then(Value::as_bool).unwrap_or(false) && last.is_some();
            let reached = data.iter().filter_map(|o| o.get("created").and_then(Value::as_i64)).min();
            *self.out.fetched.entry(name.to_string()).or_default() += data.len() as u64;
            for object in data {
                let object = self.completed(object)?;
                gathered.push((asked_at, object));
            }
            let far = self.how_far(reached);
            (self.progress)(Progress::Fetched(name, self.out.fetched[name], far));
            pages += 1;
            cursor = last.or(cursor);
            if !more || pages == PAGES {
                let mut marks = Vec::new();
                if more {
                    marks.push((format!("at {name}"), cursor.clone().unwrap_or_default()));
                } else {
                    marks.push((format!("at {name}"), String::new()));
                    match &finally {
                        Some((mark, value)) => marks
                            .extend([(mark.to_string(), value.clone()), ("no events".into(), String::new())]),
                        None => marks.push((format!("done {name}"), asked_at.to_string())),
                    }
                }
                // How far events were read only counts when all of them were.
                if finally.is_some() && more {
                    marks.clear();
                }
                self.keep(name, std::mem::take(&mut gathered), marks)?;
                pages = 0;
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// How far back a list was read, in thousandths of how far back the account is known to go.
    fn how_far(&mut self, reached: Option<i64>) -> Option<u64> {
        let (now, reached) = (seconds((self.clock)()), reached?);
        self.oldest = self.oldest.min(reached);
        let whole = now.checked_sub(self.oldest).filter(|span| *span > 0)?;
        u64::try_from((now - reached).max(0).saturating_mul(1_000) / whole).ok().map(|far| far.min(1_000))
    }

    fn give_up(&mut self, name: &str, refusal: Refusal) -> Result<(), ConnectError> {
        let newer = RESOURCES.iter().any(|r| r.name == name && r.of_newer_versions);
        let said = match refusal {
            Refusal::Fatal(error) => return Err(error),
            Refusal::Request(_) | Refusal::Gone(_) if newer => return Ok(()),
            Refusal::Permission(said) | Refusal::Request(said) | Refusal::Gone(said) => said,
        };
        let singular = name.replace('_', " ");
        self.out.unread.push(name.to_string());
        self.out.problems.push(Trouble {
            code: "missing_permission",
            message: format!("{singular} cannot be read: {said}"),
            hint: format!(
                "give the restricted key read access to {singular}, then sync again; the rest went on"
            ),
        });
        if name == "events" {
            self.mark(&[("no events", "1".into())])?;
        }
        Ok(())
    }

    /// Fetches what a list inside an object leaves out.
    fn completed(&self, mut object: Value) -> Result<Value, ConnectError> {
        let is_event = object.get("object").and_then(Value::as_str) == Some("event");
        let slot = if is_event { object.pointer_mut("/data/object") } else { Some(&mut object) };
        let Some(inner) = slot else { return Ok(object) };
        let id = inner.get("id").and_then(Value::as_str).unwrap_or_default().to_string();
        let (list, path, query) = match inner.get("object").and_then(Value::as_str) {
            Some("invoice") => ("lines", format!("/v1/invoices/{id}/lines"), String::new()),
            Some("subscription") => {
                ("items", "/v1/subscription_items".to_string(), format!("&subscription={id}"))
            }
            _ => return Ok(object),
        };
        let more = inner.get(list).and_then(|l| l.get("has_more")).and_then(Value::as_bool) == Some(true);
        // Lines of an event's moment are fetched as they are now; items may have changed since and are not.
        if !more || id.is_empty() || (is_event && list == "items") {
            return Ok(object);
        }
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let page = match self.stripe.get(&path, &format!("limit=100{query}{after}")) {
                Ok(page) => page,
                Err(Refusal::Fatal(error)) => return Err(error),
                // It stays cut off, which is said when it is read.
                Err(_) => return Ok(object),
            };
            let data = page.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
            let last = data.last().and_then(|o| o.get("id")).and_then(Value::as_str).map(str::to_string);
            all.extend(data);
            match (page.get("has_more").and_then(Value::as_bool), last) {
                (Some(true), Some(last)) => after = format!("&starting_after={}", encoded(&last)),
                _ => break,
            }
        }
        if let Some(held) = inner.get_mut(list) {
            held["data"] = Value::Array(all);
            held["has_more"] = Value::Bool(false);
        }
        Ok(object)
    }

    fn keep(
        &mut self,
        name: &str,
        objects: Vec<(i64, Value)>,
        marks: Vec<(String, String)>,
    ) -> Result<(), ConnectError> {
        let mut import = self.book.begin_import(self.options())?;
        let mut gathered = Gathered::default();
        let mut lines = Vec::new();
        let mut said = Vec::new();
        for (asked_at, object) in objects {
            let one = read(&object);
            let other_mode = matches!((one.live, self.stripe.live()), (Some(a), Some(b)) if a != b);
            if other_mode || one.test_clock.is_some() {
                self.out.left_out += 1;
                continue;
            }
            serde_json::to_writer(&mut lines, &object).map_err(std::io::Error::from)?;
            lines.push(b'\n');
            said.push((asked_at, one));
        }
        let count = said.len();
        if count > 0 {
            let payload = import.add_payload_bytes(&format!("{} {name}", self.source), &lines)?;
            for (at, (asked_at, one)) in said.into_iter().enumerate() {
                let place = PayloadRef { payload, row: at as u64 + 1 };
                self.out.problems.extend(gathered.add(one, place, Listed::At(asked_at)));
            }
            intake::take(self.book, &mut import, self.source, (self.clock)(), gathered, Mode::Keep)?;
        }
        import.evident().marks.extend(marks);
        let outcome = import.finish(Finish::Commit)?;
        self.out.facts += outcome.facts;
        self.out.duplicates += outcome.duplicates;
        self.out.superseded += outcome.superseded;
        Ok(())
    }

    /// Tells the customers that were left open.
    fn tell(&mut self) -> Result<(), ConnectError> {
        let total = self.book.evidence_open(self.source, "", u32::MAX)?.len() as u64;
        let mut done = 0;
        while done < total {
            let now = (self.clock)();
            let mut import = self.book.begin_import(self.options())?;
            let (taken, last) = intake::tell_open(self.book, &mut import, self.source, now, "", TOLD)?;
            let outcome = import.finish(Finish::Commit)?;
            self.out.facts += outcome.facts;
            self.out.superseded += outcome.superseded;
            self.out.duplicates += outcome.duplicates + taken.unchanged;
            self.out.customers += taken.customers;
            self.out.problems.extend(taken.problems.into_iter().map(|(_, trouble)| trouble));
            done += taken.customers + taken.charges;
            (self.progress)(Progress::Told(done, total));
            if last.is_none() {
                break;
            }
        }
        Ok(())
    }
}
