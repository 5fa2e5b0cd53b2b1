//! `netnew notify`: where alerts and reports are sent, and when.

use crate::cli::{ChannelArgs, ChannelsCommand, NotifyArgs, NotifyCommand, SchedulesCommand};
use crate::environment::Environment;
use crate::error::CliError;
use crate::render;
use crate::render::say;
use crate::render::table::Align;
use netnew_access::{Access, AccessError, Secret, Who};
use netnew_book::Book;
use netnew_money::{Instant, Zone};
use netnew_notify::{
    Channel, Clock, Days, Message, Notify, NotifyError, Quiet, Ran, Schedule, SecretRef, Secrets, Target,
    Tls, World, begin, test,
};
use netnew_report::written::Written;
use netnew_report::{View, instant_or_end_of_day};
use serde_json::{Map, Value, json};
use std::io::BufRead;
use std::process::ExitCode;
use std::sync::Arc;

/// What sending stands on.
pub struct Desk {
    view: View,
    access: Access,
    key: Option<String>,
    title: String,
    /// Channels, schedules and the outbox.
    pub notify: Notify,
}

impl Desk {
    /// The environment's book.
    pub fn open(env: &Environment) -> Result<Desk, CliError> {
        let book = Arc::new(env.open_book()?);
        let access = Access::open(&book).map_err(sealed)?;
        let notify = Notify::open(&book)?;
        let title = title(&book);
        Ok(Desk {
            view: View::new(book)?,
            access,
            key: std::env::var("NETNEW_SECRET_KEY").ok(),
            title,
            notify,
        })
    }

    /// Does something in the world as it is.
    pub fn with<T>(
        &self,
        env: &Environment,
        run: impl FnOnce(&Notify, &World) -> Result<T, NotifyError>,
    ) -> Result<T, CliError> {
        let now = || env.time_now();
        let variable = |name: &str| std::env::var(name).ok();
        let secrets = Secrets { access: &self.access, key: self.key.as_deref(), env: &variable };
        let world = World { view: &self.view, secrets, now: &now, title: &self.title };
        Ok(run(&self.notify, &world)?)
    }
}

/// What a book is called: its directory.
fn title(book: &Book) -> String {
    book.dir().file_name().map_or_else(|| "book".into(), |n| n.to_string_lossy().to_string())
}

fn sealed(error: AccessError) -> CliError {
    CliError::refused(error.code(), error.to_string(), error.hint())
}

/// Does what is asked.
pub fn run(args: &NotifyArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let desk = Desk::open(env)?;
    match &args.command {
        NotifyCommand::Channels { command } => channels(command, &desk, env),
        NotifyCommand::Schedules { command } => schedules(command, &desk, env),
        NotifyCommand::Quiet { hours } => {
            match hours.as_deref() {
                None => {}
                Some("off") => desk.notify.set_mark("quiet", None)?,
                Some(hours) => desk.notify.set_mark("quiet", Some(&Quiet::parse(hours)?.to_string()))?,
            }
            let quiet = desk.notify.quiet()?.map(|q| q.to_string());
            let zone = desk.view.book.settings().timezone.clone();
            render::object(env, &json!({"quiet": quiet, "timezone": zone}), || match &quiet {
                Some(quiet) => format!(
                    "Alerts wait from {} in {zone}; then they are sent as one.\n",
                    quiet.replace('-', " to ")
                ),
                None => "No quiet hours: alerts are sent when they are found.\n".into(),
            })?;
            Ok(ExitCode::SUCCESS)
        }
        NotifyCommand::Address { url } => {
            match url.as_deref() {
                None => {}
                Some("off") => desk.notify.set_address(None)?,
                Some(url) => desk.notify.set_address(Some(url))?,
            }
            let address = desk.notify.address()?;
            render::object(env, &json!({"address": address}), || match &address {
                Some(address) => format!("Links in messages begin with {address}\n"),
                None => "Messages have no links: nobody said where the pages are.\n".into(),
            })?;
            Ok(ExitCode::SUCCESS)
        }
        NotifyCommand::Run { again } => {
            if *again {
                desk.notify.revive(env.now(&Zone::utc())?)?;
            }
            let ran = desk.with(env, netnew_notify::run)?;
            render::object(env, &ran.to_json(), || words(&ran))?;
            let fine = ran.problems.is_empty() && ran.failed.is_empty() && ran.later.is_empty();
            Ok(if fine { ExitCode::SUCCESS } else { ExitCode::from(1) })
        }
        NotifyCommand::Log { channel, limit } => log(channel.as_deref(), *limit, &desk, env),
    }
}

