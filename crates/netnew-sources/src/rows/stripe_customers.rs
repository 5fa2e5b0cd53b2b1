//! Stripe's dashboard export of customers: what stays true of a customer becomes attributes.

use std::collections::BTreeSet;

use netnew_facts::{Attributes, Body, Statement, StatementBody, Text};

use crate::fields::Field;
use crate::problem::Complaint;
use crate::row::{RowView, Setup};
use crate::rows::customers::attribute_name;
use crate::rows::{Decode, statement};

const NAMED: [(Field, &str); 5] = [
    (Field::Name, "name"),
    (Field::Email, "email"),
    (Field::Description, "description"),
    (Field::Currency, "currency"),
    (Field::Country, "country"),
];

const SIGNED_UP_AT: &str = "signed_up_at";

/// How the export marks a column of the account's own metadata: `crm id (metadata)`.
const METADATA: &str = "(metadata)";

/// Totals, plan and status of the day of the export are left out: they say nothing about any other day.
pub(crate) struct StripeCustomers {
    metadata: Vec<usize>,
    names: Vec<String>,
}

impl StripeCustomers {
    pub(crate) fn new(setup: &Setup) -> StripeCustomers {
        let mut taken: BTreeSet<String> = NAMED.iter().map(|(_, name)| name.to_string()).collect();
        taken.insert(SIGNED_UP_AT.to_string());
        let (mut metadata, mut names) = (Vec::new(), Vec::new());
        for &at in &setup.columns.others {
            let Some(key) = setup.headers[at].trim_end().strip_suffix(METADATA) else { continue };
            let plain = attribute_name(key);
            // A key that an attribute of Stripe's own already has keeps its value under another name.
            let candidates = [plain.clone(), format!("metadata_{plain}")];
            let free = candidates.into_iter().find(|name| !name.is_empty() && !taken.contains(name));
            if let (Some(name), false) = (free, plain.is_empty()) {
                taken.insert(name.clone());
                metadata.push(at);
                names.push(name);
            }
        }
        StripeCustomers { metadata, names }
    }
}

impl Decode for StripeCustomers {
    fn other_columns(&self) -> &[usize] {
        &self.metadata
    }

    fn decode(&mut self, row: RowView<'_>, out: &mut Vec<Statement>) -> Result<(), Complaint> {
        let customer: Text = row.needed_text(Field::Customer)?.into();
        let mut values = Attributes::new();
        for (field, name) in NAMED {
            if row.setup.columns.has(field) {
                values.insert(name.to_string(), row.text(field)?.map(|v| v.into_owned()));
            }
        }
        if row.setup.columns.has(Field::Created) {
            let created = row.instant(Field::Created)?.map(|at| at.to_string());
            values.insert(SIGNED_UP_AT.to_string(), created);
        }
        for (at, name) in self.metadata.iter().zip(&self.names) {
            values.insert(name.clone(), row.text_at(*at)?.map(|v| v.into_owned()));
        }
        let body = Body::Attributes { effective_at: None, values: Some(values) };
        out.push(statement(row, StatementBody::Customer { customer, body })?);
        Ok(())
    }
}
