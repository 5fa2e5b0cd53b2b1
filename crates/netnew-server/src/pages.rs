//! The pages: one file each. An address becomes an [`Ask`], a report answers it, and parts are put into the frame that
//! all pages share.

mod charts;
mod customer;
mod customers;
mod decide;
mod definitions;
mod doors;
mod explain;
mod imports;
mod marks;
mod movements;
mod notify;
mod overview;
mod palette;
mod parts;
mod payload;
mod policy;
mod retention;
mod segments;
mod settings;
mod sources;

pub use decide::{assumptions, whole};

pub use movements::{group_filter, group_name, period_name as period_label};

use crate::assets;
use crate::error::{Shown, WebError};
use crate::params::{Params, SHARED};
use crate::sign_in::{Caller, cookie};
use crate::site::Site;
use crate::web::tagged;
use askama::Template;
use axum::Router;
use axum::extract::{Form, FromRequestParts, Request, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use netnew_metrics::{Extras, ReportCurrency, RollupRow};
use netnew_money::Day;
use netnew_report::Report;
use parts::{Filters, Link, Select, Text, render};
use std::convert::Infallible;
use std::sync::Arc;

/// The pages' routes.
pub fn routes(site: &Arc<Site>) -> Router<Arc<Site>> {
    Router::new()
        .route("/", get(overview::page))
        .route("/movements", get(movements::page))
        .route("/customers", get(customers::page))
        .route("/customers/{id}", get(customer::page))
        .route("/segments", get(segments::page))
        .route("/retention", get(retention::page))
        .route("/decide", get(decide::page))
        .route("/reports/{name}", get(decide::written))
        .route("/policy", get(policy::page))
        .route("/definitions", get(definitions::page))
        .route("/definitions/{name}", get(definitions::one))
        .merge(crate::upload::limited(
            Router::new().route("/imports", get(imports::page).post(imports::bring)),
        ))
        .route("/palette", get(palette::data))
        .route("/search", get(palette::page))
        .route("/payloads/{sha256}", get(payload::page))
        .route("/explain", get(explain::page))
        .route("/explain/{movement}", get(explain::movement))
        .route("/charts/{name}", get(charts::page))
        .merge(doors::routes())
        .merge(settings::routes())
        .merge(sources::routes())
        .route("/theme", post(theme))
        .fallback(|| async { WebError::not_found("such page") })
        .layer(from_fn_with_state(site.clone(), for_people))
}

/// A request for a page.
pub struct Ask {
    /// What requests share.
    pub site: Arc<Site>,
    /// Path of the page.
    pub path: String,
    /// Its parameters.
    pub params: Params,
    /// Headers of the request.
    pub headers: HeaderMap,
    /// Who asks.
    pub caller: Caller,
    theme: String,
}

impl FromRequestParts<Arc<Site>> for Ask {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Ask, Infallible> {
        Ok(Ask {
            site: site.clone(),
            path: parts.uri.path().to_string(),
            params: Params::parse(parts.uri.query().unwrap_or_default()),
            theme: cookie(&parts.headers, "theme").unwrap_or_default(),
            headers: parts.headers.clone(),
            caller: parts.extensions.get::<Caller>().cloned().unwrap_or_else(|| Caller {
                who: netnew_access::Who::nobody("unknown"),
                session: None,
                shared: false,
            }),
        })
    }
}

/// Where goals and annotations are set.
pub const MARKS: &str = "/settings/marks";

/// Ranges that a page offers: value, words, and months before this one.
const RANGES: [(&str, &str, Option<i32>); 6] = [
    ("3m", "Last 3 months", Some(3)),
    ("6m", "Last 6 months", Some(6)),
    ("12m", "Last 12 months", Some(12)),
    ("24m", "Last 24 months", Some(24)),
    ("ytd", "This year", None),
    ("all", "All time", None),
];

/// The range of a page that says none.
const USUAL_RANGE: &str = "12m";

impl Ask {
    /// The report, over the range that the address names.
    pub fn report(&self) -> Result<Report, WebError> {
        let mut report = self.site.ask_as_of(&self.params.question(), self.params.get("as_of"))?;
        if self.params.get("from").is_none() && self.params.get("to").is_none() {
            report.from = self.range_start(report.today());
        }
        Ok(report)
    }

    fn range_start(&self, today: Day) -> Option<Day> {
        let range = self.params.get("range").unwrap_or(USUAL_RANGE);
        let months = RANGES.iter().find(|(name, ..)| *name == range).map_or(Some(12), |r| r.2);
        match (range, months) {
            ("all", _) => None,
            ("ytd", _) => {
                let (_, month, _) = today.ymd();
                Some(today.first_of_month().add_months(1 - i32::try_from(month).unwrap_or(1)))
            }
            (_, months) => Some(today.first_of_month().add_months(-months.unwrap_or(12))),
        }
    }

    /// The report in the currencies of its movements, unless the address names one.
    pub fn report_in_own_currency(&self) -> Result<Report, WebError> {
        let question = self.params.question().in_own_currency();
        self.site.ask_as_of(&question, self.params.get("as_of"))
    }

    /// What other pages should keep of this one's state.
    pub fn kept(&self) -> Params {
        let mut names = SHARED.to_vec();
        names.extend(["range", "compare"]);
        self.params.only(&names)
    }

    /// What an explanation keeps: everything but the range and the groups.
    pub fn asked(&self) -> Params {
        self.params.only(&SHARED).without(&["from", "to", "by"])
    }

    /// Address of the explanation of a kind in a period; `extra`: a filter added to the page's own.
    pub fn explain(&self, period: &str, kind: Option<&str>, extra: Option<&str>) -> String {
        let mut params = self.asked();
        if let Some(extra) = extra {
            let filter = match params.get("where") {
                Some(own) => format!("{own},{extra}"),
                None => extra.to_string(),
            };
            params = params.with("where", &filter);
        }
        params.with("period", period).with("kind", kind.unwrap_or_default()).link("/explain")
    }

    /// Address of the explanation of a metric in a period.
    pub fn explain_metric(&self, metric: &str, period: &str) -> String {
        self.asked().with("metric", metric).with("period", period).link("/explain")
    }

    /// CSV and JSON of what a path of the API answers to this page's question.
    pub fn downloads(&self, path: &str, params: &Params) -> Vec<Link> {
        let params = params.without(&["range", "compare"]);
        vec![("CSV".into(), params.with("format", "csv").link(path)), ("JSON".into(), params.link(path))]
    }

    /// A chart as SVG, and its rows as CSV and JSON.
    pub fn chart_links(&self, chart: &str, path: &str, report: &Report) -> Vec<Link> {
        let mut links =
            vec![("SVG".to_string(), self.params.without(&["cursor"]).link(&format!("/charts/{chart}.svg")))];
        links.extend(self.downloads(path, &self.exact(report)));
        links
    }

    /// The page's parameters with its range as days, as the API wants it.
    pub fn exact(&self, report: &Report) -> Params {
        let kept = self.kept();
        match (kept.get("from"), report.from) {
            (None, Some(day)) => kept.with("from", &day.to_string()),
            _ => kept,
        }
    }

    /// The range that this one is compared with: its name and its rows, as many as there are of this one.
    pub fn compared(
        &self,
        report: &Report,
        rows: &[RollupRow],
    ) -> Result<Option<(&'static str, Vec<RollupRow>)>, WebError> {
        let (Some(how), Some(first)) = (self.params.get("compare"), rows.first()) else { return Ok(None) };
        let (grain, week_start) = (report.grain, report.policy.week_start);
        let start = first.period.start;
        let (name, from) = match how {
            "previous" => {
                // Stepping back one period at a time keeps to the calendar whatever the interval.
                let back = rows.iter().fold(start, |at, _| grain.period_start(at.add_days(-1), week_start));
                ("Period before", back)
            }
            "year" => ("Year before", grain.period_start(start.add_months(-12), week_start)),
            _ => return Ok(None),
        };
        let mut to = from;
        rows.iter().for_each(|_| to = grain.next_start(to, week_start));
        let query = report.query_over(from, to.add_days(-1).min(report.today()));
        let mut before = report.rows(&query, Extras::default())?;
        before.truncate(rows.len());
        Ok(Some((name, before)))
    }

    /// The filter form that most pages have.
    pub fn filters(&self, report: &Report, with_by: bool) -> Result<Filters, WebError> {
        let chosen = |name: &str, usual: &str| self.params.get(name).unwrap_or(usual).to_string();
        let custom = self.params.get("from").is_some() || self.params.get("to").is_some();
        let mut ranges: Vec<(String, String)> =
            RANGES.iter().map(|(v, w, _)| (v.to_string(), w.to_string())).collect();
        if custom {
            ranges.insert(0, (String::new(), "Days below".into()));
        }
        let mut selects = vec![
            Select {
                name: "range",
                label: "Range",
                value: if custom { String::new() } else { chosen("range", USUAL_RANGE) },
                options: ranges,
            },
            Select {
                name: "interval",
                label: "Interval",
                value: chosen("interval", "month"),
                options: words(&["day", "week", "month", "quarter", "year"]),
            },
        ];
        if with_by {
            let mut fields = vec![(String::new(), "Nothing".to_string())];
            fields.extend(words(&["plan", "currency", "country", "channel", "source", "layer"]));
            let by = chosen("by", "");
            if !fields.iter().any(|(v, _)| *v == by) {
                fields.push((by.clone(), by.clone()));
            }
            selects.push(Select { name: "by", label: "Grouped by", value: by, options: fields });
        }
        let policies = crate::api::list_policies(self.site.book())?;
        let own = self.site.book().settings().policy.clone();
        let mut options = vec![(String::new(), format!("{own} (the book's)"))];
        options.extend(
            policies
                .iter()
                .filter_map(|p| p["name"].as_str())
                .filter(|name| *name != own)
                .map(|name| (name.to_string(), name.to_string())),
        );
        selects.push(Select { name: "policy", label: "Policy", value: chosen("policy", ""), options });
        let compared = [("", "Nothing"), ("previous", "Period before"), ("year", "Year before")];
        selects.push(Select {
            name: "compare",
            label: "Compare with",
            value: chosen("compare", ""),
            options: compared.iter().map(|(v, w)| (v.to_string(), w.to_string())).collect(),
        });
        let texts = vec![
            Text {
                name: "where",
                label: "Only where",
                kind: "text",
                value: chosen("where", ""),
                placeholder: "plan=Pro,country=DE|FR",
            },
            Text {
                name: "currency",
                label: "Currency",
                kind: "text",
                value: chosen("currency", ""),
                placeholder: report.book.settings().currency.as_str(),
            },
        ];
        let shown: Vec<&str> = selects.iter().map(|s| s.name).chain(texts.iter().map(|t| t.name)).collect();
        let hidden = self
            .params
            .pairs()
            .filter(|(name, _)| !shown.contains(name) && !["from", "to", "cursor", "period"].contains(name))
            .map(|(k, v)| (k.to_string(), v.to_string()))
            .collect();
        let mut chips = Vec::new();
        for name in ["from", "to", "known_on", "as_of", "timezone", "constant_rates"] {
            if let Some(value) = self.params.get(name) {
                let without = self.params.without(&[name]).link(&self.path);
                chips.push((format!("{} {value}", name.replace('_', " ")), without));
            }
        }
        for change in self.params.all("set") {
            let mut rest = self.params.without(&["set"]);
            for other in self.params.all("set").iter().filter(|c| **c != change) {
                rest = rest.and("set", other);
            }
            chips.push((change, rest.link(&self.path)));
        }
        Ok(Filters { action: self.path.clone(), hidden, selects, texts, chips })
    }
}

fn words(values: &[&str]) -> Vec<(String, String)> {
    let capital = |word: &str| {
        let mut chars = word.chars();
        chars.next().map_or(String::new(), |c| c.to_uppercase().collect::<String>() + chars.as_str())
    };
    values.iter().map(|v| (v.to_string(), capital(v))).collect()
}

/// An entry of the bar.
pub struct NavItem {
    href: String,
    label: &'static str,
    key: &'static str,
    current: bool,
}

/// What surrounds every page.
pub struct Chrome {
    title: String,
    book: String,
    demo: bool,
    signed_in: bool,
    who: String,
    theme: String,
    themes: [(&'static str, &'static str); 3],
    back: String,
    css: String,
    tokens: String,
    js: String,
    icon: String,
    nav: Vec<NavItem>,
    more: Vec<NavItem>,
    foot: Vec<String>,
}

/// Path, label and key of each page in the bar.
const NAV: [(&str, &str, &str); 8] = [
    ("/", "Overview", "o"),
    ("/decide", "Decide", "w"),
    ("/movements", "Movements", "m"),
    ("/customers", "Customers", "c"),
    ("/segments", "Segments", "s"),
    ("/retention", "Retention", "r"),
    ("/policy", "Policy", "p"),
    ("/imports", "Imports", "i"),
];

/// The same for the pages in the menu beside it.
const MORE: [(&str, &str, &str); 2] = [("/definitions", "Definitions", "d"), ("/settings", "Settings", ",")];

impl Chrome {
    fn new(ask: &Ask, title: &str, report: Option<&Report>) -> Chrome {
        let kept = ask.kept();
        // Whoever holds a link to one page is not shown doors that stay shut.
        let shut = ask.caller.shared || !known(ask);
        let items = |pages: &[(&'static str, &'static str, &'static str)]| -> Vec<NavItem> {
            let open = pages.iter().filter(|_| !shut);
            open.map(|(path, label, key)| NavItem {
                href: kept.link(path),
                label,
                key,
                current: ask.path == *path || (*path != "/" && ask.path.starts_with(&format!("{path}/"))),
            })
            .collect()
        };
        let (nav, more) = (items(&NAV), items(&MORE));
        Chrome {
            title: title.to_string(),
            book: ask.site.options().title.clone(),
            demo: ask.site.options().demo,
            signed_in: ask.caller.session.is_some(),
            who: ask.caller.who.name.trim_start_matches("user ").to_string(),
            theme: ask.theme.clone(),
            themes: [("", "Theme of the system"), ("light", "Light"), ("dark", "Dark")],
            back: ask.params.link(&ask.path),
            css: assets::css(),
            tokens: assets::tokens(),
            js: assets::js(),
            icon: assets::icon(),
            nav,
            more,
            foot: report.map(foot).unwrap_or_default(),
        }
    }
}

fn known(ask: &Ask) -> bool {
    ask.caller.who.grant != netnew_access::Grant::Nobody
}

/// What a reader needs to know to repeat the figures.
fn foot(report: &Report) -> Vec<String> {
    let changed: Vec<String> = report.policy.changed.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let changed = if changed.is_empty() { String::new() } else { format!(" ({})", changed.join(", ")) };
    let through = report.least_data_through().map_or("nothing yet".to_string(), |i| i.to_string());
    vec![
        format!("Data through {through}"),
        format!("Policy {} {}{changed}", report.policy.name, report.policy.version),
        report.currency_name(),
        report.zone.name().to_string(),
        format!("As of {}", report.as_of),
    ]
}

/// A whole page.
#[derive(Template)]
#[template(path = "page.html")]
pub struct Page {
    chrome: Chrome,
    crumbs: Vec<Link>,
    sub: String,
    tools: Vec<Link>,
    filters: Option<String>,
    notices: Vec<(&'static str, String)>,
    body: Vec<String>,
}

impl Page {
    /// An empty page.
    pub fn new(ask: &Ask, title: &str, report: Option<&Report>) -> Page {
        Page {
            chrome: Chrome::new(ask, title, report),
            crumbs: Vec::new(),
            sub: String::new(),
            tools: Vec::new(),
            filters: None,
            notices: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A line under the heading.
    pub fn sub(mut self, text: impl Into<String>) -> Page {
        self.sub = text.into();
        self
    }

    /// The page above this one.
    pub fn under(mut self, label: &str, href: impl Into<String>) -> Page {
        self.crumbs.push((label.to_string(), href.into()));
        self
    }

    /// Links beside the heading.
    pub fn tools(mut self, links: Vec<Link>) -> Page {
        self.tools = links;
        self
    }

    /// The form that says what is shown.
    pub fn filtered(mut self, filters: &Filters) -> Result<Page, WebError> {
        self.filters = Some(render(filters)?);
        Ok(self)
    }

    /// A message above everything; `class` is `info`, `good`, `warn` or `bad`.
    pub fn notice(mut self, class: &'static str, text: impl Into<String>) -> Page {
        self.notices.push((class, text.into()));
        self
    }

    /// One more part.
    pub fn part(mut self, part: &impl Template) -> Result<Page, WebError> {
        self.body.push(render(part)?);
        Ok(self)
    }

    /// One more part that is drawn already.
    pub fn drawn(mut self, html: String) -> Page {
        self.body.push(html);
        self
    }

    /// The answer.
    pub fn respond(&self, ask: &Ask) -> Result<Response, WebError> {
        Ok(tagged(&ask.headers, "text/html; charset=utf-8", render(self)?))
    }
}

/// Decimals of the report's currency.
pub fn decimals(report: &Report) -> u8 {
    match report.currency {
        ReportCurrency::In(currency) => currency.exponent(),
        ReportCurrency::Original => 2,
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    chrome: Chrome,
    code: String,
    message: String,
    hint: String,
}

/// Shows people the errors that programs get as documents.
async fn for_people(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let ask = Ask::from_request_parts(&mut parts, &site).await;
    let response = next.run(Request::from_parts(parts, body)).await;
    let Some(Shown(code, message, hint)) = response.extensions().get::<Shown>().cloned() else {
        return response;
    };
    let Ok(ask) = ask;
    let page = ErrorPage { chrome: Chrome::new(&ask, "Not shown", None), code, message, hint };
    match page.render() {
        Ok(html) => (response.status(), [("content-type", "text/html; charset=utf-8")], html).into_response(),
        Err(_) => response,
    }
}

#[derive(serde::Deserialize)]
struct Theme {
    theme: String,
    back: String,
}

/// Keeps the chosen theme in a cookie and goes back.
async fn theme(Form(chosen): Form<Theme>) -> Response {
    let theme = if ["light", "dark"].contains(&chosen.theme.as_str()) { chosen.theme } else { String::new() };
    let inside =
        chosen.back.starts_with('/') && !chosen.back.starts_with("//") && !chosen.back.contains('\\');
    let back = if inside { chosen.back } else { "/".to_string() };
    let cookie = format!("theme={theme}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly");
    (StatusCode::SEE_OTHER, [(LOCATION, back), (SET_COOKIE, cookie)]).into_response()
}

/// The name of a file without the folders that it was imported from.
fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}
