//! A book and a consistent view of it.

use crate::catalog;
use crate::changes::Recent;
use crate::error::BookError;
use crate::files::{FileLayer, OsFiles, ReadFile};
use crate::record::Filed;
use crate::scan::{BucketRange, Merge, Part, facts_of};
use crate::segment::{Family, SegmentCursor, SegmentInfo};
use netnew_facts::{AliasFact, Body, CustomerFacts, EntryKind, RateFact, Text, customer_hash};
use netnew_money::{Currency, Instant};
use rusqlite::{Connection, OptionalExtension};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

/// What a book is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Its currency.
    pub currency: Currency,
    /// Its time zone, an IANA name.
    pub timezone: String,
    /// Name of its policy: a preset or one saved in it.
    pub policy: String,
}

/// A kept raw file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayloadInfo {
    /// Its number.
    pub id: u32,
    /// The name it was imported under.
    pub name: String,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
    /// Where its bytes are kept.
    pub path: PathBuf,
}

/// An import that was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRecord {
    /// Its number.
    pub id: i64,
    /// Source.
    pub source: String,
    /// When.
    pub at: Instant,
    /// Facts added.
    pub facts: u64,
    /// Rows that added nothing.
    pub duplicates: u64,
    /// Facts that replaced an earlier one.
    pub superseded: u64,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// State facts, superseded ones included.
    pub states: u64,
    /// Attribute facts.
    pub attributes: u64,
    /// Entries: invoices, payments, usage, ...
    pub entries: u64,
    /// Rates.
    pub rates: u64,
    /// Merges.
    pub aliases: u64,
    /// Segments.
    pub segments: u64,
    /// Bytes of the segments.
    pub bytes: u64,
}

/// One business's data: a directory.
pub struct Book {
    pub(crate) dir: PathBuf,
    pub(crate) files: Arc<dyn FileLayer>,
    settings: Settings,
    connection: Mutex<Connection>,
    /// What this process booked last.
    pub(crate) recent: Recent,
}

/// Opens or makes the catalog's file name in a book.
pub(crate) const CATALOG: &str = "book.db";

impl Book {
    /// Makes an empty book with the operating system's files.
    pub fn create_at(dir: &Path, settings: &Settings) -> Result<Book, BookError> {
        Book::create(dir, settings, Arc::new(OsFiles))
    }

    /// Opens a book with the operating system's files.
    pub fn open_at(dir: &Path) -> Result<Book, BookError> {
        Book::open(dir, Arc::new(OsFiles))
    }

    /// Makes an empty book.
    pub fn create(dir: &Path, settings: &Settings, files: Arc<dyn FileLayer>) -> Result<Book, BookError> {
        for part in ["", "segments", "payloads", "tmp"] {
            let path = dir.join(part);
            files.create_dir_all(&path).map_err(BookError::io(&path))?;
        }
        let connection = catalog::open(&dir.join(CATALOG), &*files)?;
        if catalog::setting(&connection, "currency")?.is_some() {
            return Err(BookError::Exists(dir.to_path_buf()));
        }
        let mut connection = connection;
        let transaction = connection.transaction()?;
        catalog::set_setting(&transaction, "bucket_hash", "xxh3-64")?;
        catalog::set_setting(&transaction, "timezone", &settings.timezone)?;
        catalog::set_setting(&transaction, "policy", &settings.policy)?;
        catalog::set_setting(&transaction, "currency", settings.currency.as_str())?;
        transaction.commit()?;
        files.sync_dir(dir).map_err(BookError::io(dir))?;
        Ok(Book {
            dir: dir.to_path_buf(),
            files,
            settings: settings.clone(),
            connection: Mutex::new(connection),
            recent: Recent::default(),
        })
    }

