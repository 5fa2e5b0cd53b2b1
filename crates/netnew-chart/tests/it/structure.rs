//! What every drawing has: labels and links on every mark, words and ids, the table of the same figures, equal bytes.

use std::collections::BTreeSet;

use netnew_chart::tokens::{TOKENS, Theme};
use netnew_chart::{
    Body, Frame, Mode, Spark, Spec, State, StepKind, Tone, css, legend, sparkline, svg, table,
};

use crate::samples::{self, money};
use crate::xml::{Node, parse};

const WIDTHS: [u32; 4] = [320, 480, 640, 1_280];

fn page(spec: &Spec, width: u32) -> Node {
    parse(&svg(spec, &Frame::page(width)).expect("a drawing"))
}

/// The widest an estimate of text may be: the tests measure as the crate does, digit by digit, from outside.
fn about(text: &str) -> i64 {
    i64::try_from(text.chars().count()).expect("short") * 600
}

#[test]
fn every_mark_is_a_link_with_a_label_and_a_title() {
    for spec in samples::all() {
        for width in WIDTHS {
            let root = page(&spec, width);
            let marks = root.all("a");
            assert!(!marks.is_empty(), "{}", spec.id);
            for mark in marks {
                assert!(
                    !mark.attr("href").is_empty() && !mark.attr("aria-label").is_empty(),
                    "{}: {mark:?}",
                    spec.id
                );
                assert_eq!(mark.children[0].name, "title");
                assert_eq!(mark.children[0].text, mark.attr("aria-label"));
            }
        }
    }
}

#[test]
fn drawings_name_themselves_and_carry_no_style_or_script() {
    for spec in samples::all() {
        let root = page(&spec, 640);
        assert_eq!(
            (root.attr("role"), root.attr("aria-labelledby")),
            ("group", format!("{}-title", spec.id).as_str())
        );
        assert_eq!(root.attr("viewBox"), format!("0 0 640 {}", root.attr("height")));
        assert_eq!(
            (root.children[0].name.as_str(), root.children[0].text.as_str()),
            ("title", spec.title.as_str())
        );
        assert_eq!(
            (root.children[1].name.as_str(), root.children[1].text.as_str()),
            ("desc", spec.desc.as_str())
        );
        let mut ids = BTreeSet::new();
        for node in root.everything() {
            assert!(!["style", "script", "foreignObject"].contains(&node.name.as_str()), "{}", node.name);
            for name in node.attrs.keys() {
                assert!(name != "style" && !name.starts_with("on"), "{name}");
            }
            if !node.attr("id").is_empty() {
                assert!(ids.insert(node.attr("id").to_owned()), "twice: {}", node.attr("id"));
                assert!(node.attr("id").starts_with(&spec.id));
            }
            // Patterns that are used are there.
            if let Some(pattern) = node.attr("fill").strip_prefix("url(#") {
                let pattern = pattern.trim_end_matches(')');
                assert!(root.all("pattern").iter().any(|p| p.attr("id") == pattern), "{pattern}");
            }
            // In a page every colour comes from the style sheet.
            for paint in ["fill", "stroke"] {
                assert!(!node.attr(paint).starts_with('#'), "{node:?}");
            }
        }
    }
}

#[test]
fn classes_of_colours_are_in_the_style_sheet() {
    let sheet = css();
    for spec in samples::all() {
        for node in page(&spec, 640).everything() {
            for class in
                node.attr("class").split(' ').filter(|c| c.starts_with("nn-f-") || c.starts_with("nn-s-"))
            {
                assert!(sheet.contains(&format!(".{class} {{")), "{class}");
            }
        }
        for class in legend(&spec).split("\"kind ").skip(1).filter_map(|rest| rest.split(['"', ' ']).next()) {
            assert!(sheet.contains(&format!(".kind.{class}::before")), "{class}");
        }
    }
    for token in TOKENS {
        let line = format!("--nn-{}: {};", token.name, token.dark);
        assert!(sheet.contains(&line), "{line}");
    }
}

