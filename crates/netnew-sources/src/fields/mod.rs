//! Which columns of a file are what: names, synonyms, and the match between them.
//!
//! A field has *strong* names, which say it plainly, and *weak* ones, which are only tried when no column has a
//! strong name and the column is not taken by another field. `customer` and `customer_id` in one file are two
//! columns for one thing, which is an error; `email` beside `customer` is not, because it is weak.

mod entries;
mod tables;

use crate::code;
use crate::kind::Kind;
use crate::problem::SourceError;
use crate::words::plain;

/// What a column can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Customer,
    Subscription,
    Item,
    EffectiveAt,
    Start,
    End,
    Status,
    Plan,
    Product,
    Amount,
    Currency,
    Interval,
    IntervalCount,
    Quantity,
    UsageType,
    DiscountPercent,
    DiscountAmount,
    DiscountKind,
    DiscountUntil,
    Discounts,
    TrialStart,
    TrialEnd,
    CancelRequestedAt,
    CancelAt,
    CancelAtPeriodEnd,
    PeriodStart,
    PeriodEnd,
    EndedAt,
    Reason,
    Seq,
    RecordedAt,
    Retract,
    Reconstructed,
    Name,
    Email,
    Country,
    Channel,
    Description,
    SignedUpAt,
    Created,
    MergedInto,
    Date,
    Base,
    Quote,
    Rate,
    Id,
    Invoice,
    Payment,
    Number,
    Total,
    Tax,
    Fee,
    DueAt,
    PaidAt,
    ClosedAt,
    Method,
    Attempt,
    Failure,
    Lines,
    LineKind,
    Proration,
    Metric,
    User,
    Session,
    Properties,
    Class,
    Category,
    Vendor,
    Campaign,
    StageName,
    Weight,
    CloseDate,
    StartsAt,
    Void,
    Captured,
    Refunded,
    RefundedAt,
    Disputed,
    DisputedAt,
    DisputeStatus,
}

const FIELDS: usize = Field::DisputeStatus as usize + 1;

/// What a column's cells look like, which decides what evidence is collected about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Text,
    Number,
    Date,
}

/// A field of a kind of file.
pub(crate) struct Spec {
    pub field: Field,
    /// Name in the documentation and in messages.
    pub name: &'static str,
    pub shape: Shape,
    pub needed: bool,
    /// Names that say it plainly, as [`plain`] makes them.
    pub strong: &'static [&'static str],
    /// Names that may also mean something else.
    pub weak: &'static [&'static str],
}

/// The fields of a kind, in the order of the documentation.
pub(crate) fn specs(kind: Kind) -> &'static [Spec] {
    match kind {
        Kind::States => tables::STATES,
        Kind::Periods => tables::PERIODS,
        Kind::Customers => tables::CUSTOMERS,
        Kind::Rates => tables::RATES,
        Kind::StripeSubscriptions => tables::STRIPE_SUBSCRIPTIONS,
        Kind::StripeCustomers => tables::STRIPE_CUSTOMERS,
        Kind::StripeJson | Kind::Biller(_) => &[],
        Kind::Entries(kind) => entries::of(kind),
        Kind::StripePayments => entries::STRIPE_PAYMENTS,
        Kind::StripeInvoices => entries::STRIPE_INVOICES,
    }
}

/// What an amount is the price of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum AmountOf {
    /// One unit for one interval.
    #[default]
    UnitPerInterval,
    UnitPerMonth,
    UnitPerYear,
    /// The whole item, with quantity and discounts in it.
    WholePerMonth,
    WholePerYear,
}

impl AmountOf {
    fn of(name: &str) -> AmountOf {
        match name {
            n if tables::MRR.contains(&n) => AmountOf::WholePerMonth,
            n if tables::ARR.contains(&n) => AmountOf::WholePerYear,
            n if tables::MONTHLY_PRICE.contains(&n) => AmountOf::UnitPerMonth,
            n if tables::YEARLY_PRICE.contains(&n) => AmountOf::UnitPerYear,
            _ => AmountOf::UnitPerInterval,
        }
    }