    /// Opens a book.
    pub fn open(dir: &Path, files: Arc<dyn FileLayer>) -> Result<Book, BookError> {
        let path = dir.join(CATALOG);
        if !files.exists(&path) {
            return Err(BookError::NotABook(dir.to_path_buf()));
        }
        let connection = catalog::open(&path, &*files)?;
        let setting = |key: &str| -> Result<String, BookError> {
            catalog::setting(&connection, key)?.ok_or_else(|| BookError::NotABook(dir.to_path_buf()))
        };
        let settings = Settings {
            currency: Currency::parse(&setting("currency")?).map_err(|e| BookError::damaged(CATALOG, e))?,
            timezone: setting("timezone")?,
            policy: setting("policy")?,
        };
        let (dir, connection) = (dir.to_path_buf(), Mutex::new(connection));
        Ok(Book { dir, files, settings, connection, recent: Recent::default() })
    }

    /// Its settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn catalog(&self) -> MutexGuard<'_, Connection> {
        // A panic while the catalog was in use leaves SQLite's own state sound.
        self.connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Another connection to the catalog, for a room that keeps tables of its own there (`netnew-access`) and must not
    /// wait for whoever uses the book's own. It waits up to 30 seconds for another writer.
    pub fn connect(&self) -> Result<Connection, BookError> {
        catalog::open(&self.dir.join(CATALOG), &*self.files)
    }

