//! Made-up charts, one of each kind, for the tests and the gallery.

use netnew_chart::{
    Amount, Annotation, BarItem, Bars, Body, Cell, Fan, FanPoint, Goal, HeatRow, Heatmap, Lines, Milestone,
    Movements, Period, Series, Spec, State, Step, StepKind, Tone, Unit, Waterfall,
};

pub fn money(text: &str) -> Amount {
    Amount::parse(text).expect("a number")
}

pub fn usd() -> Unit {
    Unit::Money { code: "USD".into(), decimals: 2 }
}

fn spec(id: &str, title: &str, unit: Unit, body: Body) -> Spec {
    Spec {
        id: id.into(),
        title: title.into(),
        desc: format!("{title}, as the table beside it says."),
        unit,
        body,
    }
}

const MONTHS: [(&str, &str); 12] = [
    ("January", "Jan"),
    ("February", "Feb"),
    ("March", "Mar"),
    ("April", "Apr"),
    ("May", "May"),
    ("June", "Jun"),
    ("July", "Jul"),
    ("August", "Aug"),
    ("September", "Sep"),
    ("October", "Oct"),
    ("November", "Nov"),
    ("December", "Dec"),
];

/// So many months from November 2025; from `running` on they are not over, after it ahead.
pub fn months(count: usize, running: usize) -> Vec<Period> {
    let period = |n: usize| {
        let (month, year) = ((n + 10) % 12, 2025 + (n + 10) / 12);
        let state = match n.cmp(&running) {
            std::cmp::Ordering::Less => State::Past,
            std::cmp::Ordering::Equal => State::Running,
            std::cmp::Ordering::Greater => State::Future,
        };
        let (label, short) = (format!("{} {year}", MONTHS[month].0), MONTHS[month].1.to_owned());
        Period { label, short, group: year.to_string(), state }
    };
    (0..count).map(period).collect()
}

fn row(label: &str, tone: Tone, values: impl IntoIterator<Item = Amount>) -> Series {
    let cell = |(n, value)| Cell::new(value, format!("/rows?series={}&at={n}", label.replace(' ', "-")));
    Series {
        label: label.into(),
        tone,
        cells: values.into_iter().enumerate().map(cell).collect(),
        dashed: false,
    }
}

fn wave(n: usize, base: i64, swing: i64) -> Amount {
    let steps = [0, 3, 7, 5, 9, 4, 8, 2, 6, 10, 1, 7, 3];
    Amount::from_raw(
        (i128::from(base) * 100 + i128::from(swing) * steps[n % 13] * 10 + i128::from(base) % 97)
            * 100_000_000,
    )
}

/// Movements of `count` months.
pub fn movements(count: usize) -> Spec {
    let all = |base, swing, sign: i64| -> Vec<Amount> {
        (0..count).map(|n| if sign < 0 { -wave(n, base, swing) } else { wave(n + 3, base, swing) }).collect()
    };
    let kinds = vec![
        row("New", Tone::New, all(820, 50, 1)),
        row("Expansion", Tone::Expansion, all(310, 31, 1)),
        row("Reactivation", Tone::Reactivation, all(90, 13, 1)),
        row(
            "Transfer",
            Tone::Transfer,
            (0..count).map(|n| if n % 4 == 2 { money("-60") } else { money("0") }),
        ),
        row("FX", Tone::Fx, (0..count).map(|n| if n % 2 == 0 { money("38.11") } else { money("-29.4") })),
        row("Contraction", Tone::Contraction, all(140, 21, -1)),
        row("Churn", Tone::Churn, all(480, 62, -1)),
    ];
    let sum = |n: usize| kinds.iter().filter_map(|kind| kind.cells[n].value).sum();
    let net = row("Net new", Tone::Net, (0..count).map(sum));
    let body = Movements {
        periods: months(count, count.saturating_sub(2)),
        kinds,
        net: Some(net),
        annotations: if count > 6 {
            vec![Annotation { at: 5, label: "New prices".into(), href: Some("/notes/1".into()) }]
        } else {
            Vec::new()
        },
        goal: None,
    };
    spec("movements", "Movements by month", usd(), Body::Movements(body))
}

pub fn waterfall() -> Spec {
    let step = |label: &str, tone, value: &str, kind| Step {
        label: label.into(),
        tone,
        cell: Cell::new(money(value), format!("/explain?step={label}").replace(' ', "-")),
        kind,
    };
    let steps = vec![
        step("September", Tone::Compare, "11910.22", StepKind::Total),
        step("New", Tone::New, "1310.00", StepKind::Change),
        step("Expansion", Tone::Expansion, "412.50", StepKind::Change),
        step("Reactivation", Tone::Reactivation, "79.00", StepKind::Change),
        step("Contraction", Tone::Contraction, "-221.39", StepKind::Change),
        step("Churn", Tone::Churn, "-1010.00", StepKind::Change),
        step("October", Tone::Compare, "12480.33", StepKind::Total),
    ];
    spec(
        "waterfall",
        "October, from start to end",
        usd(),
        Body::Waterfall(Waterfall { steps, state: State::Past }),
    )
}

