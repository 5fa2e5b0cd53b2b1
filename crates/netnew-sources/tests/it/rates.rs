//! Exchange rates.

use netnew_sources::Kind;

use crate::support::Desk;

#[test]
fn rates_with_their_day_and_direction() {
    let outcome = Desk::new().read(
        "date,base,quote,rate,retract\n\
         2026-01-02,EUR,USD,1.085,\n\
         2026-01-02,usd,jpy,157.123,\n\
         2026-01-03,EUR,USD,,true\n\
         2026-01-04,EUR,EUR,1,\n\
         2026-01-04,EUR,USD,0,\n\
         2026-01-04,EUR,USD,-1,\n\
         2026-01-04,EUR,USD,\"1,085\",\n\
         2026-01-04,EUR,XYZ,2,\n\
         2026-01-04,EUR,USD,,\n",
    );
    assert_eq!(outcome.opened.kind, Kind::Rates);
    assert_eq!(
        outcome.lines(),
        ["2026-01-02 EUR/USD 1.085", "2026-01-02 USD/JPY 157.123", "2026-01-03 EUR/USD withdrawn"]
    );
    assert_eq!(
        outcome.faults(),
        [
            "5 quote bad_rate",
            "6 rate bad_rate",
            "7 rate bad_rate",
            "8 rate ambiguous_number",
            "9 quote unknown_currency",
            "10 rate missing_value",
        ]
    );
}
