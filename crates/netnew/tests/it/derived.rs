//! What is kept beside the book to be quick is never older than the book, and nothing depends on it.

use crate::harness::{Desk, rows};
use netnew_book::Book;
use netnew_metrics::Extras;
use netnew_money::Instant;
use netnew_report::{Now, Question, Report, View, customers, movements};
use serde_json::Value;
use std::fmt::Write as _;
use std::sync::Arc;

/// Enough states for an image to be kept.
fn many() -> String {
    let mut text = String::from("customer,subscription,effective_at,plan,amount,quantity,status\n");
    for customer in 0..7_000 {
        let (month, day) = (customer % 10 + 1, customer % 28 + 1);
        for (at, (quantity, status)) in
            [(1, "active"), (3, "active"), (2, "past_due")].into_iter().enumerate()
        {
            let plan = ["Basic", "Pro"][(customer + at) % 2];
            let price = 10 + customer % 7;
            writeln!(
                text,
                "c{customer},s{customer},202{}-{month:02}-{day:02},{plan},{price},{quantity},{status}",
                at + 3
            )
            .expect("a string takes everything");
        }
    }
    text
}

#[test]
fn a_kept_image_is_never_old_and_never_needed() {
    let desk = Desk::new("2026-01-01T00:00:00Z");
    desk.import("many.csv", &many());
    let image = desk.path("book").join("derived").join("image");
    assert!(image.is_file());
    // `--known-on` reads the book itself.
    let slow = ["--known-on", "2030-01-01"];
    let before = desk.waterfall(&[]);
    assert_eq!(before, desk.waterfall(&slow));
    assert_eq!(
        desk.waterfall(&["--as-of", "2024-06-01"]),
        desk.waterfall(&["--as-of", "2024-06-01", slow[0], slow[1]])
    );

    let kept = std::fs::read(&image).unwrap();
    desk.import("one.csv", "customer,subscription,effective_at,status\nc1,s1,2025-12-24,canceled\n");
    let after = desk.waterfall(&[]);
    assert_ne!(before, after);
    assert_eq!(after, desk.waterfall(&slow));

    // An old image, a damaged one, none at all: always the same figures.
    std::fs::write(&image, &kept).unwrap();
    assert_eq!(desk.waterfall(&[]), after);
    let mut damaged = std::fs::read(&image).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    std::fs::write(&image, &damaged).unwrap();
    assert_eq!(desk.waterfall(&[]), after);
    std::fs::remove_file(&image).unwrap();
    assert_eq!(desk.waterfall(&[]), after);
    for policy in ["stripe", "chartmogul", "recurly"] {
        let args = ["--policy", policy, "--interval", "quarter"];
        assert_eq!(desk.waterfall(&args), desk.waterfall(&[&args[..], &slow].concat()), "{policy}");
    }
}

#[test]
fn the_image_of_an_import_by_column_says_what_the_book_says() {
    for shape in ["plain", "hard"] {
        let desk = Desk::new("2025-06-01T00:00:00Z");
        let out = desk.path("out").display().to_string();
        desk.ok(&["bench", "make", shape, "--customers", "3000", "--out", &out]);
        let file = desk.path("out").join(format!("{shape}.parquet")).display().to_string();
        let done = desk.ok(&["import", &file]);
        let image = desk.path("book").join("derived").join("image");
        assert!(image.is_file(), "{shape}: {done}");
        // `--known-on` reads the book itself.
        let slow = ["--known-on", "2030-01-01"];
        for args in
            [&["--by", "plan"][..], &["--interval", "day", "--from", "2024-03-01"], &["--policy", "stripe"]]
        {
            let original = [args, &["--currency", "original"]].concat();
            let quick = desk.waterfall(&original);
            assert!(quick.len() > 10, "{shape} {args:?}");
            assert_eq!(quick, desk.waterfall(&[&original[..], &slow].concat()), "{shape} {args:?}");
        }
        // The same file adds nothing, and one that repeats itself is a duplicate by itself.
        let again = desk.ok(&["import", &file]);
        assert_eq!(
            (again["facts"].as_u64(), again["duplicates"].as_u64()),
            (Some(0), done["facts"].as_u64())
        );
    }
}
/// Attributes of the customers of [`many`], some of which change.
fn who() -> (String, String) {
    let mut fixed = String::from("customer,name,email,country,channel\n");
    let mut moving = String::from("customer,effective_at,country\n");
    for customer in 0..7_000 {
        let country = ["DE", "FR", "US", "", "JP"][customer % 5];
        let channel = ["ads", "web"][customer % 2];
        writeln!(fixed, "c{customer},Firm {},u{customer}@example.com,{country},{channel}", customer % 900)
            .expect("a string takes everything");
        if customer % 11 == 0 {
            writeln!(moving, "c{customer},2024-0{}-15,AT", customer % 9 + 1)
                .expect("a string takes everything");
        }
    }
    writeln!(fixed, "nobody,Without states,n@example.com,DE,web").expect("a string takes everything");
    (fixed, moving)
}