fn growth(n: usize, base: i64, by: i64) -> Amount {
    Amount::from_major(base + by * i64::try_from(n).expect("few")) + wave(n, 0, by / 8)
}

/// MRR over `count` months with a comparison and a forecast.
pub fn lines(count: usize) -> Spec {
    let known = count.saturating_sub(4).max(1).min(count);
    let mut mrr = row("MRR", Tone::Main, (0..known).map(|n| growth(n, 8_900, 320)));
    mrr.cells.resize(count, Cell::gap());
    let mut before = row("A year before", Tone::Compare, (0..count).map(|n| growth(n, 6_200, 190)));
    before.dashed = true;
    let last = growth(known.saturating_sub(1), 8_900, 320);
    let point = |at: usize| {
        let ahead = i64::try_from(at + 1 - known).expect("few");
        let mid = last + Amount::from_major(290 * ahead);
        let spread = Amount::from_major(170 * ahead);
        FanPoint { at, low: mid - spread, mid, high: mid + spread, href: Some(format!("/forecast/{at}")) }
    };
    let body = Lines {
        periods: months(count, known.saturating_sub(1)),
        series: vec![mrr, before],
        area: true,
        fan: Some(Fan { label: "Forecast".into(), points: (known..count).map(point).collect() }),
        goal: Some(Goal { label: "Goal".into(), value: money("15000"), href: None }),
        annotations: if count > 6 {
            vec![Annotation { at: 3, label: "EU launch".into(), href: None }]
        } else {
            Vec::new()
        },
        ..Lines::default()
    };
    spec("mrr", "MRR over time", usd(), Body::Lines(body))
}

pub fn stacked(count: usize) -> Spec {
    let plans = [("Basic", 2_100, 60), ("Team", 3_900, 150), ("Business", 2_400, 90), ("Add-ons", 500, 30)];
    let layer = |(n, (label, base, by)): (usize, (&str, i64, i64))| {
        let tone = Tone::Series(u8::try_from(n + 1).expect("few"));
        row(label, tone, (0..count).map(|at| growth(at, base, by)))
    };
    let series = plans.into_iter().enumerate().map(layer).collect();
    let body =
        Lines { periods: months(count, count.saturating_sub(1)), series, stacked: true, ..Lines::default() };
    spec("layers", "MRR by plan", usd(), Body::Lines(body))
}

pub fn heatmap(count: usize) -> Spec {
    let rows = months(count, count).into_iter().enumerate().map(|(n, period)| {
        let cell = |age: usize| match age {
            _ if age + n >= count => Cell::gap(),
            0 => Cell::new(money("100"), format!("/cohort/{n}/0")),
            _ => {
                let left = 96 - 5 * i64::try_from(age).expect("few")
                    + i64::try_from((n * 7 + age * 3) % 9).expect("few");
                Cell::new(Amount::from_major(left.max(3)) + money("0.4"), format!("/cohort/{n}/{age}"))
            }
        };
        HeatRow {
            short: format!("{} {}", period.short, &period.group[2..]),
            label: period.label,
            href: Some(format!("/cohort/{n}")),
            size: (20 + n * 3).to_string(),
            cells: (0..count).map(cell).collect(),
            running: 1,
        }
    });
    let body = Heatmap {
        rows_name: "Cohort".into(),
        size_name: "Customers".into(),
        columns_name: "Months since".into(),
        columns: (0..count).map(|n| n.to_string()).collect(),
        rows: rows.collect(),
        domain: Some((money("30"), money("100"))),
    };
    spec("retention", "Customers who stayed", Unit::Percent { decimals: 1 }, Body::Heatmap(body))
}

pub fn bars() -> Spec {
    let item = |(label, value, note): (&str, &str, &str)| BarItem {
        label: label.into(),
        tone: Tone::Main,
        cell: Cell::new(money(value), format!("/plans/{label}").replace(' ', "-")),
        note: note.into(),
    };
    let items = [
        ("Team", "5810.40", "46.6 %"),
        ("Business, paid by the year in advance", "3600", "28.8 %"),
        ("Basic", "2570.93", "20.6 %"),
        ("Add-ons <new> & old", "620", "5.0 %"),
        ("Credits", "-121", "−1.0 %"),
    ];
    let body =
        Bars { names: "Plan".into(), values: "MRR".into(), items: items.into_iter().map(item).collect() };
    spec("plans", "MRR by plan, October 2026", usd(), Body::Bars(body))
}

pub fn milestone() -> Spec {
    let goal = |label: &str, value: &str| Goal { label: label.into(), value: money(value), href: None };
    let body = Milestone {
        from: money("0"),
        label: "MRR".into(),
        now: Cell::new(money("12480.33"), "/explain?metric=mrr"),
        goals: vec![goal("Costs covered", "9000"), goal("Milestone", "15000")],
        outlook: "At this pace March–May 2027".into(),
    };
    spec("milestone", "To the next milestone", usd(), Body::Milestone(body))
}

/// One of each.
pub fn all() -> Vec<Spec> {
    vec![movements(14), waterfall(), lines(17), stacked(13), heatmap(13), bars(), milestone()]
}
