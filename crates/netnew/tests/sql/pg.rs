//! `netnew sql --serve-pg`, driven by the clients that people use: psql, and Python's psycopg. `./test` installs them; run
//! by hand, `. scripts/setup.sh; . scripts/pg-clients.sh` comes first.

use crate::demo;
use crate::harness::Desk;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};

const PASSWORD: &str = "correct horse";

/// A server on a port of its own, ended with the test.
struct Server {
    child: Child,
    port: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(desk: &Desk, args: &[&str]) -> Server {
        let mut child = desk
            .command(&["sql", "--serve-pg", "127.0.0.1:0"])
            .args(args)
            .env("NETNEW_PG_PASSWORD", PASSWORD)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let line = lines.next().expect("it says where").expect("UTF-8");
        let port = line
            .split("127.0.0.1:")
            .nth(1)
            .and_then(|rest| rest.split('/').next())
            .unwrap_or_else(|| panic!("no address in {line:?}"))
            .to_string();
        // Whatever else it says is read on, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        Server { child, port }
    }

    fn psql(&self, password: &str, command: &str) -> Output {
        Command::new("psql")
            .args([
                "-X",
                "-A",
                "-t",
                "-h",
                "127.0.0.1",
                "-p",
                &self.port,
                "-U",
                "netnew",
                "-d",
                "netnew",
                "-w",
            ])
            .args(["-v", "ON_ERROR_STOP=1", "-c", command])
            .env("PGPASSWORD", password)
            .env("PGCONNECT_TIMEOUT", "20")
            .output()
            .expect("psql is installed: . scripts/setup.sh; . scripts/pg-clients.sh")
    }

    fn asks(&self, command: &str) -> String {
        let output = self.psql(PASSWORD, command);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}: {error}");
        String::from_utf8(output.stdout).expect("UTF-8").trim().to_string()
    }
}

