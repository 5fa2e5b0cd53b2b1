//! What the columns of states mean.

use netnew_sources::{Format, Kind};

use crate::support::Desk;

#[test]
fn a_plain_file_of_states() {
    let outcome = Desk::new()
        .read(
            "customer,subscription,effective_at,plan,amount,quantity,interval,status\n\
             acme,sub_1,2026-01-01,Pro,49.00,3,month,\n\
             acme,sub_1,2026-02-01T10:30:00Z,Pro,1000,1,year,active\n\
             acme,sub_1,2026-03-01,,,,,canceled\n",
        )
        .sound();
    assert_eq!((outcome.opened.kind, outcome.opened.format), (Kind::States, Format::Csv));
    assert_eq!(
        outcome.lines(),
        [
            "acme sub_1 2026-01-01T00:00:00Z active [Pro] 49 USD /month x3",
            "acme sub_1 2026-02-01T10:30:00Z active [Pro] 1000 USD /year",
            "acme sub_1 2026-03-01T00:00:00Z canceled 0 USD /month",
        ]
    );
    assert_eq!(outcome.statements.iter().map(|s| s.row).collect::<Vec<_>>(), [2, 3, 4]);
}

#[test]
fn every_column_of_the_contract() {
    let outcome = Desk::new()
        .zone("Europe/Paris")
        .read(
            "Customer ID|subscription|item|effective_at|status|plan|amount|currency|interval|interval_count|quantity|usage_type|\
             discount_percent|discount_kind|discount_until|trial_end|cancel_requested_at|cancel_at|reason|seq|recorded_at|retract\n\
             c|s|seats|2026-01-01|In Trial|Pro|9.123456|eur|quarterly|2|2.5|licensed|20%||2026-04-01|2026-01-15|\
             2026-01-02 12:00|2026-06-01|voluntary: too dear|3|2026-01-03T00:00:00Z|no\n\
             c|s|calls|2026-01-01|active||0.005|EUR|day|||metered|||||||||||\n\
             c|s|seats|2026-01-01||||||||||||||||3||yes\n",
        )
        .sound();
    assert_eq!(
        outcome.lines(),
        [
            "c s/seats 2025-12-31T23:00:00Z#3 trialing [Pro] 9.123456 EUR /6month x2.5 \
             [{\"percent\":\"20\",\"kind\":\"repeating\",\"until\":\"2026-03-31T22:00:00Z\"}] \
             trial_end=2026-01-14T23:00:00Z asked=2026-01-02T11:00:00Z cancel_at=2026-05-31T22:00:00Z voluntary (too dear)",
            "c s/calls 2025-12-31T23:00:00Z active 0.005 EUR /day",
            "c s/seats 2025-12-31T23:00:00Z#3 withdrawn",
        ]
    );
    let recorded = outcome.statements[0].recorded_at.expect("the first row says when it was recorded");
    assert_eq!(recorded.to_string(), "2026-01-03T00:00:00Z");
    assert_eq!(outcome.statements[0].version, Some(recorded.micros()));
    assert_eq!((outcome.statements[1].recorded_at, outcome.statements[1].version), (None, None));
}

#[test]
fn discounts_come_in_columns_or_as_a_list() {
    let outcome = Desk::new().read(
        "customer,subscription,effective_at,amount,discount_percent,discount_amount,discounts\n\
         a,s1,2026-01-01,100,33.333,,\n\
         a,s2,2026-01-01,100,10,$5,\n\
         a,s3,2026-01-01,100,,,\"[{\"\"amount\"\": 5, \"\"until\"\": \"\"2026-02-01\"\", \"\"level\"\": \"\"subscription\"\"}]\"\n\
         a,s4,2026-01-01,100,0,,[]\n\
         a,s5,2026-01-01,100,5,,\"[{\"\"percent\"\": 5}]\"\n\
         a,s6,2026-01-01,100,120,,\n\
         a,s7,2026-01-01,100,,€5,\n\
         a,s8,2026-01-01,100,,,five\n",
    );
    assert_eq!(
        outcome.lines(),
        [
            "a s1 2026-01-01T00:00:00Z active 100 USD /month [{\"percent\":\"33.333\",\"kind\":\"forever\"}]",
            "a s2 2026-01-01T00:00:00Z active 100 USD /month \
             [{\"percent\":\"10\",\"kind\":\"forever\"},{\"amount\":\"5\",\"kind\":\"forever\"}]",
            "a s3 2026-01-01T00:00:00Z active 100 USD /month \
             [{\"amount\":\"5\",\"kind\":\"repeating\",\"until\":\"2026-02-01T00:00:00Z\",\"level\":\"subscription\"}]",
            "a s4 2026-01-01T00:00:00Z active 100 USD /month",
        ]
    );
    assert_eq!(
        outcome.faults(),
        [
            "6 discounts conflicting_discounts",
            "7 discount_percent bad_discount",
            "8 discount_amount currency_conflict",
            "9 discounts bad_discount",
        ]
    );
}