    pub(crate) fn is_whole(self) -> bool {
        matches!(self, AmountOf::WholePerMonth | AmountOf::WholePerYear)
    }
}

/// The columns of a file as fields of a kind.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    of: [Option<usize>; FIELDS],
    /// What the amount column is the price of.
    pub amount_of: AmountOf,
    /// Columns that are no field.
    pub others: Vec<usize>,
}

impl Columns {
    /// Matches the columns of a file with the fields of a kind.
    ///
    /// # Errors
    /// `duplicate_column` when two columns have a plain name of one field.
    pub(crate) fn find(file: &str, headers: &[String], kind: Kind) -> Result<Columns, SourceError> {
        let names: Vec<String> = headers.iter().map(|h| plain(h)).collect();
        let mut of = [None; FIELDS];
        let mut taken = vec![false; names.len()];
        let passes: [fn(&Spec) -> &'static [&'static str]; 2] = [|s| s.strong, |s| s.weak];
        for (pass, synonyms) in passes.into_iter().enumerate() {
            for spec in specs(kind).iter().filter(|s| of[s.field as usize].is_none()).collect::<Vec<_>>() {
                let free = |at: &usize| !taken[*at] && !names[*at].is_empty();
                let matching: Vec<usize> = if pass == 0 {
                    (0..names.len())
                        .filter(free)
                        .filter(|at| synonyms(spec).contains(&&*names[*at]))
                        .collect()
                } else {
                    // The first weak name that occurs at all; a second one stays a column of its own.
                    let at_name = |name: &&str| {
                        (0..names.len()).filter(free).filter(|at| names[*at] == *name).collect()
                    };
                    synonyms(spec)
                        .iter()
                        .map(at_name)
                        .find(|at: &Vec<usize>| !at.is_empty())
                        .unwrap_or_default()
                };
                if let [first, second, ..] = matching[..] {
                    return Err(duplicate(file, spec.name, &headers[first], &headers[second]));
                }
                if let [only] = matching[..] {
                    of[spec.field as usize] = Some(only);
                    taken[only] = true;
                }
            }
        }
        let amount_of = of[Field::Amount as usize].map_or(AmountOf::default(), |at| AmountOf::of(&names[at]));
        let others = (0..names.len()).filter(|at| !taken[*at]).collect();
        Ok(Columns { of, amount_of, others })
    }

    /// The column of a field, if the file has one.
    pub(crate) fn at(&self, field: Field) -> Option<usize> {
        self.of[field as usize]
    }

    pub(crate) fn has(&self, field: Field) -> bool {
        self.at(field).is_some()
    }

    /// Takes a column out of use, so that the field counts as absent.
    pub(crate) fn leave_out(&mut self, field: Field) -> Option<usize> {
        self.of[field as usize].take()
    }

    /// Columns in use with what their cells look like.
    pub(crate) fn shaped(&self, kind: Kind) -> impl Iterator<Item = (usize, Shape)> + '_ {
        specs(kind).iter().filter_map(|s| Some((self.at(s.field)?, s.shape)))
    }

    /// Checks that everything a kind needs is there.
    ///
    /// # Errors
    /// `missing_column` with the names that would do.
    pub(crate) fn check(&self, file: &str, headers: &[String], kind: Kind) -> Result<(), SourceError> {
        if let Some(spec) = specs(kind).iter().find(|s| s.needed && !self.has(s.field)) {
            return Err(missing(file, headers, kind, spec));
        }
        let without_amount = matches!(kind, Kind::States | Kind::Periods) && !self.has(Field::Amount);
        // A file of cancellations needs no prices.
        if without_amount && !self.has(Field::Status) && !self.has(Field::Retract) {
            let spec = specs(kind).iter().find(|s| s.field == Field::Amount);
            return Err(missing(file, headers, kind, spec.expect("states and periods have an amount")));
        }
        Ok(())
    }
}

