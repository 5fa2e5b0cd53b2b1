//! Alerts and reports reach people: once, whatever dies in between, through real servers on this machine.

use crate::harness::Desk;
use netnew_money::Instant;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

/// A request as it came.
#[derive(Clone)]
struct Request {
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map_or("", |(_, v)| v)
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}

/// A webhook on this machine that keeps what it gets and answers what it is told; `None` is no answer at all.
struct Hook {
    url: String,
    got: Arc<Mutex<Vec<Request>>>,
}

impl Hook {
    fn new(answer: impl Fn(usize) -> Option<String> + Send + 'static) -> Hook {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/hook?token=s3cr3t-address", listener.local_addr().expect("an address"));
        let got = Arc::new(Mutex::new(Vec::new()));
        let kept = got.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some(request) = read(&stream) else { continue };
                let count = {
                    let mut kept = kept.lock().expect("nobody panicked");
                    kept.push(request);
                    kept.len()
                };
                if let Some(text) = answer(count) {
                    let _ = (&stream).write_all(text.as_bytes());
                }
            }
        });
        Hook { url, got }
    }

    fn fine() -> Hook {
        Hook::new(|_| Some("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".into()))
    }

    fn got(&self) -> Vec<Request> {
        self.got.lock().expect("nobody panicked").clone()
    }

    fn ids(&self) -> BTreeSet<String> {
        self.got().iter().map(|r| r.header("idempotency-key").to_string()).collect()
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_string(), value.to_string()));
    }
    let length = headers.iter().find(|(n, _)| n.eq_ignore_ascii_case("content-length"))?.1.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { headers, body })
}

const SECRET: &str = "whsec-not-to-be-seen";

/// A business of three customers in March, with a channel that was there before April.
fn business(hook: &Hook) -> Desk {
    let mut desk = Desk::with("2026-03-20T12:00:00Z", &["--timezone", "Europe/Berlin"]);
    let states = desk.file(
        "s.csv",
        "customer,subscription,effective_at,status,plan,amount\n\
         acme,s1,2026-01-10,active,Pro,100\nzen,s2,2026-01-15,active,Pro,50\nbig,s3,2026-02-01,active,Pro,400\n\
         zen,s2,2026-03-10,active,Basic,20\n",
    );
    desk.ok(&["import", &states]);
    let names = desk.file("c.csv", "customer,name\nacme,<b>Acme</b> & Co\n");
    desk.ok(&["import", &names]);
    let url = desk.file("url", &hook.url);
    let secret = desk.file("secret", &format!("{SECRET}\n"));
    let added = desk.ok(&[
        "notify",
        "channels",
        "add",
        "webhook",
        "hook",
        "--url",
        &format!("file:{url}"),
        "--secret",
        &format!("file:{secret}"),
    ]);
    assert_eq!(added["kind"], "webhook");
    desk.at("2026-04-02T12:00:00Z");
    desk
}

fn falls(desk: &Desk) {
    let states = desk.file(
        "more.csv",
        "customer,subscription,effective_at,status,plan,amount\nacme,s1,2026-04-01,active,Basic,60\n",
    );
    desk.ok(&["import", &states]);
}

#[test]
fn a_fall_is_told_once_signed_and_with_its_rows() {
    let hook = Hook::fine();
    let desk = business(&hook);
    assert_eq!(desk.ok(&["notify", "run"])["sent"].as_array().map(Vec::len), Some(0), "March is history");
    falls(&desk);
    desk.ok(&["notify", "address", "https://netnew.example.com/"]);
    for round in 0..4 {
        let ran = desk.ok(&["notify", "run"]);
        let wanted = usize::from(round == 0);
        assert_eq!(ran["sent"].as_array().map(Vec::len), Some(wanted), "{ran}");
    }
    let got = hook.got();
    let [request] = got.as_slice() else { panic!("{} requests", got.len()) };
    let now = Instant::parse_rfc3339("2026-04-02T12:00:00Z").expect("an instant");
    let header = request.header("netnew-signature");
    assert!(netnew_access::webhook::verify(SECRET, header, &request.body, now, 300), "{header}");
    let body = request.json();
    let alert = &body["alerts"][0];
    assert_eq!(alert["customer"], "acme");
    assert_eq!(alert["change"], "-0.4");
    assert_eq!(alert["delivery"], request.header("idempotency-key"));
    let movement = alert["rows"][0]["id"].as_str().expect("an id");
    assert_eq!(alert["rows"][0]["link"], format!("https://netnew.example.com/explain/{movement}"));
    let log = desk.ok(&["notify", "log"]);
    assert_eq!(log["rows"][0]["state"], "sent");
    assert_eq!(log["rows"][0]["attempts"], 1);
}

