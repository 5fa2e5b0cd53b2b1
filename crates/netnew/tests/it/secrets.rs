//! Keys and signing secrets: nowhere in what is printed, logged, shown, exported or kept.

use crate::harness::Desk;
use serde_json::json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};

const KEY: &str = "rk_live_0fOurOwn9876543210abcdef";
const SIGNING: &str = "whsec_0fOurOwn1234567890";

/// An account on this machine that repeats the key in what it says, as careless proxies do.
fn account() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            answer(stream);
        }
    });
    base
}

fn answer(mut stream: TcpStream) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(first)) = lines.next() else { return };
    let authorised = lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .any(|line| line.eq_ignore_ascii_case(&format!("authorization: Bearer {KEY}")));
    let (status, body) = if !authorised {
        (401, json!({"error": {"message": "Invalid API Key provided"}}))
    } else if first.contains("/v1/charges") {
        (403, json!({"error": {"message": format!("the key {KEY} may not read charges")}}))
    } else if first.contains("/v1/customers") {
        let customer = json!({"id": "cus_1", "object": "customer", "created": 1_760_000_000, "livemode": true, "name": "Acme"});
        (200, json!({"object": "list", "has_more": false, "data": [customer]}))
    } else {
        (200, json!({"object": "list", "has_more": false, "data": []}))
    };
    let body = body.to_string();
    let _ = write!(
        stream,
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}

fn clean(what: &str, bytes: &[u8]) {
    for secret in [KEY, SIGNING] {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{what} holds {secret}:\n{}", String::from_utf8_lossy(bytes));
    }
}

fn clean_output(what: &str, output: &Output) {
    clean(what, &output.stdout);
    clean(what, &output.stderr);
}

fn clean_files(dir: &Path) -> usize {
    let mut seen = 0;
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        seen += match path.is_dir() {
            true => clean_files(&path),
            false => {
                clean(&path.display().to_string(), &std::fs::read(&path).unwrap());
                1
            }
        };
    }
    seen
}

fn get(address: &str, path: &str, more: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n{more}Connection: close\r\n\r\n").unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    String::from_utf8_lossy(&text).to_string()
}

#[test]
fn secrets_are_nowhere() {
    let desk = Desk::new("2026-06-20T12:00:00Z");
    let base = account();
    let run = |args: &[&str], key: &str| {
        let output = desk
            .command(args)
            .env("STRIPE_KEY", key)
            .env("NETNEW_WEBHOOK_SECRET_STRIPE", SIGNING)
            .env("NETNEW_LOG", "trace")
            .output()
            .unwrap();
        clean_output(&format!("{args:?}"), &output);
        output
    };
    run(
        &["sources", "add", "stripe", "--name", "stripe", "--key-env", "STRIPE_KEY", "--api-base", &base],
        KEY,
    );
    // A key where a variable's name should be is not kept either.
    let wrong = run(&["sources", "add", "stripe", "--name", "b", "--key-env", "STRIPE-KEY"], KEY);
    assert_eq!(wrong.status.code(), Some(2));
    let synced = run(&["sync", "stripe", "--format", "json"], KEY);
    let said = String::from_utf8(synced.stdout).unwrap();
    assert!(said.contains("[key] may not read charges"), "{said}");
    let refused = run(&["sync", "stripe", "--format", "json"], &KEY.replace("live", "test"));
    assert_eq!(refused.status.code(), Some(1));
    run(&["sources", "check", "stripe", "--format", "json"], KEY);
    run(&["sources", "list", "--format", "table"], KEY);
    let out = desk.path("out").display().to_string();
    run(&["export", &out], KEY);
    run(&["backup", &desk.path("all.backup").display().to_string()], KEY);
    let key = run(&["keys", "create", "test", "--scope", "admin"], KEY);
    let key = String::from_utf8(key.stdout).unwrap().trim().to_string();
    let log = serve(&desk, &key);
    clean("the log", log.lock().unwrap().as_bytes());
    assert!(log.lock().unwrap().contains("request"), "there is a log to look at");
    assert!(clean_files(desk.path("book").parent().unwrap()) > 5, "there are files to look at");
}

/// Opens pages of a served book and gives what was logged meanwhile.
fn serve(desk: &Desk, key: &str) -> Arc<Mutex<String>> {
    let mut child = desk
        .command(&["serve", "--addr", "127.0.0.1:0"])
        .env("STRIPE_KEY", KEY)
        .env("NETNEW_WEBHOOK_SECRET_STRIPE", SIGNING)
        .env("NETNEW_LOG", "trace")
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("http://") {
        line.clear();
        assert!(errors.read_line(&mut line).unwrap() > 0);
    }
    let address = line.split("http://").nth(1).unwrap().split(' ').next().unwrap().to_string();
    let log = Arc::new(Mutex::new(String::new()));
    let kept = log.clone();
    let reading = std::thread::spawn(move || {
        let mut line = String::new();
        while errors.read_line(&mut line).is_ok_and(|read| read > 0) {
            kept.lock().unwrap().push_str(&line);
            line.clear();
        }
    });
    let signed_in = format!("Authorization: Bearer {key}\r\n");
    for path in ["/", "/settings/sources", "/imports", "/api/v1/metrics?name=mrr", "/metrics", "/healthz"] {
        clean(path, get(&address, path, &signed_in).as_bytes());
    }
    let sources = get(&address, "/settings/sources", &signed_in);
    assert!(sources.contains("STRIPE_KEY") || sources.contains("missing permission"), "{sources}");
    let mut stream = TcpStream::connect(&address).unwrap();
    let body = "{\"object\":\"event\"}";
    write!(stream, "POST /webhooks/stripe/stripe HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\nStripe-Signature: t=1,v1=00\r\nConnection: close\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    clean("a refused delivery", answer.as_bytes());
    child.kill().unwrap();
    child.wait().unwrap();
    reading.join().unwrap();
    log
}