fn words(ran: &Ran) -> String {
    if ran.busy {
        return "Another process is sending; nothing was done.\n".into();
    }
    let mut out = format!("{} new alerts; {} messages sent", ran.found, ran.sent.len());
    if ran.held > 0 {
        out.push_str(&format!("; {} alerts wait for quiet hours to end", ran.held));
    }
    out.push_str(".\n");
    for (id, said) in &ran.later {
        out.push_str(&format!("Will be tried again: {} ({said})\n", &id[..12]));
    }
    for (id, said) in &ran.failed {
        out.push_str(&format!("Given up: {} ({said})\n", &id[..12]));
    }
    for problem in &ran.problems {
        out.push_str(&format!("Problem: {problem}\n"));
    }
    out
}

fn channels(command: &ChannelsCommand, desk: &Desk, env: &Environment) -> Result<ExitCode, CliError> {
    match command {
        ChannelsCommand::Add(args) => {
            let channel = add(args, desk, env)?;
            let name = &channel.name;
            render::object(env, &channel.to_json(), || {
                format!("Channel {name} added. Next: netnew notify channels test {name}\n")
            })?;
            Ok(ExitCode::SUCCESS)
        }
        ChannelsCommand::List => {
            let rows: Vec<Value> = desk.notify.channels()?.iter().map(Channel::to_json).collect();
            render::rows(env, &Map::new(), &rows, None, || {
                let columns = ["name", "kind", "host", "from", "to", "url", "secret", "since"];
                render::plain_table(&rows, &columns.map(|c| (c, Align::Left)))
            })?;
            Ok(ExitCode::SUCCESS)
        }
        ChannelsCommand::Test { name } => {
            let channel = desk.notify.channel(name)?;
            let message = desk.with(env, |notify, world| test(notify, world, &channel))?;
            sent(&message, env)
        }
        ChannelsCommand::Remove { name } => {
            let channel = desk.notify.remove_channel(name)?;
            let now = env.now(&Zone::utc())?;
            for secret in channel.target.secrets() {
                if let SecretRef::Sealed(sealed_name) = secret {
                    desk.access.remove_secret(&Who::console(), sealed_name, now).map_err(sealed)?;
                }
            }
            render::object(env, &json!({"name": name, "removed": true}), || {
                format!("Channel {name} is gone.\n")
            })?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// What came of one message: exit 1 when it did not go out.
fn sent(message: &Message, env: &Environment) -> Result<ExitCode, CliError> {
    render::object(env, &message.to_json(), || match &message.said {
        Some(said) if message.state != "sent" => format!("Not sent: {said}\n"),
        _ => format!("Sent through {}: {}\n", message.channel, message.subject),
    })?;
    Ok(if message.state == "sent" { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn needed<'a>(value: &'a Option<String>, flag: &str, kind: &str) -> Result<&'a str, CliError> {
    value.as_deref().ok_or_else(|| {
        CliError::usage(
            "missing_flag",
            format!("a channel of kind {kind} needs {flag}"),
            "netnew notify channels add --help",
        )
    })
}

fn add(args: &ChannelArgs, desk: &Desk, env: &Environment) -> Result<Channel, CliError> {
    let zone = Zone::parse(&desk.view.book.settings().timezone)?;
    let now = env.now(&zone)?;
    let since: Instant = match &args.since {
        Some(text) => match netnew_report::parse_day("--since", text) {
            Ok(day) => zone.start_of(day),
            Err(_) => instant_or_end_of_day("--since", text, &zone)?,
        },
        None => now,
    };
    netnew_notify::checked_name(&args.name)?;
    let mut typed = Vec::new();
    let mut place = |text: &str, what: &str| -> Result<SecretRef, CliError> {
        if text != "-" {
            return Ok(SecretRef::try_from(text.to_string())?);
        }
        let name = format!("notify.{}.{what}", args.name);
        let mut line = String::new();
        say(&format!("{what} (one line):"));
        std::io::stdin().lock().read_line(&mut line)?;
        typed.push((name.clone(), Secret::new(line.trim())));
        Ok(SecretRef::Sealed(name))
    };
    let target = match args.kind.as_str() {
        "email" => {
            let tls = match args.tls.as_str() {
                "starttls" => Tls::Starttls,
                "implicit" => Tls::Implicit,
                "none" => Tls::None,
                other => {
                    return Err(CliError::usage(
                        "bad_tls",
                        format!("unknown --tls {other:?}"),
                        "use starttls, implicit or none",
                    ));
                }
            };
            let usual = match tls {
                Tls::Starttls => 587,
                Tls::Implicit => 465,
                Tls::None => 25,
            };
            Target::Email {
                host: needed(&args.host, "--host", "email")?.to_string(),
                port: args.port.unwrap_or(usual),
                tls,
                user: args.user.clone(),
                password: args.password.as_deref().map(|p| place(p, "password")).transpose()?,
                from: needed(&args.from, "--from", "email")?.to_string(),
                to: args.to.clone(),
            }
        }
        "slack" => Target::Slack { url: place(needed(&args.url, "--url", "slack")?, "url")? },
        "webhook" => Target::Webhook {
            url: place(needed(&args.url, "--url", "webhook")?, "url")?,
            secret: place(needed(&args.secret, "--secret", "webhook")?, "secret")?,
        },
        other => {
            return Err(CliError::usage(
                "unknown_channel_kind",
                format!("there is no kind of channel {other:?}"),
                "use email, slack or webhook",
            ));
        }
    };
    let channel = desk.notify.add_channel(&args.name, target, since)?;
    if !typed.is_empty() {
        let key = desk.access.secret_key(desk.key.as_deref()).map_err(sealed)?;
        for (name, secret) in &typed {
            desk.access.set_secret(&Who::console(), &key, name, secret, now).map_err(sealed)?;
        }
    }
    // What is there already is looked through now, so that only what comes is told.
    if let Err(error) = desk.with(env, begin) {
        say(&format!(
            "What is there already could not be looked through: {} (hint: {})",
            error.message, error.hint
        ));
    }
    Ok(channel)
}

fn schedules(command: &SchedulesCommand, desk: &Desk, env: &Environment) -> Result<ExitCode, CliError> {
    match command {
        SchedulesCommand::Add { name, report, on, at, channel, to, unsubscribe } => {
            let schedule = Schedule {
                name: name.clone(),
                days: Days::parse(report, on.as_deref())?,
                at: Clock::parse(at)?,
                channel: channel.clone(),
                to: to.clone(),
                unsubscribe: unsubscribe.clone(),
                since: env.now(&Zone::parse(&desk.view.book.settings().timezone)?)?,
            };
            desk.notify.add_schedule(&schedule)?;
            let zone = desk.view.book.settings().timezone.clone();
            render::object(env, &schedule.to_json(), || {
                format!("The {report} report goes out on {} at {at} in {zone}.\n", schedule.days.on())
            })?;
        }
        SchedulesCommand::List => {
            let rows: Vec<Value> = desk.notify.schedules()?.iter().map(Schedule::to_json).collect();
            render::rows(env, &Map::new(), &rows, None, || {
                let columns = ["name", "report", "on", "at", "channel", "to", "unsubscribe", "since"];
                render::plain_table(&rows, &columns.map(|c| (c, Align::Left)))
            })?;
        }
        SchedulesCommand::Remove { name } => {
            desk.notify.remove_schedule(name)?;
            render::object(env, &json!({"name": name, "removed": true}), || {
                format!("Schedule {name} is gone.\n")
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn log(channel: Option<&str>, limit: usize, desk: &Desk, env: &Environment) -> Result<ExitCode, CliError> {
    let rows: Vec<Value> = desk.notify.log(channel, limit)?.iter().map(Message::to_json).collect();
    let waiting: Vec<Value> = desk
        .notify
        .waiting()?
        .into_iter()
        .map(|(channel, alerts)| json!({"channel": channel, "alerts": alerts}))
        .collect();
    let envelope = Map::from_iter([
        ("waiting".to_string(), json!(waiting)),
        ("ran_at".to_string(), json!(desk.notify.mark("ran_at")?)),
        ("problem".to_string(), json!(desk.notify.mark("problem")?)),
    ]);
    render::rows(env, &envelope, &rows, None, || {
        if rows.is_empty() {
            return "Nothing was sent yet.\n".into();
        }
        let columns = ["created_at", "channel", "kind", "state", "attempts", "subject", "said"];
        render::plain_table(&rows, &columns.map(|c| (c, Align::Left)))
    })?;
    Ok(ExitCode::SUCCESS)
}

/// `netnew report --mail`: through the named channel, or the only one of mail.
pub fn mail(wanted: &str, written: &Written, env: &Environment) -> Result<ExitCode, CliError> {
    let desk = Desk::open(env)?;
    let channel = match wanted {
        "" => {
            let mut all: Vec<Channel> = desk.notify.channels()?;
            all.retain(|c| c.target.kind() == "email");
            match (all.pop(), all.is_empty()) {
                (Some(only), true) => only,
                (None, _) => {
                    return Err(CliError::refused(
                        "no_channel",
                        "there is no channel of mail",
                        "netnew notify channels add email NAME --host ...",
                    ));
                }
                (Some(_), false) => {
                    return Err(CliError::usage(
                        "several_channels",
                        "there are several channels of mail",
                        "name one: --mail NAME",
                    ));
                }
            }
        }
        name => desk.notify.channel(name)?,
    };
    let message =
        desk.with(env, |notify, world| netnew_notify::send_report(notify, world, &channel, written))?;
    sent(&message, env)
}