#[test]
fn several_small_falls_are_told_together() {
    let hook = Hook::fine();
    let mut desk = business(&hook);
    for (at, day, amount, wanted) in [
        ("2026-04-05T12:00:00Z", "2026-04-05", "97", 0),
        ("2026-04-12T12:00:00Z", "2026-04-12", "94", 1),
        ("2026-04-14T12:00:00Z", "2026-04-14", "92", 1),
    ] {
        desk.at(at);
        let states = desk.file(
            "small.csv",
            &format!(
                "customer,subscription,effective_at,status,plan,amount\nacme,s1,{day},active,Pro,{amount}\n"
            ),
        );
        desk.ok(&["import", &states]);
        desk.ok(&["notify", "run"]);
        assert_eq!(hook.got().len(), wanted, "{day}");
    }
    let says = hook.got()[0].json()["alerts"][0]["says"].as_str().unwrap_or_default().to_string();
    assert!(says.contains("in 2 steps since 2026-04-05, fell by 6.0 %"), "{says}");
}

#[test]
fn killed_between_sending_and_writing_it_down_the_same_message_is_sent_again_and_then_no_more() {
    let victim: Arc<Mutex<Option<u32>>> = Arc::default();
    let aim = victim.clone();
    let hook = Hook::new(move |count| {
        if count <= 3 {
            // Received, so sent; the sender dies before it hears so.
            while aim.lock().expect("nobody panicked").is_none() {
                std::thread::yield_now();
            }
            let pid = aim.lock().expect("nobody panicked").take().unwrap_or_default();
            Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill runs");
            return None;
        }
        Some("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".into())
    });
    let desk = business(&hook);
    falls(&desk);
    for _ in 0..3 {
        let mut child = desk.command(&["notify", "run"]).stdout(Stdio::null()).spawn().expect("it starts");
        *victim.lock().expect("nobody panicked") = Some(child.id());
        let status = child.wait().expect("it ends");
        assert!(!status.success(), "it was killed");
    }
    assert_eq!(desk.ok(&["notify", "run"])["sent"].as_array().map(Vec::len), Some(1));
    for _ in 0..3 {
        assert_eq!(desk.ok(&["notify", "run"])["sent"].as_array().map(Vec::len), Some(0));
    }
    assert_eq!(hook.got().len(), 4);
    assert_eq!(hook.ids().len(), 1, "one id, by which the repeats are dropped");
    let bodies: BTreeSet<Vec<u8>> = hook.got().into_iter().map(|r| r.body).collect();
    assert_eq!(bodies.len(), 1, "the very same bytes");
    let said = desk.ok(&["notify", "log"])["rows"][0].clone();
    assert_eq!(said["attempts"], 4);
    assert!(said["said"].as_str().unwrap_or_default().contains("process ended"), "{said}");
}

