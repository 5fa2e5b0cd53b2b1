//! Syncs: whole, interrupted, with limits and failures, with a key that may not read everything.

use crate::account::{NOW, account, at, book, event, held, subscription};
use crate::server::{KEY, Server, serve};
use netnew_book::Book;
use netnew_connect::ConnectError;
use netnew_connect::check::check;
use netnew_connect::http::Stripe;
use netnew_connect::sync::{Synced, sync};
use serde_json::json;
use std::sync::Mutex;
use std::time::Duration;

fn run(book: &Book, server: &Server, now: i64) -> (Result<Synced, ConnectError>, Vec<Duration>) {
    let waits = Mutex::new(Vec::new());
    let pause = |wait: Duration| waits.lock().unwrap().push(wait);
    let stripe = Stripe::new(&server.base, KEY, &pause).unwrap();
    let done = sync(book, "stripe", &stripe, &|| at(now), &mut |_| {});
    drop(stripe);
    (done, waits.into_inner().unwrap())
}

#[test]
fn an_account_is_read_once_and_then_only_what_happened() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let server = serve(account(260), Box::new(|_, _| None));
    let done = run(&book, &server, NOW).0.unwrap();
    assert!(done.problems.is_empty(), "{:?}", done.problems);
    assert_eq!((done.fetched["invoices"], done.fetched["customers"], done.customers), (520, 260, 260));
    let states = held(&book);
    // Bought at 1 x 10; then 3 x 20 by the bills; then, for every other customer, 5 x 20 by an event.
    assert_eq!(states.len(), 260 * 2 + 130);
    let of_one: Vec<&String> = states.iter().filter(|s| s.starts_with("cus_0000 ")).collect();
    assert!(of_one[0].ends_with("active 10 x1 rebuilt"), "{of_one:?}");
    assert!(of_one[1].ends_with("active 20 x3 rebuilt"), "{of_one:?}");
    assert!(of_one[2].ends_with("2026-06-13T12:00:00Z active 20 x5 seen"), "{of_one:?}");
    // Again: events only, and nothing new.
    let before = server.paths.lock().unwrap().len();
    let again = run(&book, &server, NOW + 60).0.unwrap();
    assert_eq!((again.facts, again.superseded), (0, 0));
    assert!(server.paths.lock().unwrap()[before..].iter().all(|p| p.starts_with("/v1/events")));
    assert_eq!(held(&book), states);
    // Then something happens.
    let mut news = event(1);
    news["id"] = json!("evt_new");
    news["created"] = json!(NOW + 90);
    server.account.lock().unwrap().get_mut("events").unwrap().insert(0, news);
    let third = run(&book, &server, NOW + 120).0.unwrap();
    assert_eq!((third.facts, third.customers), (1, 1), "{third:?}");
    assert!(held(&book).iter().any(|s| s.starts_with("cus_0001 ") && s.ends_with("x5 seen")));
}

#[test]
fn limits_and_failures_are_waited_out() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let calm = serve(account(120), Box::new(|_, _| None));
    run(&book, &calm, NOW).0.unwrap();
    let expected = held(&book);
    let folder = tempfile::tempdir().unwrap();
    let book = self::book(folder.path());
    let server = serve(
        account(120),
        Box::new(|n, _| match n % 5 {
            1 => Some((429, "Retry-After: 3\r\n", json!({"error": {"message": "slow down"}}))),
            3 => Some((503, "", json!({"error": {"message": "oops"}}))),
            _ => None,
        }),
    );
    let (done, waits) = run(&book, &server, NOW);
    assert!(done.unwrap().problems.is_empty());
    assert!(
        waits.contains(&Duration::from_secs(3)) && waits.contains(&Duration::from_millis(500)),
        "{waits:?}"
    );
    assert_eq!(held(&book), expected);
}

#[test]
fn a_sync_that_dies_anywhere_goes_on_and_doubles_nothing() {
    let whole = tempfile::tempdir().unwrap();
    let there = book(whole.path());
    let calm = serve(account(400), Box::new(|_, _| None));
    let all = run(&there, &calm, NOW).0.unwrap();
    let needed = calm.requests.load(std::sync::atomic::Ordering::SeqCst);
    for deadly in [3, 14, needed - 1] {
        let folder = tempfile::tempdir().unwrap();
        let book = book(folder.path());
        let gate = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
        let shut = gate.clone();
        let server = serve(
            account(400),
            Box::new(move |n, _| {
                let dies = n >= deadly && shut.load(std::sync::atomic::Ordering::SeqCst);
                dies.then(|| (401, "", json!({"error": {"message": "key expired"}})))
            }),
        );
        assert!(matches!(run(&book, &server, NOW).0, Err(ConnectError::Unauthorised(_))), "at {deadly}");
        gate.store(false, std::sync::atomic::Ordering::SeqCst);
        let asked = server.requests.load(std::sync::atomic::Ordering::SeqCst);
        let rest = run(&book, &server, NOW).0.unwrap();
        assert_eq!(held(&book), held(&there), "at {deadly}");
        assert_eq!(rest.superseded, 0);
        // What was committed before is not asked for again: after 14 requests the first six lists are done.
        let again = server.requests.load(std::sync::atomic::Ordering::SeqCst) - asked;
        assert!(deadly < 14 || again < needed - 10, "{again} of {needed} at {deadly}");
        assert_eq!(book_facts(&book), all.facts, "at {deadly}");
    }
}