/// Whether the headers have a column with a plain name of this field.
pub(crate) fn has_strong(headers: &[String], kind: Kind, field: Field) -> bool {
    let strong = specs(kind).iter().find(|s| s.field == field).map_or(&[][..], |s| s.strong);
    headers.iter().any(|h| strong.contains(&&*plain(h)))
}

fn missing(file: &str, headers: &[String], kind: Kind, spec: &Spec) -> SourceError {
    let written: Vec<&str> = headers.iter().map(String::as_str).filter(|h| !h.is_empty()).collect();
    SourceError::new(
        file,
        code::MISSING_COLUMN,
        format!("no column says {} of {kind}; there are {}", spec.name, written.join(", ")),
        format!("name the column {}, or say with --as what the file is", spec.name),
    )
    .in_column(spec.name)
}

fn duplicate(file: &str, name: &str, first: &str, second: &str) -> SourceError {
    SourceError::new(
        file,
        code::DUPLICATE_COLUMN,
        format!("the columns `{first}` and `{second}` both say {name}"),
        "rename or remove one of them",
    )
    .in_column(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| n.to_string()).collect()
    }

    fn find(names: &[&str], kind: Kind) -> Columns {
        Columns::find("f", &headers(names), kind).unwrap()
    }

    #[test]
    fn names_match_regardless_of_case_and_separators() {
        let columns =
            find(&["Customer ID", "SUBSCRIPTION-ID", "effective at", "qty", "Unit Price"], Kind::States);
        for (at, field) in
            [Field::Customer, Field::Subscription, Field::EffectiveAt, Field::Quantity, Field::Amount]
                .iter()
                .enumerate()
        {
            assert_eq!(columns.at(*field), Some(at), "{field:?}");
        }
        assert!(columns.others.is_empty());
    }

    #[test]
    fn a_plain_name_beats_a_loose_one_and_two_plain_ones_are_an_error() {
        let columns = find(&["email", "client", "product", "plan"], Kind::States);
        assert_eq!((columns.at(Field::Customer), columns.at(Field::Plan)), (Some(1), Some(3)));
        assert_eq!(columns.others, vec![0, 2]);
        let both = Columns::find("f", &headers(&["customer", "customer_id"]), Kind::States).unwrap_err();
        assert_eq!(both.code(), code::DUPLICATE_COLUMN);
        assert!(both.to_string().contains("`customer` and `customer_id`"), "{both}");
    }

    #[test]
    fn cancelled_is_the_end_unless_the_file_has_another() {
        let alone = find(&["customer", "start", "cancelled_at"], Kind::Periods);
        assert_eq!((alone.at(Field::End), alone.at(Field::CancelRequestedAt)), (Some(2), None));
        let beside = find(&["customer", "start", "cancelled_at", "ended_at"], Kind::Periods);
        assert_eq!((beside.at(Field::End), beside.at(Field::CancelRequestedAt)), (Some(3), Some(2)));
        let states = find(&["cancelled_at", "ended_at"], Kind::States);
        assert_eq!((states.at(Field::CancelAt), states.at(Field::CancelRequestedAt)), (Some(1), Some(0)));
    }

    #[test]
    fn what_an_amount_is_the_price_of_follows_from_its_name() {
        for (name, expected) in [
            ("amount", AmountOf::UnitPerInterval),
            ("MRR", AmountOf::WholePerMonth),
            ("Monthly price", AmountOf::UnitPerMonth),
            ("ARR", AmountOf::WholePerYear),
        ] {
            assert_eq!(find(&[name], Kind::States).amount_of, expected, "{name}");
        }
        assert_eq!(find(&["mrr", "amount"], Kind::States).at(Field::Amount), Some(1));
    }

    #[test]
    fn no_name_is_plain_for_two_fields_of_a_kind() {
        for kind in Kind::ALL {
            let mut seen = std::collections::BTreeMap::new();
            for spec in specs(kind) {
                for name in spec.strong {
                    assert_eq!(plain(name), *name, "{kind}");
                    assert_eq!(seen.insert(name, spec.name), None, "{kind}: {name}");
                }
            }
        }
    }
}
