//! Goals and annotations: set, seen, removed. They stand on the charts and in the reports.

use super::doors::form;
use super::notify::{FieldsForm, choices, input, row, table};
use super::parts::{Cell, Head, Row, Select, Table};
use super::settings::{act, back, page};
use super::{Ask, MARKS};
use crate::error::WebError;
use crate::marks::{annotation_of, goal_of, marks};
use crate::sign_in::now;
use crate::web::work;
use axum::extract::RawForm;
use axum::response::Response;
use netnew_access::Action;
use netnew_metrics::registry;
use netnew_money::Ratio;
use netnew_report::decide::{GoalStanding, goals};

/// Metrics offered first.
const USUAL: [&str; 3] = ["mrr", "arr", "customers"];

/// `/settings/marks`
pub async fn show(ask: Ask) -> Result<Response, WebError> {
    work(move || draw(&ask)).await
}

fn draw(ask: &Ask) -> Result<Response, WebError> {
    ask.caller.who.must(Action::Annotate)?;
    let marks = marks(&ask.site)?;
    let report = super::whole(ask)?;
    let mut shown = page(ask, MARKS)?;
    let told = goals(&report, &marks.goals)?;
    if told.is_empty() {
        shown = shown.notice("info", "No goals yet. A goal stands on the chart of MRR and in the reports, with what each month has to bring.");
    } else {
        shown = shown.part(&goal_table(ask, &told, true)?)?;
    }
    let all: Vec<&str> = registry::all().iter().map(|m| m.name).collect();
    let rest = all.into_iter().filter(|name| !USUAL.contains(name));
    let names = USUAL.into_iter().chain(rest);
    let options =
        names.filter_map(|name| Some((name.to_string(), registry::find(name).ok()?.title.to_string())));
    let metric = Select { name: "metric", label: "Figure", value: "mrr".into(), options: options.collect() };
    shown = shown.part(&FieldsForm {
        action: MARKS,
        act: "goal",
        heading: "Set a goal",
        fields: vec![
            input("value", "Value", "text", "", true),
            input("by", "By the end of", "date", "", true),
        ],
        selects: vec![
            metric,
            choices("aim", "Good is", &[("at_least", "the value or more"), ("at_most", "the value or less")]),
        ],
        button: "Set",
        hint: format!("Money in {}; shares as 5% or 0.05.", report.currency_name()),
        ..FieldsForm::default()
    })?;
    if marks.annotations.is_empty() {
        shown = shown.notice("info", "No annotations yet. A price change, a launch, an outage: a line on the charts says why a month looks as it does.");
    } else {
        let mut list = table("Annotations", &["Day", "What happened", "Written by", ""]);
        for one in marks.annotations.iter().rev() {
            let hidden = vec![("do", "remove-annotation".to_string()), ("id", one.id.clone())];
            let mut day = Cell::text(one.date.to_string());
            day.class = "nowrap";
            let text = Cell { class: "wrap", ..Cell::text(&one.text) };
            row(&mut list, vec![day, text, Cell::dim(&one.by), act(MARKS, hidden, "Remove")?]);
        }
        shown = shown.part(&list)?;
    }
    shown
        .part(&FieldsForm {
            action: MARKS,
            act: "annotation",
            heading: "Write down what happened",
            fields: vec![
                input("date", "Day", "date", "", true),
                input("text", "What happened", "text", "", true),
            ],
            button: "Add",
            hint: "One line of at most 80 characters.".into(),
            ..FieldsForm::default()
        })?
        .respond(ask)
}

/// Goals with their figures; with buttons for who may change them.
pub(super) fn goal_table(ask: &Ask, told: &[GoalStanding], change: bool) -> Result<Table, WebError> {
    let mut out = Table {
        heading: "Goals".into(),
        caption: "Goals".into(),
        links: vec![("JSON".into(), ask.asked().link("/api/v1/goals"))],
        ..Table::default()
    };
    out.heads = vec![
        Head::text("Figure"),
        Head::text("By"),
        Head::num("Goal"),
        Head::num("Now"),
        Head::num("At this pace"),
        Head::text("So far"),
        Head::text("In words"),
    ];
    if change {
        out.heads.push(Head::text(""));
    }
    for one in told {
        let show = |value: Option<Ratio>| value.map(|v| one.shown(v)).unwrap_or_default();
        let word = one.standing.verdict.as_str().replace('_', " ");
        let tone = match one.standing.verdict.as_str() {
            "reached" | "met" | "on_pace" => " good",
            "missed" | "short" => " bad",
            _ => "",
        };
        let than = if one.goal.at_most { "at most " } else { "" };
        let name =
            Cell::text(one.metric.title).to(ask.kept().link(&format!("/definitions/{}", one.metric.name)));
        let mut by = Cell::text(one.goal.by.to_string());
        by.class = "nowrap";
        let mut cells = vec![
            name,
            by,
            Cell::num(format!("{than}{}", one.target())),
            value_cell(ask, one, show(one.standing.value)),
            Cell::num(show(one.standing.expected)),
            Cell { html: format!("<span class=\"badge{tone}\">{word}</span>"), ..Cell::default() },
            Cell { class: "wrap dim", ..Cell::text(&one.says) },
        ];
        if change {
            let hidden = vec![("do", "remove-goal".to_string()), ("id", one.goal.id.clone())];
            cells.push(act(MARKS, hidden, "Remove")?);
        }
        out.rows.push(Row { class: "", cells });
    }
    Ok(out)
}

/// The present value, which opens into what it is made of.
fn value_cell(ask: &Ask, one: &GoalStanding, text: String) -> Cell {
    let mut cell = Cell::num(text);
    if one.standing.value.is_some() {
        cell = cell.to(ask.explain_metric(one.metric.name, &one.day.first_of_month().to_string()));
        cell.explain = true;
    }
    cell
}

/// What the forms send.
pub async fn change(ask: Ask, RawForm(body): RawForm) -> Result<Response, WebError> {
    work(move || {
        let fields = form(&body);
        let field = |name: &str| fields.get(name).map(str::to_string);
        let (access, who) = (ask.site.access(), &ask.caller.who);
        let id = field("id").unwrap_or_default();
        match field("do").as_deref() {
            Some("goal") => drop(goal_of(&ask.site, &ask.caller, &field)?),
            Some("annotation") => drop(annotation_of(&ask.site, &ask.caller, &field)?),
            Some("remove-goal") => access.remove_goal(who, &id, now(&ask.site)?)?,
            Some("remove-annotation") => access.remove_annotation(who, &id, now(&ask.site)?)?,
            _ => return Err(WebError::not_found("such form")),
        }
        Ok(back(MARKS))
    })
    .await
}
