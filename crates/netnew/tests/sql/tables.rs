//! The tables hold what the commands print.

use crate::harness::Desk;
use crate::{demo, one, rows};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const NOW: &str = "2026-11-23T14:05:00Z";

fn by_id(rows: &[Value]) -> BTreeMap<String, &Value> {
    rows.iter().map(|row| (row["id"].as_str().expect("an id").to_string(), row)).collect()
}

#[test]
fn movements_are_those_of_the_command() {
    let desk = demo(NOW, "60");
    for flags in [&[][..], &["--from", "2026-02-01", "--currency", "EUR"], &["--set", "netting=event"]] {
        let mut args = vec!["movements"];
        args.extend(flags);
        if !flags.contains(&"--currency") {
            args.extend(["--currency", "USD"]);
        }
        let told = desk.ok(&args);
        let told = told["rows"].as_array().expect("rows");
        let asked = rows(&desk, flags, "SELECT * FROM movements");
        assert_eq!(asked.len(), told.len());
        let asked = by_id(&asked);
        for one in told {
            let row = asked[one["id"].as_str().expect("an id")];
            for (name, value) in one.as_object().expect("a row") {
                assert_eq!(&row[name], value, "{name} of {one:#}");
            }
        }
    }
    let original = desk.ok(&["movements"]);
    let asked = rows(&desk, &["--currency", "original"], "SELECT id, amount, currency FROM movements");
    let asked = by_id(&asked);
    for one in original["rows"].as_array().expect("rows") {
        let row = asked[one["id"].as_str().expect("an id")];
        assert_eq!((&row["amount"], &row["currency"]), (&one["amount"], &one["currency"]));
    }
}

#[test]
fn daily_levels_are_the_mrr_of_the_day() {
    let desk = demo(NOW, "60");
    let mrr = desk.ok(&["mrr", "--interval", "day", "--from", "2026-10-20", "--to", "2026-11-05"]);
    let days = rows(
        &desk,
        &[],
        "SELECT date, sum(mrr) AS mrr FROM levels_daily \
         WHERE date >= '2026-10-20' AND date < DATE '2026-11-06' GROUP BY date ORDER BY date",
    );
    let told: Vec<(&Value, &Value)> =
        mrr["rows"].as_array().expect("rows").iter().map(|r| (&r["period"], &r["end"])).collect();
    let asked: Vec<(&Value, &Value)> = days.iter().map(|r| (&r["date"], &r["mrr"])).collect();
    assert_eq!(asked, told);
    let error = desk.refused(&["sql", "SELECT sum(mrr) FROM levels_daily"], "needs_dates", 2);
    assert!(error["error"]["hint"].as_str().expect("a hint").contains("BETWEEN"));
    desk.refused(&["sql", "SELECT sum(mrr) FROM levels_daily WHERE date > '2026-01-01'"], "needs_dates", 2);
    assert_eq!(
        one(
            &desk,
            "SELECT count(DISTINCT date) FROM levels_daily WHERE date IN ('2026-10-01', '2026-10-03')"
        ),
        json!(2)
    );
}

#[test]
fn customers_are_those_of_the_command() {
    let desk = demo(NOW, "40");
    let told = desk.ok(&["customers"]);
    let asked = rows(&desk, &[], "SELECT * FROM customers ORDER BY mrr DESC, customer");
    let told = told["rows"].as_array().expect("rows");
    assert_eq!(asked.len(), told.len());
    for (row, one) in asked.iter().zip(told) {
        for (name, value) in one.as_object().expect("a row") {
            assert_eq!(&row[name], value, "{name} of {one:#}");
        }
    }
}