#[test]
fn many_at_once_send_once() {
    let hook = Hook::fine();
    let desk = business(&hook);
    falls(&desk);
    let children: Vec<Child> = (0..6)
        .map(|_| {
            desk.command(&["notify", "run"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("it starts")
        })
        .collect();
    for mut child in children {
        assert!(child.wait().expect("it ends").success());
    }
    desk.ok(&["notify", "run"]);
    assert_eq!(hook.got().len(), 1);
}

#[test]
fn a_server_that_is_busy_is_asked_again_when_it_says() {
    let hook = Hook::new(|count| {
        Some(match count {
            1 => "HTTP/1.1 429 Too Many Requests\r\nretry-after: 900\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".into(),
            _ => "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".into(),
        })
    });
    let mut desk = business(&hook);
    falls(&desk);
    let (ran, code) = desk.json(&["notify", "run"]);
    assert_eq!((code, ran["later"].as_array().map(Vec::len)), (1, Some(1)), "{ran}");
    for (at, wanted) in
        [("2026-04-02T12:14:59Z", 1), ("2026-04-02T12:15:00Z", 2), ("2026-04-02T18:00:00Z", 2)]
    {
        desk.at(at);
        desk.ok(&["notify", "run"]);
        assert_eq!(hook.got().len(), wanted, "{at}");
    }
    assert_eq!(hook.ids().len(), 1);
}

#[test]
fn quiet_hours_hold_and_then_send_as_one() {
    let hook = Hook::fine();
    let mut desk = business(&hook);
    desk.ok(&["notify", "quiet", "22:00-07:00"]);
    falls(&desk);
    desk.at("2026-04-02T21:30:00Z");
    assert_eq!(desk.ok(&["notify", "run"])["held"], 1);
    let states = desk
        .file("big.csv", "customer,subscription,effective_at,status\nbig,s3,2026-04-02T20:30:00Z,canceled\n");
    desk.ok(&["import", &states]);
    desk.at("2026-04-03T04:59:00Z");
    assert_eq!(desk.ok(&["notify", "run"])["held"], 2);
    assert!(hook.got().is_empty());
    desk.at("2026-04-03T05:00:00Z");
    desk.ok(&["notify", "run"]);
    let got = hook.got();
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].json()["alerts"].as_array().map(Vec::len), Some(2));
}

