//! What the oracle answers beyond the questions of scenarios.

use netnew_money::{Amount, Currency, Day};
use netnew_testkit::OracleRunner;
use netnew_testkit::oracle::CohortCell;
use netnew_testkit::scenario::{Scenario, check};

fn scenario(text: &str) -> Scenario {
    Scenario::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn cohorts(text: &str) -> Vec<CohortCell> {
    let scenario = scenario(&format!("{text}\nexpect movements\n..."));
    let question = &scenario.expectations[0].question;
    let business = OracleRunner::new(&scenario).business(question).expect("the policy is known");
    business.cohorts(Currency::USD).expect("one currency needs no rates")
}

#[test]
fn a_cohort_is_that_of_the_first_paying_month_for_ever() {
    // Tidemill, tests/test_metrics/test_retention_pg.py: later activity does not move a customer to another cohort.
    let cells = cohorts(
        "as-of 2026-04-30\n2026-01-15 a s1 active 10\n2026-02-15 a s1 canceled\n2026-03-15 a s1 active 30\n\
         2026-01-20 b s2 active 20\n2026-02-01 c s3 active 5",
    );
    let day = |text: &str| Day::parse(text).expect("a day");
    let row = |cell: &CohortCell| (cell.cohort, cell.age, cell.size, cell.customers, cell.mrr);
    let january: Vec<_> = cells.iter().filter(|cell| cell.cohort == day("2026-01-01")).map(row).collect();
    let expected = [(0, 2, 30), (1, 1, 20), (2, 2, 50), (3, 2, 50)];
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(age, customers, mrr)| (day("2026-01-01"), age, 2, customers, Amount::from_major(mrr)))
        .collect();
    assert_eq!(january, expected);
    assert_eq!(cells.len(), 7);
}

#[test]
fn a_withdrawn_attribute_row_takes_away_what_its_source_said_for_that_date() {
    let scenario = scenario(
        "as-of 2026-03-31\ncustomer a country=DE\ncustomer a country=FR from crm\n\
         2026-02-01 customer a country=IT recorded 2026-02-01\n2026-02-01 customer a retracted recorded 2026-03-01\n\
         2026-01-10 a s1 active 10\nexpect mrr monthly by country from 2026-02-01 to 2026-02-28\n\
         2026-02 FR start 10 end 10 customers 1 =1\n\
         expect mrr monthly by country from 2026-02-01 to 2026-02-28 known-on 2026-02-28\n\
         2026-02 FR start 10 transfer -10 customers 1 left 1 =0\n2026-02 IT transfer 10 end 10 customers 0 entered 1 =1",
    );
    check(&scenario, &OracleRunner::new(&scenario)).unwrap_or_else(|difference| panic!("{difference}"));
}

#[test]
fn a_policy_that_does_not_exist_is_said() {
    let scenario =
        scenario("as-of 2026-03-31\nunder nonesuch\nexpect movements fails unknown_policy nonesuch");
    assert!(check(&scenario, &OracleRunner::new(&scenario)).is_ok());
}
