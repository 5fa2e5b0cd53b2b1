//! The ends of what a chart may be asked for.

use netnew_chart::tokens::Theme;
use netnew_chart::{
    Amount, BarItem, Bars, Body, Cell, Frame, HeatRow, Heatmap, Lines, Movements, Series, Spec, Tone, Unit,
    Waterfall, svg, table,
};
use proptest::prelude::*;

use crate::samples::{self, money, months, usd};
use crate::xml::{Node, parse};

fn drawn(spec: &Spec) -> Vec<Node> {
    [240, 320, 1_280].map(|width| parse(&svg(spec, &Frame::page(width)).expect("a drawing"))).into()
}

fn series(label: &str, tone: Tone, values: &[&str]) -> Series {
    let cells = values.iter().map(|value| Cell::new(money(value), "/x")).collect();
    Series { label: label.into(), tone, cells, dashed: false }
}

fn of(body: Body) -> Spec {
    Spec { id: "x".into(), title: "An extreme".into(), desc: String::new(), unit: usd(), body }
}

/// The same values as bars, as a line and as an area.
fn each_way(values: &[&str]) -> Vec<Spec> {
    let periods = months(values.len(), values.len());
    let line = series("MRR", Tone::Main, values);
    let bars = Movements {
        periods: periods.clone(),
        kinds: vec![series("New", Tone::New, values)],
        ..Movements::default()
    };
    let lines = Lines { periods, series: vec![line], ..Lines::default() };
    let area = Lines { area: true, ..lines.clone() };
    let stacked = Lines { stacked: true, ..lines.clone() };
    vec![of(Body::Movements(bars)), of(Body::Lines(lines)), of(Body::Lines(area)), of(Body::Lines(stacked))]
}

#[test]
fn one_point_all_zero_negative_only_and_huge() {
    for values in [
        &["5"][..],
        &["0", "0", "0"],
        &["-5", "-7.25"],
        &["1e15", "-1e15"],
        &["1e24", "0.0000000001"],
        &["-0.001"],
    ] {
        for spec in each_way(values) {
            for root in drawn(&spec) {
                let text = format!("{root:?}");
                assert!(!text.contains("−0\"") && !text.contains("−0.00\u{a0}"), "{text}");
                assert!(!root.all("text").is_empty());
            }
            let table = table(&spec).expect("a table");
            assert_eq!(table.rows.len(), values.len());
            assert!(!table.html(true).contains("−0.00"));
        }
    }
}

#[test]
fn a_line_of_one_point_shows_it() {
    let spec = &each_way(&["5"])[1];
    for root in drawn(spec) {
        assert_eq!(root.all("circle").iter().filter(|c| c.attr("class").contains("nn-on")).count(), 1);
    }
}

#[test]
fn nothing_says_so() {
    let bodies = [
        Body::Movements(Movements::default()),
        Body::Waterfall(Waterfall::default()),
        Body::Lines(Lines::default()),
        Body::Heatmap(Heatmap::default()),
        Body::Bars(Bars::default()),
    ];
    for body in bodies {
        let spec = of(body);
        for root in drawn(&spec) {
            assert_eq!(root.all("text")[0].text, "Nothing in this period");
            assert_eq!(root.attr("role"), "img");
        }
        assert!(table(&spec).expect("a table").rows.is_empty());
        parse(&table(&spec).expect("a table").html(true));
    }
}

#[test]
fn sixty_periods_and_a_year_of_days() {
    for count in [60, 366] {
        for spec in [samples::movements(count), samples::lines(count), samples::stacked(count)] {
            for root in drawn(&spec) {
                for bar in root.all("a").iter().filter_map(|mark| mark.all("rect").first().copied()) {
                    assert!(bar.at("width") >= 0 && bar.at("height") >= 0);
                }
                assert!(root.all("text").len() < 120, "labels thin out");
            }
        }
    }
}

#[test]
fn gaps_break_lines_and_leave_cells_empty() {
    let mut line = series("MRR", Tone::Main, &["1", "2", "3", "4", "5"]);
    line.cells[2] = Cell::gap();
    let spec = of(Body::Lines(Lines { periods: months(5, 5), series: vec![line], ..Lines::default() }));
    for root in drawn(&spec) {
        assert_eq!((root.all("path").len(), root.all("a").len()), (2, 4));
    }
    assert_eq!(table(&spec).expect("a table").rows[2].cells[0].text, "");
}