    /// The rules of alerts kept in the catalog, by name: TOML of one `[[rule]]` each.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub fn alert_rules(&self) -> Result<Vec<(String, String)>, BookError> {
        catalog::alert_rules(&self.catalog())
    }

    /// Adds a rule of alerts, or with no text removes it; gives whether anything changed. A name that is there is not
    /// replaced.
    ///
    /// # Errors
    /// A catalog that cannot be written.
    pub fn set_alert_rule(&self, name: &str, text: Option<&str>) -> Result<bool, BookError> {
        let db = self.catalog();
        Ok(match text {
            Some(text) => {
                db.execute("INSERT OR IGNORE INTO alert_rules (name, text) VALUES (?1, ?2)", [name, text])?
            }
            None => db.execute("DELETE FROM alert_rules WHERE name = ?1", [name])?,
        } > 0)
    }

    /// The layer through which the book touches files.
    pub fn files(&self) -> Arc<dyn FileLayer> {
        self.files.clone()
    }

    pub(crate) fn segment_path(&self, name: &str) -> PathBuf {
        self.dir.join("segments").join(name)
    }

    pub(crate) fn payload_path(&self, sha256: &str) -> PathBuf {
        self.dir.join("payloads").join(sha256)
    }

    /// The text of a saved policy.
    pub fn policy(&self, name: &str) -> Result<Option<String>, BookError> {
        let catalog = self.catalog();
        Ok(catalog
            .query_row("SELECT text FROM policies WHERE name = ?1", [name], |row| row.get(0))
            .optional()?)
    }

    /// Saves a policy under a name, replacing.
    pub fn save_policy(&self, name: &str, text: &str) -> Result<(), BookError> {
        self.catalog().execute(
            "INSERT INTO policies (name, text) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET text = excluded.text",
            [name, text],
        )?;
        Ok(())
    }

    /// Writes a file that is derived from the book and can be made again; `write` gives false to leave it out. Readers
    /// see the old one or the new one, whole.
    pub fn write_derived(
        &self,
        name: &str,
        write: &mut dyn FnMut(&mut dyn std::io::Write) -> std::io::Result<bool>,
    ) -> Result<bool, BookError> {
        let dir = self.dir.join("derived");
        self.files.create_dir_all(&dir).map_err(BookError::io(&dir))?;
        let temporary = dir.join(format!("{name}.{}", std::process::id()));
        let mut file = self.files.create(&temporary).map_err(BookError::io(&temporary))?;
        let wanted = write(&mut file).map_err(BookError::io(&temporary))?;
        drop(file);
        let path = dir.join(name);
        if wanted {
            self.files.rename(&temporary, &path).map_err(BookError::io(&path))?;
        } else {
            self.files.remove(&temporary).map_err(BookError::io(&temporary))?;
        }
        Ok(wanted)
    }

    /// Opens a derived file; `None` when there is none.
    pub fn open_derived(&self, name: &str) -> Option<Arc<dyn ReadFile>> {
        self.files.open(&self.dir.join("derived").join(name)).ok()
    }

    /// Names of the saved policies.
    pub fn policies(&self) -> Result<Vec<String>, BookError> {
        let catalog = self.catalog();
        let mut statement = catalog.prepare("SELECT name FROM policies ORDER BY name")?;
        let names = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(names)
    }

    /// The imports that were committed, oldest first.
    pub fn imports(&self) -> Result<Vec<ImportRecord>, BookError> {
        let catalog = self.catalog();
        let mut statement = catalog
            .prepare("SELECT id, source, at, facts, duplicates, superseded FROM imports ORDER BY id")?;
        let rows = statement.query_map([], |row| {
            Ok(ImportRecord {
                id: row.get(0)?,
                source: row.get(1)?,
                at: Instant::from_micros(row.get(2)?),
                facts: row.get::<_, i64>(3)? as u64,
                duplicates: row.get::<_, i64>(4)? as u64,
                superseded: row.get::<_, i64>(5)? as u64,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A view of everything known now.
    pub fn snapshot(&self) -> Result<Snapshot, BookError> {
        self.snapshot_at(Instant::MAX)
    }

    /// A view of everything known now, like [`Book::snapshot`], that takes over from an earlier one of this book whatever
    /// is the same in both: its cost goes by what is new.
    ///
    /// # Errors
    /// A catalog or segment that cannot be read.
    pub fn snapshot_after(&self, earlier: &Snapshot) -> Result<Snapshot, BookError> {
        self.snapshot_from(Instant::MAX, Some(earlier))
    }

    /// A view whose merges of customers are those known at an instant. Facts recorded later are still in it: who
    /// reads them decides by `recorded_at`.
    pub fn snapshot_at(&self, known_on: Instant) -> Result<Snapshot, BookError> {
        self.snapshot_from(known_on, None)
    }

    fn snapshot_from(&self, known_on: Instant, earlier: Option<&Snapshot>) -> Result<Snapshot, BookError> {
        // Another process may merge segments away between listing and opening them; then the list is old.
        let mut tries = 0;
        loop {
            match self.try_snapshot(Some(known_on), earlier) {
                Err(BookError::Io { source, .. })
                    if source.kind() == std::io::ErrorKind::NotFound && tries < 20 =>
                {
                    tries += 1;
                }
                Err(BookError::Io { path, source }) if source.kind() == std::io::ErrorKind::NotFound => {
                    let name = path.file_name().unwrap_or_default().to_string_lossy().to_string();
                    return Err(BookError::damaged(&name, "the file is missing"));
                }
                other => return other,
            }
        }
    }

    /// A view for writing: merges of customers are not applied, so that one that leads in a circle can be withdrawn.
    pub(crate) fn unmerged_snapshot(&self) -> Result<Snapshot, BookError> {
        self.try_snapshot(None, None)
    }

    fn try_snapshot(
        &self,
        known_on: Option<Instant>,
        earlier: Option<&Snapshot>,
    ) -> Result<Snapshot, BookError> {
        let known: HashMap<&str, &(SegmentInfo, Arc<dyn ReadFile>)> = earlier
            .map(|earlier| {
                earlier.segments.iter().map(|segment| (segment.0.name.as_str(), segment)).collect()
            })
            .unwrap_or_default();
        let mut catalog = self.catalog();
        let transaction = catalog.transaction()?;
        let listed = catalog::segments_beside(&transaction, |name| known.contains_key(name))?;
        let stated = catalog::stated(&transaction)?;
        let rates = match earlier.filter(|earlier| earlier.stated[0] == stated[0]) {
            Some(earlier) => earlier.rates.clone(),
            None => catalog::rates(&transaction)?.into(),
        };
        let same_aliases = earlier.filter(|earlier| earlier.stated[1] == stated[1]);
        let aliases = match same_aliases {
            Some(earlier) => earlier.aliases.clone(),
            None => catalog::aliases(&transaction)?.into(),
        };
        let version = catalog::last_seq(&transaction)?;
        let payloads = earlier.map(|earlier| earlier.payloads.clone()).unwrap_or_default();
        let payloads = payloads.and_newer(&transaction, &self.dir)?;
        let complete = crate::evidence::complete(&transaction)?;
        transaction.commit()?;
        drop(catalog);
        let mut segments = Vec::with_capacity(listed.len());
        for (name, info) in listed {
            let segment = match (info, known.get(name.as_str())) {
                (Some(info), _) => {
                    let path = self.segment_path(&info.name);
                    let file = self.files.open(&path).map_err(BookError::io(&path))?;
                    (info, file)
                }
                (None, Some((info, file))) => (info.clone(), file.clone()),
                (None, None) => continue,
            };
            segments.push(segment);
        }
        let canonical = match (known_on, same_aliases) {
            (known_on, Some(earlier)) if earlier.merged_as_of == known_on => earlier.canonical.clone(),
            (Some(known_on), _) => Arc::new(canonical(&aliases, known_on)?),
            (None, _) => Arc::default(),
        };
        let merged_as_of = known_on;
        Ok(Snapshot {
            segments,
            aliases,
            rates,
            stated,
            version,
            payloads,
            canonical,
            merged_as_of,
            complete,
        })
    }
}

/// Kept raw files in the order of their numbers, in pieces that views share.
#[derive(Clone, Default)]
struct Payloads(Vec<Arc<Vec<PayloadInfo>>>);

impl Payloads {
    /// The same and those that the catalog lists after them.
    fn and_newer(mut self, catalog: &Connection, dir: &Path) -> Result<Payloads, BookError> {
        let last = self.iter().next_back().map_or(-1, |info| i64::from(info.id));
        let sql = "SELECT id, name, sha256, bytes FROM payloads WHERE id > ?1 ORDER BY id";
        let mut statement = catalog.prepare_cached(sql)?;
        let rows = statement.query_map([last], |row| {
            let sha256: String = row.get(2)?;
            Ok(PayloadInfo {
                id: row.get(0)?,
                name: row.get(1)?,
                path: dir.join("payloads").join(&sha256),
                sha256,
                bytes: row.get::<_, i64>(3)? as u64,
            })
        })?;
        let mut new = rows.collect::<Result<Vec<_>, _>>()?;
        if new.is_empty() {
            return Ok(self);
        }
        // Pieces grow by doubling, so there are never many and each is rarely copied.
        while let Some(last) = self.0.pop_if(|last| last.len() <= new.len()) {
            new.splice(..0, last.iter().cloned());
        }
        self.0.push(Arc::new(new));
        Ok(self)
    }

    fn iter(&self) -> impl DoubleEndedIterator<Item = &PayloadInfo> {
        self.0.iter().flat_map(|piece| piece.iter())
    }

    fn get(&self, id: u32) -> Option<&PayloadInfo> {
        let piece = self.0.iter().find(|piece| piece.last().is_some_and(|last| id <= last.id))?;
        piece.binary_search_by_key(&id, |info| info.id).ok().map(|at| &piece[at])
    }
}

/// Alias to canonical id, chains followed, as known at an instant.
fn canonical(aliases: &[AliasFact], known_on: Instant) -> Result<BTreeMap<Text, Text>, BookError> {
    let mut winners: BTreeMap<&Text, (&AliasFact, (i64, u64))> = BTreeMap::new();
    for alias in aliases.iter().filter(|a| a.recorded_at <= known_on) {
        let rank = (alias.version.unwrap_or(alias.recorded_at.micros()), alias.booked_seq);
        let slot = winners.entry(&alias.customer).or_insert((alias, rank));
        if rank > slot.1 {
            *slot = (alias, rank);
        }
    }
    let direct: BTreeMap<&Text, &Text> =
        winners.iter().filter_map(|(id, (alias, _))| Some((*id, alias.merged_into.as_ref()?))).collect();
    let mut out = BTreeMap::new();
    for id in direct.keys() {
        let mut at: &Text = id;
        let mut steps = 0;
        while let Some(next) = direct.get(at) {
            at = next;
            steps += 1;
            if steps > direct.len() {
                return Err(BookError::AliasCycle(id.to_string()));
            }
        }
        out.insert((*id).clone(), at.clone());
    }
    Ok(out)
}

/// A consistent view of a book. Its files stay readable while it lives.
pub struct Snapshot {
    segments: Vec<(SegmentInfo, Arc<dyn ReadFile>)>,
    aliases: Arc<[AliasFact]>,
    rates: Arc<[RateFact]>,
    /// How many rates and merges of customers the catalog held.
    stated: [u64; 2],
    version: u64,
    payloads: Payloads,
    /// Alias to canonical id.
    canonical: Arc<BTreeMap<Text, Text>>,
    /// Which merges of customers `canonical` tells: those known by then, or none.
    merged_as_of: Option<Instant>,
    /// To which instant synced sources are complete.
    complete: BTreeMap<Text, Instant>,
}

impl Snapshot {
    /// To which instant each source that is synced is known to be complete: nothing that happened before is missing. What
    /// was complete later than `known_on` or `as_of` counts as complete to that moment.
    pub fn complete_through(&self, as_of: Instant, known_on: Instant) -> BTreeMap<Text, Instant> {
        let until = as_of.min(known_on);
        self.complete.iter().map(|(source, at)| (source.clone(), (*at).min(until))).collect()
    }

    /// Up to `n` contiguous ranges of customers with about as many rows each.
    pub fn partitions(&self, n: usize) -> Vec<BucketRange> {
        let mut spread = [0u64; 64];
        for (info, _) in self.segments.iter().filter(|(info, _)| info.family == Family::Items) {
            for (sum, rows) in spread.iter_mut().zip(&info.spread) {
                *sum += rows;
            }
        }
        let total: u64 = spread.iter().sum();
        let wanted = (total / n.max(1) as u64).max(1);
        let mut out = Vec::new();
        let (mut first, mut rows) = (0u64, 0u64);
        for (part, count) in spread.iter().enumerate() {
            rows += count;
            let last = if part == 63 { u64::MAX } else { ((part as u64 + 1) << 58) - 1 };
            if part == 63 || (rows >= wanted && out.len() + 1 < n) {
                out.push(BucketRange { first, last });
                first = last.wrapping_add(1);
                rows = 0;
            }
        }
        out
    }

    pub(crate) fn merge(&self, range: BucketRange, what: Part) -> Result<Merge, BookError> {
        let mut cursors = Vec::with_capacity(self.segments.len());
        for (info, file) in self.segments.iter().filter(|(info, _)| what.has(info.family)) {
            cursors.push(SegmentCursor::open(file.clone(), &info.name, (range.first, range.last))?);
        }
        Merge::new(cursors)
    }

    /// Every canonical customer whose id hashes into the range and who has a state or attributes, once, with all of
    /// those.
    pub fn scan(
        &self,
        range: BucketRange,
        visit: &mut dyn FnMut(CustomerFacts) -> Result<(), BookError>,
    ) -> Result<(), BookError> {
        self.scan_part(range, Part::Items, visit)
    }

    /// Like [`Snapshot::scan`] for the facts asked for. Entries of the business itself come as the facts of the empty
    /// customer id.
    pub fn scan_part(
        &self,
        range: BucketRange,
        what: Part,
        visit: &mut dyn FnMut(CustomerFacts) -> Result<(), BookError>,
    ) -> Result<(), BookError> {
        let inside = |id: &Text| (range.first..=range.last).contains(&customer_hash(id));
        // Canonical ids that have aliases are gathered from several places, in hash order with the others.
        let mut gathered: BTreeSet<(u64, Text)> = self
            .canonical
            .values()
            .filter(|id| inside(id))
            .map(|id| (customer_hash(id), id.clone()))
            .collect();
        let mut merge = self.merge(range, what)?;
        loop {
            let next = merge.peek();
            if let Some(first) = gathered.first().cloned()
                && next.as_ref().is_none_or(|(hash, id)| (first.0, &first.1) <= (*hash, id))
            {
                gathered.remove(&first);
                if next.is_some_and(|(hash, id)| (hash, id) == first) {
                    merge.next()?;
                }
                if let Some(facts) = self.customer_part(&first.1, what)? {
                    visit(facts)?;
                }
                continue;
            }
            let Some(group) = merge.next()? else { return Ok(()) };
            if self.canonical.contains_key(&group.customer) {
                continue;
            }
            let ids = vec![group.customer.clone()];
            visit(CustomerFacts { customer: group.customer, ids, facts: facts_of(group.facts).collect() })?;
        }
    }

    /// States and attributes of one customer by any of its ids, under its canonical id; `None` when there are none.
    pub fn customer(&self, id: &str) -> Result<Option<CustomerFacts>, BookError> {
        self.customer_part(id, Part::Items)
    }

    /// Like [`Snapshot::customer`] for the facts asked for; the empty id is the business itself.
    pub fn customer_part(&self, id: &str, what: Part) -> Result<Option<CustomerFacts>, BookError> {
        let customer: Text = match self.canonical.get(id) {
            Some(canonical) => canonical.clone(),
            None => id.into(),
        };
        let mut ids = vec![customer.clone()];
        ids.extend(self.canonical.iter().filter(|(_, to)| **to == customer).map(|(from, _)| from.clone()));
        let mut facts = Vec::new();
        for id in &ids {
            facts.extend(self.filed_under(id, what)?.into_iter().map(|filed| filed.fact));
        }
        // Copies of one fact meet here when its subscription moved between ids of one customer.
        facts.sort_by_key(|f| f.booked_seq);
        facts.dedup_by(|a, b| a == b);
        Ok((!facts.is_empty()).then_some(CustomerFacts { customer, ids, facts }))
    }

    /// Everything filed under an id, shadows included.
    pub(crate) fn filed_under(&self, id: &str, what: Part) -> Result<Vec<Filed>, BookError> {
        let hash = customer_hash(id);
        let mut out = Vec::new();
        for (info, file) in self.segments.iter().filter(|(info, _)| what.has(info.family)) {
            let mut cursor = SegmentCursor::open(file.clone(), &info.name, (hash, hash))?;
            while let Some(filed) = cursor.next()? {
                if &*filed.under == id {
                    out.push(filed);
                }
            }
        }
        Ok(out)
    }

    /// Every rate ever stated; who reads them decides by `recorded_at`.
    pub fn rates(&self) -> Result<Vec<RateFact>, BookError> {
        Ok(self.rates.to_vec())
    }

    /// Every merge of customers ever stated.
    pub fn aliases(&self) -> Result<Vec<AliasFact>, BookError> {
        Ok(self.aliases.to_vec())
    }

    /// The earliest state of any source, superseded ones included: a lower bound of the first movement.
    pub fn first_effective(&self, _known_on: Instant) -> Result<Option<Instant>, BookError> {
        let least =
            self.segments.iter().flat_map(|(info, _)| info.sources.values()).map(|(first, _)| *first).min();
        Ok(least.map(Instant::from_micros))
    }

    /// Per source the `effective_at` of its earliest state, superseded ones included: where its history begins.
    pub fn begins(&self) -> BTreeMap<Text, Instant> {
        let mut first: BTreeMap<Text, Instant> = BTreeMap::new();
        for (source, (at, _)) in self.segments.iter().flat_map(|(info, _)| &info.sources) {
            let at = Instant::from_micros(*at);
            let slot = first.entry(source.as_str().into()).or_insert(at);
            *slot = (*slot).min(at);
        }
        first
    }

    /// Like [`Snapshot::data_through`] as far as the segments' own lists tell: `None` when states lie after `as_of` or
    /// were recorded after `known_on`, so that every one would have to be looked at.
    pub fn data_through_at_a_glance(
        &self,
        as_of: Instant,
        known_on: Instant,
    ) -> Option<BTreeMap<Text, Instant>> {
        let told = |info: &SegmentInfo| {
            info.newest_recorded <= known_on.micros()
                && info.sources.values().all(|(_, last)| *last <= as_of.micros())
        };
        let all = self.segments.iter().all(|(info, _)| info.family != Family::Items || told(info));
        all.then(|| self.data_through(as_of, known_on).ok()).flatten()
    }

    /// Per source the newest `effective_at`, not after `as_of`, of its states recorded by `known_on`.
    pub fn data_through(
        &self,
        as_of: Instant,
        known_on: Instant,
    ) -> Result<BTreeMap<Text, Instant>, BookError> {
        let mut newest: BTreeMap<Text, Instant> = BTreeMap::new();
        let mut note = |source: &str, at: Instant| {
            let slot = newest.entry(source.into()).or_insert(at);
            *slot = (*slot).max(at);
        };
        for (info, file) in &self.segments {
            if info.family != Family::Items {
                continue;
            }
            let all_known = info.newest_recorded <= known_on.micros();
            let all_past = info.sources.values().all(|(_, last)| *last <= as_of.micros());
            if all_known && all_past {
                for (source, (_, last)) in &info.sources {
                    note(source, Instant::from_micros(*last));
                }
                continue;
            }
            let mut cursor = SegmentCursor::open(file.clone(), &info.name, (0, u64::MAX))?;
            while let Some(filed) = cursor.next()? {
                if let Body::State { effective_at, .. } = filed.fact.body
                    && effective_at <= as_of
                    && filed.fact.recorded_at <= known_on
                {
                    note(&filed.fact.source, effective_at);
                }
            }
        }
        Ok(newest)
    }

    /// A kept raw file.
    pub fn payload(&self, id: u32) -> Result<Option<PayloadInfo>, BookError> {
        Ok(self.payloads.get(id).cloned())
    }

    /// All kept raw files.
    pub fn payloads(&self) -> Vec<PayloadInfo> {
        self.payloads.iter().cloned().collect()
    }

    /// How much there is.
    pub fn counts(&self) -> Result<Counts, BookError> {
        let mut counts = Counts {
            rates: self.rates.len() as u64,
            aliases: self.aliases.len() as u64,
            segments: self.segments.len() as u64,
            ..Counts::default()
        };
        for (info, _) in &self.segments {
            counts.states += info.states;
            counts.attributes += info.attributes;
            counts.entries += info.entries.values().sum::<u64>();
            counts.bytes += info.bytes;
        }
        Ok(counts)
    }

    /// How many entries there are of each kind, superseded and retracted ones included; kinds without any are left out.
    pub fn entry_counts(&self) -> BTreeMap<EntryKind, u64> {
        let mut counts = BTreeMap::new();
        for (name, count) in self.segments.iter().flat_map(|(info, _)| &info.entries) {
            if let Some(kind) = EntryKind::parse(name) {
                *counts.entry(kind).or_default() += count;
            }
        }
        counts
    }

    /// The highest `booked_seq`: equal versions of one book hold equal facts.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Alias to canonical id.
    pub(crate) fn merged(&self) -> &BTreeMap<Text, Text> {
        &self.canonical
    }

    /// The canonical id of a customer's id.
    pub fn canonical_id(&self, id: &Text) -> Text {
        self.canonical.get(id).unwrap_or(id).clone()
    }

    pub(crate) fn segments(&self) -> &[(SegmentInfo, Arc<dyn ReadFile>)] {
        &self.segments
    }
}
