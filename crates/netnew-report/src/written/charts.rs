//! The drawings of a report.

use super::blocks::{capital, parts, short};
use super::{Every, Written};
use crate::story::STORY;
use netnew_chart::{Annotation, Body, Cell, Goal, Lines, Movements, Period, Series, Spec, State, Tone, Unit};
use netnew_decide::words::month;
use netnew_ledger::Kind;
use netnew_metrics::RollupRow;
use netnew_money::Amount;

/// MRR over the trend; nothing to draw for a single period.
pub fn trend(written: &Written) -> Option<Spec> {
    (written.trend.len() > 1).then(|| Spec {
        id: "trend".into(),
        title: "MRR".into(),
        desc: format!("MRR at the end of each {}.", written.every.noun()),
        unit: unit(written),
        body: Body::Lines(Lines {
            periods: periods(written),
            series: vec![Series {
                label: "MRR".into(),
                tone: Tone::Main,
                cells: written.trend.iter().map(|r| Cell::plain(r.end)).collect(),
                dashed: false,
            }],
            area: true,
            annotations: annotations(written),
            goal: written.goal.as_ref().map(|goal| Goal {
                label: format!("Goal by {}", goal.by),
                value: goal.value,
                href: None,
            }),
            ..Lines::default()
        }),
    })
}

/// What moved it, in printed cents, so that the drawing's table adds up.
pub fn movements(written: &Written) -> Option<Spec> {
    let all: Vec<Vec<Amount>> = written.trend.iter().map(|r| parts(r, written.decimals)).collect();
    let kinds: Vec<Series> = STORY
        .iter()
        .enumerate()
        .map(|(at, kind)| Series {
            label: capital(kind.as_str()),
            tone: tone(*kind),
            cells: all.iter().map(|p| Cell::plain(p[at])).collect(),
            dashed: false,
        })
        .collect();
    let net = Series {
        label: "Net new".into(),
        tone: Tone::Net,
        cells: all.iter().map(|p| Cell::plain(p[..STORY.len()].iter().copied().sum())).collect(),
        dashed: false,
    };
    (written.trend.len() > 1).then(|| Spec {
        id: "movements".into(),
        title: "Movements".into(),
        desc: format!("Gains and losses of each {}.", written.every.noun()),
        unit: unit(written),
        body: Body::Movements(Movements {
            periods: periods(written),
            kinds,
            net: Some(net),
            annotations: annotations(written),
            ..Movements::default()
        }),
    })
}

/// What people wrote down, at the period that holds the day.
fn annotations(written: &Written) -> Vec<Annotation> {
    let at = |day| written.trend.iter().position(|r| r.period.first <= day && day <= r.period.last);
    let one = |a: &netnew_access::Annotation| {
        Some(Annotation { at: at(a.date)?, label: a.text.clone(), href: None })
    };
    written.annotations.iter().filter_map(one).collect()
}

fn unit(written: &Written) -> Unit {
    Unit::Money { code: written.currency.clone(), decimals: written.decimals }
}

fn periods(written: &Written) -> Vec<Period> {
    let name = |row: &RollupRow| match written.every {
        Every::Week => format!("Week from {}", row.period.first),
        Every::Month => month(row.period.first),
    };
    written
        .trend
        .iter()
        .map(|row| Period {
            label: name(row),
            short: short(row, written.every),
            group: row.period.first.to_string()[..4].to_string(),
            state: State::Past,
        })
        .collect()
}

fn tone(kind: Kind) -> Tone {
    match kind {
        Kind::New => Tone::New,
        Kind::Reactivation => Tone::Reactivation,
        Kind::Expansion => Tone::Expansion,
        Kind::Contraction => Tone::Contraction,
        Kind::Churn => Tone::Churn,
        Kind::Transfer => Tone::Transfer,
    }
}