/// The product's style sheet has no colour of its own: it says names, and every name is a token.
#[test]
fn the_pages_use_the_tokens_and_no_other_colour() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../netnew-server/assets/app.css");
    let sheet = std::fs::read_to_string(path).expect("the style sheet of the pages");
    let rules = sheet.split_once("*/").expect("the catalogue comes first").1;
    for name in rules.split("var(--nn-").skip(1).filter_map(|rest| rest.split([')', ',']).next()) {
        assert!(netnew_chart::tokens::find(name).is_some(), "--nn-{name} is no token");
    }
    for line in rules.lines().filter(|line| !line.contains("mask:")) {
        let colour = line.contains("rgb(")
            || line.contains("hsl(")
            || line
                .split('#')
                .skip(1)
                .any(|rest| rest.chars().take_while(char::is_ascii_hexdigit).count() >= 3);
        assert!(!colour, "a colour that is no token: {line}");
    }
}

#[test]
fn drawings_that_stand_alone_need_no_sheet_and_no_page() {
    for spec in samples::all() {
        for theme in [Theme::Light, Theme::Dark] {
            let text = svg(&spec, &Frame::standalone(640, theme)).expect("a drawing");
            let root = parse(&text);
            assert!(
                !text.contains("class=") && !text.contains("var(") && !text.contains("<a "),
                "{}",
                spec.id
            );
            assert_eq!(root.attr("role"), "img");
            assert!(root.all("text")[0].text.starts_with(&spec.title));
            for text in root.all("text") {
                assert!(text.attr("fill").starts_with('#'), "{text:?}");
            }
        }
        let base = Some("https://netnew.example/".into());
        let frame = Frame { width: 640, height: None, mode: Mode::Standalone { theme: Theme::Light, base } };
        let root = parse(&svg(&spec, &frame).expect("a drawing"));
        for link in root.all("a") {
            assert!(link.attr("href").starts_with("https://netnew.example/"), "{}", link.attr("href"));
            assert!(!link.attr("href")[8..].contains("//"));
        }
    }
}

#[test]
fn equal_specs_draw_equal_bytes() {
    for (one, other) in samples::all().into_iter().zip(samples::all()) {
        for frame in [Frame::page(733), Frame::standalone(733, Theme::Dark)] {
            assert_eq!(svg(&one, &frame), svg(&other, &frame));
        }
        assert_eq!(table(&one).map(|t| t.html(true)), table(&other).map(|t| t.html(true)));
    }
    assert_eq!(css(), css());
}

/// The figures that marks say, without units and words about states.
fn figures_of_marks(spec: &Spec) -> BTreeSet<String> {
    let root = page(spec, 640);
    let said = |mark: &&Node| mark.attr("aria-label").to_owned();
    root.all("a").iter().map(said).collect()
}

#[test]
fn the_table_says_what_the_marks_say() {
    for spec in samples::all() {
        let table = table(&spec).expect("a table");
        let labels = figures_of_marks(&spec);
        let unit = spec.unit.name();
        for row in &table.rows {
            assert_eq!(row.cells.len() + 1, table.columns.len(), "{}", spec.id);
            for cell in row.cells.iter().filter(|cell| cell.href.is_some()) {
                let figure = cell.text.trim_end_matches(" ◔");
                // Nothing is drawn for a bar of nothing; the table still says it.
                if matches!(spec.body, Body::Movements(_)) && ["0.00"].contains(&figure) {
                    continue;
                }
                let said = labels.iter().any(|label| {
                    (label.contains(&row.label) || matches!(spec.body, Body::Milestone(_)))
                        && label.contains(figure)
                });
                assert!(said, "{}: {} {} {unit}", spec.id, row.label, cell.text);
            }
        }
        let html = parse(&table.html(true));
        assert_eq!(html.children[0].name, "caption");
        assert!(html.children[0].text.starts_with(&spec.title));
        for head in html.all("th") {
            assert!(["col", "row"].contains(&head.attr("scope")), "{head:?}");
        }
        assert!(
            html.all("a").len() >= labels.len() || matches!(spec.body, Body::Heatmap(_) | Body::Movements(_))
        );
        assert!(parse(&table.html(false)).all("a").is_empty());
    }
}

#[test]
fn labels_read_as_sentences() {
    let labels = figures_of_marks(&samples::movements(14));
    assert!(labels.contains("November 2025, churn, −480.92\u{a0}USD"), "{labels:?}");
    assert!(
        labels
            .iter()
            .any(|label| label.starts_with("November 2026, net new, ") && label.ends_with(", not over yet"))
    );
    assert!(
        labels
            .iter()
            .any(|label| label.starts_with("December 2026, FX, ") && label.ends_with(", known ahead"))
    );
    assert!(labels.contains("April 2026, New prices"));
    let labels = figures_of_marks(&samples::waterfall());
    assert!(labels.contains("Churn, −1,010.00\u{a0}USD"), "{labels:?}");
    let labels = figures_of_marks(&samples::heatmap(13));
    assert!(labels.contains("January 2026, Months since 2, 88.4\u{a0}%"), "{labels:?}");
    let labels = figures_of_marks(&samples::lines(17));
    assert!(
        labels.iter().any(|label| label.contains(", Forecast, ") && label.contains(", between ")),
        "{labels:?}"
    );
}

