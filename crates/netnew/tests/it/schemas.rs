//! Every output fits its committed schema.

use crate::harness::Desk;
use serde_json::Value;

fn fits(desk: &Desk, schema: &str, value: &Value) {
    let schema_value = desk.ok(&["schema", schema]);
    let validator = jsonschema::validator_for(&schema_value).expect("a valid schema");
    let errors: Vec<String> =
        validator.iter_errors(value).take(3).map(|e| format!("{} at {}", e, e.instance_path())).collect();
    assert!(errors.is_empty(), "{schema}: {errors:#?}");
}

#[test]
fn outputs_fit_their_schemas() {
    let desk = Desk::new("2026-04-15T12:00:00Z");
    let states = desk.file(
        "s.csv",
        "customer,subscription,effective_at,status,plan,amount,interval,quantity,cancel_at\n\
         acme,s1,2026-01-10,active,Basic,20,month,2,\n\
         acme,s1,2026-02-10,active,Pro,50.5,month,1.5,2026-06-01\n\
         zen,s2,2026-01-15,active,Year,1000,year,,\n\
         zen,s2,2026-03-15,canceled,,,,,\n",
    );
    fits(&desk, "import", &desk.ok(&["import", &states]));
    let attributes = desk.file("c.csv", "customer,name,country\nacme,Acme,DE\n");
    desk.ok(&["import", &attributes]);
    assert!(desk.run(&["keys", "create", "ci", "--scope", "read"]).status.success());
    assert!(desk.run(&["keys", "create", "old", "--scope", "admin"]).status.success());
    for (schema, args) in [
        ("mrr", &["mrr"][..]),
        ("mrr", &["mrr", "--by", "plan,country", "--to", "2026-07-31"]),
        ("mrr", &["mrr", "--currency", "original", "--interval", "week"]),
        ("movements", &["movements"]),
        ("movements", &["movements", "--currency", "USD", "--by", "country"]),
        ("metrics", &["metrics"]),
        ("metrics", &["metrics", "mrr", "--by", "plan"]),
        ("cohorts", &["cohorts", "--measure", "nrr"]),
        ("customers", &["customers"]),
        ("customer", &["customer", "acme"]),
        ("explain", &["explain", "--period", "2026-02"]),
        ("diagnose", &["diagnose"]),
        ("report", &["report", "weekly"]),
        ("report", &["report", "monthly"]),
        ("benchmarks", &["benchmarks"]),
        ("milestones", &["milestones"]),
        ("goals-add", &["goals", "add", "mrr", "500", "--by", "2027-12-31"]),
        ("goals-add", &["goals", "add", "gross_mrr_churn", "2%", "--by", "2026-12-31", "--at-most"]),
        ("goals", &["goals"]),
        ("goals-remove", &["goals", "remove", "g1"]),
        ("annotations-add", &["annotations", "add", "2026-02-10", "Price change"]),
        ("annotations", &["annotations"]),
        ("annotations-remove", &["annotations", "remove", "a1"]),
        ("whatif", &["whatif"]),
        ("whatif", &["whatif", "--churn", "5"]),
        ("forecast", &["forecast", "--reach", "5000", "--costs", "70"]),
        ("alerts", &["alerts"]),
        ("alerts", &["alerts", "--rules"]),
        ("alerts-rules", &["alerts", "rules"]),
        ("alerts-add", &["alerts", "add", "r", "--metric", "mrr", "--below", "5"]),
        ("alerts-remove", &["alerts", "remove", "r"]),
        ("notify-channels-add", &["notify", "channels", "add", "slack", "chat", "--url", "env:NO_SUCH_URL"]),
        ("notify-channels-list", &["notify", "channels", "list"]),
        (
            "notify-schedules-add",
            &["notify", "schedules", "add", "w", "--report", "weekly", "--channel", "chat"],
        ),
        ("notify-schedules-list", &["notify", "schedules", "list"]),
        ("notify-quiet", &["notify", "quiet", "22:00-07:00"]),
        ("notify-address", &["notify", "address"]),
        ("notify-run", &["notify", "run"]),
        ("notify-log", &["notify", "log"]),
        ("notify-schedules-remove", &["notify", "schedules", "remove", "w"]),
        ("notify-channels-remove", &["notify", "channels", "remove", "chat"]),
        ("check", &["check"]),
        ("policy-list", &["policy", "list"]),
        ("policy-show", &["policy", "show", "chartmogul"]),
        ("policy-compare", &["policy", "compare", "default", "stripe"]),
        ("demo", &["demo", "--no-serve", "--customers", "40"]),
        ("keys-list", &["keys", "list"]),
        ("keys-revoke", &["keys", "revoke", "old"]),
    ] {
        fits(&desk, schema, &desk.ok(args));
    }
    let (error, _) = desk.json(&["mrr", "--interval", "aeon"]);
    fits(&desk, "error", &error);
}
