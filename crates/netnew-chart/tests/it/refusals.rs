//! What is refused, and with which words.

use netnew_chart::{Annotation, Body, Cell, Frame, Spec, svg, table};

use crate::samples::{self, money};

fn refused(spec: &Spec) -> String {
    let error = svg(spec, &Frame::page(640)).expect_err("a refusal");
    assert_eq!(table(spec).expect_err("the same refusal"), error);
    assert!(error.code().starts_with("chart_") && !error.hint().is_empty() && !error.hint().ends_with('.'));
    error.to_string()
}

#[test]
fn parts_that_do_not_add_up_are_no_picture() {
    let mut spec = samples::movements(3);
    let Body::Movements(chart) = &mut spec.body else { panic!("movements") };
    let churn = &mut chart.kinds[6].cells[1];
    churn.value = churn.value.map(|value| value + money("0.01"));
    let said = refused(&spec);
    assert!(
        said.starts_with("chart movements: December 2025: the parts add up to ") && said.ends_with(" USD"),
        "{said}"
    );
    let mut spec = samples::waterfall();
    let Body::Waterfall(chart) = &mut spec.body else { panic!("a waterfall") };
    chart.steps[5].cell.value = Some(money("-1010.01"));
    assert_eq!(
        refused(&spec),
        "chart waterfall: October: the parts add up to 12480.32 USD, the total says 12480.33 USD"
    );
}

#[test]
fn lengths_places_links_ids_and_sizes() {
    let mut spec = samples::lines(17);
    spec.id = "1 chart\"".into();
    assert!(refused(&spec).starts_with("chart id \"1 chart\\\"\": an id is a letter"));
    let change = |change: fn(&mut netnew_chart::Lines)| {
        let mut spec = samples::lines(17);
        let Body::Lines(chart) = &mut spec.body else { panic!("lines") };
        change(chart);
        refused(&spec)
    };
    assert_eq!(change(|c| drop(c.series[0].cells.pop())), "chart mrr: MRR has 16 values for 17 places");
    let far = |c: &mut netnew_chart::Lines| {
        c.annotations = vec![Annotation { at: 17, label: "Late".into(), href: None }]
    };
    assert_eq!(change(far), "chart mrr: Late is at place 17, the axis has 17");
    let script =
        |c: &mut netnew_chart::Lines| c.series[0].cells[0] = Cell::new(money("1"), "javascript:alert(1)");
    assert_eq!(
        change(script),
        "chart mrr: \"javascript:alert(1)\" is not a link into the product or to the web"
    );
    let large = |c: &mut netnew_chart::Lines| c.series[0].cells[0] = Cell::plain(money("1e25"));
    assert_eq!(change(large), "chart mrr: 10000000000000000000000000 is too large to draw");
    let fan = |c: &mut netnew_chart::Lines| c.fan.as_mut().expect("a fan").points[0].low = money("1e9");
    assert!(change(fan).ends_with("has a low above its middle or a middle above its high"));
    assert_eq!(refused(&samples::movements(3_000)), "chart movements: 24000 marks, 20000 at most");
}