#[test]
fn losses_are_hatched_and_below_zero_and_open_periods_have_dashed_edges() {
    let spec = samples::movements(14);
    let root = page(&spec, 640);
    let Body::Movements(chart) = &spec.body else { panic!("movements") };
    let zero = root
        .all("line")
        .iter()
        .rfind(|l| l.attr("class").contains("nn-s-zero"))
        .expect("a zero line")
        .at("y1");
    for mark in root.all("a") {
        let label = mark.attr("aria-label");
        let Some(shape) = mark.all("rect").first().copied() else { continue };
        let hatched = mark.all("rect").iter().any(|rect| rect.attr("fill").starts_with("url(#"));
        let loss = label.contains('−');
        assert_eq!(hatched, loss, "{label}");
        let (top, bottom) = (shape.at("y"), shape.at("y") + shape.at("height"));
        assert!(
            if loss { top >= zero - 60 } else { bottom <= zero + 60 },
            "{label}: {top} to {bottom}, zero {zero}"
        );
        assert_eq!(shape.attr("stroke-dasharray") == "3 2", label.contains("not over yet"), "{label}");
        assert_eq!(shape.attr("class").contains("nn-f-surface"), label.contains("known ahead"), "{label}");
    }
    assert_eq!(chart.periods.iter().filter(|p| p.state == State::Running).count(), 1);
}

#[test]
fn stacks_are_as_tall_as_their_sums() {
    let spec = samples::movements(14);
    let Body::Movements(chart) = &spec.body else { panic!("movements") };
    let root = page(&spec, 1_280);
    let tall = |place: usize, up: bool| -> i64 {
        let label = &chart.periods[place].label;
        let marks =
            root.all("a").into_iter().filter(|mark| mark.attr("aria-label").starts_with(label.as_str()));
        let bars =
            marks.filter(|mark| !mark.all("rect").is_empty() && mark.attr("aria-label").contains('−') != up);
        // The pixel of air between bars belongs to them.
        bars.map(|mark| mark.all("rect")[0].at("height")).map(|h| if h > 200 { h + 100 } else { h }).sum()
    };
    let sum = |place: usize, up: bool| -> i128 {
        let values = chart.kinds.iter().filter_map(|kind| kind.cells[place].value);
        values.filter(|value| value.is_positive() == up).map(|value| value.raw()).sum::<i128>().abs()
    };
    for place in 1..12 {
        let (drawn, exact) = (i128::from(tall(place, true)), sum(place, true));
        let (drawn_0, exact_0) = (i128::from(tall(0, true)), sum(0, true));
        // Within two pixels: bars of a pixel or less are drawn as one.
        let expected = exact * drawn_0 / exact_0;
        assert!((drawn - expected).abs() <= 300, "{place}: {drawn}, {expected}");
    }
}

#[test]
fn a_waterfall_joins_end_to_start_upright_and_lying() {
    let spec = samples::waterfall();
    let Body::Waterfall(chart) = &spec.body else { panic!("a waterfall") };
    let upright = page(&spec, 800);
    let bars: Vec<(i64, i64)> = upright
        .all("a")
        .iter()
        .map(|mark| mark.all("rect")[0])
        .map(|r| (r.at("y"), r.at("y") + r.at("height")))
        .collect();
    assert_eq!(bars.len(), chart.steps.len());
    let mut level = bars[0].0;
    for (bar, step) in bars.iter().zip(&chart.steps).skip(1) {
        let value = step.cell.value.expect("a value");
        match (step.kind, value.is_negative()) {
            (StepKind::Total, _) => assert_eq!(bar.0, level, "the end is where the changes led"),
            (StepKind::Change, false) => {
                assert_eq!(bar.1, level);
                level = bar.0;
            }
            (StepKind::Change, true) => {
                assert_eq!(bar.0, level);
                level = bar.1;
            }
        }
    }
    let lying = page(&spec, 320);
    assert!(lying.at("height") < 30_000 && lying.all("a").len() == chart.steps.len());
    for root in [upright, lying] {
        let texts: Vec<&str> = root.all("text").iter().map(|text| text.text.as_str()).collect();
        for figure in ["11,910.22", "+1,310.00", "−1,010.00", "12,480.33"] {
            assert!(texts.contains(&figure), "{texts:?}");
        }
    }
}

