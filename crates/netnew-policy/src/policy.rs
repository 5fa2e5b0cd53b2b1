//! A checked set of values for every knob.

use crate::error::PolicyError;
use crate::file;
use crate::preset::{self, Evidence, Preset};
use crate::schema::{Choice, Knob, Needs, schema};
use crate::values::*;
use netnew_money::{MonthFactors, WeekStart};

/// Declares [`Policy`] and the table by which knobs reach its fields.
macro_rules! policy {
    ($($(#[$fdoc:meta])* $knob:literal => $field:ident: $kind:ty,)+) => {
        /// The rules for what counts as MRR and how movements are named, every knob as a type.
        ///
        /// Made from a preset or a file and changed by [`Policy::set`], so that only values that can act are in it.
        /// Fields may be written as well; then [`Policy::changed`] does not know.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Policy {
            /// The name: a preset's, or the user's own.
            pub name: String,
            /// The version, a date such as `2026-11`.
            pub version: String,
            /// Knobs that differ from the base, with their values, in schema order.
            pub changed: Vec<(String, String)>,
            base: &'static str,
            /// What weeks and days are multiplied by to be months (knobs `interval.week`, `interval.day`).
            pub factors: MonthFactors,
            $($(#[$fdoc])* pub $field: $kind,)+
        }

        impl Policy {
            /// A policy of the canonical texts that `value` gives for each knob; `None` if a text is not one.
            pub(crate) fn of(name: &str, version: &str, base: &'static str, value: impl Fn(&str) -> String) -> Option<Policy> {
                Some(Policy {
                    name: name.to_string(),
                    version: version.to_string(),
                    changed: Vec::new(),
                    base,
                    factors: MonthFactors {
                        week: KnobText::read("interval.week", &value("interval.week"))?,
                        day: KnobText::read("interval.day", &value("interval.day"))?,
                    },
                    $($field: <$kind as KnobText>::read($knob, &value($knob))?,)+
                })
            }
        }

        const FIELDS: &[Field] = &[
            $(field!($knob, $field),)+
            field!("interval.week", factors.week),
            field!("interval.day", factors.day),
        ];
    };
}

/// How a knob reaches its field.
struct Field {
    knob: &'static str,
    text: fn(&Policy) -> String,
    read: fn(&mut Policy, &str) -> bool,
    copy: fn(&mut Policy, &Policy),
}

macro_rules! field {
    ($knob:literal, $($field:ident).+) => {
        Field {
            knob: $knob,
            text: |policy| policy.$($field).+.text($knob),
            read: |policy, text| match KnobText::read($knob, text) {
                Some(value) => {
                    policy.$($field).+ = value;
                    true
                }
                None => false,
            },
            copy: |policy, other| policy.$($field).+ = other.$($field).+.clone(),
        }
    };
}

policy! {
    /// What is valued to get MRR.
    "source" => source: Source,
    /// Statuses in which an item counts at its price; canceled and free never do.
    "statuses.counted" => statuses_counted: StatusSet,
    /// When an item starts to count.
    "activation.moment" => activation_moment: ActivationMoment,
    /// A discount without an end.
    "discount.forever" => discount_forever: DiscountRule,
    /// A discount that repeats for a limited time.
    "discount.recurring_limited" => discount_recurring_limited: LimitedDiscountRule,
    /// A discount on one billing interval.
    "discount.one_time" => discount_one_time: OneTimeDiscountRule,
    /// A customer whose discounts take the whole price off.
    "discount_100" => discount_100: ZeroRule,
    /// A customer who paid before and is on a plan that costs nothing now.
    "free_plan" => free_plan: ZeroRule,
    /// Tax on top of, or inside, the price.
    "tax" => tax: TaxRule,
    /// Items billed by usage.
    "metered" => metered: MeteredRule,
    /// Charges that do not recur: setup fees, goods, services.
    "one_time" => one_time: OneTimeRule,
    /// Money given back.
    "refund" => refund: RefundRule,
    /// A note that lowers an invoice after the fact.
    "credit_note" => credit_note: CreditNoteRule,
    /// An item inside its trial.
    "trial" => trial: TrialRule,
    /// How long an item may be past due before it counts 0.
    "past_due.grace" => past_due_grace: Grace,
    /// An item whose payment was given up but which still exists.
    "unpaid_status" => unpaid_status: UnpaidRule,
    /// An item on hold.
    "pause" => pause: PauseRule,
    /// When a cancellation takes MRR away.
    "churn.timing" => churn_timing: ChurnTiming,
    /// Over what kinds of movement are decided.
    "movement.level" => movement_level: MovementLevel,
    /// Another subscription of a customer who has one.
    "second_subscription" => second_subscription: SecondSubscription,
    /// A subscription that ends while the customer keeps another.
    "partial_cancel" => partial_cancel: PartialCancel,
    /// A customer who comes and goes in one calendar month.
    "same_period_new_and_churn" => same_period_new_and_churn: SamePeriod,
    /// How many minutes from its first step a group of steps reaches, under `netting = window`.
    "grouping_window" => grouping_window: u16,
    /// For how long after churn a return is a reactivation.
    "reactivation.window" => reactivation_window: ReactivationWindow,
    /// Which day's rate converts a movement.
    "fx.rate_date" => fx_rate_date: FxRateDate,
    /// What a converted report does with changes of the rates.
    "fx.row" => fx_row: FxRow,
    /// A line for part of a billing period.
    "proration" => proration: ProrationRule,
    /// Changes that are agreed but lie ahead.
    "scheduled_changes" => scheduled_changes: ScheduledChanges,
    /// Which instant's MRR a period is given.
    "month_value" => month_value: MonthValue,
    /// The time zone in which days, weeks and months are cut; `None` for the book's.
    "timezone" => timezone: Option<String>,
    /// The first day of a week.
    "week_start" => week_start: WeekStart,
    /// The churn rate of customers.
    "customer_churn.formula" => customer_churn_formula: CustomerChurnFormula,
    /// What gross MRR churn adds up.
    "revenue_churn.formula" => revenue_churn_formula: RevenueChurnFormula,
    /// Lifetime value of a customer.
    "ltv" => ltv: LtvFormula,
    /// The share of trials that convert.
    "trial_conversion" => trial_conversion: TrialConversionFormula,
    /// Which cohort a customer belongs to.
    "cohort.start" => cohort_start: CohortStart,
    /// What payment processors and platforms keep.
    "fees" => fees: FeesRule,
    /// How an item's monthly value is rounded, once.
    "rounding" => rounding: RoundingRule,
    /// What the quick ratio counts as won.
    "quick_ratio" => quick_ratio: QuickRatioFormula,
    /// Net revenue retention.
    "nrr" => nrr: NrrFormula,
    /// Which steps of a customer are netted before kinds are decided.
    "netting" => netting: Netting,
    /// Where the rest shows when a customer moves between plans and the whole changes.
    "transfer.residual" => transfer_residual: TransferResidual,
    /// How many days old an exchange rate may be; an older one is an error.
    "fx.max_age_days" => fx_max_age_days: i32,
    /// How annual recurring revenue is rounded.
    "arr" => arr: ArrRule,
    /// Gross revenue retention.
    "grr" => grr: GrrFormula,
}

/// A knob of a policy, for showing.
#[derive(Clone, Debug, PartialEq)]
pub struct KnobValue {
    /// The knob.
    pub knob: &'static str,
    /// The value that acts.
    pub value: String,
    /// The engine's default.
    pub default: String,
    /// Where the value comes from, for reading.
    pub source: String,
    /// When the source was read.
    pub date: String,
    /// False when nothing was found about the vendor's rule, so that the default acts.
    pub found: bool,
    /// What to know about it; for a value that was not found, what was looked for.
    pub note: Option<String>,
    /// What kind of evidence the source is; `None` when there is no source, or the user set the value.
    pub evidence: Option<Evidence>,
    /// What the vendor does, where that differs from `value` because it needs facts not taken in yet.
    pub vendor_value: Option<&'static str>,
    /// The facts that `vendor_value` needs.
    pub needs: Option<Needs>,
}

/// A vendor's rule that a preset records but that cannot act yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Inactive {
    /// The knob.
    pub knob: &'static str,
    /// What the vendor does.
    pub vendor_value: &'static str,
    /// The facts it needs.
    pub needs: Needs,
    /// What acts instead.
    pub acting: String,
}

/// A knob in which two policies differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnobDiff {
    /// The knob.
    pub knob: &'static str,
    /// Its value in the first.
    pub from: String,
    /// Its value in the second.
    pub to: String,
}

impl Default for Policy {
    /// The preset `default`.
    fn default() -> Policy {
        preset::default_policy().clone()
    }
}

impl Policy {
    /// The built-in policy of a name.
    ///
    /// # Errors
    /// [`PolicyError::UnknownPolicy`] with the name most likely meant.
    pub fn preset(name: &str) -> Result<Policy, PolicyError> {
        preset::find(name).map(|preset| preset.policy.clone())
    }

    /// Names of the built-in policies.
    pub fn names() -> &'static [&'static str] {
        &preset::NAMES
    }

    /// Knobs, their values, and the facts that a book must have for them to act.
    pub fn needed_facts(&self) -> Vec<(&'static str, &'static str, Needs)> {
        let mut out = Vec::new();
        for field in FIELDS {
            let value = (field.text)(self);
            let knob = schema().knob(field.knob).ok();
            let choice = knob.and_then(|knob| knob.values.iter().find(|choice| choice.name == value));
            if let Some((choice, needs)) = choice.and_then(|choice| Some((choice, choice.with?))) {
                out.push((field.knob, choice.name.as_str(), needs));
            }
        }
        out
    }

    /// True when levels depend on more than states: on payments, invoices, refunds or usage.
    pub fn uses_entries(&self) -> bool {
        self.activation_moment != ActivationMoment::Start
            || self.metered != MeteredRule::Excluded
            || self.refund != RefundRule::Ignored
            || self.credit_note != CreditNoteRule::Ignored
            || self.churn_timing == ChurnTiming::PeriodEnd
    }

    /// The error for a value whose facts a book does not have.
    pub fn lacks(knob: &'static str, value: &'static str, needs: Needs) -> PolicyError {
        let always = |choice: &&Choice| choice.needs.is_none() && choice.with.is_none();
        let takes = schema().knob(knob).map(|knob| {
            let names = knob.values.iter().filter(always).map(|choice| format!("`{}`", choice.name));
            names.collect::<Vec<_>>().join(", ")
        });
        let takes = takes.unwrap_or_default();
        PolicyError::KnobNeedsFacts { knob, value, needs, takes }
    }

    /// A user's policy from TOML: `name`, `version`, optionally `base` (a preset, `default` when missing) and
    /// `[knobs]` with the values that differ. `file` is only named in errors.
    ///
    /// # Errors
    /// [`PolicyError`] with the file and line: what is not TOML or not a policy, an unknown knob or value, a value
    /// whose facts are not taken in yet.
    pub fn from_toml(text: &str, file: &str) -> Result<Policy, PolicyError> {
        let raw = file::read(text, file)?;
        let base = file::base(&raw, file)?;
        let mut policy = Policy { name: raw.name.text, version: raw.version.text, ..base.policy.clone() };
        for knob in raw.knobs {
            if let Some(value) = knob.value {
                policy.put(knob.knob, &value.text).map_err(|error| file::at(file, value.line, error))?;
            }
        }
        policy.note_changes();
        Ok(policy)
    }

    /// Changes one knob.
    ///
    /// # Errors
    /// [`PolicyError::UnknownKnob`], [`PolicyError::BadKnobValue`], and [`PolicyError::KnobNeedsFacts`] for a value
    /// that cannot act yet. The policy is then as before.
    pub fn set(&mut self, knob: &str, value: &str) -> Result<(), PolicyError> {
        self.put(schema().knob(knob.trim())?, value)?;
        self.note_changes();
        Ok(())
    }

    fn put(&mut self, knob: &'static Knob, value: &str) -> Result<(), PolicyError> {
        let canonical = knob.canonical(value)?;
        let read = field(&knob.name).is_some_and(|f| (f.read)(self, &canonical));
        debug_assert!(read, "{} = {canonical} is in the schema but not in the types", knob.name);
        Ok(())
    }

    /// Takes one knob's value from another policy. Knobs that do not exist change nothing.
    pub fn switch(&mut self, knob: &str, other: &Policy) {
        if let Some(field) = field(knob) {
            (field.copy)(self, other);
            self.note_changes();
        }
    }

    /// The canonical text of a knob's value; `None` for an unknown knob.
    pub fn get(&self, knob: &str) -> Option<String> {
        field(knob).map(|f| (f.text)(self))
    }

    /// The preset that the policy started from.
    pub fn base(&self) -> &'static str {
        self.base
    }

    fn base_preset(&self) -> &'static Preset {
        preset::find(self.base).expect("a base is always the name of a preset")
    }

    fn text(&self, knob: &Knob) -> String {
        self.get(&knob.name).expect("every knob of the schema has a field")
    }

    fn note_changes(&mut self) {
        let base = &self.base_preset().policy;
        self.changed =
            Policy::differences(base, self).into_iter().map(|d| (d.knob.to_string(), d.to)).collect();
    }

    /// Every knob in schema order, with where its value comes from.
    pub fn entries(&self) -> Vec<KnobValue> {
        let base = self.base_preset();
        let notes = schema().knobs.iter().zip(&base.notes);
        notes
            .map(|(knob, note)| {
                let value = self.text(knob);
                let default = knob.default.clone();
                if value != base.policy.text(knob) {
                    return KnobValue {
                        knob: &knob.name,
                        value,
                        default,
                        source: format!("set over {}", self.base),
                        date: self.version.clone(),
                        found: true,
                        note: None,
                        evidence: None,
                        vendor_value: None,
                        needs: None,
                    };
                }
                KnobValue {
                    knob: &knob.name,
                    value,
                    default,
                    source: note.source.clone(),
                    date: note.date.clone(),
                    found: note.found,
                    note: note.says.clone(),
                    evidence: note.evidence,
                    vendor_value: note.recorded.map(|(value, _)| value),
                    needs: note.recorded.map(|(_, needs)| needs),
                }
            })
            .collect()
    }

    /// Vendor's rules that cannot act yet, in schema order. What the user changed is not among them.
    pub fn inactive(&self) -> Vec<Inactive> {
        let recorded = |entry: KnobValue| {
            let (vendor_value, needs) = entry.vendor_value.zip(entry.needs)?;
            Some(Inactive { knob: entry.knob, vendor_value, needs, acting: entry.value })
        };
        self.entries().into_iter().filter_map(recorded).collect()
    }

    /// The policy as a file: name, version, base, and every knob, so that it stays what it is when a later version
    /// of a preset changes. [`Policy::from_toml`] gives the same policy back.
    pub fn to_toml(&self) -> String {
        let quoted = |text: &str| toml::Value::String(text.to_string()).to_string();
        let mut out = format!(
            "name = {}\nversion = {}\nbase = {}\n\n[knobs]\n",
            quoted(&self.name),
            quoted(&self.version),
            quoted(self.base)
        );
        for knob in &schema().knobs {
            out.push_str(&format!("{} = {}\n", quoted(&knob.name), quoted(&self.text(knob))));
        }
        out
    }

    /// The knobs in which two policies differ, in schema order.
    pub fn differences(a: &Policy, b: &Policy) -> Vec<KnobDiff> {
        let pairs = schema().knobs.iter().map(|k| KnobDiff { knob: &k.name, from: a.text(k), to: b.text(k) });
        pairs.filter(|d| d.from != d.to).collect()
    }

    /// Every knob and its value, a line each: equal exactly when two policies act the same, whatever their names.
    pub fn fingerprint(&self) -> String {
        schema().knobs.iter().map(|k| format!("{}={}\n", k.name, self.text(k))).collect()
    }

    /// True when an item inside its trial counts, by whichever knob.
    pub fn trial_counts(&self) -> bool {
        self.statuses_counted.trialing || self.trial == TrialRule::Counted
    }

    /// True when an unpaid item counts, by whichever knob.
    pub fn unpaid_counts(&self) -> bool {
        self.statuses_counted.unpaid || self.unpaid_status == UnpaidRule::Counted
    }

    /// True when an item on hold counts, by whichever knob.
    pub fn pause_counts(&self) -> bool {
        self.statuses_counted.paused || self.pause == PauseRule::Counted
    }

    /// True under `arr = 12_x_mrr`.
    pub fn arr_is_twelve_times_mrr(&self) -> bool {
        self.arr == ArrRule::TwelveTimesMrr
    }
}

fn field(knob: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|f| f.knob == knob)
}
