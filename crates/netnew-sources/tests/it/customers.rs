//! Customers, their attributes, and merges.

use netnew_sources::Kind;

use crate::support::Desk;

#[test]
fn every_other_column_is_an_attribute() {
    let outcome = Desk::new()
        .read("Customer ID,Name,Country,Account Manager,Signed up at\na, Acme ,DE,,2026-01-31\n001,,,Zoë,\n")
        .sound();
    assert_eq!(outcome.opened.kind, Kind::Customers);
    assert_eq!(
        outcome.lines(),
        [
            "a from ever: account_manager=∅ country=DE name=Acme signed_up_at=2026-01-31T00:00:00Z",
            "001 from ever: account_manager=Zoë country=∅ name=∅ signed_up_at=∅",
        ]
    );
    assert_eq!(outcome.opened.notes, Vec::<String>::new());
}

#[test]
fn attributes_may_hold_from_a_date_and_be_withdrawn() {
    let outcome = Desk::new()
        .read("customer,segment,effective_at,retract\na,SMB,,\na,Enterprise,2026-03-01,\nb,SMB,,yes\n")
        .sound();
    assert_eq!(
        outcome.lines(),
        [
            "a from ever: segment=SMB",
            "a from 2026-03-01T00:00:00Z: segment=Enterprise",
            "b from ever: withdrawn"
        ]
    );
}

#[test]
fn merges_are_statements_of_their_own() {
    let outcome = Desk::new().read("customer,merged_into,retract\na,b,\nc,,\nd,d,\ne,f,true\n");
    assert_eq!(outcome.lines(), ["a -> b", "e -> withdrawn"]);
    assert_eq!(outcome.faults(), ["4 merged_into self_merge"]);
    let both = Desk::new().read("customer,merged_into,name\na,b,Ann\n").sound();
    assert_eq!(both.lines(), ["a -> b", "a from ever: name=Ann"]);
}

#[test]
fn two_columns_for_one_attribute_are_refused() {
    let refusal = Desk::new().refusal("customer,Sales Rep,sales_rep\na,x,y\n");
    assert_eq!((refusal.code(), refusal.column()), ("duplicate_column", Some("sales_rep")));
}

#[test]
fn a_date_that_is_none_is_a_problem() {
    let outcome = Desk::new().read("customer,created_at\na,last week\nb,2026-01-31T12:00:00+01:00\n");
    assert_eq!(outcome.faults(), ["2 created_at bad_date"]);
    assert_eq!(outcome.lines(), ["b from ever: signed_up_at=2026-01-31T11:00:00Z"]);
}
