//! Errors as users see them: code, message, hint, and the exit code.

use std::process::ExitCode;

pub use netnew_report::ReportError as CliError;

/// 1 for a finding or a refused input, 2 for wrong usage.
pub fn exit_code(error: &CliError) -> ExitCode {
    ExitCode::from(if error.wrong_usage { 2 } else { 1 })
}
