//! A flood of deliveries to a served book, and the server killed in the middle of it.

use crate::harness::{Desk, rows};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

const SECRET: &str = "whsec_flood_of_our_own";
/// 20 June 2026, noon.
const NOW: i64 = 1_781_956_800;

/// A server on the desk's book; killed when dropped.
struct Served {
    child: Child,
    address: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(desk: &Desk) -> Served {
    let mut child = desk
        .command(&["serve", "--addr", "127.0.0.1:0"])
        .env("NETNEW_WEBHOOK_SECRET_STRIPE", SECRET)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("http://") {
        line.clear();
        assert!(errors.read_line(&mut line).unwrap() > 0, "the server ended before it said where it is");
    }
    let address = line.split("http://").nth(1).unwrap().split(' ').next().unwrap().to_string();
    std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
    Served { child, address }
}

fn body(n: usize) -> String {
    let start = NOW - 86_400;
    json!({"id": format!("evt_{n}"), "object": "event", "type": "customer.subscription.created", "created": start,
        "livemode": true, "data": {"object": {
            "id": format!("sub_{n}"), "object": "subscription", "customer": format!("cus_{n:05}"), "status": "active",
            "created": start, "start_date": start, "currency": "usd", "livemode": true, "discounts": [],
            "items": {"object": "list", "has_more": false, "data": [{
                "id": format!("si_{n}"), "object": "subscription_item", "created": start, "quantity": 1,
                "price": {"id": "price_1", "object": "price", "currency": "usd", "unit_amount": 1000, "product": "prod_1",
                    "nickname": "Pro", "recurring": {"interval": "month", "interval_count": 1}}}]}}}})
    .to_string()
}

fn post(stream: &mut TcpStream, address: &str, body: &str) -> std::io::Result<u16> {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{NOW}.{body}").as_bytes());
    let sign: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    write!(
        stream,
        "POST /webhooks/stripe/stripe HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\nStripe-Signature: t={NOW},v1={},v1={sign}\r\n\r\n{body}",
        body.len(),
        "0".repeat(64)
    )?;
    let mut got = Vec::new();
    let mut buffer = [0u8; 4096];
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        got.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&got);
        let Some((head, rest)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|l| l.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if rest.len() >= length.unwrap_or(0usize) {
            return Ok(head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0));
        }
    }
}

/// Sends deliveries on several connections until all are sent or the server is gone; kills it after so many were answered.
fn flood(served: &mut Served, count: usize, kill_after: usize) -> BTreeSet<usize> {
    let (next, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let answered = Arc::new(Mutex::new(BTreeSet::new()));
    let threads: Vec<_> = (0..16)
        .map(|_| {
            let (next, done, answered) = (next.clone(), done.clone(), answered.clone());
            let address = served.address.clone();
            std::thread::spawn(move || {
                let Ok(mut stream) = TcpStream::connect(&address) else { return };
                loop {
                    let n = next.fetch_add(1, Ordering::SeqCst);
                    if n >= count {
                        return;
                    }
                    match post(&mut stream, &address, &body(n)) {
                        Ok(200) => {
                            answered.lock().unwrap().insert(n);
                            done.fetch_add(1, Ordering::SeqCst);
                        }
                        Ok(status) => panic!("answered {status}"),
                        Err(_) => return,
                    }
                }
            })
        })
        .collect();
    while done.load(Ordering::SeqCst) < kill_after && !threads.iter().all(|t| t.is_finished()) {
        std::thread::yield_now();
    }
    if kill_after < count {
        served.child.kill().unwrap();
    }
    threads.into_iter().for_each(|t| t.join().unwrap());
    Arc::try_unwrap(answered).unwrap().into_inner().unwrap()
}

fn held(desk: &Desk) -> Vec<String> {
    let value = desk.ok(&["customers"]);
    let mut names: Vec<String> =
        rows(&value).iter().map(|row| row["customer"].as_str().unwrap().to_string()).collect();
    names.sort();
    names
}

#[test]
fn what_was_answered_survives_a_kill_and_nothing_is_doubled() {
    let desk = Desk::new("2026-06-20T12:00:00Z");
    let count = 600;
    let mut all: BTreeSet<usize> = BTreeSet::new();
    for kill_after in [40, 170] {
        let mut served = serve(&desk);
        all.extend(flood(&mut served, count, kill_after));
        drop(served);
        let there: BTreeSet<String> = held(&desk).into_iter().collect();
        for n in &all {
            assert!(there.contains(&format!("cus_{n:05}")), "{n} was answered and is gone");
        }
        desk.ok(&["check"]);
    }
    // All of them again, those that were booked too.
    let mut served = serve(&desk);
    assert_eq!(flood(&mut served, count, count).len(), count);
    drop(served);
    let expected: Vec<String> = (0..count).map(|n| format!("cus_{n:05}")).collect();
    assert_eq!(held(&desk), expected);
    let value = desk.ok(&["movements"]);
    let kinds: Vec<&Value> = rows(&value).iter().map(|row| &row["kind"]).collect();
    assert_eq!(kinds.len(), count, "each customer is new once");
    assert!(kinds.iter().all(|kind| *kind == "new"));
    desk.ok(&["check"]);
}
