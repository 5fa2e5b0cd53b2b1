//! JSON lines and lists.

use netnew_sources::Format;

use crate::support::Desk;

const LINES: &str = r#"{"customer": "a", "subscription": "s1", "effective_at": "2026-01-01", "amount": 49.990000000000001, "quantity": 2}

{"customer": 17, "subscription": "s2", "effective_at": 1767225600, "amount": "1,234.50", "discounts": [{"percent": 10}], "retract": false}
{"customer": "b", "subscription": null, "effective_at": "2026-01-01", "amount": 5}
{"customer": "b", "subscription"
{"customer": "b", "subscription": "s3", "effective_at": "2026-01-01", "status": "free", "plan": {"name": "x"}}
"#;

#[test]
fn objects_one_a_line() {
    let outcome = Desk::new().read(LINES);
    assert_eq!(outcome.opened.format, Format::Jsonl);
    assert_eq!(
        outcome.lines(),
        [
            "a s1 2026-01-01T00:00:00Z active 49.990000000000001 USD /month x2",
            "17 s2 2026-01-01T00:00:00Z active 1234.5 USD /month [{\"percent\":\"10\",\"kind\":\"forever\"}]",
            "b s3 2026-01-01T00:00:00Z free [{\"name\":\"x\"}] 0 USD /month",
        ]
    );
    assert_eq!(outcome.statements.iter().map(|s| s.row).collect::<Vec<_>>(), [1, 3, 6]);
    assert_eq!(outcome.faults(), ["4 subscription missing_value", "5 - bad_json"]);
}

#[test]
fn a_list_of_objects_and_objects_over_several_lines() {
    let objects = [
        "{\"customer\": \"a\",\n \"subscription\": \"s\", \"effective_at\": \"2026-01-01\", \"amount\": 1}",
        "{\"customer\": \"a\", \"subscription\": \"t\", \"effective_at\": \"2026-01-01\",\n \"amount\": 2}",
    ];
    let expected =
        ["a s 2026-01-01T00:00:00Z active 1 USD /month", "a t 2026-01-01T00:00:00Z active 2 USD /month"];
    for content in [
        format!("[{}]", objects.join(",\n")),
        objects.join("\n"),
        format!("\u{feff}[{}\n]", objects.join(",")),
    ] {
        let outcome = Desk::new().read(&content).sound();
        assert_eq!(
            (outcome.opened.format, outcome.lines()),
            (Format::Jsonl, expected.map(String::from).to_vec())
        );
    }
    let broken = Desk::new().read(format!("[{}, 17, {}]", objects[0], objects[1]));
    assert_eq!((broken.lines().len(), broken.faults()), (2, vec!["2 - bad_json".to_string()]));
}

#[test]
fn a_typed_value_in_the_wrong_place_is_a_problem() {
    let outcome = Desk::new().read(
        "{\"customer\": \"a\", \"subscription\": \"s\", \"effective_at\": true, \"amount\": 1}\n\
         {\"customer\": \"a\", \"subscription\": \"s\", \"effective_at\": 1.5, \"amount\": 1}\n\
         {\"customer\": \"a\", \"subscription\": \"s\", \"effective_at\": \"2026-01-01\", \"amount\": false}\n\
         {\"customer\": \"a\", \"subscription\": \"s\", \"effective_at\": \"2026-01-01\", \"amount\": 1e99}\n",
    );
    assert_eq!(
        outcome.faults(),
        ["1 effective_at bad_date", "2 effective_at bad_date", "3 amount bad_number", "4 amount bad_number"]
    );
}