#[test]
fn no_secret_is_seen_anywhere() {
    let hook = Hook::new(|_| {
        Some("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".into())
    });
    let desk = business(&hook);
    falls(&desk);
    let mut seen = String::new();
    for args in [
        &["notify", "run"][..],
        &["notify", "log"],
        &["notify", "channels", "list"],
        &["notify", "channels", "test", "hook"],
    ] {
        let output = desk.run(args);
        seen.push_str(&String::from_utf8_lossy(&output.stdout));
        seen.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    assert!(seen.contains("403"), "{seen}");
    let written = desk.run(&[
        "notify",
        "channels",
        "add",
        "slack",
        "chat",
        "--url",
        "https://hooks.example.com/T0/s3cr3t-address",
    ]);
    assert_eq!(written.status.code(), Some(1));
    seen.push_str(&String::from_utf8_lossy(&written.stdout));
    seen.push_str(&String::from_utf8_lossy(&written.stderr));
    assert!(!seen.contains(SECRET) && !seen.contains("s3cr3t-address"), "{seen}");
    let catalog = std::fs::read(desk.path("book/book.db")).expect("the catalog");
    assert!(!catalog.windows(SECRET.len()).any(|w| w == SECRET.as_bytes()));
}

#[test]
fn rules_of_ones_own() {
    let hook = Hook::fine();
    let desk = business(&hook);
    let names = |desk: &Desk| -> Vec<String> {
        let rows = desk.ok(&["alerts", "rules"]);
        rows["rows"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|r| r["name"].as_str().unwrap_or_default().to_string())
            .collect()
    };
    assert_eq!(names(&desk), ["customer_drop"]);
    desk.ok(&[
        "alerts",
        "add",
        "pro-shrinks",
        "--metric",
        "mrr",
        "--where",
        "plan=Pro",
        "--falls-by",
        "0.01",
    ]);
    assert_eq!(names(&desk), ["customer_drop", "pro-shrinks"]);
    desk.ok(&["notify", "run"]);
    let told = hook.got().first().map(Request::json).unwrap_or_default();
    assert_eq!(told, Value::Null, "March ended before the rule: {told}");
    let (error, code) = desk.json(&["alerts", "add", "pro-shrinks", "--metric", "mrr", "--above", "1"]);
    assert_eq!((code, error["error"]["code"].as_str()), (1, Some("name_taken")));
    let (error, code) = desk.json(&["alerts", "add", "x", "--metric", "moods", "--above", "1"]);
    assert_ne!(code, 0, "{error}");
    desk.ok(&["alerts", "remove", "pro-shrinks"]);
    assert_eq!(names(&desk), ["customer_drop"]);
}

/// A real mail server on this machine; `None` when there is no Python with one, which is said.
struct Sink {
    child: Child,
    port: String,
    dir: PathBuf,
}

impl Sink {
    fn start(dir: &Path, more: &[&str]) -> Option<Sink> {
        let Ok(python) = std::env::var("NETNEW_MAIL_PYTHON") else {
            eprintln!("passed over: NETNEW_MAIL_PYTHON is not set; ./test sets it up");
            return None;
        };
        std::fs::create_dir_all(dir).expect("a directory");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/mail-sink.py");
        let mut child = Command::new(python)
            .arg(script)
            .arg(dir)
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the mail server starts");
        let mut port = String::new();
        BufReader::new(child.stdout.take().expect("its words")).read_line(&mut port).expect("its port");
        Some(Sink { child, port: port.trim().to_string(), dir: dir.to_path_buf() })
    }

    /// The mails, understood by somebody else's code.
    fn mails(&self) -> Vec<Value> {
        let read = "import sys,json,email,email.policy,pathlib\n\
            for p in sorted(pathlib.Path(sys.argv[1]).glob('*.eml')):\n\
            \x20   m=email.message_from_bytes(p.read_bytes(),policy=email.policy.default)\n\
            \x20   parts=[{'type':q.get_content_type(),'id':q.get('content-id'),'text':q.get_content() if q.get_content_maintype()=='text' else None,\
            'png':q.get_content()[:8].hex() if q.get_content_type()=='image/png' else None} for q in m.walk()]\n\
            \x20   print(json.dumps({'headers':[[k,str(v)] for k,v in m.items()],'parts':parts,'bytes':p.stat().st_size,\
            'defects':[str(d) for d in m.defects],'envelope':json.loads(p.with_suffix('.json').read_text())}))\n";
        let python = std::env::var("NETNEW_MAIL_PYTHON").expect("it was set");
        let output = Command::new(python).args(["-c", read]).arg(&self.dir).output().expect("it reads");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(|l| serde_json::from_str(l).expect("JSON"))
            .collect()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn header<'a>(mail: &'a Value, name: &str) -> &'a str {
    let all = mail["headers"].as_array().expect("headers");
    all.iter()
        .find(|h| h[0].as_str().is_some_and(|n| n.eq_ignore_ascii_case(name)))
        .and_then(|h| h[1].as_str())
        .unwrap_or_default()
}

fn with_mail(sink: &Sink, more: &[&str]) -> Desk {
    let hook = Hook::fine();
    let desk = business(&hook);
    desk.ok(&["notify", "channels", "remove", "hook"]);
    let mut args = vec![
        "notify",
        "channels",
        "add",
        "email",
        "mail",
        "--host",
        "127.0.0.1",
        "--port",
        &sink.port,
        "--tls",
        "none",
        "--from",
        "Netnew <netnew@books.example.com>",
        "--to",
        "ada@example.com",
        "--to",
        "Bob <bob@example.com>",
    ];
    args.extend(more);
    desk.ok(&args);
    desk
}

#[test]
fn an_alert_by_mail_through_a_real_server() {
    let dir = tempfile::tempdir().expect("a directory");
    let Some(sink) = Sink::start(dir.path(), &[]) else { return };
    let mut desk = with_mail(&sink, &[]);
    desk.at("2026-04-03T12:00:00Z");
    let names =
        desk.file("n.csv", "customer,name\nzen,\"Zen\r\nBcc: eve@example.com\"\nacme,<b>Acme</b> & Co\n");
    desk.run(&["import", &names]);
    let states = desk.file(
        "z.csv",
        "customer,subscription,effective_at,status,plan,amount\nzen,s2,2026-04-03T08:00:00Z,canceled,,\nacme,s1,2026-04-03T09:00:00Z,active,Basic,60\n",
    );
    desk.ok(&["import", &states]);
    desk.ok(&["notify", "run"]);
    desk.ok(&["notify", "run"]);
    let mails = sink.mails();
    let [mail] = mails.as_slice() else { panic!("{} mails", mails.len()) };
    assert_eq!(mail["envelope"]["to"], serde_json::json!(["ada@example.com", "bob@example.com"]));
    assert_eq!(mail["defects"], serde_json::json!([]));
    assert!(header(mail, "subject").starts_with("2 alerts: "), "{}", header(mail, "subject"));
    assert_eq!(header(mail, "bcc"), "");
    assert!(header(mail, "message-id").ends_with(".netnew@books.example.com>"));
    assert!(header(mail, "list-unsubscribe").starts_with("<mailto:netnew@books.example.com"));
    assert_eq!(header(mail, "auto-submitted"), "auto-generated");
    assert_eq!(header(mail, "date"), "Fri, 03 Apr 2026 12:00:00 +0000");
    let kinds: Vec<&str> =
        mail["parts"].as_array().expect("parts").iter().filter_map(|p| p["type"].as_str()).collect();
    assert_eq!(kinds, ["multipart/alternative", "text/plain", "text/html"]);
    let html = mail["parts"][2]["text"].as_str().unwrap_or_default();
    assert!(html.contains("&lt;b&gt;Acme&lt;/b&gt; &amp; Co") && !html.contains("<b>Acme"), "{html}");
    assert!(mail["parts"][1]["text"].as_str().unwrap_or_default().contains("churn, cancel"), "{mail}");
}

#[test]
fn a_report_by_schedule_once_however_long_nothing_ran() {
    let dir = tempfile::tempdir().expect("a directory");
    let Some(sink) = Sink::start(dir.path(), &[]) else { return };
    let mut desk = with_mail(&sink, &[]);
    desk.ok(&[
        "notify",
        "schedules",
        "add",
        "board",
        "--report",
        "monthly",
        "--on",
        "1",
        "--at",
        "08:00",
        "--channel",
        "mail",
        "--to",
        "chair@example.com",
        "--to",
        "cfo@example.com",
        "--unsubscribe",
        "https://example.com/stop",
    ]);
    desk.ok(&["notify", "run"]);
    assert_eq!(sink.mails().len(), 0, "it was due before it was made");
    // Three were missed; 06:00 in Berlin's summer is 08:00.
    desk.at("2026-07-01T05:59:59Z");
    desk.ok(&["notify", "run"]);
    assert_eq!(sink.mails().len(), 2);
    desk.at("2026-07-01T06:00:00Z");
    desk.ok(&["notify", "run"]);
    desk.ok(&["notify", "run"]);
    let mails = sink.mails();
    assert_eq!(mails.len(), 4, "one to each of two, twice");
    let mail = &mails[3];
    assert_eq!(header(mail, "list-unsubscribe"), "<https://example.com/stop>");
    assert!(header(mail, "subject").contains("June 2026"), "{}", header(mail, "subject"));
    let parts = mail["parts"].as_array().expect("parts");
    let kinds: Vec<&str> = parts.iter().filter_map(|p| p["type"].as_str()).collect();
    assert_eq!(
        kinds,
        ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png", "image/png"]
    );
    let html = parts[3]["text"].as_str().unwrap_or_default();
    for part in &parts[4..] {
        assert_eq!(part["png"], "89504e470d0a1a0a", "a picture that can be decoded");
        let id = part["id"].as_str().unwrap_or_default().trim_matches(['<', '>']);
        assert!(html.contains(&format!("src=\"cid:{id}\"")), "{id} is shown");
    }
    assert!(!html.contains("<svg"));
    assert!(parts[1]["text"].as_str().unwrap_or_default().replace('\r', "").contains("June 2026\n========="));
    assert!(mail["bytes"].as_u64().unwrap_or(u64::MAX) < 200_000, "{}", mail["bytes"]);
    let to: BTreeSet<String> = mails.iter().map(|m| m["envelope"]["to"].to_string()).collect();
    assert_eq!(to.len(), 2, "each gets a mail of their own");
}

#[test]
fn passwords_work_and_are_not_shown_when_they_do_not() {
    let dir = tempfile::tempdir().expect("a directory");
    let Some(sink) = Sink::start(dir.path(), &["--auth", "netnew:right-horse"]) else { return };
    let file = dir.path().join("password");
    std::fs::write(&file, "right-horse\n").expect("a file");
    let place = format!("file:{}", file.display());
    let desk = with_mail(&sink, &["--user", "netnew", "--password", &place]);
    assert_eq!(desk.ok(&["notify", "channels", "test", "mail"])["state"], "sent");
    std::fs::write(&file, "wrong-horse\n").expect("a file");
    let (told, code) = desk.json(&["notify", "channels", "test", "mail"]);
    assert_eq!((code, told["state"].as_str()), (1, Some("failed")));
    assert!(!told.to_string().contains("horse"), "{told}");
}
