//! The command line: commands and flags. Help texts here are the reference.

use clap::{Args, Parser, Subcommand};
use netnew_report::Question;
use std::path::PathBuf;

/// MRR to the cent, with receipts.
#[derive(Parser, Debug)]
#[command(name = "netnew", version, about, long_about = None, disable_help_subcommand = false)]
pub struct Cli {
    /// Flags every command takes.
    #[command(flatten)]
    pub common: Common,
    /// What to do; nothing shows the demo.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags every command takes.
#[derive(Args, Debug, Clone)]
pub struct Common {
    /// How to print data: table, json or csv [default: table on a terminal, json otherwise]
    #[arg(long, global = true)]
    pub format: Option<String>,
    /// The book's directory
    #[arg(long, global = true, env = "NETNEW_BOOK", default_value = "book", value_name = "DIR")]
    pub book: PathBuf,
    /// Freeze now: an instant (2026-11-23T14:05:00Z) or a date (the end of that day)
    #[arg(long, global = true, env = "NETNEW_NOW", value_name = "INSTANT")]
    pub as_of: Option<String>,
}

/// How data is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For reading.
    Table,
    /// For machines, exact.
    Json,
    /// For spreadsheets, exact.
    Csv,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// A made-up business with known answers, and its three-month story
    Demo(DemoArgs),
    /// Make an empty book
    Init(InitArgs),
    /// Read files (CSV, JSONL, XLSX, Parquet) into the book
    Import(ImportArgs),
    /// Billing systems that are read over HTTP
    Sources(SourcesArgs),
    /// Read a source into the book, from where the last sync stopped
    Sync(SyncArgs),
    /// MRR and its movements, period by period
    Mrr(ReadArgs),
    /// Every movement, one by one
    Movements(MovementsArgs),
    /// Figures over the movements: churn, retention, quick ratio, and more
    Metrics(MetricsArgs),
    /// Retention by the period in which customers started
    Cohorts(CohortsArgs),
    /// Customers and what they are worth
    Customers(CustomersArgs),
    /// One customer: items, movements, facts
    Customer(CustomerArgs),
    /// What is wrong, and the one lever to pull now
    Diagnose(ReadArgs),
    /// Where the business stands among published figures
    Benchmarks(BenchmarksArgs),
    /// Thresholds of MRR: reached when, next when
    Milestones(ReadArgs),
    /// What is to be reached by when, and whether the present pace gets there
    Goals(GoalsArgs),
    /// What happened on which day, for charts and reports
    Annotations(AnnotationsArgs),
    /// Each lever by itself over the next twelve months
    Whatif(WhatifArgs),
    /// MRR ahead, with its own error shown
    Forecast(ForecastArgs),
    /// Customers whose MRR fell, metrics past a threshold
    Alerts(AlertsArgs),
    /// Where alerts and reports are sent, and when
    Notify(NotifyArgs),
    /// A week or a month to read: Markdown, HTML, PDF, or mail
    Report(ReportArgs),
    /// Where a number comes from, down to the rows of your files
    Explain(ExplainArgs),
    /// Check the book: invariants of the ledger and the store
    Check(CheckArgs),
    /// Rules for what counts as MRR: list, show, compare
    Policy(PolicyArgs),
    /// Write the whole book to files that can be imported again
    Export(ExportArgs),
    /// Write the whole book to one file
    Backup(BackupArgs),
    /// Make a book from a backup file
    Restore(RestoreArgs),
    /// Ask the book in SQL: facts, levels, movements, metrics (feature `sql`)
    Sql(SqlArgs),
    /// Pages, API and jobs over HTTP
    Serve(ServeArgs),
    /// API keys for programs: create, list, revoke
    Keys(KeysArgs),
    /// The JSON Schema of a command's output
    Schema(SchemaArgs),
    /// Measure how long things take
    Bench(BenchArgs),
}

impl Default for Command {
    fn default() -> Command {
        Command::Demo(DemoArgs {
            customers: 600,
            seed: 1,
            keep: None,
            no_serve: false,
            no_open: false,
            port: None,
            answers: false,
        })
    }
}

/// `netnew demo`
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// How many customers to make up
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=20_000_000))]
    pub customers: u32,
    /// Another seed makes another business
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Keep the files and the book in this directory instead of a temporary one
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Only print the story
    #[arg(long)]
    pub no_serve: bool,
    /// Do not open a browser
    #[arg(long)]
    pub no_open: bool,
    /// Port to serve on
    #[arg(long)]
    pub port: Option<u16>,
    /// Also print the table of true answers that the simulator knows
    #[arg(long)]
    pub answers: bool,
}

