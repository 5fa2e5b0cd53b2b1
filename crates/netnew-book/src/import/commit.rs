//! The end of an import: decide, write, sync, rename, and one catalog transaction. Then keep segments few.

use super::customer::{Terms, decide};
use super::{Finish, Import, KindOfBody, Outcome, owners, reference};
use crate::book::{Book, Snapshot};
use crate::bulk::Follow;
use crate::catalog;
use crate::error::BookError;
use crate::record::{Filed, key_bytes, shared_hash};
use crate::runs::{Sorted, Sorter};
use crate::scan::{BucketRange, Merge, Part};
use crate::segment::{Family, SegmentCursor, SegmentInfo, SegmentWriter};
use netnew_facts::{AliasFact, RateFact, Text, customer_hash};
use rusqlite::params;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Segments of about one size (by a factor of 4) that are merged into one.
const FAN_IN: usize = 4;

/// Hashes of subscriptions and of the customers who hold them, sorted.
pub(crate) type Pairs = Vec<(u64, u64)>;

/// A segment written under a temporary name.
pub(crate) struct Written {
    pub info: SegmentInfo,
    pub segment: PathBuf,
    pub owners: PathBuf,
}

impl Import<'_> {
    /// Decides what is new and, under [`Finish::Commit`], books it: when this returns it is durable.
    pub fn finish(self, finish: Finish) -> Result<Outcome, BookError> {
        self.finish_then(finish, &mut |_| ())
    }

    /// Like [`Import::finish`], and calls `booked` as soon as all is durable (or nothing was new), before segments are
    /// merged: whoever waits for it need not wait for that.
    ///
    /// # Errors
    /// As [`Import::finish`]; `booked` was not called then.
    pub fn finish_then(self, finish: Finish, booked: &mut dyn FnMut(&Outcome)) -> Result<Outcome, BookError> {
        let follow = Follow { new: &|_, _| (), add: &|(), _| (), take: &mut |()| () };
        Ok(self.finish_all(finish, follow, booked)?.0)
    }

    /// Like [`Import::finish`], and lets somebody follow what is booked by column. Also says whether that was the whole
    /// book as it is now: it was empty, and nobody's facts are filed with another customer's.
    pub fn finish_with<T: Send>(
        self,
        finish: Finish,
        follow: Follow<'_, T>,
    ) -> Result<(Outcome, bool), BookError> {
        self.finish_all(finish, follow, &mut |_| ())
    }

    fn finish_all<T: Send>(
        mut self,
        finish: Finish,
        follow: Follow<'_, T>,
        booked: &mut dyn FnMut(&Outcome),
    ) -> Result<(Outcome, bool), BookError> {
        let mut outcome = Outcome::default();
        let number = self.next_segment()?;
        let bulk = self.take_bulk()?;
        let by_column = bulk.is_some();
        let main = match bulk {
            Some(filled) => self.write_bulk(filled, number, &mut outcome, follow)?,
            None => self.write_main(Family::Items, number, &mut outcome)?,
        };
        let was_empty = self.snapshot.segments().is_empty() && self.snapshot.aliases()?.is_empty();
        let mut segments: Vec<Written> = Vec::new();
        let mut shadowed = false;
        for (family, number, main) in
            [(Family::Items, number, Some(main)), (Family::Entries, number + 2, None)]
        {
            let main = match main {
                Some(main) => main,
                None => self.write_main(family, number, &mut outcome)?,
            };
            let Some((main, pairs)) = main else { continue };
            let shadows = self.write_shadows(family, &main, &pairs, number + 1, &mut outcome)?;
            segments.push(main);
            shadowed |= shadows.is_some();
            segments.extend(shadows);
        }
        let rates = reference::new_rates(&mut self, &mut outcome);
        let aliases = reference::new_aliases(&mut self, &mut outcome);
        let whole = by_column && was_empty && segments.len() == 1 && aliases.is_empty();
        let wanted = match finish {
            Finish::Commit => true,
            Finish::CommitIfConsistent => outcome.conflicts.is_empty(),
            Finish::DryRun => false,
        };
        let books = wanted && (outcome.facts + outcome.confirmed > 0 || !self.evident.is_empty());
        if books {
            self.commit(&segments, &rates, &aliases, &outcome, number)?;
            if by_column || shadowed || !aliases.is_empty() {
                self.touched.give_up();
            }
            let (before, touched) = (self.snapshot.version(), std::mem::take(&mut self.touched));
            self.book.recent.add(before, self.last_seq, touched);
        }
        let (book, lock) = (self.book, self._lock);
        drop(self.snapshot);
        booked(&outcome);
        if books {
            // What is booked is booked: tidying up that fails (a full disk) is the next writer's, who begins with it.
            let _ = book.clear_temporary().and_then(|()| book.compact());
        } else {
            book.clear_temporary()?;
        }
        drop(lock);
        Ok((outcome, books && whole))
    }

    fn next_segment(&self) -> Result<u64, BookError> {
        Ok(catalog::setting(&self.book.catalog(), "next_segment")?.and_then(|v| v.parse().ok()).unwrap_or(1))
    }

    /// Writes what is new of one family; `None` when nothing is.
    fn write_main(
        &mut self,
        family: Family,
        number: u64,
        outcome: &mut Outcome,
    ) -> Result<Option<(Written, Pairs)>, BookError> {
        let tmp = self.book.dir.join("tmp");
        let empty = Sorter::new(self.book.files.clone(), &tmp, "none", 0);
        let (slot, part) = match family {
            Family::Items => (&mut self.sorter, Part::Items),
            Family::Entries => (&mut self.entries, Part::Entries),
        };
        let sorter = std::mem::replace(slot, empty);
        let whole: Vec<KindOfBody> =
            self.kinds.iter().copied().filter(|k| k.family() == Some(family)).collect();
        if sorter.count() == 0 && whole.is_empty() {
            return Ok(None);
        }
        let terms = Terms { source: &self.source, now: self.now, whole: &whole, first_seq: self.first_seq };
        let mut pending = Pending::new(self.book, number);
        let mut rows = Rows::new(sorter.finish()?)?;
        let mut existing = self.snapshot.merge(BucketRange::ALL, part)?;
        loop {
            let next_row = rows.peek();
            if whole.is_empty() {
                match &next_row {
                    Some((hash, _)) => existing.seek(*hash)?,
                    None => break,
                }
            }
            let next_known = existing.peek();
            let known_first = match (&next_known, &next_row) {
                (None, None) => break,
                (Some(known), Some(row)) => known <= row,
                (known, _) => known.is_some(),
            };
            let same = known_first && next_known == next_row;
            let before =
                if known_first { existing.next()?.map(|g| g.facts).unwrap_or_default() } else { Vec::new() };
            let new = if same || !known_first { rows.group()? } else { Vec::new() };
            if new.is_empty() && whole.is_empty() {
                continue;
            }
            let mut told = match family == Family::Items && self.touched.wants(before.len()) {
                true => before.iter().map(|filed| filed.fact.clone()).collect(),
                false => Vec::new(),
            };
            let added = decide(before, new, &terms, outcome);
            if let (Family::Items, Some(first)) = (family, added.first())
                && self.touched.wants(added.len())
            {
                told.extend(added.iter().cloned());
                self.touched.add(first.customer.clone(), told);
            }
            pending.push(added.into_iter().map(Filed::own).collect())?;
        }
        pending.finish()
    }

    /// Copies of the facts of subscriptions (or of entries' keys) that several customers hold, filed under each of them.
    fn write_shadows(
        &self,
        family: Family,
        main: &Written,
        pairs: &[(u64, u64)],
        number: u64,
        outcome: &mut Outcome,
    ) -> Result<Option<Written>, BookError> {
        let mut earlier = Vec::new();
        let before = || self.snapshot.segments().iter().filter(|(info, _)| info.family == family);
        for (info, _) in before() {
            let path = self.book.segment_path(&format!("{}.owners", info.name));
            let file = self.book.files.open(&path).map_err(BookError::io(&path))?;
            earlier.push((path, file));
        }
        let moved = owners::moved(pairs, &earlier)?;
        if moved.is_empty() {
            return Ok(None);
        }
        let hashes: BTreeSet<u64> = moved.values().flatten().copied().collect();
        let mut by_subscription: BTreeMap<u64, Vec<Filed>> = BTreeMap::new();
        let fresh = self.book.files.open(&main.segment).map_err(BookError::io(&main.segment))?;
        for hash in hashes {
            let mut cursors = vec![SegmentCursor::open(fresh.clone(), &main.info.name, (hash, hash))?];
            for (info, file) in before() {
                cursors.push(SegmentCursor::open(file.clone(), &info.name, (hash, hash))?);
            }
            for mut cursor in cursors {
                while let Some(filed) = cursor.next()? {
                    let Some(subscription) = shared_hash(&filed.fact) else { continue };
                    if moved.contains_key(&subscription) {
                        by_subscription.entry(subscription).or_default().push(filed);
                    }
                }
            }
        }
        let mut shadows: Vec<Filed> = Vec::new();
        for filed in by_subscription.values() {
            shadows.extend(missing_shadows(filed));
            outcome.superseded += superseded_elsewhere(filed, self.first_seq);
        }
        shadows.sort_by_cached_key(|filed| {
            let mut key = Vec::new();
            key_bytes(filed, &mut key);
            key
        });
        let mut pending = Pending::new(self.book, number);
        for group in shadows.chunk_by(|a, b| a.under == b.under) {
            pending.push(group.to_vec())?;
        }
        Ok(pending.finish()?.map(|(written, _)| written))
    }

    fn commit(
        &self,
        segments: &[Written],
        rates: &[RateFact],
        aliases: &[AliasFact],
        outcome: &Outcome,
        number: u64,
    ) -> Result<(), BookError> {
        let files = &*self.book.files;
        let rename = |from: &PathBuf, to: PathBuf| files.rename(from, &to).map_err(BookError::io(from));
        for payload in &self.payloads {
            if let Some(temporary) = &payload.temporary {
                rename(temporary, self.book.payload_path(&payload.sha256))?;
            }
        }
        for written in segments {
            rename(&written.owners, self.book.segment_path(&format!("{}.owners", written.info.name)))?;
            rename(&written.segment, self.book.segment_path(&written.info.name))?;
        }
        for folder in ["payloads", "segments"] {
            let dir = self.book.dir.join(folder);
            files.sync_dir(&dir).map_err(BookError::io(&dir))?;
        }
        let mut catalog = self.book.catalog();
        let transaction = catalog.transaction()?;
        for payload in &self.payloads {
            transaction.execute(
                "INSERT INTO payloads (id, name, sha256, bytes) VALUES (?1, ?2, ?3, ?4)",
                params![payload.id, payload.name, payload.sha256, payload.bytes as i64],
            )?;
        }
        for written in segments {
            let info = SegmentInfo { booked_until: Some(self.last_seq), ..written.info.clone() };
            catalog::add_segment(&transaction, &info)?;
        }
        for rate in rates {
            catalog::add_rate(&transaction, rate)?;
        }
        for alias in aliases {
            catalog::add_alias(&transaction, alias)?;
        }
        transaction.execute(
            "INSERT INTO imports (source, at, facts, duplicates, superseded, first_seq, last_seq) VALUES (?1,?2,?3,?4,?5,?6,?7)",
            params![
                &*self.source,
                self.now.micros(),
                outcome.facts as i64,
                outcome.duplicates as i64,
                outcome.superseded as i64,
                self.first_seq as i64,
                self.last_seq as i64
            ],
        )?;
        self.evident.write(&self.source, &transaction)?;
        catalog::set_setting(&transaction, "last_seq", &self.last_seq.to_string())?;
        catalog::set_setting(&transaction, "next_segment", &(number + 4).to_string())?;
        transaction.commit()?;
        Ok(())
    }
}

