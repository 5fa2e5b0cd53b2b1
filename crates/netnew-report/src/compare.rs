//! Where the MRR of two policies differs, knob by knob and customer by customer.

use crate::policies::require_facts;
use crate::{Report, ReportError};
use netnew_facts::Text;
use netnew_ledger::Context;
use netnew_metrics::{Converter, RollupError, end_of_day};
use netnew_money::{Amount, Day};
use netnew_policy::Policy;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// MRR per customer at the end of a day, in the report's currency, item level by item level.
type Levels = BTreeMap<Text, Amount>;

/// One knob's share of the difference, for one customer.
pub struct Difference {
    /// Knob.
    pub knob: String,
    /// Its value in the first policy.
    pub from: String,
    /// And in the second.
    pub to: String,
    /// Customer.
    pub customer: Text,
    /// What switching it changes, in the report's currency.
    pub amount: Amount,
}

/// Two policies' MRR at the end of a day and what lies between.
pub struct Comparison {
    /// The day.
    pub day: Day,
    /// First policy.
    pub a: Policy,
    /// Second policy.
    pub b: Policy,
    /// MRR under the first.
    pub a_mrr: Amount,
    /// MRR under the second.
    pub b_mrr: Amount,
    /// What each knob changes for whom, in schema order, then by customer.
    pub rows: Vec<Difference>,
}

impl Comparison {
    /// Second minus first.
    pub fn difference(&self) -> Amount {
        self.b_mrr - self.a_mrr
    }

    /// What the rows do not explain; nothing.
    pub fn residual(&self) -> Amount {
        self.difference() - self.rows.iter().map(|r| r.amount).sum::<Amount>()
    }

    /// Everything but the rows, in the contract's shape.
    pub fn envelope(&self, currency: &str) -> Map<String, Value> {
        let mut envelope = Map::new();
        envelope.insert("at".into(), json!(self.day.to_string()));
        envelope.insert("a".into(), json!(self.a.name));
        envelope.insert("b".into(), json!(self.b.name));
        envelope.insert("currency".into(), json!(currency));
        envelope.insert("a_mrr".into(), json!(self.a_mrr.to_string()));
        envelope.insert("b_mrr".into(), json!(self.b_mrr.to_string()));
        envelope.insert("difference".into(), json!(self.difference().to_string()));
        envelope.insert("residual".into(), json!(self.residual().to_string()));
        envelope
    }
}

impl Difference {
    /// A row in the contract's shape.
    pub fn to_json(&self) -> Value {
        json!({
            "knob": self.knob, "from": self.from, "to": self.to,
            "customer": &*self.customer, "amount": self.amount.to_string(),
        })
    }
}

/// Switches knobs one at a time in schema order; each step's difference belongs to that knob and customer, so
/// that nothing is left over. Without a day, as-of's. The report's own policy is afterwards the last one looked at.
///
/// # Errors
/// A missing rate, a knob that needs facts which the book does not hold, or a book that cannot be read.
pub fn compare(
    report: &mut Report,
    a: &Policy,
    b: &Policy,
    day: Option<Day>,
) -> Result<Comparison, ReportError> {
    let day = day.unwrap_or_else(|| report.today());
    require_facts(a, &report.snapshot)?;
    require_facts(b, &report.snapshot)?;
    let first = levels(report, a, day)?;
    let last = levels(report, b, day)?;
    let mut rows = Vec::new();
    let mut current = a.clone();
    let mut before = first.clone();
    for change in Policy::differences(a, b) {
        current.switch(change.knob, b);
        let after = levels(report, &current, day)?;
        for (customer, amount) in difference(&before, &after) {
            let (from, to) = (change.from.to_string(), change.to.to_string());
            rows.push(Difference { knob: change.knob.to_string(), from, to, customer, amount });
        }
        before = after;
    }
    let total = |levels: &Levels| levels.values().copied().sum::<Amount>();
    let (a_mrr, b_mrr) = (total(&first), total(&last));
    Ok(Comparison { day, a: a.clone(), b: b.clone(), a_mrr, b_mrr, rows })
}

fn levels(report: &mut Report, policy: &Policy, day: Day) -> Result<Levels, ReportError> {
    report.policy = policy.clone();
    let query = report.query_over(day, day);
    let mut ctx: Context = report.context(&query, false);
    // A level at a past day's end must not know what only happened later that day or after.
    ctx.horizon =
        end_of_day(day, &report.zone).min(if query.with_expected { ctx.horizon } else { report.as_of });
    let converter = || Converter::new(&ctx, &query);
    let parts = report.fold(
        &ctx,
        || Ok::<_, ReportError>((Levels::new(), converter())),
        |(levels, converter), _, ledger| {
            let mut sum = Amount::ZERO;
            for phases in &ledger.phases {
                let Some(phase) = phases.last() else { continue };
                let Some(state) = ledger.state(phase) else { continue };
                sum +=
                    converter.movement(phase.level.mrr, state.currency, day).map_err(|e: RollupError| e)?;
            }
            if !sum.is_zero() {
                levels.insert(ledger.customer.clone(), sum);
            }
            Ok(())
        },
    )?;
    Ok(parts.into_iter().flat_map(|(levels, _)| levels).collect())
}

fn difference(before: &Levels, after: &Levels) -> Levels {
    let mut out = Levels::new();
    for (customer, amount) in after {
        *out.entry(customer.clone()).or_default() += *amount;
    }
    for (customer, amount) in before {
        *out.entry(customer.clone()).or_default() -= *amount;
    }
    out.retain(|_, amount| !amount.is_zero());
    out
}
