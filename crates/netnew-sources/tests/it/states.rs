//! States as text with separators.

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
