//! What is kept beside the book to be quick is never older than the book, and nothing depends on it.

use crate::harness::Desk;
use std::fmt::Write as _;

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
