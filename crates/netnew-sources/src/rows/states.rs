//! States: from an instant on, an item is like this.

use netnew_facts::{Body, Statement, StatementBody};

use crate::fields::Field;
use crate::problem::Complaint;
use crate::row::{Interner, RowView, Setup};
use crate::rows::item::Items;
use crate::rows::{Decode, statement};

pub(crate) struct States {
    items: Items,
    customers: Interner,
    ids: Interner,
}

impl States {
    pub(crate) fn new(setup: &mut Setup, notes: &mut Vec<String>) -> States {
        States { items: Items::new(setup, notes), customers: Interner::new(), ids: Interner::new() }
    }
}

impl Decode for States {
    fn decode(&mut self, row: RowView<'_>, out: &mut Vec<Statement>) -> Result<(), Complaint> {
        let customer = self.customers.get(&row.needed_text(Field::Customer)?);
        let subscription = self.ids.get(&row.needed_text(Field::Subscription)?);
        let item = match row.text(Field::Item)? {
            Some(item) => self.ids.get(&item),
            None => subscription.clone(),
        };
        let effective_at = row.needed_instant(Field::EffectiveAt)?;
        let seq = row.integer(Field::Seq)?.unwrap_or(0);
        let state = match row.flag(Field::Retract)? {
            true => None,
            false => Some(Box::new(self.items.read(row)?)),
        };
        let body = Body::State { subscription, item, effective_at, seq, state };
        out.push(statement(row, StatementBody::Customer { customer, body })?);
        Ok(())
    }
}