#[test]
fn facts_states_rates_and_files_are_there() {
    let desk = Desk::new("2026-04-15T12:00:00Z");
    desk.import(
        "s.csv",
        "customer,subscription,effective_at,status,plan,amount,quantity,recorded_at\n\
         acme,s1,2026-01-10,active,Basic,0.000000000012,2.5,2026-01-11T00:00:00Z\n\
         acme,s1,2026-02-10,active,Pro,50.5,1,2026-02-11T00:00:00Z\n\
         zen,s2,2026-01-15,active,Pro,20,1,2026-03-01T00:00:00Z\n\
         zen,s2,2026-03-15,canceled,,,,2026-03-15T00:00:00Z\n",
    );
    desk.import("c.csv", "customer,name,country\nacme,Acme,DE\n");
    desk.import("r.csv", "date,base,quote,rate\n2026-01-01,EUR,USD,1.25\n");
    let facts = rows(&desk, &[], "SELECT * FROM facts WHERE type = 'state' ORDER BY effective_at");
    assert_eq!(facts.len(), 4);
    assert_eq!(facts[0]["effective_at"], "2026-01-10T00:00:00Z");
    assert_eq!(facts[0]["quantity"], "2.5");
    // Past ten decimals the number is in amount_text.
    assert_eq!((&facts[0]["amount"], &facts[0]["amount_text"]), (&json!("0"), &json!("0.000000000012")));
    assert_eq!(facts[0]["payload_row"], 2);
    let file = one(
        &desk,
        "SELECT p.name FROM facts f JOIN payloads p USING (payload) WHERE f.attributes LIKE '%Acme%'",
    );
    assert!(file.as_str().expect("a name").ends_with("c.csv"), "{file}");
    assert_eq!(one(&desk, "SELECT rate FROM rates"), json!("1.25"));
    let known = rows(&desk, &["--known-on", "2026-02-28"], "SELECT id FROM facts WHERE type = 'state'");
    assert_eq!(known.len(), 2, "what was learned later is not known");
    let states = rows(
        &desk,
        &[],
        "SELECT customer, status, valid_from, valid_to, mrr FROM item_states WHERE customer = 'zen' ORDER BY valid_from",
    );
    assert_eq!(states[0]["mrr"], "20");
    assert_eq!(states[0]["valid_to"], "2026-03-15T00:00:00Z");
    assert_eq!((&states[1]["status"], &states[1]["valid_to"]), (&json!("canceled"), &json!(null)));
    let levels = rows(
        &desk,
        &[],
        "SELECT customer, mrr, first_day, last_day, valid_to FROM levels WHERE customer = 'zen'",
    );
    assert_eq!(levels.len(), 1);
    assert_eq!(
        (&levels[0]["first_day"], &levels[0]["last_day"]),
        (&json!("2026-01-15"), &json!("2026-03-14"))
    );
}

#[test]
fn time_is_cut_in_the_report_s_zone() {
    let desk = Desk::new("2026-07-15T12:00:00Z");
    desk.import(
        "s.csv",
        "customer,subscription,effective_at,status,plan,amount\n\
         a,s1,2026-03-31T23:30:00Z,active,Pro,10\n\
         b,s2,2026-04-02T12:00:00Z,active,Pro,20\n",
    );
    let sql =
        "SELECT date_trunc('month', at) AS month, sum(amount) AS amount FROM movements GROUP BY 1 ORDER BY 1";
    let utc = rows(&desk, &[], sql);
    assert_eq!(utc[0], json!({"month": "2026-03-01T00:00:00Z", "amount": "10"}));
    let berlin = rows(&desk, &["--timezone", "Europe/Berlin"], sql);
    assert_eq!(berlin, [json!({"month": "2026-04-01T00:00:00+02:00", "amount": "30"})]);
    let days = rows(
        &desk,
        &["--timezone", "Europe/Berlin"],
        "SELECT date, extract(day FROM at) AS day, at FROM movements ORDER BY at LIMIT 1",
    );
    assert_eq!(days[0]["date"], "2026-04-01");
    assert_eq!(days[0]["day"].to_string().trim_matches('"'), "1");
    assert_eq!(days[0]["at"], "2026-04-01T01:30:00+02:00");
}

#[test]
fn every_form_prints_the_same() {
    let desk = Desk::new("2026-04-15T12:00:00Z");
    let sql = "SELECT 1.50 AS amount, 'a,b' AS text, NULL AS nothing, 7 AS count, DATE '2026-01-31' AS day";
    assert_eq!(
        desk.ok(&["sql", sql])["rows"],
        json!([{"amount": "1.5", "text": "a,b", "nothing": null, "count": 7, "day": "2026-01-31"}])
    );
    let print = |format: &str, sql: &str| {
        let output = desk.run(&["sql", sql, "--format", format]);
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert_eq!(print("csv", sql), "amount,text,nothing,count,day\n1.5,\"a,b\",,7,2026-01-31\n");
    assert_eq!(print("csv", "SELECT 1 AS a WHERE false"), "a\n");
    assert!(print("table", sql).contains("2026-01-31"));
    // Two columns of one name are both there.
    assert_eq!(
        desk.ok(&["sql", "SELECT t.a, u.a FROM (VALUES (1)) t(a), (VALUES (2)) u(a)"])["rows"],
        json!([{"a": 1, "a_2": 2}])
    );
    let schema = desk.ok(&["schema", "sql"]);
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    assert!(validator.is_valid(&desk.ok(&["sql", sql])));
}

#[test]
fn a_missing_rate_is_an_error_not_a_guess() {
    let desk = Desk::new("2026-04-15T12:00:00Z");
    desk.import(
        "s.csv",
        "customer,subscription,effective_at,status,plan,amount,currency\na,s1,2026-03-01,active,Pro,10,EUR\n",
    );
    let (told, _) = desk.json(&["mrr"]);
    let code = told["error"]["code"].as_str().expect("mrr fails as well").to_string();
    desk.refused(&["sql", "SELECT sum(amount) FROM movements"], &code, 1);
    desk.refused(&["sql", "SELECT sum(converted(mrr, currency, DATE '2026-04-01')) FROM levels"], &code, 1);
    assert_eq!(
        rows(&desk, &["--currency", "original"], "SELECT sum(amount) AS s FROM movements"),
        [json!({"s": "10"})]
    );
}