#[test]
fn hostile_words_stay_words() {
    let evil = "</text><script>alert(1)</script>\"' onload=\"x\u{0}&amp;";
    let mut spec = samples::bars();
    spec.title = evil.into();
    spec.desc = evil.into();
    if let Body::Bars(chart) = &mut spec.body {
        chart.names = evil.into();
        chart.items.push(BarItem {
            label: evil.into(),
            note: evil.into(),
            cell: Cell::new(money("1"), "/a?b=<c>&d=\"e\""),
            ..BarItem::default()
        });
    }
    let shown = evil.replace('\u{0}', "\u{fffd}");
    for text in [
        svg(&spec, &Frame::page(640)).expect("a drawing"),
        svg(&spec, &Frame::standalone(640, Theme::Dark)).expect("a drawing"),
        table(&spec).expect("a table").html(true),
    ] {
        assert!(!text.contains("<script") && !text.contains("onload=\"x"), "{text}");
        let root = parse(&text);
        assert!(root.everything().iter().any(|node| node.text.contains(&shown)), "{text}");
    }
    let root = parse(&svg(&spec, &Frame::page(640)).expect("a drawing"));
    assert!(root.all("a").iter().any(|a| a.attr("href") == "/a?b=<c>&d=\"e\""));
}

#[test]
fn cells_of_a_heatmap_have_text_only_where_it_fits() {
    for width in [240, 320, 640, 1_280] {
        let root = parse(&svg(&samples::heatmap(24), &Frame::page(width)).expect("a drawing"));
        for mark in root.all("a") {
            let (Some(cell), Some(text)) =
                (mark.all("rect").first().copied(), mark.all("text").first().copied())
            else {
                continue;
            };
            let room = cell.at("width") + 100;
            let least = i64::try_from(text.text.chars().count()).expect("short") * 500;
            assert!(least <= room, "{width}: {} in {room}", text.text);
        }
        assert_eq!(root.all("a").len(), 24 + 24 * 25 / 2);
    }
}

#[test]
fn rows_of_a_heatmap_may_end_early_but_not_late() {
    let mut ragged = samples::heatmap(13);
    let Body::Heatmap(chart) = &mut ragged.body else { panic!("a heatmap") };
    for row in &mut chart.rows {
        row.cells.retain(|cell| cell.value.is_some());
    }
    let full = samples::heatmap(13);
    assert_eq!(svg(&ragged, &Frame::page(640)), svg(&full, &Frame::page(640)));
    assert_eq!(table(&ragged), table(&full));
    let Body::Heatmap(chart) = &mut ragged.body else { panic!("a heatmap") };
    chart.columns.pop();
    let error = svg(&ragged, &Frame::page(640)).expect_err("a value without a place");
    assert_eq!(error.to_string(), "chart retention: November 2025 has 13 values for 12 places");
}

#[test]
fn a_heatmap_of_one_value_and_one_beyond_its_domain() {
    let row = |value: &str| HeatRow {
        label: "A".into(),
        short: "A".into(),
        cells: vec![Cell::plain(money(value))],
        ..HeatRow::default()
    };
    for domain in [None, Some((money("0"), money("0"))), Some((money("40"), money("20")))] {
        let chart = Heatmap {
            columns: vec!["0".into()],
            rows: vec![row("120"), row("-3")],
            domain,
            ..Heatmap::default()
        };
        let spec = Spec { unit: Unit::Percent { decimals: 0 }, ..of(Body::Heatmap(chart)) };
        drawn(&spec);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    /// Any values at all: it draws, it is well-formed, and the table holds each figure.
    #[test]
    fn any_values_draw(values in prop::collection::vec(-10_i128.pow(34)..10_i128.pow(34), 1..40), width in 0_u32..5_000) {
        let texts: Vec<String> = values.iter().map(|raw| Amount::from_raw(*raw).to_string()).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        for spec in each_way(&texts) {
            parse(&svg(&spec, &Frame::page(width)).expect("a drawing"));
            let rows = table(&spec).expect("a table").rows;
            for (row, raw) in rows.iter().zip(&values) {
                prop_assert_eq!(&row.cells[0].text, &Amount::from_raw(*raw).display_grouped(2));
            }
        }
    }
}