/// New rows, one customer after the other.
struct Rows {
    sorted: Sorted,
    head: Option<Filed>,
}

impl Rows {
    fn new(mut sorted: Sorted) -> Result<Rows, BookError> {
        let head = sorted.next()?;
        Ok(Rows { sorted, head })
    }

    fn peek(&self) -> Option<(u64, Text)> {
        self.head.as_ref().map(|filed| (customer_hash(&filed.under), filed.under.clone()))
    }

    fn group(&mut self) -> Result<Vec<Filed>, BookError> {
        let Some((_, customer)) = self.peek() else { return Ok(Vec::new()) };
        let mut group = Vec::new();
        while let Some(filed) = self.head.take_if(|filed| filed.under == customer) {
            group.push(filed);
            self.head = self.sorted.next()?;
        }
        Ok(group)
    }
}

/// A segment that is only created once there is something to write.
pub(crate) struct Pending<'b> {
    book: &'b Book,
    name: String,
    writer: Option<SegmentWriter>,
}

impl<'b> Pending<'b> {
    pub(crate) fn new(book: &'b Book, number: u64) -> Pending<'b> {
        Pending { book, name: format!("{number:08}.parquet"), writer: None }
    }

    /// Adds one customer's records; customers come in order.
    fn push(&mut self, mut group: Vec<Filed>) -> Result<(), BookError> {
        if group.is_empty() {
            return Ok(());
        }
        group.sort_by_cached_key(|filed| {
            let mut key = Vec::new();
            key_bytes(filed, &mut key);
            key
        });
        let writer = self.writer()?;
        group.iter().try_for_each(|filed| writer.push(filed))
    }

    /// The writer, made when it is first asked for.
    pub(crate) fn writer(&mut self) -> Result<&mut SegmentWriter, BookError> {
        if self.writer.is_none() {
            let path = self.book.dir.join("tmp").join(&self.name);
            self.writer = Some(SegmentWriter::create(&*self.book.files, &path, &self.name)?);
        }
        Ok(self.writer.as_mut().expect("created above"))
    }

    pub(crate) fn finish(self) -> Result<Option<(Written, Pairs)>, BookError> {
        let Some(writer) = self.writer else { return Ok(None) };
        let (mut info, pairs) = writer.finish()?;
        let tmp = self.book.dir.join("tmp");
        let (segment, owners) = (tmp.join(&self.name), tmp.join(format!("{}.owners", self.name)));
        info.owners_checksum = owners::write(&*self.book.files, &owners, &pairs)?;
        Ok(Some((Written { info, segment, owners }, pairs)))
    }
}

/// For each customer that a subscription's facts are filed under, the others' facts that are not there yet.
fn missing_shadows(filed: &[Filed]) -> Vec<Filed> {
    let places: BTreeSet<&Text> = filed.iter().map(|f| &f.under).collect();
    let there: BTreeSet<(&Text, u64, &Text)> =
        filed.iter().map(|f| (&f.under, f.fact.booked_seq, &f.fact.customer)).collect();
    let mut out = Vec::new();
    for place in places {
        for own in filed.iter().filter(|f| !f.is_shadow() && f.under != *place) {
            if !there.contains(&(place, own.fact.booked_seq, &own.fact.customer)) {
                out.push(Filed { under: place.clone(), fact: own.fact.clone() });
            }
        }
    }
    out
}

/// How many new facts replace an earlier one of the same key that was filed under another customer, which the
/// customer by itself could not see.
fn superseded_elsewhere(filed: &[Filed], first_seq: u64) -> u64 {
    let own: Vec<&Filed> = filed.iter().filter(|f| !f.is_shadow()).collect();
    let new = own.iter().filter(|f| f.fact.booked_seq > first_seq);
    let replaced = new.filter(|new| {
        let mut earlier = own.iter().filter(|f| f.fact.booked_seq <= first_seq && f.fact.same_key(&new.fact));
        let seen_there = filed
            .iter()
            .any(|f| f.under == new.under && f.fact.booked_seq <= first_seq && f.fact.same_key(&new.fact));
        !seen_there && earlier.any(|_| true)
    });
    replaced.count() as u64
}

impl Book {
    /// Merges segments of about one size until few of each size are left. Nothing a reader sees changes.
    pub fn compact(&self) -> Result<(), BookError> {
        loop {
            let snapshot = self.unmerged_snapshot()?;
            let Some(chosen) = tier(&snapshot) else { return Ok(()) };
            self.merge_segments(&snapshot, &chosen)?;
        }
    }

