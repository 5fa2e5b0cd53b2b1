//! Reading the second part of a scenario: questions and their answers.

use std::collections::BTreeMap;

use netnew_money::{Grain, Zone};

use super::cursor::{Cursor, DateMeans};
use super::history::read_period;
use super::lexer::Token;
use super::{Answer, Expectation, ExpectedMovement, ExpectedPeriod, ScenarioError, Settings};
use crate::question::{COLUMNS, Question, Retention, Shown};

const EXPECT_HINT: &str = "write `expect movements`, `expect mrr monthly`, `expect level DATE AMOUNT`, \
                           `expect arr DATE AMOUNT`, or `expect nrr|grr|grr-by-movements FIRST LAST RATIO`";
const KINDS: [&str; 6] = ["new", "reactivation", "expansion", "contraction", "churn", "transfer"];

/// What has been read so far.
pub(crate) struct ExpectReader {
    settings: Settings,
    /// What the settings of the scenario ask.
    base: Question,
    /// What holds since the last `under`.
    current: Question,
    expectations: Vec<Expectation>,
}

impl ExpectReader {
    pub(crate) fn new(settings: Settings, base: Question) -> ExpectReader {
        ExpectReader { settings, current: base.clone(), base, expectations: Vec::new() }
    }

    pub(crate) fn finish(self) -> Vec<Expectation> {
        self.expectations
    }

    pub(crate) fn line(&mut self, number: usize, text: &str, tokens: &[Token]) -> Result<(), ScenarioError> {
        let zone = self.settings.zone.clone();
        let mut cursor = Cursor::new(number, tokens, &zone);
        if cursor.eat("under") {
            return self.under(&mut cursor);
        }
        if cursor.eat("expect") {
            let (question, answer) = self.expect(&mut cursor)?;
            self.expectations.push(Expectation {
                line: number,
                text: text.trim().to_string(),
                question,
                answer,
            });
            return Ok(());
        }
        const WORDS: [&str; 8] = ["book", "policy", "set", "as-of", "known-on", "source", "rate", "customer"];
        let setting = tokens[0].bare().filter(|word| WORDS.contains(word));
        let (Some(open), None) = (self.expectations.last_mut(), setting) else {
            return cursor.error(
                format!("`{}` comes after the first question", tokens[0].text),
                "history and settings stand before the first `expect` or `under`; \
                 behind `expect ...` write `as-of DATE` or `known-on DATE` for another moment",
            );
        };
        answer_row(open, &mut cursor)
    }

    /// `under stripe netting=event`: another policy, or `under netting=event`: the scenario's with a change.
    fn under(&mut self, cursor: &mut Cursor<'_>) -> Result<(), ScenarioError> {
        self.current = self.base.clone();
        let names_policy = cursor.peek().is_some_and(|token| token.equals.is_none());
        if names_policy {
            self.current.policy = cursor.name("a policy")?;
            self.current.knobs.clear();
        }
        while let Some(word) = cursor.next() {
            let Some(at) = word.equals else {
                return cursor.error(
                    format!("`{}` sets no knob", word.text),
                    "write `under POLICY KNOB=VALUE ...` or `under KNOB=VALUE ...`",
                );
            };
            self.current.knobs.insert(word.text[..at].to_string(), word.text[at + 1..].to_string());
        }
        Ok(())
    }

    fn expect(&mut self, cursor: &mut Cursor<'_>) -> Result<(Question, Answer), ScenarioError> {
        let mut question = self.current.clone();
        let what = cursor.take("what is expected", EXPECT_HINT)?;
        let mut answer = match what.bare().unwrap_or_default() {
            "movements" => Answer::Movements { rows: Vec::new(), open: false },
            "mrr" => Answer::Periods { rows: Vec::new(), open: false },
            word @ ("level" | "arr") => Answer::Level {
                at: cursor.instant(DateMeans::End)?,
                yearly: word == "arr",
                customer: None,
                amount: cursor.expected_number()?,
            },
            word @ ("nrr" | "grr" | "grr-by-movements") => Answer::Retained {
                measure: match word {
                    "nrr" => Retention::Net,
                    "grr" => Retention::Gross,
                    _ => Retention::GrossByMovements,
                },
                from: cursor.day()?,
                to: cursor.day()?,
                ratio: if cursor.eat("none") { None } else { Some(cursor.expected_number()?) },
            },
            _ => return cursor.error(format!("nothing is known of `{}`", what.text), EXPECT_HINT),
        };
        while let Some(word) = cursor.next() {
            if word.is("fails") {
                let mut words = Vec::new();
                while let Some(word) = cursor.next() {
                    words.push(word.text.clone());
                }
                answer = Answer::Failure { asked: Box::new(answer), words };
            } else if word.is("of") {
                let whose = cursor.name("a customer")?;
                match &mut answer {
                    Answer::Level { customer, .. } => *customer = Some(whose),
                    _ => return cursor.error("only a level is of one customer", EXPECT_HINT),
                }
            } else {
                modifier(&mut question, word, cursor)?;
            }
        }
        Ok((question, answer))
    }
}

