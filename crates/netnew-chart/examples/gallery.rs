//! Every chart on one page, at a width: `cargo run -p netnew-chart --example gallery -- 640 dark > gallery.html`.
//! A width of 0 draws all sizes and shows the one that fits. The second argument is `light`, `dark`, or `alone` for drawings that carry their colours.

#[path = "../tests/it/samples.rs"]
mod samples;

use netnew_chart::tokens::Theme;
use netnew_chart::{ChartError, Frame, Mode, Spark, Tone};

fn main() -> Result<(), ChartError> {
    let mut arguments = std::env::args().skip(1);
    let width = arguments.next().and_then(|width| width.parse().ok()).unwrap_or(640);
    let theme = arguments.next().unwrap_or_else(|| "light".into());
    let frame = if theme == "alone" { Frame::standalone(width, Theme::Light) } else { Frame::page(width) };
    println!(
        "<!doctype html><html lang=\"en\" data-theme=\"{theme}\"><meta charset=\"utf-8\"><title>Charts</title><style>"
    );
    println!(
        "{}body {{ margin: 16px; background: var(--nn-bg); color: var(--nn-text); font: 14px/20px system-ui; }}",
        netnew_chart::css()
    );
    println!(
        "figure {{ margin: 0 0 24px; }} .legend {{ display: flex; flex-wrap: wrap; gap: 4px 16px; list-style: none; padding: 0; }}"
    );
    println!(
        "table {{ font-size: 12px; }} .num {{ text-align: right; }} .visually-hidden {{ display: none; }}</style>"
    );
    for spec in samples::all() {
        println!("<figure><figcaption><strong>{}</strong></figcaption>", spec.title);
        // Without a width of its own each chart comes in all sizes.
        let drawing =
            if width == 0 { netnew_chart::responsive(&spec)? } else { netnew_chart::svg(&spec, &frame)? };
        println!("<div class=\"chart-box\">{drawing}</div>{}", netnew_chart::legend(&spec));
        println!(
            "<details><summary>Table</summary>{}</details></figure>",
            netnew_chart::table(&spec)?.html(true)
        );
    }
    let values =
        [3, 4, 4, 6, 5, 7, 9, 8, 11, 12, 12, 14, 13].map(|n| Some(netnew_chart::Amount::from_major(n)));
    let spark = Spark {
        label: "MRR, 13 months, rising".into(),
        values: values.into(),
        tone: Tone::Main,
        running: true,
    };
    println!("<p>In a line: {} and on.</p></html>", netnew_chart::sparkline(&spark, &Mode::Page));
    Ok(())
}
