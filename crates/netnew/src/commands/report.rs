//! `netnew report`: a week or a month to read.

use crate::cli::ReportArgs;
use crate::environment::Environment;
use crate::error::CliError;
use crate::render;
use netnew_access::Access;
use netnew_report::decide::Marks;
use netnew_report::written::{Every, write};
use std::process::ExitCode;

/// Prints the report as Markdown, or writes it as an HTML file. JSON only when it is asked for by name: a report that
/// goes into a file is to be read.
pub fn run(args: &ReportArgs, env: &Environment) -> Result<ExitCode, CliError> {
    let every = match args.every.as_str() {
        "weekly" => Every::Week,
        "monthly" => Every::Month,
        other => {
            return Err(CliError::usage(
                "unknown_report",
                format!("no report is called {other:?}"),
                "use weekly or monthly",
            ));
        }
    };
    let report = env.report(&args.read)?;
    let access = Access::open(&report.book).map_err(super::goals::refused)?;
    let marks = Marks::of(&access).map_err(super::goals::refused)?;
    let written = write(&report, every, &marks, None)?;
    if let Some(channel) = &args.mail {
        return crate::commands::notify::mail(channel, &written, env);
    }
    let json = env.files.as_deref() == Some("json");
    let html = match (&args.html, json) {
        (None, false) => None,
        _ => Some(written.html()?),
    };
    if let (Some(path), Some(html)) = (&args.html, &html) {
        std::fs::write(path, html).map_err(|e| {
            CliError::refused(
                "io",
                format!("{}: {e}", path.display()),
                "give a file in a directory that is there",
            )
        })?;
        render::say(&format!("{} is in {}", written.title(), path.display()));
    }
    match (json, args.html.is_some()) {
        (true, _) => render::object(env, &written.to_json(html), String::new)?,
        (false, true) => {}
        (false, false) => render::stdout(|out| out.write_all(written.markdown().as_bytes()))?,
    }
    Ok(ExitCode::SUCCESS)
}
