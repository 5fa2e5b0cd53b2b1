//! Each chart as a file: one drawing that stands alone, colours written in.

use super::Ask;
use crate::charts;
use crate::error::WebError;
use crate::marks::marks;
use crate::web::{as_file, tagged, work};
use axum::extract::Path;
use axum::response::Response;
use netnew_chart::tokens::Theme;
use netnew_chart::{Frame, Spec};
use netnew_metrics::RollupRow;
use netnew_money::Grain;
use netnew_report::cohorts::{cohorts, parse_measure};
use netnew_report::mrr::waterfall;
use netnew_report::{Question, Report};

/// Width of a file, unless the address says another.
const WIDTH: usize = 960;

/// `/charts/NAME.svg` with a page's parameters.
pub async fn page(Path(name): Path<String>, ask: Ask) -> Result<Response, WebError> {
    work(move || {
        let stem = name.strip_suffix(".svg").ok_or_else(|| WebError::not_found("such chart"))?;
        let spec = spec(&ask, stem)?.ok_or_else(|| WebError::not_found("such chart"))?;
        let width = ask.params.get("width").and_then(|w| w.parse().ok()).unwrap_or(WIDTH).clamp(320, 2_000);
        let theme = if ask.params.get("theme") == Some("dark") { Theme::Dark } else { Theme::Light };
        let svg = netnew_chart::svg(&spec, &Frame::standalone(u32::try_from(width).unwrap_or(960), theme))?;
        Ok(as_file(tagged(&ask.headers, "image/svg+xml", svg), &name))
    })
    .await
}

fn rows(ask: &Ask, by: Option<String>) -> Result<(Report, Vec<RollupRow>), WebError> {
    let mut report = ask.report()?;
    if by.is_some() {
        let from = report.from;
        let question = Question { by, ..ask.params.question() };
        report = ask.site.ask_as_of(&question, ask.params.get("as_of"))?;
        report.from = from;
    } else {
        report.by = Vec::new();
    }
    let rows = waterfall(&report, &report.query()?)?;
    Ok((report, rows))
}

fn spec(ask: &Ask, name: &str) -> Result<Option<Spec>, WebError> {
    Ok(match name {
        "movements" => {
            let (report, rows) = rows(ask, None)?;
            Some(charts::movements(ask, &report, &rows, &marks(&ask.site)?))
        }
        "mrr" => {
            let (report, rows) = rows(ask, None)?;
            let compared = ask.compared(&report, &rows)?;
            Some(charts::mrr(
                ask,
                &report,
                &rows,
                compared.as_ref().map(|(n, r)| (*n, r.as_slice())),
                &marks(&ask.site)?,
            ))
        }
        "waterfall" => {
            let (report, rows) = rows(ask, None)?;
            charts::waterfall(ask, &report, &rows)
        }
        "segments" => {
            let (report, rows) = rows(ask, Some(ask.params.get("by").unwrap_or("plan").to_string()))?;
            charts::stacked(ask, &report, &rows)
        }
        "cohorts" => {
            let mut report = ask.report()?;
            report.by = Vec::new();
            if !matches!(report.grain, Grain::Month | Grain::Quarter) {
                report.grain = Grain::Month;
            }
            let measure = parse_measure(ask.params.get("measure").unwrap_or("customers"))?;
            let rows = cohorts(&report, measure)?;
            Some(charts::cohorts(ask, &report, &rows, measure))
        }
        _ => None,
    })
}