/// `netnew init`
#[derive(Args, Debug)]
pub struct InitArgs {
    /// Directory to make [default: --book]
    pub dir: Option<PathBuf>,
    /// Currency of the book
    #[arg(long, default_value = "USD")]
    pub currency: String,
    /// Time zone that cuts its days and months
    #[arg(long, default_value = "UTC")]
    pub timezone: String,
    /// Policy: a preset's name or a file
    #[arg(long, default_value = "default")]
    pub policy: String,
}

/// `netnew import`
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// Files to read, recognised by content
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// What the files hold: states, periods, customers, rates, invoices, payments, ..., stripe-subscriptions, stripe-customers,
    /// stripe-json, paddle-json, chargebee-json, recurly-json, recurly-csv, lemonsqueezy-json, paypal-json, braintree-json,
    /// appstore-json, googleplay-json; an unknown kind prints all
    #[arg(long = "as", value_name = "KIND")]
    pub kind: Option<String>,
    /// Name of the source
    #[arg(long, default_value = "files")]
    pub source: String,
    /// These files are the whole truth of their source for their kind: what is missing is retracted
    #[arg(long)]
    pub replace: bool,
    /// Nothing goes in if anything is wrong
    #[arg(long)]
    pub strict: bool,
    /// Say what would happen, change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `netnew sources`
#[derive(Args, Debug)]
pub struct SourcesArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: SourcesCommand,
}

/// `netnew sources ...`
#[derive(Subcommand, Debug)]
pub enum SourcesCommand {
    /// Add a source; nothing is read yet
    Add {
        /// What it is: stripe
        kind: String,
        /// Name of the source, which its facts carry
        #[arg(long)]
        name: String,
        /// Environment variable that holds the key; the key itself is never kept
        #[arg(long, value_name = "VAR")]
        key_env: String,
        /// Address of the API [default: that of Stripe]
        #[arg(long, value_name = "URL")]
        api_base: Option<String>,
    },
    /// The sources and when they were last read
    List,
    /// Compare a source with what the book holds of it: permissions, counts, gaps
    Check {
        /// Name of the source
        name: String,
    },
}

/// `netnew sync`
#[derive(Args, Debug)]
pub struct SyncArgs {
    /// Name of the source
    pub name: String,
}

/// Flags that reports share.
#[derive(Args, Debug, Clone, Default)]
pub struct ReadArgs {
    /// First day [default: the month of the first movement]
    #[arg(long, value_name = "DATE")]
    pub from: Option<String>,
    /// Last day, inclusive [default: as-of's day]
    #[arg(long, value_name = "DATE")]
    pub to: Option<String>,
    /// day, week, month, quarter or year
    #[arg(long, default_value = "month")]
    pub interval: String,
    /// Policy: a preset's name, a saved one, or a file [default: the book's]
    #[arg(long, value_name = "NAME|FILE")]
    pub policy: Option<String>,
    /// Change a knob of the policy: --set netting=event
    #[arg(long, value_name = "KNOB=VALUE")]
    pub set: Vec<String>,
    /// Currency of the figures, or `original` [default: the book's]
    #[arg(long, value_name = "CUR")]
    pub currency: Option<String>,
    /// Convert everything at this day's rates
    #[arg(long, value_name = "DATE")]
    pub constant_rates: Option<String>,
    /// Time zone of the report [default: the book's]
    #[arg(long, value_name = "TZ")]
    pub timezone: Option<String>,
    /// Group by plan, currency, country, channel, source, layer or attr:NAME (one, or a,b)
    #[arg(long, value_name = "FIELD")]
    pub by: Option<String>,
    /// Filter posted rows: plan=Pro,country=DE|FR,channel!=ads
    #[arg(long = "where", value_name = "FILTER")]
    pub filter: Option<String>,
    /// Only what was known then: an instant, or a date (the end of that day)
    #[arg(long, value_name = "INSTANT|DATE")]
    pub known_on: Option<String>,
    /// At most this many rows
    #[arg(long)]
    pub limit: Option<usize>,
    /// Go on after an earlier answer's `next`
    #[arg(long)]
    pub cursor: Option<String>,
}

