//! The rules for what counts as MRR: the knob schema, presets, validation, and the typed policy.
//!
//! `policy/schema.toml` names every knob with its values; `policy/presets/*.toml` hold what the default does and
//! what vendors say they do, each knob with its source. [`Policy`] is a checked set of values, typed, so that the
//! ledger and the metrics match on enums and never on text.
//!
//! Nothing here reads a file, a clock or the environment: the data files are compiled in, and a user's policy comes
//! in as text.

mod error;
mod file;
mod markdown;
mod nearest;
mod policy;
mod preset;
mod schema;
mod values;

pub use error::PolicyError;
pub use markdown::reference_markdown;
pub use netnew_money::{MonthFactors, WeekStart};
pub use policy::{Inactive, KnobDiff, KnobValue, Policy};
pub use preset::Evidence;
pub use schema::{Choice, Knob, KnobType, Needs, Schema, schema};
pub use values::{
    ActivationMoment, ArrRule, ChurnTiming, CohortStart, CreditNoteRule, CustomerChurnFormula, DiscountRule,
    FeesRule, FxRateDate, FxRow, Grace, GrrFormula, LimitedDiscountRule, LtvFormula, MeteredRule, MonthValue,
    MovementLevel, Netting, NrrFormula, OneTimeDiscountRule, OneTimeRule, PartialCancel, PauseRule,
    ProrationRule, QuickRatioFormula, ReactivationWindow, RefundRule, RevenueChurnFormula, RoundingRule,
    SamePeriod, ScheduledChanges, SecondSubscription, Source, StatusSet, TaxRule, TransferResidual,
    TrialConversionFormula, TrialRule, UnpaidRule, ZeroRule,
};