#[test]
fn every_answer_from_memory_is_that_of_the_book_itself() {
    let desk = Desk::new("2026-01-01T00:00:00Z");
    desk.import("many.csv", &many());
    let (fixed, moving) = who();
    desk.import("who.csv", &fixed);
    desk.import("moving.csv", &moving);
    let slow = ["--known-on", "2030-01-01"];
    let questions = [
        "mrr --by country,plan --interval quarter",
        "mrr --by layer --where channel!=ads",
        "mrr --where country=DE|AT --from 2024-03-03 --to 2025-02-10",
        "mrr --by attr:name --limit 20 --interval year",
        "mrr --set movement.level=subscription --interval year",
        "metrics --interval quarter",
        "metrics cmrr,nrr_12m,grr_12m --by country --interval quarter",
        "cohorts --interval quarter",
        "cohorts --interval quarter --measure nrr --where country=DE",
        "movements --limit 40",
        "movements --limit 40 --cursor r700 --where country=AT",
        "movements --limit 40 --kind expansion --by country --from 2024-05-01",
        "movements --limit 40 --cursor r8000 --set netting=event",
        "movements --customer c11",
        "customers --limit 30",
        "customers --limit 30 --cursor r6990",
        "customers --limit 30 --search FIRM",
        "customers --limit 30 --search nobody",
        "customers --where country=AT,plan=Pro --limit 30 --policy stripe",
        "customers --where layer=past_due --limit 30",
    ];
    for question in questions {
        let mut args: Vec<&str> = question.split(' ').collect();
        let quick = desk.ok(&args);
        assert_eq!(quick, desk.ok(&args), "asked again: {question}");
        args.extend(slow);
        let wanted = desk.ok(&args);
        assert!(!rows(&wanted).is_empty(), "{question}");
        assert_eq!(quick, wanted, "{question}");
    }
}

/// Everything that a few questions about a view answer, as JSON.
fn told(view: &View, known_on: Option<&str>) -> Vec<Value> {
    let clock = Instant::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
    let now = Now { said: None, clock };
    let mut out = Vec::new();
    for (by, filter) in [(None, None), (Some("country,plan"), None), (Some("layer"), Some("country!=FR"))] {
        let question = Question {
            by: by.map(str::to_string),
            filter: filter.map(str::to_string),
            interval: "quarter".into(),
            known_on: known_on.map(str::to_string),
            ..Question::default()
        };
        let report = Report::of(&question, view, &now).unwrap();
        let query = report.query().unwrap();
        let extras = Extras { retention: true, committed: true };
        let mut rows = report.rows(&query, extras).unwrap();
        // A kind that moved by nothing on the whole is the same as one that did not move.
        for row in &mut rows {
            row.movements.retain(|_, amount| !amount.is_zero());
            row.causes.retain(|_, amount| !amount.is_zero());
        }
        out.extend(rows.iter().map(|row| Value::from(format!("{row:?}"))));
        let (page, _) = movements::page(&report, &query, None, None, true, (5, Some(30))).unwrap();
        out.extend(page.iter().map(|m| movements::to_json(m, &report)));
        let (page, _) = customers::page(&report, Some("firm 1"), (0, Some(40))).unwrap();
        out.extend(page.iter().map(|c| customers::to_json(c, &report)));
    }
    out
}

