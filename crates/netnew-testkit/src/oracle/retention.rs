//! Retention over a window, and cohorts.

use std::collections::BTreeMap;

use netnew_money::{Amount, Currency, Day, Grain, Ratio};

use super::groups::{Turn, Unit};
use super::report::Report;
use super::{Business, OracleError};
use crate::question::{Retention, Shown};

/// One cohort at one age.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CohortCell {
    /// First day of the month in which its customers were new.
    pub cohort: Day,
    /// Months since.
    pub age: i32,
    /// Customers it began with.
    pub size: usize,
    /// Customers present at the end of the month of that age.
    pub customers: usize,
    /// Their level there, converted at that month's last day.
    pub mrr: Amount,
}

impl Business {
    /// Retention from the start of the first day to the end of the last, over the customers above 0 at the start;
    /// nothing when there are none.
    ///
    /// # Errors
    /// A missing rate.
    pub fn retention(
        &self,
        measure: Retention,
        from: Day,
        to: Day,
        currency: Currency,
    ) -> Result<Option<Ratio>, OracleError> {
        let day_before = from.add_days(-1);
        let (start, end) = (self.last_instant(day_before, to), self.last_instant(to, to));
        let mut had = Amount::ZERO;
        let mut kept = Amount::ZERO;
        for customer in self.customers() {
            let before = self.level_on(start, day_before, &customer, currency)?;
            if !before.is_positive() {
                continue;
            }
            had += before;
            kept += match measure {
                Retention::Net => self.level_on(end, to, &customer, currency)?,
                Retention::Gross => before.min(self.level_on(end, to, &customer, currency)?),
                Retention::GrossByMovements => before + self.lost(&customer, from, to, currency)?,
            };
        }
        Ok(Ratio::from_amount(kept).checked_div(Ratio::from_amount(had)))
    }

    fn level_on(
        &self,
        at: netnew_money::Instant,
        day: Day,
        customer: &str,
        currency: Currency,
    ) -> Result<Amount, OracleError> {
        let mut total = Amount::ZERO;
        for item in self.items_at(at).into_iter().filter(|item| item.row.customer == customer) {
            total += self.converted(item.mrr, item.row.currency, currency, day)?;
        }
        Ok(total)
    }

    /// Contraction and churn of a customer in a window, below 0.
    fn lost(&self, customer: &str, from: Day, to: Day, currency: Currency) -> Result<Amount, OracleError> {
        let report = Report {
            from: Some(from),
            to: Some(to),
            interval: Grain::Month,
            by: Vec::new(),
            filter: String::new(),
            shown: Shown::In(currency),
            constant_rates: None,
        };
        let rows = self.movements(&report)?.into_iter().filter(|row| row.customer == customer);
        Ok(rows
            .filter(|row| matches!(row.kind.as_str(), "contraction" | "churn"))
            .map(|row| row.amount)
            .sum())
    }

    /// Every cohort at every age up to the month of now, by cohort, then age.
    ///
    /// # Errors
    /// A missing rate.
    pub fn cohorts(&self, currency: Currency) -> Result<Vec<CohortCell>, OracleError> {
        let report = Report {
            from: None,
            to: None,
            interval: Grain::Month,
            by: Vec::new(),
            filter: String::new(),
            shown: Shown::Default,
            constant_rates: None,
        };
        let mut members: BTreeMap<Day, Vec<Unit>> = BTreeMap::new();
        for unit in self.whole_customers() {
            let groups = self.groups(&unit, &report)?;
            if let Some(first) =
                groups.iter().find(|group| group.turn == Turn::New && group.last <= self.as_of)
            {
                members.entry(self.report_zone.day_of(first.last).first_of_month()).or_default().push(unit);
            }
        }
        let today = self.report_zone.day_of(self.as_of);
        let mut cells = Vec::new();
        for (cohort, units) in members {
            for age in 0.. {
                let month = cohort.add_months(age);
                if month > today {
                    break;
                }
                let day = month.last_of_month().min(today);
                let at = self.last_instant(day, today);
                let mut cell = CohortCell { cohort, age, size: units.len(), customers: 0, mrr: Amount::ZERO };
                for unit in &units {
                    let groups = self.groups(unit, &report)?;
                    let last = groups.iter().rev().find(|group| group.last <= at);
                    cell.customers += usize::from(last.is_some_and(|group| group.is_present()));
                    cell.mrr += self.level_on(at, day, &unit.customer, currency)?;
                }
                cells.push(cell);
            }
        }
        Ok(cells)
    }
}
