//! What the scenario language reads, refuses and writes.

use netnew_money::{Amount, Day, Decimal, Grain, Instant, IntervalUnit, Ratio, Zone};
use netnew_testkit::question::{PlainMovement, PlainPeriod, Question, Retention, Shown};
use netnew_testkit::rows::{PlainDuration, PlainOff, PlainStatus};
use netnew_testkit::scenario::{Answer, Checked, Runner, Scenario, check, write_history};

fn parse(text: &str) -> Scenario {
    Scenario::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(text: &str) -> String {
    Scenario::parse(text).expect_err("should be refused").to_string()
}

#[test]
fn a_state_says_everything_in_one_line() {
    let scenario = parse(
        "# Title\n# source\nbook currency EUR timezone Asia/Kolkata\nsource stripe\n\
         2026-01-31T10:00 \"big co\" sub/seat trialing \"Gold 2\" 12.5 USD every 3 months x2.5 -20% once until 2026-02-01 \
         -3 forever on subscription trial until 2026-02-10 cancels 2026-03-01 asked 2026-02-20 involuntary seq 2 \
         recorded 2026-02-02 from paddle # comment\n",
    );
    assert_eq!(scenario.title, "Title\nsource");
    let row = &scenario.history.rows[0];
    assert_eq!(row.effective_at.to_string(), "2026-01-31T04:30:00Z");
    assert_eq!(
        (row.customer.as_str(), row.subscription.as_str(), row.item.as_str()),
        ("big co", "sub", "seat")
    );
    assert_eq!((row.status, row.plan.as_deref()), (PlainStatus::Trialing, Some("Gold 2")));
    assert_eq!((row.amount.to_string().as_str(), row.currency.as_str()), ("12.5", "USD"));
    assert_eq!((row.interval, row.interval_count, row.quantity_micros), (IntervalUnit::Month, 3, 2_500_000));
    assert_eq!(row.discounts[0].off, PlainOff::Percent(Decimal::from_i64(20)));
    assert_eq!(row.discounts[0].duration, PlainDuration::Once);
    assert!(row.discounts[0].until.is_some() && !row.discounts[0].on_subscription);
    assert_eq!(row.discounts[1].off, PlainOff::Amount(Decimal::from_i64(3)));
    assert!(row.discounts[1].on_subscription);
    assert_eq!(row.trial_end.unwrap().to_string(), "2026-02-09T18:30:00Z");
    assert!(row.cancel_at > row.cancel_requested_at && row.voluntary == Some(false));
    assert_eq!((row.seq, row.source.as_str()), (2, "paddle"));
    assert_eq!(parse(&write_history(&scenario.settings, &scenario.history)).history, scenario.history);
}

#[test]
fn short_forms_have_defaults() {
    let scenario = parse(
        "2026-01-01 c s active 100\n2026-01-01 c{1..3} s{} active - 5 monthly\n2026-02-01 c s canceled\n\
         2026-02-01 c s retracted seq 1\ncustomer c country=DE channel= city=\"New York\"\n\
         2026-03-01 customer c country=FR\nrate 2026-01-01 EUR USD 1.1\nrate 2026-01-01 EUR USD retracted recorded 2026-05-01",
    );
    let rows = &scenario.history.rows;
    assert_eq!(rows.len(), 6);
    assert_eq!(
        (rows[0].plan.as_deref(), rows[0].currency.as_str(), rows[0].interval_count),
        (None, "USD", 1)
    );
    assert_eq!((rows[3].customer.as_str(), rows[3].subscription.as_str()), ("c3", "s3"));
    assert!(rows[4].status == PlainStatus::Canceled && rows[5].retracted && rows[5].seq == 1);
    let attributes = &scenario.history.attributes;
    assert_eq!(attributes[0].values.as_ref().unwrap()["channel"], None);
    assert_eq!(attributes[0].values.as_ref().unwrap()["city"].as_deref(), Some("New York"));
    assert!(attributes[0].effective_at.is_none() && attributes[1].effective_at.is_some());
    assert_eq!(scenario.history.rates[1].rate, None);
}

#[test]
fn questions_carry_their_circumstances() {
    let scenario = parse(
        "book currency USD timezone Europe/Paris\npolicy chartmogul\nset netting event\nas-of 2026-03-31\n\
         expect mrr quarterly by plan,currency where country=DE|FR in EUR constant 2026-01-01 from 2026-01-01 to 2026-02-01 timezone UTC\n\
         2026-Q1 Gold - start 0 new ~83.33 end 83.33 customers 1 +2 -1 entered 3 =5 running expected\n...\n\
         under stripe week_start=sunday\nexpect level 2026-02-01 5 of wayne\nunder netting=day\nexpect nrr 2026-01-01 2026-01-31 none\n\
         expect mrr monthly in EUR fails missing_rate EUR",
    );
    let [periods, level, retained, failure] = &scenario.expectations[..] else {
        panic!("not four questions")
    };
    let question = &periods.question;
    assert_eq!((question.policy.as_str(), question.knobs["netting"].as_str()), ("chartmogul", "event"));
    assert_eq!(question.as_of.to_string(), "2026-03-31T21:59:59.999999Z");
    assert_eq!(
        (question.interval, question.by.len(), question.filter.as_str()),
        (Grain::Quarter, 2, "country=DE|FR")
    );
    assert_eq!(
        (question.zone.clone(), question.constant_rates),
        (Zone::utc(), Day::parse("2026-01-01").ok())
    );
    let Answer::Periods { rows, open: true } = &periods.answer else { panic!("not periods") };
    assert_eq!(rows[0].group, [Some("Gold".to_string()), None]);
    assert_eq!(rows[0].customers.as_ref().unwrap()["entered"], 3);
    assert!(rows[0].expected && rows[0].complete == Some(false));
    assert_eq!((level.question.policy.as_str(), level.question.knobs.len()), ("stripe", 1));
    assert!(
        matches!(&level.answer, Answer::Level { customer: Some(who), yearly: false, .. } if who == "wayne")
    );
    assert_eq!(
        (retained.question.policy.as_str(), retained.question.knobs["netting"].as_str()),
        ("chartmogul", "day")
    );
    assert!(matches!(retained.answer, Answer::Retained { measure: Retention::Net, ratio: None, .. }));
    assert!(matches!(&failure.answer, Answer::Failure { words, .. } if words.len() == 2));
    assert!(matches!(failure.question.shown, Shown::In(_)));
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    for (text, line, says) in [
        ("2026-01-01 c s activ 100", 1, "unknown status `activ`"),
        ("\n2026-01-01 c s active Gold", 2, "active without a price"),
        ("2026-13-01 c s active 5", 1, "begins no line of a history"),
        ("2026-01-01 c s active 5 -20% repeating", 1, "without its end"),
        ("2026-01-01 c s active 5 x-1", 1, "no quantity"),
        ("2026-01-01 c s active 5 fast", 1, "`fast` says nothing"),
        ("2026-01-01 c /i active 5", 1, "lacks the subscription"),
        ("2026-01-01 c \"s active 5", 1, "not closed"),
        ("book currency XYZ", 1, "unknown currency"),
        ("as-of 2026-01-01\nbook currency USD", 2, "too late"),
        ("expect movements", 1, "what day it is"),
        ("as-of 2026-01-01\nexpect movements\n2026-01-01 c s active Gold 5", 3, "unknown kind `Gold`"),
        ("as-of 2026-01-01\nexpect mrr monthly\nset netting day", 3, "after the first question"),
        (
            "as-of 2026-01-01\nexpect mrr monthly\n2026-01 new 5 end 5 customers 0 +1",
            3,
            "customers at the end",
        ),
        ("as-of 2026-01-01\nexpect happiness", 2, "nothing is known"),
    ] {
        let error = refused(text);
        assert!(error.starts_with(&format!("line {line}: ")) && error.contains(says), "{text}\n{error}");
        assert!(error.contains("\nhint: "), "{error}");
    }
}

/// Answers every question with the same few rows.
struct Parrot;

impl Runner for Parrot {
    fn movements(&self, question: &Question) -> Result<Vec<PlainMovement>, String> {
        Ok(vec![PlainMovement {
            at: Instant::parse_rfc3339("2026-01-05T12:00:00Z").unwrap(),
            date: Day::parse("2026-01-05").unwrap(),
            customer: "c".into(),
            source: "files".into(),
            subscription: "s".into(),
            item: "s".into(),
            plan: None,
            kind: "new".into(),
            cause: "other".into(),
            amount: Amount::parse("83.3333333333").unwrap(),
            currency: match question.shown {
                Shown::In(currency) => currency,
                _ => netnew_money::Currency::USD,
            },
        }])
    }

    fn mrr(&self, _: &Question) -> Result<Vec<PlainPeriod>, String> {
        let mut row =
            PlainPeriod::empty(Day::parse("2026-01-01").unwrap(), vec![], netnew_money::Currency::USD);
        row.new = Amount::from_major(5);
        row.end = Amount::from_major(5);
        Ok(vec![row])
    }

    fn level(&self, _: &Question, _: Instant, _: Option<&str>) -> Result<Amount, String> {
        Err("missing_rate: no rate from EUR".to_string())
    }

    fn arr(&self, _: &Question, _: Instant, _: Option<&str>) -> Result<Amount, String> {
        Ok(Amount::from_major(60))
    }

    fn retained(
        &self,
        _: &Question,
        measure: Retention,
        _: Day,
        _: Day,
    ) -> Option<Result<Option<Ratio>, String>> {
        (measure == Retention::Net).then(|| Ok(Ratio::new(1, 2)))
    }
}

fn verdict(expectations: &str) -> Result<Checked, String> {
    check(&parse(&format!("as-of 2026-01-31\n{expectations}")), &Parrot)
}

#[test]
fn right_answers_pass() {
    let checked = verdict(
        "expect movements\n2026-01-05 c s - new ~83.33\nexpect movements in EUR\n2026-01-05T12:00:00Z c s - new 83.3333333333 EUR other\n\
         expect mrr monthly\n2026-01 new 5 end 5\nexpect level 2026-01-05 0 fails missing_rate EUR\nexpect arr 2026-01-05 60\n\
         expect nrr 2026-01-01 2026-01-31 0.5\nexpect grr 2026-01-01 2026-01-31 1",
    );
    assert_eq!(checked, Ok(Checked { answered: 6, unanswered: 1 }));
}

#[test]
fn wrong_answers_are_told_apart() {
    for (text, says) in [
        ("expect movements\n2026-01-05 c s - new 83.33", "missing: the row of line 3"),
        ("expect movements", "not expected:"),
        ("expect movements\n2026-01-05 c s - new ~83.33 upgrade", "missing"),
        ("expect mrr monthly\n2026-01 new 5 end 6", "end should be 6, got 5"),
        ("expect mrr monthly\n2026-01 new 5 end 5 customers 0 +1 =1", "customers new should be 1, got 0"),
        ("expect mrr monthly\n2026-01 end 5", "new should be 0, got 5"),
        ("expect mrr monthly\n2026-01 new 5 end 5\n2026-02 start 5 end 5", "missing: the row of line 4"),
        ("expect arr 2026-01-05 61", "got 60"),
        ("expect arr 2026-01-05 61 fails missing_rate", "got no error"),
        ("expect level 2026-01-05 0 fails missing_rate GBP", "does not say `GBP`"),
        ("expect nrr 2026-01-01 2026-01-31 none", "got 0.5"),
    ] {
        let error = verdict(text).expect_err(text);
        assert!(error.contains(says), "{text}\n{error}");
    }
}