#[test]
fn a_view_follows_what_other_processes_write() {
    let desk = Desk::new("2026-01-01T00:00:00Z");
    desk.import("many.csv", &many());
    let (fixed, moving) = who();
    desk.import("who.csv", &fixed);
    let open = || Arc::new(Book::open_at(&desk.path("book")).unwrap());
    let mut view = View::new(open()).unwrap();
    let mut before = told(&view, None);
    let states = "customer,subscription,item,effective_at,plan,amount,quantity,status\n";
    let imports = [
        ("moving.csv", moving.lines().take(30).collect::<Vec<_>>().join("\n")),
        (
            "cancel.csv",
            format!("{states}c1,s1,s1,2025-12-24,Pro,11,2,canceled\nc2,s9,s9,2025-03-01,Gold,70,1,active\n"),
        ),
        // The last state again, otherwise; a subscription that changes hands; somebody new; who had nothing so far.
        (
            "correct.csv",
            format!("{states}c3,s3,s3,2025-04-04,Gold,99,3,active\nc5,s4,s4,2025-11-01,Pro,20,1,active\n"),
        ),
        (
            "new.csv",
            format!(
                "{states}fresh,f1,f1,2025-06-01,Gold,40,1,active\nnobody,n1,n1,2022-02-02,Gold,4,1,active\n"
            ),
        ),
        ("merge.csv", "customer,merged_into\nc6,c7\n".to_string()),
        ("rates.csv", "date,base,quote,rate\n2025-01-01,EUR,USD,1.1\n".to_string()),
    ];
    for (name, text) in imports {
        assert_eq!(view.refresh().unwrap().snapshot.version(), view.snapshot.version());
        desk.import(name, &text);
        view = view.refresh().unwrap();
        let after = told(&view, None);
        assert_eq!(after, told(&view, Some("2030-01-01")), "after {name}: the book itself");
        assert_eq!(after == before, name == "rates.csv", "after {name}");
        before = after;
    }
    assert_eq!(before, told(&View::new(open()).unwrap(), None), "a new view");
}

#[test]
fn a_kept_answer_is_never_old_and_never_needed() {
    let desk = Desk::new("2026-01-01T00:00:00Z");
    desk.import("many.csv", &many());
    let slow = ["--known-on", "2030-01-01"];
    let same = |args: &[&str]| {
        let (quick, again) = (desk.waterfall(args), desk.waterfall(args));
        assert_eq!(quick, again, "{args:?}");
        assert_eq!(quick, desk.waterfall(&[args, &slow].concat()), "{args:?}");
        quick
    };
    let first = same(&["--interval", "year"]);
    // The same question at other times, in other zones, under other rules.
    for now in ["2024-05-01", "2024-05-01T11:00:00Z", "2024-05-01T23:00:00Z", "2024-05-02", "2025-05-02"] {
        same(&["--interval", "year", "--as-of", now]);
        same(&["--interval", "year", "--as-of", now, "--set", "past_due.grace=10"]);
    }
    same(&["--interval", "year", "--timezone", "Asia/Kathmandu"]);
    same(&["--interval", "year", "--set", "statuses.counted=active"]);
    assert_eq!(same(&["--interval", "year"]), first);

    // Damaged, cut short, or another's in its place.
    let folder = desk.path("book").join("derived");
    let answers = || {
        let files = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
        files.filter(|p| p.file_name().unwrap().to_string_lossy().starts_with("answer-")).collect::<Vec<_>>()
    };
    assert!(!answers().is_empty());
    let whole: Vec<Vec<u8>> = answers().iter().map(|path| std::fs::read(path).unwrap()).collect();
    for spoil in 0..4 {
        for (path, bytes) in answers().iter().zip(&whole) {
            let mut bytes = bytes.clone();
            match spoil {
                0 => bytes.truncate(bytes.len() / 2),
                1 => bytes.truncate(3),
                2 => *bytes.last_mut().unwrap() ^= 1,
                _ => bytes.clone_from(&whole[0]),
            }
            std::fs::write(path, bytes).unwrap();
        }
        assert_eq!(desk.waterfall(&["--interval", "year"]), first, "spoiled in way {spoil}");
    }
    desk.import("one.csv", "customer,subscription,effective_at,status\nc1,s1,2025-12-24,canceled\n");
    assert_ne!(same(&["--interval", "year"]), first);
}
