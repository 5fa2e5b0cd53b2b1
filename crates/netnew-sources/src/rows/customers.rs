//! Customers with whatever is known about them, and customers that turned out to be one.

use std::collections::BTreeSet;

use netnew_facts::{Attributes, Body, Statement, StatementBody, Text};

use crate::code;
use crate::fields::Field;
use crate::problem::{Complaint, SourceError};
use crate::row::{RowView, Setup};
use crate::rows::{Decode, statement};

/// Fields that are attributes under their own names.
const NAMED: [(Field, &str); 4] = [
    (Field::Name, "name"),
    (Field::Email, "email"),
    (Field::Country, "country"),
    (Field::Channel, "channel"),
];

const SIGNED_UP_AT: &str = "signed_up_at";

pub(crate) struct Customers {
    /// Other columns, each an attribute.
    others: Vec<usize>,
    names: Vec<String>,
    has_attributes: bool,
}

impl Customers {
    /// # Errors
    /// `duplicate_column` when two columns give one attribute.
    pub(crate) fn new(setup: &Setup) -> Result<Customers, SourceError> {
        let columns = &setup.columns;
        let known = NAMED.iter().filter(|(field, _)| columns.has(*field)).map(|(_, name)| *name);
        let signed_up = columns.has(Field::SignedUpAt).then_some(SIGNED_UP_AT);
        let mut taken: BTreeSet<String> = known.chain(signed_up).map(str::to_string).collect();
        let (mut others, mut names) = (Vec::new(), Vec::new());
        for &at in &columns.others {
            let name = attribute_name(&setup.headers[at]);
            if name.is_empty() {
                continue;
            }
            if !taken.insert(name.clone()) {
                return Err(SourceError::new(
                    &setup.file,
                    code::DUPLICATE_COLUMN,
                    format!("two columns give the attribute {name}, one of them `{}`", setup.headers[at]),
                    "rename or remove one of them",
                )
                .in_column(setup.headers[at].as_str()));
            }
            others.push(at);
            names.push(name);
        }
        Ok(Customers { others, names, has_attributes: !taken.is_empty() })
    }

    fn attributes(&self, row: RowView<'_>) -> Result<Attributes, Complaint> {
        let mut values = Attributes::new();
        for (field, name) in NAMED {
            if row.setup.columns.has(field) {
                values.insert(name.to_string(), row.text(field)?.map(|v| v.into_owned()));
            }
        }
        if row.setup.columns.has(Field::SignedUpAt) {
            let at = row.instant(Field::SignedUpAt)?.map(|at| at.to_string());
            values.insert(SIGNED_UP_AT.to_string(), at);
        }
        for (at, name) in self.others.iter().zip(&self.names) {
            values.insert(name.clone(), row.text_at(*at)?.map(|v| v.into_owned()));
        }
        Ok(values)
    }
}

impl Decode for Customers {
    fn other_columns(&self) -> &[usize] {
        &self.others
    }

    fn decode(&mut self, row: RowView<'_>, out: &mut Vec<Statement>) -> Result<(), Complaint> {
        let customer: Text = row.needed_text(Field::Customer)?.into();
        let withdrawn = row.flag(Field::Retract)?;
        if let Some(into) = row.text(Field::MergedInto)? {
            if *into == *customer {
                return Err(row.complain(
                    Field::MergedInto,
                    code::SELF_MERGE,
                    format!("the customer {customer} is merged into itself"),
                    "name the other customer, or leave the cell empty",
                ));
            }
            let merged_into = (!withdrawn).then(|| Text::from(&*into));
            let customer = customer.clone();
            out.push(statement(row, StatementBody::Alias { customer, merged_into })?);
            if withdrawn {
                return Ok(());
            }
        }
        if self.has_attributes {
            let effective_at = row.instant(Field::EffectiveAt)?;
            let values = if withdrawn { None } else { Some(self.attributes(row)?) };
            let body = Body::Attributes { effective_at, values };
            out.push(statement(row, StatementBody::Customer { customer, body })?);
        }
        Ok(())
    }
}

/// A header as the name of an attribute: `Account Manager`, `accountManager` and `account-manager` are all
/// `account_manager`.
pub(crate) fn attribute_name(header: &str) -> String {
    let mut name = String::with_capacity(header.len() + 4);
    let mut previous_is_lower = false;
    for c in header.chars() {
        if !c.is_alphanumeric() {
            if !name.is_empty() && !name.ends_with('_') {
                name.push('_');
            }
            previous_is_lower = false;
            continue;
        }
        if c.is_uppercase() && previous_is_lower {
            name.push('_');
        }
        previous_is_lower = c.is_lowercase() || c.is_ascii_digit();
        name.extend(c.to_lowercase());
    }
    name.trim_end_matches('_').to_string()
}

#[cfg(test)]
mod tests {
    use super::attribute_name;

    #[test]
    fn headers_become_names() {
        for (header, name) in [
            ("Account Manager", "account_manager"),
            ("accountManager", "account_manager"),
            ("account-manager", "account_manager"),
            ("ARR Tier", "arr_tier"),
            ("  Größe (m²) ", "größe_m²"),
            ("utm_source", "utm_source"),
            ("--", ""),
        ] {
            assert_eq!(attribute_name(header), name);
        }
    }
}
