//! Exports of Stripe's dashboard.

use netnew_sources::Kind;

use crate::support::{Desk, Outcome};

const HEADER: &str = "id,Customer ID,Customer Email,Plan,Product,Quantity,Currency,Interval,Amount,Status,\
    Cancellation Reason,Created (UTC),Start (UTC),Start Date (UTC),Current Period Start (UTC),\
    Current Period End (UTC),Trial Start (UTC),Trial End (UTC),Canceled At (UTC),Cancel At Period End,\
    Ended At (UTC),team (metadata)\n";

fn read(rows: &str) -> Outcome {
    Desk::new().zone("America/New_York").read(format!("{HEADER}{rows}"))
}

#[test]
fn a_running_subscription_began_at_its_start() {
    let outcome = read(
        "sub_1,cus_1,a@x.org,price_pro,Pro,2,usd,month,49.00,active,,2026-01-31 12:00,2026-03-01 00:00,2026-01-01 00:00,\
         2026-05-01 00:00,2026-06-01 00:00,,,,FALSE,,\n\
         sub_2,cus_1,a@x.org,,Pro,1,eur,year,\"1,000.00\",active,,2026-01-31 12:00,,,,,,,,,,\n",
    )
    .sound();
    assert_eq!(outcome.opened.kind, Kind::StripeSubscriptions);
    assert_eq!(
        outcome.lines(),
        [
            "cus_1 sub_1 2026-01-01T00:00:00Z active [price_pro] 49 USD /month x2",
            "cus_1 sub_2 2026-01-31T12:00:00Z active [Pro] 1000 EUR /year",
        ]
    );
}

#[test]
fn trials_and_ends_are_rebuilt() {
    let outcome = read(
        "sub_1,c,,p,,1,usd,month,49,active,,2026-01-01 00:00,,,2026-05-15 00:00,2026-06-15 00:00,2026-01-01 00:00,2026-01-15 00:00,,,,\n\
         sub_2,c,,p,,1,usd,month,49,trialing,,2026-01-01 00:00,,,,,2026-01-01 00:00,2026-01-15 00:00,,,,\n\
         sub_3,c,,p,,1,usd,month,49,canceled,payment_failed,2026-01-01 00:00,,,,,,,2026-03-01 10:00,false,2026-04-01 00:00,\n\
         sub_4,c,,p,,1,usd,month,49,canceled,,2026-01-01 00:00,,,,,,2026-01-15 00:00,2026-01-10 00:00,,2026-01-10 00:00,\n\
         sub_5,c,,p,,1,usd,month,49,active,cancellation_requested,2026-01-01 00:00,,,2026-05-01 00:00,2026-06-01 00:00,,,2026-05-20 09:00,TRUE,,\n\
         sub_6,c,,p,,1,usd,month,49,past_due,,2026-01-01 00:00,,,2026-05-01 00:00,2026-06-01 00:00,,,,,,\n",
    )
    .sound();
    assert_eq!(
        outcome.lines(),
        [
            "c sub_1 2026-01-01T00:00:00Z trialing [p] 49 USD /month trial_end=2026-01-15T00:00:00Z rebuilt",
            "c sub_1 2026-01-15T00:00:00Z active [p] 49 USD /month",
            "c sub_2 2026-01-01T00:00:00Z trialing [p] 49 USD /month trial_end=2026-01-15T00:00:00Z",
            "c sub_3 2026-01-01T00:00:00Z active [p] 49 USD /month rebuilt",
            "c sub_3 2026-04-01T00:00:00Z canceled [p] 49 USD /month asked=2026-03-01T10:00:00Z involuntary (payment_failed)",
            "c sub_4 2026-01-01T00:00:00Z trialing [p] 49 USD /month trial_end=2026-01-15T00:00:00Z rebuilt",
            "c sub_4 2026-01-10T00:00:00Z canceled [p] 49 USD /month asked=2026-01-10T00:00:00Z",
            "c sub_5 2026-01-01T00:00:00Z active [p] 49 USD /month asked=2026-05-20T09:00:00Z \
             cancel_at=2026-06-01T00:00:00Z voluntary (cancellation_requested)",
            "c sub_6 2026-01-01T00:00:00Z active [p] 49 USD /month rebuilt",
            "c sub_6 2026-05-01T00:00:00Z past_due [p] 49 USD /month",
        ]
    );
}

#[test]
fn rows_of_one_subscription_are_its_items() {
    let row = |plan: &str| format!("sub_1,c,,{plan},,1,usd,month,5,active,,2026-01-01 00:00,,,,,,,,,,\n");
    let outcome = read(&[row("base"), row("seats"), row("base")].concat()).sound();
    let keys: Vec<String> =
        outcome.lines().iter().map(|l| l.split(' ').nth(1).unwrap_or("").to_string()).collect();
    assert_eq!(keys, ["sub_1", "sub_1/sub_1/seats", "sub_1"], "an equal row is the same item again");
}

#[test]
fn what_never_began_is_left_out_and_what_is_missing_is_a_problem() {
    let outcome = read(
        "sub_1,c,,p,,1,usd,month,5,incomplete_expired,,2026-01-01 00:00,,,,,,,,,,\n\
         sub_2,c,,p,,1,usd,month,5,incomplete,,2026-01-01 00:00,,,,,,,,,,\n\
         sub_3,c,,p,,1,usd,month,5,active,,,,,,,,,,,,\n\
         sub_4,c,,p,,1,usd,month,5,canceled,,2026-01-01 00:00,,,,,,,,,,\n\
         sub_5,c,,p,,1,usd,,5,active,,2026-01-01 00:00,,,,,,,,,,\n\
         sub_6,c,,p,,1,usd,month,5,active,,2026-01-01 00:00,,,,,,,2026-02-01 00:00,true,,\n",
    );
    assert_eq!(outcome.lines(), Vec::<String>::new());
    assert_eq!(
        outcome.faults(),
        [
            "4 Created (UTC) missing_value",
            "5 Ended At (UTC) missing_value",
            "6 Interval missing_value",
            "7 Cancel At Period End missing_value",
        ]
    );
    assert_eq!(
        outcome.opened.notes.last().map(String::as_str),
        Some("2 rows left out because their first payment never came (incomplete)")
    );
    let bare =
        Desk::new().refusal("id,Customer ID,Status,Created (UTC),Start (UTC),Amount\ns,c,active,,,5\n");
    assert_eq!((bare.code(), bare.column()), ("missing_column", Some("Interval")));
}

#[test]
fn customers_keep_what_stays_true_of_them() {
    let outcome = Desk::new()
        .read(
            "id,Description,Email,Name,Created (UTC),Delinquent,Total Spend,Payment Count,CRM id (metadata),name (metadata)\n\
             cus_1,,a@x.org,Ann,2026-01-31 12:00,false,100.00,2,77,Annie\n",
        )
        .sound();
    assert_eq!(outcome.opened.kind, Kind::StripeCustomers);
    assert_eq!(
        outcome.lines(),
        ["cus_1 from ever: crm_id=77 description=∅ email=a@x.org metadata_name=Annie name=Ann \
             signed_up_at=2026-01-31T12:00:00Z"]
    );
    assert_eq!(outcome.opened.notes, ["columns not used: Delinquent, Total Spend, Payment Count"]);
}
