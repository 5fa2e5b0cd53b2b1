//! `netnew sql --serve-pg ADDR`: queries over the Postgres protocol, of the book as it is when serving begins.

use super::query::{runtime, session};
use crate::cli::SqlArgs;
use crate::environment::Environment;
use crate::error::CliError;
use crate::render;
use std::net::{SocketAddr, ToSocketAddrs};
use std::process::ExitCode;

/// Serves until the process is ended.
pub fn run(address: &str, args: &SqlArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let address = resolve(address)?;
    let password = password(args, &address)?;
    let session = session(args, env)?;
    let runtime = runtime()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await?;
        let at = listener.local_addr()?;
        render::say(&format!("Serving the book at postgresql://netnew@{at}/netnew until you press Ctrl-C."));
        if password.is_none() {
            render::say("No password is asked for: whoever can run programs on this machine can read it.");
        } else if !at.ip().is_loopback() {
            render::say("Connections are not encrypted: keep this inside a network that you trust.");
        }
        netnew_query::pg::serve(session, listener, password).await.map_err(CliError::from)
    })?;
    Ok(ExitCode::SUCCESS)
}

fn resolve(address: &str) -> Result<SocketAddr, CliError> {
    address.to_socket_addrs().ok().and_then(|mut found| found.next()).ok_or_else(|| {
        CliError::usage(
            "bad_address",
            format!("--serve-pg {address:?} is not an address"),
            "write HOST:PORT, for example 127.0.0.1:5433",
        )
    })
}

/// The password, from where other users of the machine cannot see it; `None` when none is wanted.
fn password(args: &SqlArgs, address: &SocketAddr) -> Result<Option<String>, CliError> {
    if args.no_password {
        return match address.ip().is_loopback() {
            true => Ok(None),
            false => Err(CliError::usage(
                "password_needed",
                format!(
                    "--no-password is for this machine alone, and {} is not a loopback address",
                    address.ip()
                ),
                "serve on 127.0.0.1, or set a password",
            )),
        };
    }
    let given = match &args.password_file {
        Some(file) => std::fs::read_to_string(file)?.lines().next().map(str::to_string),
        None => std::env::var(&args.password_env).ok(),
    };
    match given.filter(|password| !password.is_empty()) {
        Some(password) => Ok(Some(password)),
        None => Err(CliError::usage(
            "password_needed",
            "there is no password for --serve-pg",
            format!(
                "put it into the environment variable {} or into a file for --password-file; on a loopback address \
                 --no-password does without",
                args.password_env
            ),
        )),
    }
}
