//! The oracle as somebody who answers the questions of scenarios.

use netnew_money::{Amount, Currency, Day, Instant, Ratio};

use crate::oracle::{Business, Circumstances, Knobs, Report};
use crate::question::{PlainMovement, PlainPeriod, Question, Retention, Shown};
use crate::rows::PlainHistory;
use crate::scenario::{Runner, Scenario, Settings};

/// Answers from the slow oracle.
#[derive(Clone, Debug)]
pub struct OracleRunner {
    settings: Settings,
    history: PlainHistory,
}

impl OracleRunner {
    /// Takes in a scenario's settings and history.
    pub fn new(scenario: &Scenario) -> OracleRunner {
        OracleRunner { settings: scenario.settings.clone(), history: scenario.history.clone() }
    }

    /// Takes in settings and a history.
    pub fn of(settings: Settings, history: PlainHistory) -> OracleRunner {
        OracleRunner { settings, history }
    }

    /// The business as the question wants it seen.
    ///
    /// # Errors
    /// A policy that the oracle does not know, a time zone that does not exist.
    pub fn business(&self, question: &Question) -> Result<Business, String> {
        let mut knobs = Knobs::preset(&question.policy)
            .ok_or_else(|| format!("unknown_policy: the oracle knows no policy `{}`", question.policy))?;
        for (knob, value) in &question.knobs {
            knobs.set(knob, value);
        }
        let circumstances = Circumstances {
            currency: self.settings.currency,
            zone: self.settings.zone.clone(),
            report_zone: question.zone.clone(),
            as_of: question.as_of,
            known_on: question.known_on,
        };
        Ok(Business::new(&self.history, circumstances, knobs))
    }

    fn currency(&self, question: &Question) -> Currency {
        match question.shown {
            Shown::In(currency) => currency,
            Shown::Default | Shown::Original => self.settings.currency,
        }
    }
}

/// The part of a question that the oracle calls a report.
pub fn report(question: &Question) -> Report {
    Report {
        from: question.from,
        to: question.to,
        interval: question.interval,
        by: question.by.clone(),
        filter: question.filter.clone(),
        shown: question.shown,
        constant_rates: question.constant_rates,
    }
}

impl Runner for OracleRunner {
    fn movements(&self, question: &Question) -> Result<Vec<PlainMovement>, String> {
        self.business(question)?.movements(&report(question)).map_err(|error| error.to_string())
    }

    fn mrr(&self, question: &Question) -> Result<Vec<PlainPeriod>, String> {
        self.business(question)?.mrr_rows(&report(question)).map_err(|error| error.to_string())
    }

    fn level(&self, question: &Question, at: Instant, customer: Option<&str>) -> Result<Amount, String> {
        let business = self.business(question)?;
        business.level_at(at, customer, self.currency(question)).map_err(|error| error.to_string())
    }

    fn arr(&self, question: &Question, at: Instant, customer: Option<&str>) -> Result<Amount, String> {
        let business = self.business(question)?;
        business.arr_at(at, customer, self.currency(question)).map_err(|error| error.to_string())
    }

    fn retained(
        &self,
        question: &Question,
        measure: Retention,
        from: Day,
        to: Day,
    ) -> Option<Result<Option<Ratio>, String>> {
        let answer = self.business(question).and_then(|business| {
            business.retention(measure, from, to, self.currency(question)).map_err(|error| error.to_string())
        });
        Some(answer)
    }
}
