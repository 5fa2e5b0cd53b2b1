//! Periods become states that end by themselves.

use crate::support::Desk;

#[test]
fn periods_that_meet_and_periods_that_do_not() {
    let outcome = Desk::new()
        .read(
            "customer,plan,start,end,amount\n\
             a,Pro,2026-01-01,2026-02-01,50\n\
             a,Pro,2026-02-01,,60\n\
             b,,2026-01-01,2026-03-01,5\n",
        )
        .sound();
    assert_eq!(
        outcome.lines(),
        [
            "a a / Pro 2026-01-01T00:00:00Z active [Pro] 50 USD /month cancel_at=2026-02-01T00:00:00Z",
            "a a / Pro 2026-02-01T00:00:00Z active [Pro] 60 USD /month",
            "b b 2026-01-01T00:00:00Z active 5 USD /month cancel_at=2026-03-01T00:00:00Z",
        ]
    );
}

#[test]
fn overlapping_and_empty_periods_are_problems() {
    let outcome = Desk::new().read(
        "customer,plan,start,end,amount,subscription\n\
         a,Pro,2026-01-01,2026-03-01,50,\n\
         a,Pro,2026-02-01,,60,\n\
         a,Pro,2025-12-01,2026-01-02,60,\n\
         a,Pro,2026-02-01,2026-02-02,60,other\n\
         a,Pro,2026-05-01,2026-05-01,60,\n\
         a,Pro,2026-05-01,2026-04-01,60,\n\
         a,Team,2026-02-01,,60,\n",
    );
    assert_eq!(
        outcome.faults(),
        [
            "3 start overlapping_periods",
            "4 start overlapping_periods",
            "6 end bad_period",
            "7 end bad_period",
        ]
    );
    assert!(outcome.problems[0].message.contains("line 2"), "{}", outcome.problems[0].message);
    assert!(outcome.problems[0].hint.contains("subscription column"), "{}", outcome.problems[0].hint);
    assert_eq!(outcome.statements.len(), 3);
}

#[test]
fn a_founders_sheet() {
    let outcome = Desk::new()
        .read(
            "Name\tPlan\tStart date\tCancelled at\tMonthly price\tSeats\n\
             Ann\tPro\tJan 31, 2026\t\t$1,049.50\t2\n\
             Bob\tPro\t15 Feb 2026\t1 Mar 2026\t$49\t\n",
        )
        .sound();
    assert_eq!(
        outcome.lines(),
        [
            "Ann Ann / Pro 2026-01-31T00:00:00Z active [Pro] 1049.5 USD /month x2",
            "Bob Bob / Pro 2026-02-15T00:00:00Z active [Pro] 49 USD /month cancel_at=2026-03-01T00:00:00Z",
        ]
    );
}

#[test]
fn a_withdrawn_period_names_the_key_of_its_state() {
    let outcome = Desk::new()
        .read("customer,plan,start,end,amount,retract\na,Pro,2026-01-01,2026-02-01,50,true\n")
        .sound();
    assert_eq!(outcome.lines(), ["a a / Pro 2026-01-01T00:00:00Z withdrawn"]);
}