#[test]
fn psql_lists_and_queries_the_tables() {
    let desk = demo("2026-11-23T14:05:00Z", "60");
    let server = Server::start(&desk, &[]);
    let listed = server.asks("\\d");
    for table in ["movements", "levels", "levels_daily", "customers", "facts", "metrics"] {
        assert!(listed.lines().any(|line| line.contains(&format!("|{table}|"))), "{table} in {listed}");
    }
    assert!(server.asks("\\dt").contains("movements"));
    let described = server.asks("\\d movements");
    for column in ["customer_before|", "amount|numeric", "date|date", "at|timestamp with time zone"] {
        assert!(described.contains(column), "{column} in {described}");
    }
    let told = desk.ok(&["sql", "SELECT kind, sum(amount) AS s FROM movements GROUP BY kind ORDER BY kind"]);
    let asked = server.asks("SELECT kind, sum(amount) FROM movements GROUP BY kind ORDER BY kind");
    let asked: Vec<(String, String)> = asked
        .lines()
        .map(|line| {
            let (kind, sum) = line.split_once('|').expect("two columns");
            (kind.to_string(), sum.trim_end_matches('0').trim_end_matches('.').to_string())
        })
        .collect();
    let told: Vec<(String, String)> = told["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|r| (r["kind"].as_str().expect("text").to_string(), r["s"].as_str().expect("text").to_string()))
        .collect();
    assert_eq!(asked, told);
    assert_eq!(server.asks("SELECT 0.1 + 0.2"), "0.3");
    let nrr = desk.ok(&["metrics", "describe", "nrr"]);
    let lines = server.asks(nrr["sql"].as_str().expect("a query")).lines().count();
    assert_eq!(lines, desk.ok(&["metrics", "nrr"])["rows"].as_array().expect("rows").len());
}

#[test]
fn only_who_knows_the_password_and_only_questions() {
    let desk = demo("2026-11-23T14:05:00Z", "30");
    let server = Server::start(&desk, &[]);
    for wrong in ["wrong", ""] {
        let output = server.psql(wrong, "SELECT 1");
        assert!(!output.status.success(), "{wrong:?} was let in");
    }
    let out = desk.path("out.csv").display().to_string();
    for sql in [
        "DROP TABLE facts".to_string(),
        "CREATE TABLE t AS SELECT 1".into(),
        "SELECT 1 AS a INTO t".into(),
        "INSERT INTO rates VALUES (1)".into(),
        "SET datafusion.sql_parser.parse_float_as_decimal = false".into(),
        format!("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{out}'"),
    ] {
        let output = server.psql(PASSWORD, &sql);
        let said = String::from_utf8_lossy(&output.stderr).to_string();
        assert!(!output.status.success() && said.contains("ERROR"), "{sql}: {said}");
    }
    let copied = server.psql(PASSWORD, &format!("COPY (SELECT 1) TO '{out}'"));
    assert!(!copied.status.success());
    assert!(!desk.path("out.csv").exists());
    // One client's settings are not another's.
    server.asks("SET timezone = 'Asia/Tokyo'");
    assert_eq!(server.asks("SELECT 0.1 + 0.2"), "0.3");
}

#[test]
fn a_password_is_never_left_out_by_accident() {
    let desk = Desk::new("2026-04-15T12:00:00Z");
    desk.refused(
        &["sql", "--serve-pg", "127.0.0.1:0", "--password-env", "NETNEW_NOT_SET"],
        "password_needed",
        2,
    );
    desk.refused(&["sql", "--serve-pg", "0.0.0.0:0", "--no-password"], "password_needed", 2);
    desk.refused(&["sql", "--serve-pg", "nowhere"], "bad_address", 2);
    desk.refused(&["sql", "--serve-pg", "127.0.0.1:0", "SELECT 1"], "usage", 2);
    let server = Server::start(&desk, &["--no-password"]);
    assert!(server.psql("", "SELECT 1").status.success());
    let file = desk.file("password", "of the file\n");
    let server = Server::start(&desk, &["--password-file", &file]);
    assert!(server.psql("of the file", "SELECT 1").status.success());
    assert!(!server.psql(PASSWORD, "SELECT 1").status.success());
}

const SCRIPT: &str = r#"
import sys, datetime, decimal
import psycopg
with psycopg.connect(sys.argv[1], autocommit=True) as db:
    tables = {r[0] for r in db.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")}
    assert {"movements", "levels", "facts", "metrics"} <= tables, tables
    rows = db.execute("SELECT date, kind, amount, at, facts FROM movements ORDER BY at, id LIMIT 5").fetchall()
    assert len(rows) == 5, rows
    day, kind, amount, at, facts = rows[0]
    assert isinstance(day, datetime.date) and isinstance(amount, decimal.Decimal), rows[0]
    assert isinstance(at, datetime.datetime) and at.tzinfo is not None, at
    assert isinstance(facts, list) and len(facts[0]) == 32, facts
    # Parameters, text and binary.
    for binary in (False, True):
        cursor = db.cursor(binary=binary)
        cursor.execute("SELECT count(*), sum(amount) FROM movements WHERE kind = %s", ["new"])
        count, total = cursor.fetchone()
        print(count, total.normalize() if total else total)
    cursor = db.cursor()
    cursor.execute("SELECT sum(mrr) FROM levels_daily WHERE date = %s", [datetime.date(2026, 10, 31)])
    print(cursor.fetchone()[0].normalize())
    try:
        db.execute("DROP TABLE facts")
    except psycopg.Error as error:
        print(error.sqlstate)
with psycopg.connect(sys.argv[1]) as db:
    # In a transaction, as psycopg does by default.
    print(db.execute("SELECT count(*) FROM customers").fetchone()[0])
"#;

#[test]
fn psycopg_lists_and_queries_the_tables() {
    let desk = demo("2026-11-23T14:05:00Z", "40");
    let server = Server::start(&desk, &[]);
    let python = std::env::var("NETNEW_TEST_PYTHON").expect(
        "NETNEW_TEST_PYTHON names a Python with psycopg: . scripts/setup.sh; . scripts/pg-clients.sh",
    );
    let url = format!("postgresql://netnew@127.0.0.1:{}/netnew", server.port);
    let mut child = Command::new(python)
        .args(["-", &url])
        .env("PGPASSWORD", PASSWORD)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("that Python runs");
    child.stdin.take().expect("piped").write_all(SCRIPT.as_bytes()).expect("it listens");
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&str> = said.lines().collect();
    let new = desk.ok(&["sql", "SELECT count(*) AS n, sum(amount) AS s FROM movements WHERE kind = 'new'"]);
    let wanted = format!("{} {}", new["rows"][0]["n"], new["rows"][0]["s"].as_str().expect("an amount"));
    assert_eq!(&lines[..2], [wanted.as_str(), wanted.as_str()]);
    let mrr = desk.ok(&["mrr", "--to", "2026-10-31"]);
    let end =
        mrr["rows"].as_array().expect("rows").last().expect("a row")["end"].as_str().expect("an amount");
    assert_eq!(&lines[2..], [end, "25006", "40"]);
}
