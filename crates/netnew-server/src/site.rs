//! What requests share: the book, as it stands now.

use crate::error::WebError;
use crate::pages::{Ask, whole};
use crate::upkeep::Counters;
use netnew_access::Access;
use netnew_book::Book;
use netnew_connect::mogul::{Desk, tell};
use netnew_connect::webhook::Deliveries;
use netnew_decide::diagnosis::Diagnosis;
use netnew_decide::milestones::Milestone;
use netnew_money::Zone;
use netnew_policy::Policy;
use netnew_report::decide::{diagnose, milestones};
use netnew_report::{Now, Question, Report, ReportError, View, find_policy};
use netnew_writer::{Clock, Entrance, Limits, Writer};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Finds the secrets of a source by its name.
pub type Secrets = Box<dyn Fn(&str) -> Vec<String> + Send + Sync>;

/// How a site is served.
pub struct Options {
    /// Tells the time; the server reads no clock.
    pub now: Box<dyn Fn() -> Now + Send + Sync>,
    /// Measures how long things take; the server reads no clock.
    pub stopwatch: Box<dyn Stopwatch>,
    /// Signing secrets of a source's webhook; none when it has none.
    pub webhook_secrets: Secrets,
    /// A made-up business: nobody has to sign in, and pages say so.
    pub demo: bool,
    /// Only this machine can reach it, and no proxy stands before it.
    pub loopback: bool,
    /// Browsers come by https, through a proxy: cookies are for that alone.
    pub https: bool,
    /// Name shown for the book.
    pub title: String,
    /// Names (with port) under which requests may come; `None` for any.
    pub hosts: Option<Vec<String>>,
}

/// A clock that only ever goes forward.
pub trait Stopwatch: Send + Sync {
    /// Microseconds since some moment.
    fn now_micros(&self) -> u64;
}

/// What the overview says besides figures.
pub struct Advice {
    /// What is wrong, and what to do.
    pub diagnosis: Diagnosis,
    /// What was reached, and what comes next.
    pub milestones: Vec<Milestone>,
}

/// Advice by what it is a function of; `None` while it is being worked out.
type Advices = BTreeMap<String, Option<Arc<Advice>>>;

/// States up to which advice is worked out while the reader waits.
const QUICK: u64 = 50_000;

/// Questions whose advice is kept.
const KEPT: usize = 32;

/// A book being served.
pub struct Site {
    dir: PathBuf,
    options: Arc<Options>,
    book: Arc<Book>,
    view: Mutex<View>,
    access: Access,
    writer: Writer,
    /// Where the deliveries of each source go in.
    deliveries: Mutex<BTreeMap<String, Entrance<Deliveries>>>,
    advice: Mutex<Advices>,
    counters: Counters,
    desk: Desk,
    /// Held while what was sent to the API under `/v1` becomes facts.
    telling: Mutex<()>,
}

impl Site {
    /// Opens a book for serving.
    ///
    /// # Errors
    /// A book that cannot be read.
    pub fn open(dir: &Path, options: Options) -> Result<Site, WebError> {
        let book = Arc::new(Book::open_at(dir).map_err(netnew_report::ReportError::from)?);
        let view = Mutex::new(View::new(book.clone())?);
        let access = Access::open(&book)?;
        let desk = Desk::open(&book).map_err(netnew_report::ReportError::from)?;
        let options = Arc::new(options);
        let writer = start_writer(dir, &options)?;
        Ok(Site {
            dir: dir.to_path_buf(),
            options,
            book,
            view,
            access,
            writer,
            deliveries: Mutex::default(),
            advice: Mutex::default(),
            counters: Counters::default(),
            desk,
            telling: Mutex::default(),
        })
    }

    /// The book's directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The book.
    pub fn book(&self) -> &Arc<Book> {
        &self.book
    }

    /// Where requests to the API under `/v1` are written down.
    pub(crate) fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Makes facts of what was sent to the API under `/v1`; when this returns, everything that was answered before is told.
    ///
    /// # Errors
    /// A book that cannot be written.
    pub fn tell(&self) -> Result<(), WebError> {
        let refused = |error| WebError::from(netnew_import::refused(error));
        let waiting = || self.desk.read(|store| store.waiting()).map_err(|refusal| refused(refusal.into()));
        if waiting()? == 0 {
            return Ok(());
        }
        let _alone = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        tell::tell(&self.book, &self.desk, crate::sign_in::now(self)?).map_err(refused)?;
        Ok(())
    }

    /// How it is served.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// What a stranger would need to become the owner of a book that has none, where others than this machine can reach
    /// it; to be printed on the console.
    ///
    /// # Errors
    /// A catalog that cannot be written.
    pub fn setup_token(&self) -> Result<Option<String>, WebError> {
        if self.options.loopback || self.options.demo {
            return Ok(None);
        }
        let now = crate::sign_in::now(self)?;
        Ok(self.access.setup_token(now)?.map(|token| token.reveal().to_string()))
    }