impl ReadArgs {
    /// What is asked.
    pub fn question(&self) -> Question {
        Question {
            from: self.from.clone(),
            to: self.to.clone(),
            interval: self.interval.clone(),
            policy: self.policy.clone(),
            set: self.set.clone(),
            currency: self.currency.clone(),
            constant_rates: self.constant_rates.clone(),
            timezone: self.timezone.clone(),
            by: self.by.clone(),
            filter: self.filter.clone(),
            known_on: self.known_on.clone(),
        }
    }
}

/// `netnew movements`
#[derive(Args, Debug)]
pub struct MovementsArgs {
    /// Shared flags.
    #[command(flatten)]
    pub read: ReadArgs,
    /// Only this customer
    #[arg(long)]
    pub customer: Option<String>,
    /// Only this kind: new, expansion, contraction, churn, reactivation, transfer
    #[arg(long)]
    pub kind: Option<String>,
    /// Only this cause: cancel_involuntary, upgrade, discount_end and so on
    #[arg(long)]
    pub cause: Option<String>,
}

/// `netnew metrics`
#[derive(Args, Debug)]
pub struct MetricsArgs {
    /// Names of metrics; `list` names them all, `describe NAME` explains one
    pub names: Vec<String>,
    /// Shared flags.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `netnew cohorts`
#[derive(Args, Debug)]
pub struct CohortsArgs {
    /// customers, mrr, nrr or grr
    #[arg(long, default_value = "customers")]
    pub measure: String,
    /// Shared flags.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `netnew customers`
#[derive(Args, Debug)]
pub struct CustomersArgs {
    /// Shared flags.
    #[command(flatten)]
    pub read: ReadArgs,
    /// Only customers whose id, name or e-mail contains this
    #[arg(long)]
    pub search: Option<String>,
}

/// `netnew customer`
#[derive(Args, Debug)]
pub struct CustomerArgs {
    /// Customer id
    pub customer: String,
    /// Shared flags.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `netnew benchmarks`
#[derive(Args, Debug)]
pub struct BenchmarksArgs {
    /// More benchmarks, in the shape of the ones that come with netnew; a book keeps its own in benchmarks.toml
    #[arg(long, value_name = "FILE")]
    pub benchmarks: Option<PathBuf>,
    /// Shared flags.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `netnew whatif`
#[derive(Args, Debug)]
pub struct WhatifArgs {
    /// Less churn: a share of it, or an amount a month [default: 20%]
    #[arg(long, value_name = "20%|200")]
    pub churn: Option<String>,
    /// Prices up by [default: 20%]
    #[arg(long, value_name = "SHARE")]
    pub price: Option<String>,
    /// MRR that the price rise brings [default: five eighths of the rise, 12.5% for 20%]
    #[arg(long, value_name = "SHARE")]
    pub price_brings: Option<String>,
    /// MRR that goes from monthly to annual plans [default: 10%]
    #[arg(long, value_name = "SHARE")]
    pub annual: Option<String>,
    /// What an annual plan costs less [default: two months of twelve]
    #[arg(long, value_name = "SHARE")]
    pub annual_discount: Option<String>,
    /// Expansion on top, as a share of MRR a month [default: 1%]
    #[arg(long, value_name = "SHARE")]
    pub expansion: Option<String>,
    /// More new: a share of it, or an amount a month [default: 20%]
    #[arg(long, value_name = "20%|200")]
    pub new: Option<String>,
    /// Shared flags.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `netnew forecast`
#[derive(Args, Debug)]
pub struct ForecastArgs {
    /// How many months
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=120))]
    pub months: u16,
    /// When does MRR reach this? (repeatable)
    #[arg(long, value_name = "AMOUNT")]
    pub reach: Vec<String>,
    /// Costs a month: when are they covered?
    #[arg(long, value_name = "AMOUNT")]
    pub costs: Option<String>,
    /// Cash at hand: how long does it last with --costs?
    #[arg(long, value_name = "AMOUNT", requires = "costs")]
    pub cash: Option<String>,
    /// Shared flags.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `netnew alerts`
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct AlertsArgs {
    /// What about rules; nothing shows the alerts.
    #[command(subcommand)]
    pub command: Option<AlertsCommand>,
    /// Rules to go by [default: the book's alerts.toml, else any one customer down by more than 5 %]; without a file,
    /// print the rules in force
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "")]
    pub rules: Option<String>,
    /// Shared flags.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `netnew alerts ...`
#[allow(clippy::large_enum_variant, reason = "there is one, read once")]
#[derive(Subcommand, Debug)]
pub enum AlertsCommand {
    /// The rules in force
    Rules,
    /// Add a rule to the book
    Add {
        /// Name of the rule
        name: String,
        /// Any one customer whose MRR falls by more than this share: 0.05
        #[arg(long, value_name = "SHARE", conflicts_with = "metric")]
        customer_drop: Option<String>,
        /// And by at least this much
        #[arg(long, value_name = "AMOUNT", requires = "customer_drop")]
        least: Option<String>,
        /// Add up falls over so many days; 0 for single steps [default: 30]
        #[arg(long, value_name = "DAYS", requires = "customer_drop")]
        within: Option<u16>,
        /// A metric: netnew metrics list
        #[arg(long)]
        metric: Option<String>,
        /// Only these rows: plan=Pro,country=DE|FR
        #[arg(long = "where", value_name = "FILTER", requires = "metric")]
        filter: Option<String>,
        /// day, week, month, quarter or year [default: month]
        #[arg(long, requires = "metric")]
        interval: Option<String>,
        /// Tell when it is above this
        #[arg(long, value_name = "VALUE", requires = "metric")]
        above: Option<String>,
        /// Tell when it is below this
        #[arg(long, value_name = "VALUE", requires = "metric")]
        below: Option<String>,
        /// Tell when it rises by more than this share of the period before
        #[arg(long, value_name = "SHARE", requires = "metric")]
        rises_by: Option<String>,
        /// Tell when it falls by more than this share of the period before
        #[arg(long, value_name = "SHARE", requires = "metric")]
        falls_by: Option<String>,
    },
    /// Remove a rule of the book
    Remove {
        /// Name of the rule
        name: String,
    },
}

/// `netnew notify`
#[derive(Args, Debug)]
pub struct NotifyArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: NotifyCommand,
}

/// `netnew notify ...`
#[derive(Subcommand, Debug)]
pub enum NotifyCommand {
    /// Where messages go: add, list, test, remove
    Channels {
        /// What to do.
        #[command(subcommand)]
        command: ChannelsCommand,
    },
    /// Reports that are sent by themselves: add, list, remove
    Schedules {
        /// What to do.
        #[command(subcommand)]
        command: SchedulesCommand,
    },
    /// Hours in which alerts wait, in the book's zone: 22:00-07:00, or off; nothing shows them
    Quiet {
        /// HH:MM-HH:MM or off
        hours: Option<String>,
    },
    /// Where the pages are, for links in messages: an address, or off; nothing shows it
    Address {
        /// `https://netnew.example.com` or off
        url: Option<String>,
    },
    /// Look for what is to be told and send what is due, once; serve does so every minute
    Run {
        /// Also try again what was given up
        #[arg(long)]
        again: bool,
    },
    /// What was sent, what waits, what failed and why
    Log {
        /// Only this channel
        #[arg(long)]
        channel: Option<String>,
        /// At most this many
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
}

/// `netnew notify channels ...`
#[derive(Subcommand, Debug)]
pub enum ChannelsCommand {
    /// Add a channel; secrets are named (env:VARIABLE, file:PATH) or, with -, read from stdin and sealed
    Add(Box<ChannelArgs>),
    /// The channels, without their secrets
    List,
    /// Send a test through a channel
    Test {
        /// Name of the channel
        name: String,
    },
    /// Remove a channel, what waits for it and its schedules
    Remove {
        /// Name of the channel
        name: String,
    },
}

/// `netnew notify channels add`
#[derive(Args, Debug)]
pub struct ChannelArgs {
    /// email, slack or webhook
    pub kind: String,
    /// Name of the channel
    pub name: String,
    /// Mail server
    #[arg(long)]
    pub host: Option<String>,
    /// Its port [default: 587 for starttls, 465 for implicit, 25 for none]
    #[arg(long)]
    pub port: Option<u16>,
    /// starttls, implicit, or none (only for a server on this machine)
    #[arg(long, default_value = "starttls")]
    pub tls: String,
    /// Who signs in at the mail server
    #[arg(long)]
    pub user: Option<String>,
    /// Where their password is: env:VARIABLE, file:PATH or -
    #[arg(long, value_name = "PLACE", allow_hyphen_values = true)]
    pub password: Option<String>,
    /// Sender
    #[arg(long, value_name = "ADDRESS")]
    pub from: Option<String>,
    /// Recipient (repeatable)
    #[arg(long, value_name = "ADDRESS")]
    pub to: Vec<String>,
    /// Where the webhook's address is: env:VARIABLE, file:PATH or -
    #[arg(long, value_name = "PLACE", allow_hyphen_values = true)]
    pub url: Option<String>,
    /// Where the secret is that signs: env:VARIABLE, file:PATH or -
    #[arg(long, value_name = "PLACE", allow_hyphen_values = true)]
    pub secret: Option<String>,
    /// Tell what happened since then, too, up to 35 days ago [default: now]
    #[arg(long, value_name = "DATE|INSTANT")]
    pub since: Option<String>,
}

/// `netnew notify schedules ...`
#[derive(Subcommand, Debug)]
pub enum SchedulesCommand {
    /// Send a report every week or month
    Add {
        /// Name of the schedule
        name: String,
        /// weekly or monthly
        #[arg(long)]
        report: String,
        /// Weekday (monday), or day of the month (1)
        #[arg(long, value_name = "DAY")]
        on: Option<String>,
        /// Time of day in the book's zone
        #[arg(long, default_value = "08:00")]
        at: String,
        /// Channel
        #[arg(long)]
        channel: String,
        /// Recipient, each of whom gets a mail of their own (repeatable) [default: the channel's]
        #[arg(long, value_name = "ADDRESS")]
        to: Vec<String>,
        /// Where recipients go who want no more [default: mail to the sender]
        #[arg(long, value_name = "URL")]
        unsubscribe: Option<String>,
    },
    /// The schedules
    List,
    /// Remove a schedule
    Remove {
        /// Name of the schedule
        name: String,
    },
}

/// `netnew goals`
#[derive(Args, Debug)]
pub struct GoalsArgs {
    /// What to do [default: list].
    #[command(subcommand)]
    pub command: Option<GoalsCommand>,
    /// Shared flags.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// What about goals.
#[derive(Subcommand, Debug)]
pub enum GoalsCommand {
    /// The goals and how they stand
    List,
    /// Set a goal
    Add {
        /// A metric's name: mrr, arr, customers, nrr_12m, ... (netnew metrics --list)
        metric: String,
        /// Its value: 10000, 5% or 0.05
        value: String,
        /// The day at whose end it is to be there
        #[arg(long, value_name = "DATE")]
        by: String,
        /// The value or less is good, as for churn
        #[arg(long)]
        at_most: bool,
        /// Currency of the value [default: the book's]
        #[arg(long, value_name = "CUR")]
        currency: Option<String>,
    },
    /// Remove a goal
    Remove {
        /// Its id
        id: String,
    },
}

/// `netnew annotations`
#[derive(Args, Debug)]
pub struct AnnotationsArgs {
    /// What to do [default: list].
    #[command(subcommand)]
    pub command: Option<AnnotationsCommand>,
}

/// What about annotations.
#[derive(Subcommand, Debug)]
pub enum AnnotationsCommand {
    /// The annotations by day
    List,
    /// Write down what happened on a day
    Add {
        /// The day
        date: String,
        /// What happened, in one line
        text: String,
    },
    /// Remove an annotation
    Remove {
        /// Its id
        id: String,
    },
}

/// `netnew report`
#[derive(Args, Debug)]
pub struct ReportArgs {
    /// weekly or monthly: the last complete one
    pub every: String,
    /// Write the report as one HTML file that needs nothing else
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Send the report through a channel of mail [default: the only one there is]
    #[arg(long, value_name = "CHANNEL", num_args = 0..=1, default_missing_value = "")]
    pub mail: Option<String>,
    /// Shared flags.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `netnew explain`
#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// Id of a movement
    pub movement: Option<String>,
    /// A period, by any of its days
    #[arg(long, value_name = "DATE")]
    pub period: Option<String>,
    /// Only this kind
    #[arg(long)]
    pub kind: Option<String>,
    /// Shared flags.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `netnew check`
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// One check by name [default: all]
    pub name: Option<String>,
    /// Shared flags.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `netnew policy`
#[derive(Args, Debug)]
pub struct PolicyArgs {
    /// What about policies.
    #[command(subcommand)]
    pub command: PolicyCommand,
}

/// What about policies.
#[derive(Subcommand, Debug)]
pub enum PolicyCommand {
    /// Presets and saved policies
    List,
    /// Every knob of a policy, with its source
    Show {
        /// Preset, saved policy or file
        name: String,
        /// Change a knob: KNOB=VALUE
        #[arg(long)]
        set: Vec<String>,
    },
    /// Where the MRR of two policies differs, knob by knob and customer by customer
    Compare {
        /// First policy
        a: String,
        /// Second policy
        b: String,
        /// End of this day [default: as-of's day]
        #[arg(long, value_name = "DATE")]
        at: Option<String>,
        /// Currency of the figures [default: the book's]
        #[arg(long)]
        currency: Option<String>,
        /// Only what was known then
        #[arg(long, value_name = "INSTANT|DATE")]
        known_on: Option<String>,
    },
    /// Save a policy file in the book under its name
    Save {
        /// The TOML file
        file: PathBuf,
    },
}

/// `netnew export`
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// Directory to write into; --format says how: parquet (the default), csv or xlsx
    pub dir: PathBuf,
}

/// `netnew backup`
#[derive(Args, Debug)]
pub struct BackupArgs {
    /// File to write
    pub file: PathBuf,
}

/// `netnew restore`
#[derive(Args, Debug)]
pub struct RestoreArgs {
    /// Backup file
    pub file: PathBuf,
    /// Directory to make
    pub dir: PathBuf,
}

/// `netnew sql`
#[derive(Args, Debug)]
#[cfg_attr(not(feature = "pg"), allow(dead_code, reason = "without the feature nothing reads them"))]
pub struct SqlArgs {
    /// The query: one SELECT
    pub query: Option<String>,
    /// Shared flags.
    #[command(flatten)]
    pub read: ReadArgs,
    /// Stop a query after this many seconds; 0 never does
    #[arg(long, default_value_t = 600, value_name = "SECONDS")]
    pub timeout: u64,
    /// Memory for sorting, grouping and joining
    #[arg(long, default_value_t = 4096, value_name = "MEGABYTES")]
    pub memory: u64,
    /// Refuse answers with more rows, unless --limit says how many are wanted
    #[arg(long, default_value_t = 1_000_000, value_name = "N")]
    pub max_rows: usize,
    /// Serve queries over the Postgres protocol instead, for example on 127.0.0.1:5433 (feature `pg`)
    #[arg(long, value_name = "ADDR")]
    pub serve_pg: Option<String>,
    /// Environment variable that holds the password of --serve-pg
    #[arg(long, default_value = "NETNEW_PG_PASSWORD", value_name = "VAR")]
    pub password_env: String,
    /// File that holds it, on its first line
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Ask for no password; only on a loopback address
    #[arg(long)]
    pub no_password: bool,
}

/// `netnew serve`
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:7777", value_name = "ADDR")]
    pub addr: String,
    /// A name under which the book is served to others, as browsers ask for it (repeatable)
    #[arg(long, value_name = "HOST[:PORT]")]
    pub host: Vec<String>,
    /// A proxy before it speaks https: cookies are for that alone
    #[arg(long)]
    pub https: bool,
}

/// `netnew keys`
#[derive(Args, Debug)]
pub struct KeysArgs {
    /// What about keys.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// What about keys.
#[derive(Subcommand, Debug)]
pub enum KeysCommand {
    /// Make a key and print it, this once, alone on stdout whatever the format
    Create {
        /// Name to find it by
        name: String,
        /// read (figures), write (figures and imports) or admin (everything but people)
        #[arg(long)]
        scope: String,
    },
    /// The keys that work
    List,
    /// End a key at once
    Revoke {
        /// Its name
        name: String,
    },
}

/// `netnew schema`
#[derive(Args, Debug)]
pub struct SchemaArgs {
    /// Command whose output is described [default: list them]
    pub command: Option<String>,
}

/// `netnew bench`
#[derive(Args, Debug)]
pub struct BenchArgs {
    /// What to measure
    #[command(subcommand)]
    pub command: BenchCommand,
}

/// What `netnew bench` measures.
#[derive(Subcommand, Debug)]
pub enum BenchCommand {
    /// Make a data set: item states as Parquet, and rates as CSV
    Make {
        /// plain or hard
        shape: String,
        /// How many customers
        #[arg(long, default_value_t = 1_000_000)]
        customers: u32,
        /// Another seed makes other customers
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Directory to write SHAPE.parquet and SHAPE-rates.csv into
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// The ledger of the book under policies it has never seen
    Rebuild {
        /// How many policies
        #[arg(long, default_value_t = 5)]
        runs: u32,
        /// Which ones
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// One new fact after the other, and how soon each is in the totals; writes to the book, so give it a copy
    Fact {
        /// How many facts
        #[arg(long, default_value_t = 200)]
        runs: u32,
        /// Which customers
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Reports over a book in memory, as a server gives them, under policies nobody has asked for and again
    Reads {
        /// How many policies
        #[arg(long, default_value_t = 3)]
        runs: u32,
        /// Which ones
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}