fn book_facts(book: &Book) -> u64 {
    book.imports().unwrap().iter().map(|i| i.facts).sum()
}

#[test]
fn a_missing_permission_is_named_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let server = serve(
        account(30),
        Box::new(|_, path| {
            let refused = path.starts_with("/v1/invoices?") || path.starts_with("/v1/events");
            let said = "The provided key does not have the required permissions. Enable rak_invoice_read.";
            refused.then(|| (403, "", json!({"error": {"message": said}})))
        }),
    );
    let done = run(&book, &server, NOW).0.unwrap();
    let said: Vec<&str> = done.problems.iter().map(|p| p.message.as_str()).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("invoices") && said[0].contains("rak_invoice_read"), "{said:?}");
    // Only what they are now is known, since their start.
    assert_eq!(held(&book).len(), 30);
    // Without events the lists are read again, so that changes are seen all the same.
    server.account.lock().unwrap().get_mut("subscriptions").unwrap()[0] = subscription(29, 8);
    let later = run(&book, &server, NOW + 3_600).0.unwrap();
    assert_eq!(later.facts, 1, "{later:?}");
    assert!(held(&book).iter().any(|s| s.starts_with("cus_0029") && s.contains("x8")));
    let stripe = Stripe::new(&server.base, KEY, &|_| {}).unwrap();
    let found = check(&book, "stripe", &stripe, &mut |_| {}).unwrap();
    let of = |name: &str| found.iter().find(|f| f.resource == name).unwrap().clone();
    assert!(of("invoices").refused.is_some());
    assert_eq!((of("customers").there, of("customers").here), (Some(30), 30));
}

#[test]
fn a_permission_given_later_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let open = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let given = open.clone();
    let server = serve(
        account(3),
        Box::new(move |_, path| {
            let refused =
                path.starts_with("/v1/invoices?") && !given.load(std::sync::atomic::Ordering::SeqCst);
            refused.then(|| (403, "", json!({"error": {"message": "not allowed"}})))
        }),
    );
    for _ in 0..2 {
        assert_eq!(run(&book, &server, NOW).0.unwrap().problems.len(), 1, "it is said each time");
    }
    open.store(true, std::sync::atomic::Ordering::SeqCst);
    let done = run(&book, &server, NOW + 60).0.unwrap();
    assert!(done.problems.is_empty() && done.fetched["invoices"] == 6);
    assert!(held(&book).iter().any(|s| s.contains("active 10 x1 rebuilt")));
}

#[test]
fn a_check_finds_what_is_missing_here() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let server = serve(account(5), Box::new(|_, _| None));
    run(&book, &server, NOW).0.unwrap();
    let mut late = subscription(77, 1);
    late["currency"] = json!("xyz");
    server.account.lock().unwrap().get_mut("subscriptions").unwrap().push(late);
    let stripe = Stripe::new(&server.base, KEY, &|_| {}).unwrap();
    let found = check(&book, "stripe", &stripe, &mut |_| {}).unwrap();
    let subs = found.iter().find(|f| f.resource == "subscriptions").unwrap();
    assert_eq!(
        (subs.there, subs.here, subs.missing.as_slice()),
        (Some(6), 5, ["sub_0077".to_string()].as_slice())
    );
    assert_eq!(subs.unknown_currencies, ["xyz"]);
}

#[test]
fn other_modes_and_test_clocks_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let mut made = account(3);
    made.get_mut("subscriptions").unwrap()[0]["livemode"] = json!(false);
    made.get_mut("subscriptions").unwrap()[1]["test_clock"] = json!("clock_1");
    made.get_mut("events").unwrap().clear();
    let server = serve(made, Box::new(|_, _| None));
    let done = run(&book, &server, NOW).0.unwrap();
    assert_eq!(done.left_out, 2);
    assert!(held(&book).iter().all(|s| s.starts_with("cus_0000 ")));
}

#[test]
fn a_key_is_never_shown_nor_sent_in_the_clear() {
    let folder = tempfile::tempdir().unwrap();
    let book = book(folder.path());
    let server = serve(
        account(2),
        Box::new(|_, _| {
            Some((401, "", json!({"error": {"message": format!("Invalid API Key provided: {KEY}")}})))
        }),
    );
    let error = run(&book, &server, NOW).0.unwrap_err();
    assert!(error.to_string().contains("[key]") && !format!("{error:?}{error}").contains(KEY), "{error}");
    let stripe = Stripe::new("https://api.stripe.com", KEY, &|_| {}).unwrap();
    assert!(!format!("{stripe:?}").contains("rk_live"));
    for base in ["http://api.stripe.com", "ftp://localhost", "api.stripe.com"] {
        assert_eq!(Stripe::new(base, KEY, &|_| {}).unwrap_err().code(), "bad_api_base", "{base}");
    }
}
