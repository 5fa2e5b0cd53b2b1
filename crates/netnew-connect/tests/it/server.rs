//! The account over HTTP on this machine: paging, limits and failures as the test wants them.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

pub const KEY: &str = "rk_live_replayed0123456789";

/// What is answered to the n-th request instead of data.
pub type Trouble = dyn Fn(usize, &str) -> Option<(u16, &'static str, Value)> + Send + Sync;

pub struct Server {
    pub base: String,
    pub requests: Arc<AtomicUsize>,
    pub paths: Arc<Mutex<Vec<String>>>,
    pub account: Arc<Mutex<BTreeMap<String, Vec<Value>>>>,
    stop: Arc<AtomicBool>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.base.trim_start_matches("http://"));
    }
}

pub fn serve(account: BTreeMap<String, Vec<Value>>, trouble: Box<Trouble>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = Server {
        base,
        requests: Arc::default(),
        paths: Arc::default(),
        account: Arc::new(Mutex::new(account)),
        stop: Arc::default(),
    };
    let (requests, paths, account, stop) =
        (server.requests.clone(), server.paths.clone(), server.account.clone(), server.stop.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            if stop.load(Ordering::SeqCst) {
                break;
            }
            let Ok(stream) = stream else { continue };
            answer(stream, &requests, &paths, &account, &*trouble);
        }
    });
    server
}

fn answer(
    mut stream: TcpStream,
    requests: &AtomicUsize,
    paths: &Mutex<Vec<String>>,
    account: &Mutex<BTreeMap<String, Vec<Value>>>,
    trouble: &Trouble,
) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(first)) = lines.next() else { return };
    let headers: Vec<String> = lines.map_while(Result::ok).take_while(|l| !l.is_empty()).collect();
    let target = first.split(' ').nth(1).unwrap_or("/").to_string();
    let n = requests.fetch_add(1, Ordering::SeqCst);
    paths.lock().unwrap().push(target.clone());
    let wanted = format!("bearer {KEY}").to_lowercase();
    let authorised = headers.iter().any(|h| h.to_lowercase() == format!("authorization: {wanted}"));
    let (status, extra, body) = match (authorised, trouble(n, &target)) {
        (false, _) => {
            (401, "", json!({"error": {"message": format!("Invalid API Key provided: {headers:?}")}}))
        }
        (true, Some(answer)) => answer,
        (true, None) => (200, "", page(&target, &account.lock().unwrap())),
    };
    let body = body.to_string();
    let _ = write!(
        stream,
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{extra}Connection: close\r\n\r\n{body}",
        body.len()
    );
}

fn page(target: &str, account: &BTreeMap<String, Vec<Value>>) -> Value {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let name = path.trim_start_matches("/v1/");
    let parameter = |wanted: &str| query.split('&').find_map(|p| p.strip_prefix(wanted)).map(str::to_string);
    let since: i64 = parameter("created[gte]=").and_then(|v| v.parse().ok()).unwrap_or(i64::MIN);
    let all: Vec<&Value> = account
        .get(name)
        .map(|list| list.iter().filter(|o| o["created"].as_i64().unwrap_or(0) >= since).collect())
        .unwrap_or_default();
    let from = match parameter("starting_after=") {
        Some(id) => all.iter().position(|o| o["id"] == id.as_str()).map_or(all.len(), |at| at + 1),
        None => 0,
    };
    let data: Vec<&Value> = all.iter().skip(from).take(100).copied().collect();
    json!({"object": "list", "url": path, "has_more": from + data.len() < all.len(), "data": data})
}
