//! Goals and annotations: what a business wants to reach, and what happened on a day, as people wrote it down.
//!
//! Both are settings of pages ([`Access::document`]) and no facts: no figure depends on them.

use crate::error::AccessError;
use crate::{Access, Who};
use netnew_money::{Amount, Day, Instant};
use serde_json::{Value, json};

const ANNOTATIONS: &str = "annotations";
const GOALS: &str = "goals";

/// Characters of an annotation at most: it stands on a chart.
pub const LONGEST: usize = 80;
/// Goals, and annotations, at most.
pub const MOST: usize = 500;

/// What happened on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// `a1`, `a2`, ...; never given twice in a book.
    pub id: String,
    /// The day, in the book's time zone.
    pub date: Day,
    /// What happened, in one line.
    pub text: String,
    /// Who wrote it down.
    pub by: String,
}

/// A value that a metric is to have by a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goal {
    /// `g1`, `g2`, ...; never given twice in a book.
    pub id: String,
    /// The metric's name in the registry.
    pub metric: String,
    /// True when the value or less is good.
    pub at_most: bool,
    /// The value in the metric's unit: money in the major unit, shares as fractions (0.05 is 5 %), counts.
    pub value: Amount,
    /// The currency that money is in; `None` for what is no money.
    pub currency: Option<String>,
    /// The day at whose end the value is to be there.
    pub by: Day,
    /// When it was set.
    pub since: Instant,
}

impl Annotation {
    /// As JSON.
    pub fn to_json(&self) -> Value {
        json!({"id": self.id, "date": self.date.to_string(), "text": self.text, "by": self.by})
    }

    fn read(value: &Value) -> Option<Annotation> {
        Some(Annotation {
            id: text(value, "id")?,
            date: Day::parse(&text(value, "date")?).ok()?,
            text: text(value, "text")?,
            by: text(value, "by")?,
        })
    }
}

impl Goal {
    /// As JSON; the value as text.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id, "metric": self.metric, "aim": if self.at_most { "at_most" } else { "at_least" },
            "value": self.value.to_string(), "currency": self.currency, "by": self.by.to_string(),
            "since": self.since.to_string(),
        })
    }

    fn read(value: &Value) -> Option<Goal> {
        Some(Goal {
            id: text(value, "id")?,
            metric: text(value, "metric")?,
            at_most: text(value, "aim")? == "at_most",
            value: Amount::parse(&text(value, "value")?).ok()?,
            currency: text(value, "currency"),
            by: Day::parse(&text(value, "by")?).ok()?,
            since: Instant::parse_rfc3339(&text(value, "since")?).ok()?,
        })
    }
}

fn text(value: &Value, field: &str) -> Option<String> {
    value[field].as_str().map(str::to_string)
}

/// The rows of a document, each as `read` understands it.
fn rows<T>(
    name: &str,
    document: Option<Value>,
    read: fn(&Value) -> Option<T>,
) -> Result<Vec<T>, AccessError> {
    let Some(document) = document else { return Ok(Vec::new()) };
    let rows = document["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
    let all: Option<Vec<T>> = rows.iter().map(read).collect();
    all.ok_or_else(|| AccessError::Damaged(format!("the setting {name} does not hold {name}")))
}

/// With a row more, under the next free id.
fn with_row(document: Option<Value>, letter: char, row: &mut Value) -> Value {
    let mut document = document.unwrap_or_else(|| json!({"next": 1, "rows": []}));
    let next = document["next"].as_u64().unwrap_or(1);
    row["id"] = json!(format!("{letter}{next}"));
    document["next"] = json!(next + 1);
    match document["rows"].as_array_mut() {
        Some(rows) => rows.push(row.clone()),
        None => document["rows"] = json!([row.clone()]),
    }
    document
}

impl Access {
    /// All annotations, by day.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub fn annotations(&self) -> Result<Vec<Annotation>, AccessError> {
        let mut all = rows(ANNOTATIONS, self.document(ANNOTATIONS)?, Annotation::read)?;
        all.sort_by(|a, b| (a.date, &a.id).cmp(&(b.date, &b.id)));
        Ok(all)
    }

    /// Writes down what happened on a day.
    ///
    /// # Errors
    /// Who may not, a text that is empty or too long for a chart, too many, or a catalog that cannot be written.
    pub fn annotate(&self, by: &Who, date: Day, text: &str, now: Instant) -> Result<Annotation, AccessError> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() || text.chars().count() > LONGEST || text.chars().any(char::is_control) {
            return Err(AccessError::BadAnnotation(LONGEST));
        }
        self.room(self.annotations()?.len(), ANNOTATIONS)?;
        let row = json!({"date": date.to_string(), "text": text, "by": by.name});
        let row = self.add(by, ANNOTATIONS, 'a', row, now)?;
        Annotation::read(&row).ok_or_else(|| AccessError::Damaged("an annotation that cannot be read".into()))
    }

    /// Removes an annotation.
    ///
    /// # Errors
    /// Who may not, or no such annotation.
    pub fn remove_annotation(&self, by: &Who, id: &str, now: Instant) -> Result<(), AccessError> {
        self.remove(by, ANNOTATIONS, "annotation", id, now)
    }

    /// All goals, by their day.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub fn goals(&self) -> Result<Vec<Goal>, AccessError> {
        let mut all = rows(GOALS, self.document(GOALS)?, Goal::read)?;
        all.sort_by(|a, b| (a.by, &a.metric, &a.id).cmp(&(b.by, &b.metric, &b.id)));
        Ok(all)
    }

    /// Sets a goal; its id and moment are given here.
    ///
    /// # Errors
    /// Who may not, too many, or a catalog that cannot be written.
    pub fn set_goal(&self, by: &Who, goal: &Goal, now: Instant) -> Result<Goal, AccessError> {
        self.room(self.goals()?.len(), GOALS)?;
        let row = Goal { since: now, ..goal.clone() }.to_json();
        let row = self.add(by, GOALS, 'g', row, now)?;
        Goal::read(&row).ok_or_else(|| AccessError::Damaged("a goal that cannot be read".into()))
    }

    /// Removes a goal.
    ///
    /// # Errors
    /// Who may not, or no such goal.
    pub fn remove_goal(&self, by: &Who, id: &str, now: Instant) -> Result<(), AccessError> {
        self.remove(by, GOALS, "goal", id, now)
    }

    fn room(&self, count: usize, of: &'static str) -> Result<(), AccessError> {
        if count < MOST { Ok(()) } else { Err(AccessError::TooManyMarks(of, MOST)) }
    }

    fn add(&self, by: &Who, key: &str, letter: char, row: Value, now: Instant) -> Result<Value, AccessError> {
        let mut added = row;
        self.update_document(by, key, now, |old| Some(with_row(old, letter, &mut added)))?;
        Ok(added)
    }

    fn remove(
        &self,
        by: &Who,
        key: &str,
        what: &'static str,
        id: &str,
        now: Instant,
    ) -> Result<(), AccessError> {
        let mut found = false;
        self.update_document(by, key, now, |old| {
            let mut document = old?;
            if let Some(rows) = document["rows"].as_array_mut() {
                let before = rows.len();
                rows.retain(|row| row["id"].as_str() != Some(id));
                found = rows.len() < before;
            }
            Some(document)
        })?;
        let shown: String = id.chars().take(40).collect();
        if found { Ok(()) } else { Err(AccessError::NoMark(what, shown)) }
    }
}
