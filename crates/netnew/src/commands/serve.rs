//! `netnew serve`: the book over HTTP until it is told to stop.

use crate::cli::ServeArgs;
use crate::environment::{Environment, Stopwatch};
use crate::error::CliError;
use crate::render::say;
use netnew_server::{Options, Site};
use std::io::IsTerminal;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;

/// Where a book is served unless somebody says otherwise.
const PORT: u16 = 7777;

/// Serves the environment's book.
pub fn run(args: &ServeArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let address = resolve(&args.addr)?;
    let listener = TcpListener::bind(address).map_err(|error| cannot_listen(&address, &error))?;
    let at = listener.local_addr()?;
    let hosts = match (args.host.is_empty(), at.ip().is_loopback()) {
        (true, true) => Some(own_names(&at)),
        (true, false) => None,
        (false, _) => Some(args.host.iter().cloned().chain(own_names(&at)).collect()),
    };
    let title = env.book_dir.file_name().map_or_else(|| "book".into(), |n| n.to_string_lossy().to_string());
    say(&format!("Serving {} at http://{at} until you press Ctrl-C.", env.book_dir.display()));
    let loopback = at.ip().is_loopback() && args.host.is_empty();
    serve(env, listener, Options { loopback, https: args.https, ..options(env, false, title, hosts) })
}

/// Serves the made-up business on this machine; without a port on the usual one, or on any when that is taken.
pub fn demo(env: &Environment, port: Option<u16>, open: bool) -> Result<ExitCode, CliError> {
    let wanted = SocketAddr::from(([127, 0, 0, 1], port.unwrap_or(PORT)));
    let listener = match (TcpListener::bind(wanted), port) {
        (Err(error), None) if error.kind() == std::io::ErrorKind::AddrInUse => {
            TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?
        }
        (listener, _) => listener.map_err(|error| cannot_listen(&wanted, &error))?,
    };
    let at = listener.local_addr()?;
    say(&format!("Its pages: http://{at}   (Ctrl-C ends it)"));
    if open && std::io::stdout().is_terminal() {
        open_browser(&format!("http://{at}"));
    }
    let title = "Made-up business".to_string();
    let hosts = Some(own_names(&at));
    serve(env, listener, options(env, true, title, hosts))
}

fn options(env: &Environment, demo: bool, title: String, hosts: Option<Vec<String>>) -> Options {
    Options {
        now: Box::new(env.ticking()),
        stopwatch: Box::new(Since(Stopwatch::start())),
        webhook_secrets: Box::new(webhook_secrets),
        demo,
        loopback: true,
        https: false,
        title,
        hosts,
    }
}

/// The secrets of a source's webhook, from the environment: `NETNEW_WEBHOOK_SECRET_` and the source's name in capitals, with
/// `_` for what is no letter or digit; several, while one replaces another, with commas between.
fn webhook_secrets(source: &str) -> Vec<String> {
    let name: String = source
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect();
    let text = std::env::var(format!("NETNEW_WEBHOOK_SECRET_{name}")).unwrap_or_default();
    text.split(',').map(str::trim).filter(|secret| !secret.is_empty()).map(str::to_string).collect()
}

/// Time since the server began.
struct Since(Stopwatch);

impl netnew_server::Stopwatch for Since {
    fn now_micros(&self) -> u64 {
        self.0.micros()
    }
}

fn serve(env: &Environment, listener: TcpListener, options: Options) -> Result<ExitCode, CliError> {
    let filter = tracing_subscriber::EnvFilter::try_from_env("NETNEW_LOG").unwrap_or_else(|_| "warn".into());
    // Somebody may have set up logging already, in a test for one.
    let _ = tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).try_init();
    let site = Arc::new(Site::open(&env.book_dir, options).map_err(|e| e.error)?);
    if let Some(token) = site.setup_token().map_err(|e| e.error)? {
        say(&format!(
            "Nobody owns this book yet. Set it up at /setup with this token, within a day: {token}"
        ));
    }
    remember_address(&site, &listener)?;
    let variables = Box::new(|name: &str| std::env::var(name).ok());
    let book = netnew_book::Book::open_at(&env.book_dir)?;
    let _syncing = netnew_server::syncing::Syncing::start(book, site.clock(), variables)?;
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        netnew_server::serve(site, listener, stop()).await
    })?;
    say("Stopped.");
    Ok(ExitCode::SUCCESS)
}

/// Notes where the pages are, for links in messages; who set an address of their own keeps it.
fn remember_address(site: &Site, listener: &TcpListener) -> Result<(), CliError> {
    let options = site.options();
    let named = options.hosts.as_ref().and_then(|hosts| hosts.first().cloned());
    let Some(host) = named.filter(|_| !options.demo) else { return Ok(()) };
    let scheme = if options.https { "https" } else { "http" };
    let port = listener.local_addr()?.port();
    let address = match options.https || host.contains(':') {
        true => format!("{scheme}://{host}"),
        false => format!("{scheme}://{host}:{port}"),
    };
    Ok(netnew_notify::Notify::open(site.book())?.set_mark("served_at", Some(&address))?)
}

/// Done when somebody asks the program to end.
async fn stop() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
            .expect("a signal handler");
        tokio::select! { _ = interrupted => {}, _ = terminated.recv() => {} }
    }
    #[cfg(not(unix))]
    let _ = interrupted.await;
}

/// The names under which this machine asks itself.
fn own_names(at: &SocketAddr) -> Vec<String> {
    let port = at.port();
    vec![format!("{at}"), format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}")]
}

fn resolve(address: &str) -> Result<SocketAddr, CliError> {
    address.to_socket_addrs().ok().and_then(|mut found| found.next()).ok_or_else(|| {
        CliError::usage(
            "bad_address",
            format!("--addr {address:?} is not an address"),
            "write HOST:PORT, for example 127.0.0.1:7777",
        )
    })
}

fn cannot_listen(address: &SocketAddr, error: &std::io::Error) -> CliError {
    CliError::refused(
        "cannot_listen",
        format!("cannot listen on {address}: {error}"),
        "is something else serving there? another port will do: 0 picks a free one",
    )
}

/// Shows an address in the browser, if there is a way; nobody is told when there is not.
fn open_browser(url: &str) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let _ = Command::new(opener).arg(url).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
}