    /// Who may do what.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// What books many small writes at once; see [`crate::writing`] for how a request waits for it.
    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    /// The site's clock, for who works beside requests.
    pub fn clock(&self) -> Clock {
        clock(&self.options)
    }

    /// Where the deliveries of a source go in.
    pub(crate) fn deliveries(&self, source: &str) -> Entrance<Deliveries> {
        let mut all = self.deliveries.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get(source) {
            Some(entrance) => entrance.clone(),
            None => {
                let entrance = self.writer.entrance(source, Deliveries);
                all.insert(source.to_string(), entrance.clone());
                entrance
            }
        }
    }

    /// Requests so far.
    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What the overview says besides figures. On a large book it is worked out beside the request: `None` until then.
    ///
    /// # Errors
    /// What is wrong with the question or with the book.
    pub fn advice(self: &Arc<Site>, ask: &Ask) -> Result<Option<Arc<Advice>>, WebError> {
        let report = whole(ask)?;
        let key = format!(
            "{} {} {} {} {:?}",
            report.snapshot.version(),
            report.today(),
            report.policy.fingerprint(),
            report.currency_name(),
            report.question
        );
        {
            let mut kept = self.advice.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(found) = kept.get(&key) {
                return Ok(found.clone());
            }
            if kept.len() >= KEPT {
                kept.retain(|_, advice| advice.is_none());
            }
            kept.insert(key.clone(), None);
        }
        let states = report.snapshot.counts().map_err(ReportError::from)?.states;
        if states <= QUICK {
            return self.advise(&report, key).map(Some);
        }
        let site = self.clone();
        std::thread::spawn(move || {
            if let Err(error) = site.advise(&report, key) {
                tracing::error!(code = error.error.code, "advice: {}", error.error.message);
            }
        });
        Ok(None)
    }

    fn advise(&self, report: &Report, key: String) -> Result<Arc<Advice>, WebError> {
        let worked_out = || -> Result<Advice, WebError> {
            Ok(Advice { diagnosis: diagnose(report)?, milestones: milestones(report)? })
        };
        let advice = worked_out().map(Arc::new);
        let mut kept = self.advice.lock().unwrap_or_else(PoisonError::into_inner);
        match &advice {
            Ok(advice) => drop(kept.insert(key, Some(advice.clone()))),
            Err(_) => drop(kept.remove(&key)),
        }
        advice
    }

    /// What time it is.
    pub fn now(&self) -> Now {
        (self.options.now)()
    }

    /// The book as it stands now; another process may have imported since the last look.
    ///
    /// # Errors
    /// A book that cannot be read.
    pub fn view(&self) -> Result<View, WebError> {
        let version = self.book.version().map_err(netnew_report::ReportError::from)?;
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        if view.snapshot.version() != version {
            *view = view.refresh()?;
        }
        Ok(view.clone())
    }

    /// The answer to a question about the book as it stands now.
    ///
    /// # Errors
    /// What is wrong with the question or with the book.
    pub fn ask(&self, question: &Question) -> Result<Report, WebError> {
        self.ask_as_of(question, None)
    }

    /// The same as of a moment that the reader chose.
    ///
    /// # Errors
    /// As [`Site::ask`].
    pub fn ask_as_of(&self, question: &Question, as_of: Option<&str>) -> Result<Report, WebError> {
        let mut now = self.now();
        if let Some(said) = as_of.filter(|s| !s.is_empty()) {
            now.said = Some(said.to_string());
        }
        if let Some(name) = &question.policy {
            named_policy(&self.book, name)?;
        }
        Ok(Report::of(question, &self.view()?, &now)?)
    }
}

/// The site's clock, for who works beside requests.
fn clock(options: &Arc<Options>) -> Clock {
    let told = options.clone();
    Arc::new(move || {
        let now = (told.now)();
        now.at(&Zone::utc()).unwrap_or(now.clock)
    })
}

/// The writer has a book of its own, so that pages do not wait for its commits.
fn start_writer(dir: &Path, options: &Arc<Options>) -> Result<Writer, WebError> {
    let book = Book::open_at(dir).map_err(ReportError::from)?;
    Writer::start(book, clock(options), Limits::default()).map_err(|error| {
        ReportError::refused("io", format!("no thread can be started: {error}"), "free some memory").into()
    })
}

/// A policy by name only: a path from outside must not read a file of this machine.
pub fn named_policy(book: &Book, name: &str) -> Result<Policy, WebError> {
    let plain = name.chars().all(|c| c.is_alphanumeric() || "-_.@".contains(c)) && !name.contains("..");
    let known = Policy::names().contains(&name.split('@').next().unwrap_or_default())
        || book
            .policies()
            .map_err(ReportError::from)?
            .iter()
            .any(|n| Some(n.as_str()) == name.split('@').next());
    match plain && known {
        true => Ok(find_policy(name, Some(book))?),
        false => Err(ReportError::usage(
            "unknown_policy",
            format!("no policy {name:?} here"),
            "presets and saved policies are at /api/v1/policies",
        )
        .into()),
    }
}