#[test]
fn a_bad_row_is_a_problem_and_the_good_rows_flow_on() {
    let outcome = Desk::new().read(
        "customer,Sub ID,effective_at,amount,currency,interval,interval_count,quantity,status,usage_type,reason,seq,retract\n\
         ,s,2026-01-01,1,,,,,,,,,\n\
         a,,2026-01-01,1,,,,,,,,,\n\
         a,s,,1,,,,,,,,,\n\
         a,s,soon,1,,,,,,,,,\n\
         a,s,2026-01-01,,,,,,,,,,\n\
         a,s,2026-01-01,ten,,,,,,,,,\n\
         a,s,2026-01-01,1,USF,,,,,,,,\n\
         a,s,2026-01-01,1,,mois,,,,,,,\n\
         a,s,2026-01-01,1,,,0,,,,,,\n\
         a,s,2026-01-01,1,,,,-1,,,,,\n\
         a,s,2026-01-01,1,,,,0.0000001,,,,,\n\
         a,s,2026-01-01,1,,,,,activ,,,,\n\
         a,s,2026-01-01,1,,,,,,weekly,,,\n\
         a,s,2026-01-01,1,,,,,,,because,,\n\
         a,s,2026-01-01,1,,,,,,,,1.5,\n\
         a,s,2026-01-01,1,,,,,,,,,maybe\n\
         a,s,2026-01-01,1\n\
         b,s,2026-01-01,2,,,,,,,,,\n",
    );
    assert_eq!(
        outcome.faults(),
        [
            "2 customer missing_value",
            "3 Sub ID missing_value",
            "4 effective_at missing_value",
            "5 effective_at bad_date",
            "6 amount missing_value",
            "7 amount bad_number",
            "8 currency unknown_currency",
            "9 interval unknown_interval",
            "10 interval_count bad_interval_count",
            "11 quantity bad_quantity",
            "12 quantity bad_quantity",
            "13 status unknown_status",
            "14 usage_type unknown_usage_type",
            "15 reason unknown_reason",
            "16 seq bad_integer",
            "17 retract bad_flag",
            "18 - ragged_row",
        ]
    );
    assert_eq!(outcome.lines(), ["b s 2026-01-01T00:00:00Z active 2 USD /month"]);
    let currency = &outcome.problems[6];
    assert!(currency.message.contains("`USF`"), "{}", currency.message);
    assert_eq!(currency.hint, "did you mean USD?");
    assert!(currency.file.ends_with("data"), "{}", currency.file);
}

#[test]
fn mrr_is_worth_of_the_whole_item_and_nothing_is_applied_to_it_again() {
    let outcome = Desk::new()
        .read(
            "customer,subscription,date,mrr,seats,billing period,discount_percent\n\
             a,s,2026-01-01,100,5,yearly,50\n",
        )
        .sound();
    assert_eq!(outcome.lines(), ["a s 2026-01-01T00:00:00Z active 100 USD /month"]);
    assert_eq!(
        outcome.opened.notes,
        [
            "columns not used because mrr is what the whole item is worth a month: billing period, seats, discount_percent"
        ]
    );
}

#[test]
fn what_is_not_used_is_said() {
    let outcome =
        Desk::new().read("customer,subscription,effective_at,amount,colour,Sales rep\na,s,2026-01-01,1,,\n");
    assert_eq!(outcome.opened.notes, ["columns not used: colour, Sales rep"]);
}

#[test]
fn a_file_that_lacks_a_column_or_names_one_twice_is_refused() {
    let desk = Desk::new().kind(Kind::States);
    let missing = desk.refusal("customer,subscription,amount\na,s,1\n");
    assert_eq!((missing.code(), missing.column()), ("missing_column", Some("effective_at")));
    assert!(missing.to_string().contains("no column says effective_at of states"), "{missing}");
    let amount = desk.refusal("customer,subscription,effective_at\na,s,2026-01-01\n");
    assert_eq!((amount.code(), amount.column()), ("missing_column", Some("amount")));
    let twice = desk.refusal("customer,client,subscription,effective_at,amount\n");
    assert_eq!((twice.code(), twice.column()), ("duplicate_column", Some("client")));
    let cancellations =
        desk.read("customer,subscription,effective_at,status\na,s,2026-01-01,cancelled\n").sound();
    assert_eq!(cancellations.lines(), ["a s 2026-01-01T00:00:00Z canceled 0 USD /month"]);
}