#[test]
fn no_label_of_an_axis_touches_another() {
    for width in [240, 320, 500, 1_280] {
        for spec in [
            samples::movements(60),
            samples::lines(60),
            samples::stacked(25),
            samples::heatmap(24),
            samples::movements(13),
        ] {
            let root = page(&spec, width);
            let mut rows: std::collections::BTreeMap<i64, Vec<(i64, i64)>> =
                std::collections::BTreeMap::new();
            let hidden = root.all("g").into_iter().filter(|g| g.attr("aria-hidden") == "true");
            for text in hidden.flat_map(|g| g.all("text")).filter(|text| text.attr("text-anchor") == "middle")
            {
                let half = about(&text.text) / 2;
                assert!(text.at("x") >= 0 && text.at("x") <= i64::from(width) * 100, "{text:?}");
                rows.entry(text.at("y")).or_default().push((text.at("x") - half, text.at("x") + half));
            }
            for row in rows.values_mut() {
                row.sort_unstable();
                for pair in row.windows(2) {
                    assert!(pair[0].1 <= pair[1].0, "{} at {width}: {pair:?}", spec.id);
                }
            }
        }
    }
}

#[test]
fn everything_lies_inside_the_drawing() {
    for spec in samples::all() {
        for width in WIDTHS {
            let root = page(&spec, width);
            let (wide, tall) = (root.at("width"), root.at("height"));
            assert_eq!(wide, i64::from(width) * 100);
            for node in root.everything() {
                if ["rect", "circle", "text"].contains(&node.name.as_str()) {
                    let (x, y) = if node.name == "circle" {
                        (node.at("cx"), node.at("cy"))
                    } else {
                        (node.at("x"), node.at("y"))
                    };
                    assert!((0..=wide).contains(&x) && (0..=tall).contains(&y), "{}: {node:?}", spec.id);
                    if node.name == "rect" {
                        assert!(
                            x + node.at("width") <= wide + 400 && y + node.at("height") <= tall + 100,
                            "{}: {node:?}",
                            spec.id
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_responsive_chart_shows_one_size_at_every_width() {
    let spec = samples::movements(13);
    let text = netnew_chart::responsive(&spec).expect("drawings");
    let roots = parse(&format!("<div>{text}</div>")).children;
    let bound = |root: &Node, name: &str| -> Option<u32> {
        root.attr("class").split(' ').find_map(|class| class.strip_prefix(name)?.parse().ok())
    };
    for width in 100..1_400 {
        let shown: Vec<&Node> = roots
            .iter()
            .filter(|root| bound(root, "nn-from-").is_none_or(|from| width >= from))
            .filter(|root| bound(root, "nn-below-").is_none_or(|below| width < below))
            .collect();
        assert_eq!(shown.len(), 1, "{width}");
        assert!(i64::from(width) * 100 >= shown[0].at("width") || width < 264, "{width}");
    }
    let sheet = css();
    for root in &roots {
        for class in root.attr("class").split(' ') {
            assert!(sheet.contains(&format!(".{class} {{")), "{class}");
        }
        assert!(root.attr("id").starts_with("movements-"));
    }
}

#[test]
fn a_sparkline_is_one_small_picture_with_its_last_point_marked() {
    let values: Vec<_> = (0..13)
        .map(|n| if n == 4 { None } else { Some(money("10") + samples::money(&n.to_string())) })
        .collect();
    let mut spark =
        Spark { label: "MRR, 13 months, \"rising\"".into(), values, tone: Tone::Main, running: false };
    let root = parse(&sparkline(&spark, &Mode::Page));
    assert_eq!((root.attr("role"), root.attr("aria-label")), ("img", spark.label.as_str()));
    assert_eq!((root.all("circle").len(), root.all("path").len(), root.all("a").len()), (1, 2, 0));
    assert!(root.everything().iter().all(|node| node.attr("id").is_empty()));
    spark.running = true;
    assert!(sparkline(&spark, &Mode::Page).contains("stroke-dasharray"));
    for values in [vec![], vec![None], vec![Some(money("0"))], vec![Some(money("-7")); 13]] {
        parse(&sparkline(&Spark { values, ..spark.clone() }, &Mode::Page));
    }
}