    fn merge_segments(&self, snapshot: &Snapshot, chosen: &[String]) -> Result<(), BookError> {
        let number: u64 =
            catalog::setting(&self.catalog(), "next_segment")?.and_then(|v| v.parse().ok()).unwrap_or(1);
        let mut cursors = Vec::new();
        let mut until = Some(0);
        for (info, file) in snapshot.segments().iter().filter(|(info, _)| chosen.contains(&info.name)) {
            until = until.zip(info.booked_until).map(|(a, b)| a.max(b));
            cursors.push(SegmentCursor::open(file.clone(), &info.name, (0, u64::MAX))?);
        }
        let mut merge = Merge::new(cursors)?;
        let mut pending = Pending::new(self, number);
        while let Some(group) = merge.next()? {
            pending.push(group.facts)?;
        }
        let Some((written, _)) = pending.finish()? else { return Ok(()) };
        let files = &*self.files;
        let name = &written.info.name;
        let owners = self.segment_path(&format!("{name}.owners"));
        files.rename(&written.owners, &owners).map_err(BookError::io(&owners))?;
        let segment = self.segment_path(name);
        files.rename(&written.segment, &segment).map_err(BookError::io(&segment))?;
        let dir = self.dir.join("segments");
        files.sync_dir(&dir).map_err(BookError::io(&dir))?;
        {
            let mut catalog = self.catalog();
            let transaction = catalog.transaction()?;
            for old in chosen {
                transaction.execute("DELETE FROM segments WHERE name = ?1", [old])?;
            }
            let info = SegmentInfo { booked_until: until, ..written.info.clone() };
            catalog::add_segment(&transaction, &info)?;
            catalog::set_setting(&transaction, "next_segment", &(number + 1).to_string())?;
            transaction.commit()?;
        }
        // Readers hold the old files open; without a name they go when the last reader does.
        for old in chosen {
            for path in [self.segment_path(old), self.segment_path(&format!("{old}.owners"))] {
                files.remove(&path).map_err(BookError::io(&path))?;
            }
        }
        Ok(())
    }
}

/// Names of segments of one family to merge: the smallest size of which there are enough.
fn tier(snapshot: &Snapshot) -> Option<Vec<String>> {
    let mut tiers: BTreeMap<(u32, bool), Vec<String>> = BTreeMap::new();
    for (info, _) in snapshot.segments() {
        let size = info.rows.max(1).ilog2() / 2;
        tiers.entry((size, info.family == Family::Items)).or_default().push(info.name.clone());
    }
    tiers.into_values().find(|names| names.len() >= FAN_IN)
}