fn modifier(question: &mut Question, word: &Token, cursor: &mut Cursor<'_>) -> Result<(), ScenarioError> {
    match word.bare().unwrap_or_default() {
        "daily" => question.interval = Grain::Day,
        "weekly" => question.interval = Grain::Week,
        "monthly" => question.interval = Grain::Month,
        "quarterly" => question.interval = Grain::Quarter,
        "yearly" => question.interval = Grain::Year,
        "by" => question.by = cursor.name("a dimension")?.split(',').map(str::to_string).collect(),
        "where" => question.filter = cursor.name("a filter")?,
        "in" => {
            question.shown =
                if cursor.eat("original") { Shown::Original } else { Shown::In(cursor.currency()?) };
        }
        "constant" => question.constant_rates = Some(cursor.day()?),
        "from" => question.from = Some(cursor.day()?),
        "to" => question.to = Some(cursor.day()?),
        "as-of" => question.as_of = cursor.instant(DateMeans::End)?,
        "known-on" => question.known_on = Some(cursor.instant(DateMeans::End)?),
        "timezone" => {
            let name = cursor.name("a time zone")?;
            question.zone =
                Zone::parse(&name).or_else(|error| cursor.error(error.to_string(), error.hint()))?;
        }
        _ => {
            return cursor.error(
                format!("`{}` is no part of a question", word.text),
                "a question may say daily|weekly|monthly|quarterly|yearly, by DIMENSION, where FILTER, in CURRENCY|original, \
                 constant DATE, from DATE, to DATE, as-of DATE, known-on DATE, timezone ZONE, fails CODE ...",
            );
        }
    }
    Ok(())
}

/// One line of the answer that is open.
fn answer_row(open: &mut Expectation, cursor: &mut Cursor<'_>) -> Result<(), ScenarioError> {
    match &mut open.answer {
        Answer::Movements { rows, open: more } => {
            if cursor.eat("...") {
                *more = true;
                return cursor.end("`...` stands alone");
            }
            rows.push(movement(cursor)?);
        }
        Answer::Periods { rows, open: more } => {
            if cursor.eat("...") {
                *more = true;
                return cursor.end("`...` stands alone");
            }
            rows.push(period(&open.question, cursor)?);
        }
        Answer::Level { .. } | Answer::Retained { .. } | Answer::Failure { .. } => {
            return cursor.error(
                "this question has its whole answer on its own line",
                "only `expect movements` and `expect mrr` are followed by rows; history stands before the first `expect`",
            );
        }
    }
    Ok(())
}

fn movement(cursor: &mut Cursor<'_>) -> Result<ExpectedMovement, ScenarioError> {
    const HINT: &str = "a movement is `DATE CUSTOMER SUBSCRIPTION[/ITEM] PLAN|- KIND AMOUNT [CUR] [CAUSE]`";
    let when = cursor.when()?;
    let customer = cursor.name("the customer")?;
    let (subscription, item) = cursor.item()?;
    let plan = cursor.take("the plan", HINT)?.name();
    let kind = cursor.take("the kind", HINT)?.text.clone();
    if !KINDS.contains(&kind.as_str()) {
        return cursor.error(format!("unknown kind `{kind}`"), format!("use one of {}", KINDS.join(", ")));
    }
    let amount = cursor.expected_number()?;
    let currency = cursor.maybe_currency();
    let cause = cursor.next().map(|token| token.text.clone());
    cursor.end(HINT)?;
    Ok(ExpectedMovement {
        line: cursor.line,
        when,
        customer,
        subscription,
        item,
        plan,
        kind,
        amount,
        currency,
        cause,
    })
}

fn period(question: &Question, cursor: &mut Cursor<'_>) -> Result<ExpectedPeriod, ScenarioError> {
    const HINT: &str =
        "a period is `2019-01 [GROUP] start 0 new 100 end 100 [customers 0 +1 =1] [running] [expected]`";
    let text = &cursor.take("the period", HINT)?.text;
    let Some(period) = read_period(text, question.interval) else {
        return cursor.error(format!("`{text}` is no {}", question.interval), HINT);
    };
    let mut group = Vec::new();
    for dimension in &question.by {
        group.push(cursor.take(&format!("the {dimension}"), HINT)?.name());
    }
    let currency = if question.shown == Shown::Original { Some(cursor.currency()?) } else { None };
    let mut row = ExpectedPeriod {
        line: cursor.line,
        period,
        group,
        currency,
        amounts: BTreeMap::new(),
        customers: None,
        complete: None,
        expected: false,
    };
    while let Some(word) = cursor.next() {
        if let Some((name, _)) = COLUMNS.iter().find(|(name, _)| word.is(name)) {
            row.amounts.insert(name, cursor.expected_number()?);
        } else if word.is("customers") {
            row.customers = Some(heads(cursor)?);
        } else if word.is("running") {
            row.complete = Some(false);
        } else if word.is("expected") {
            row.expected = true;
        } else {
            return cursor.error(format!("`{}` is no column of a period", word.text), HINT);
        }
    }
    Ok(row)
}

/// `customers 3 +1 -2 reactivated 1 entered 1 left 1 =3`.
fn heads(cursor: &mut Cursor<'_>) -> Result<BTreeMap<&'static str, i64>, ScenarioError> {
    const HINT: &str = "write `customers START [+NEW] [-CHURNED] [reactivated N] [entered N] [left N] =END`";
    let mut heads = BTreeMap::from([("start", cursor.whole("the customers at the start")?)]);
    loop {
        let word = cursor.take("the customers at the end", HINT)?;
        let text = word.bare().unwrap_or_default();
        let count = |text: &str| text.parse::<i64>().ok().filter(|n| *n >= 0);
        if let Some(end) = text.strip_prefix('=').and_then(count) {
            heads.insert("end", end);
            return Ok(heads);
        }
        if let Some(new) = text.strip_prefix('+').and_then(count) {
            heads.insert("new", new);
        } else if let Some(churned) = text.strip_prefix('-').and_then(count) {
            heads.insert("churned", churned);
        } else if let Some(name) = ["reactivated", "entered", "left"].into_iter().find(|name| word.is(name)) {
            heads.insert(name, cursor.whole("how many")?);
        } else {
            return cursor.error(format!("`{}` counts no customers", word.text), HINT);
        }
    }
}
