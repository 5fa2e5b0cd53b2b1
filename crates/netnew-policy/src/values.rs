//! The values of knobs as types. Each enum has the values that can act; what still needs facts is not among them, so
//! that no code has to handle what cannot happen. The texts and their meanings are in `policy/schema.toml`.

use netnew_money::{MonthFactors, Ratio, WeekStart};

/// A type that knobs are held in. Texts are canonical ([`crate::Knob::canonical`]).
pub(crate) trait KnobText: Sized {
    /// The canonical text of the value of a knob.
    fn text(&self, knob: &str) -> String;
    /// The value of a canonical text; `None` if the type has none.
    fn read(knob: &str, text: &str) -> Option<Self>;
}

/// Declares enums whose values are named in the schema.
macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every value, in the order of the schema.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// The text of the value, as in `--set KNOB=VALUE`.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)+ }
            }
        }

        impl KnobText for $name {
            fn text(&self, _: &str) -> String {
                self.as_str().to_string()
            }

            fn read(_: &str, text: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|value| value.as_str() == text)
            }
        }
    )+};
}

choices! {
    /// `source`: what is valued.
    Source {
        /// Subscription items.
        Items = "items",
    }
    /// `activation.moment`: when an item starts to count.
    ActivationMoment {
        /// When its status says that it runs.
        Start = "start",
        /// When the first payment above 0 succeeds.
        FirstPayment = "first_payment",
        /// When the first invoice above 0 is opened.
        InvoiceOpened = "invoice_opened",
    }
    /// `discount.forever`: a discount without an end.
    DiscountRule {
        /// Lowers MRR.
        Subtract = "subtract",
        /// Has no effect.
        Ignore = "ignore",
    }
    /// `discount.recurring_limited`: a discount that repeats for a limited time.
    LimitedDiscountRule {
        /// Lowers MRR while it lasts.
        Subtract = "subtract",
        /// Has no effect.
        Ignore = "ignore",
        /// Lowers MRR on intervals of a month or less; one-time on longer ones.
        MonthlyPlansOnly = "monthly_plans_only",
    }
    /// `discount.one_time`: a discount on one billing interval.
    OneTimeDiscountRule {
        /// Has no effect.
        Ignore = "ignore",
        /// Lowers MRR for that interval.
        Subtract = "subtract",
    }
    /// `tax`: tax.
    TaxRule {
        /// Is no MRR.
        Excluded = "excluded",
    }
    /// `metered`: items billed by usage.
    MeteredRule {
        /// Are no MRR.
        Excluded = "excluded",
        /// Count at the usage of the last 30 days, set at each month's end.
        Trailing30Days = "trailing_30_days",
        /// Count at the mean usage of the last three months.
        ThreeMonthMean = "three_month_mean",
        /// Count at the committed amount.
        CommittedPlusOverage = "committed_plus_overage",
    }
    /// `one_time`: charges that do not recur.
    OneTimeRule {
        /// Are no MRR.
        Excluded = "excluded",
    }
    /// `refund`: money given back.
    RefundRule {
        /// Has no effect.
        Ignored = "ignored",
        /// It lowers MRR over the period of what it gives back.
        ReducesMrr = "reduces_mrr",
        /// In full, it takes the refunded time out of the history.
        ErasesHistory = "erases_history",
        /// Has no effect, but a refunded annual item that is canceled ends at once.
        AnnualRefundChurns = "annual_refund_churns",
    }
    /// `credit_note`: notes that lower an invoice after the fact.
    CreditNoteRule {
        /// Have no effect.
        Ignored = "ignored",
        /// Lower MRR over what is left of the period that they credit.
        ReducesMrr = "reduces_mrr",
    }
    /// `trial`: an item inside its trial.
    TrialRule {
        /// Is at 0, unless the counted statuses have trialing.
        Excluded = "excluded",
        /// Counts at its price.
        Counted = "counted",
    }
    /// `unpaid_status`: an item whose payment was given up.
    UnpaidRule {
        /// Is at 0, unless the counted statuses have unpaid.
        Excluded = "excluded",
        /// Counts at its price.
        Counted = "counted",
    }
    /// `pause`: an item on hold.
    PauseRule {
        /// Is at 0; a customer with nothing left has churned.
        Zero = "zero",
        /// Keeps its MRR.
        Counted = "counted",
        /// Is at 0 and keeps its customer.
        Contraction = "contraction",
    }
    /// `churn.timing`: when a cancellation takes MRR away.
    ChurnTiming {
        /// When the subscription ends.
        EffectiveEnd = "effective_end",
        /// When the customer asks for it.
        AtRequest = "at_request",
        /// When the last invoiced service period ends.
        PeriodEnd = "period_end",
    }
    /// `movement.level`: over what kinds are decided.
    MovementLevel {
        /// All subscriptions of a customer.
        Customer = "customer",
        /// Each subscription by itself.
        Subscription = "subscription",
    }
    /// `second_subscription`: another subscription of a customer who has one.
    SecondSubscription {
        /// Is expansion.
        Expansion = "expansion",
        /// Is new.
        New = "new",
    }
    /// `partial_cancel`: a subscription that ends while the customer keeps another.
    PartialCancel {
        /// Is contraction.
        Contraction = "contraction",
        /// Is churn.
        Churn = "churn",
    }
    /// `same_period_new_and_churn`: a customer who comes and goes in one calendar month.
    SamePeriod {
        /// Is new and churn.
        Both = "both",
        /// Is in neither.
        BothHidden = "both_hidden",
        /// Is new and churn, and not in the numerator of the churn rate.
        NotInRate = "not_in_rate",
    }
    /// `fx.rate_date`: which day's rate converts a movement.
    FxRateDate {
        /// Its local day.
        MovementDay = "movement_day",
    }
    /// `fx.row`: what a converted report does with changes of the rates.
    FxRow {
        /// A line of their own.
        Row = "row",
        /// Movements keep their day's rate, there is no line.
        Frozen = "frozen",
    }
    /// `proration`: a line for part of a billing period.
    ProrationRule {
        /// Does not arise.
        None = "none",
    }
    /// `scheduled_changes`: changes that are agreed but lie ahead.
    ScheduledChanges {
        /// Shown past as-of as expected, and in CMRR.
        KnownFuture = "known_future",
        /// In CMRR only.
        CmrrOnly = "cmrr_only",
        /// Not shown before their day.
        Ignored = "ignored",
    }
    /// `month_value`: which instant's MRR a period is given.
    MonthValue {
        /// Its last.
        End = "end",
    }
    /// `customer_churn.formula`: the churn rate of customers.
    CustomerChurnFormula {
        /// Churned over customers at the start.
        Classic = "classic",
        /// Churned less joined or returned in the period, over customers at the start.
        Chartmogul = "chartmogul",
        /// Churned in 30 days over customers 30 days ago plus new ones.
        Stripe30d = "stripe_30d",
        /// Canceled in 30 days over customers 30 days ago.
        Baremetrics30d = "baremetrics_30d",
    }
    /// `revenue_churn.formula`: what gross MRR churn adds up.
    RevenueChurnFormula {
        /// Churn and contraction.
        ChurnPlusContraction = "churn_plus_contraction",
        /// Churn.
        ChurnOnly = "churn_only",
        /// Churn and contraction, per customer at most its MRR at the start.
        CappedAtBase = "capped_at_base",
    }
    /// `ltv`: lifetime value of a customer.
    LtvFormula {
        /// ARPA over customer churn.
        ArpaOverChurn = "arpa_over_churn",
        /// ARPA over the mean churn of the last six full months.
        SixMonthMean = "six_month_mean",
        /// ARPA over customer churn, no churn taken as 1.67 %.
        ChurnFloor167 = "churn_floor_1_67",
    }
    /// `trial_conversion`: the share of trials that convert.
    TrialConversionFormula {
        /// Of trials started in the period, those converted since.
        Cohort = "cohort",
        /// Conversions in a window over trials in it.
        Window = "window",
    }
    /// `cohort.start`: which cohort a customer belongs to.
    CohortStart {
        /// That of the first day with MRR.
        FirstPositiveMrr = "first_positive_mrr",
        /// That of the first subscription's start.
        FirstSubscription = "first_subscription",
    }
    /// `fees`: what payment processors keep.
    FeesRule {
        /// Does not lower MRR.
        NotSubtracted = "not_subtracted",
    }
    /// `rounding`: how an item's monthly value is rounded.
    RoundingRule {
        /// 10 decimals, half-even.
        HalfEven10 = "half_even_10",
        /// Minor unit, half away from zero.
        NearestCent = "nearest_cent",
        /// Minor unit, toward zero.
        TruncateCent = "truncate_cent",
    }
    /// `quick_ratio`: what the quick ratio counts as won.
    QuickRatioFormula {
        /// New, expansion and reactivation.
        WithReactivation = "with_reactivation",
        /// New and expansion.
        WithoutReactivation = "without_reactivation",
    }
    /// `nrr`: net revenue retention.
    NrrFormula {
        /// End MRR of the customers at the start, over start.
        ClosedCohort = "closed_cohort",
        /// Start and expansion less contraction and churn, over start.
        MovementSum = "movement_sum",
        /// The same with reactivation.
        MovementSumWithReactivation = "movement_sum_with_reactivation",
        /// One less 30 days' net churn over MRR 30 days ago.
        Baremetrics30d = "baremetrics_30d",
    }
    /// `netting`: which steps are netted before kinds are decided.
    Netting {
        /// Those of one instant.
        Event = "event",
        /// Those within the grouping window of the first, on one local day.
        Window = "window",
        /// Those of one local day.
        Day = "day",
        /// Those of one period of the report.
        Period = "period",
    }
    /// `transfer.residual`: where the rest shows when a customer moves between plans and the whole falls.
    TransferResidual {
        /// On the plan that was left.
        Origin = "origin",
        /// On the plan that was gone to.
        Destination = "destination",
    }
    /// `arr`: how annual recurring revenue is rounded.
    ArrRule {
        /// From the same exact number as MRR.
        Exact = "exact",
        /// Twelve times MRR as rounded.
        TwelveTimesMrr = "12_x_mrr",
    }
    /// `grr`: gross revenue retention.
    GrrFormula {
        /// Per customer the smaller of start and end, over start.
        MinStartEnd = "min_start_end",
        /// Start less contraction and churn, over start.
        MovementSum = "movement_sum",
    }
}

/// `discount_100` and `free_plan`: a customer whom a discount, or a free plan, takes to 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ZeroRule {
    /// Has gone.
    Zero,
    /// Stays a customer.
    StaysActive,
}

impl KnobText for ZeroRule {
    fn text(&self, knob: &str) -> String {
        match self {
            ZeroRule::StaysActive => "stays_active",
            ZeroRule::Zero if knob == "free_plan" => "excluded",
            ZeroRule::Zero => "zero",
        }
        .to_string()
    }

    fn read(knob: &str, text: &str) -> Option<ZeroRule> {
        [ZeroRule::Zero, ZeroRule::StaysActive].into_iter().find(|rule| rule.text(knob) == text)
    }
}

/// `statuses.counted`: statuses in which an item counts at its price. Canceled and free never do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct StatusSet {
    /// Running.
    pub active: bool,
    /// Being retried.
    pub past_due: bool,
    /// Inside a trial.
    pub trialing: bool,
    /// On hold.
    pub paused: bool,
    /// Given up.
    pub unpaid: bool,
}

impl StatusSet {
    fn parts(self) -> [(&'static str, bool); 5] {
        [
            ("active", self.active),
            ("past_due", self.past_due),
            ("trialing", self.trialing),
            ("paused", self.paused),
            ("unpaid", self.unpaid),
        ]
    }
}

impl KnobText for StatusSet {
    fn text(&self, _: &str) -> String {
        let named: Vec<&str> = self.parts().into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect();
        named.join(",")
    }

    fn read(_: &str, text: &str) -> Option<StatusSet> {
        let has = |name: &str| text.split(',').any(|part| part == name);
        let set = StatusSet {
            active: has("active"),
            past_due: has("past_due"),
            trialing: has("trialing"),
            paused: has("paused"),
            unpaid: has("unpaid"),
        };
        (set.text("") == text).then_some(set)
    }
}

/// `past_due.grace`: how long an item may be past due before it counts 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Grace {
    /// For ever.
    Never,
    /// Days, 0 to 365.
    Days(u16),
    /// Calendar months, 1 to 12.
    Months(u16),
}

impl KnobText for Grace {
    fn text(&self, _: &str) -> String {
        match self {
            Grace::Never => "never".to_string(),
            Grace::Days(days) => days.to_string(),
            Grace::Months(1) => "1 month".to_string(),
            Grace::Months(months) => format!("{months} months"),
        }
    }

    fn read(_: &str, text: &str) -> Option<Grace> {
        match text.split_once(' ') {
            Some((months, _)) => months.parse().ok().map(Grace::Months),
            None if text == "never" => Some(Grace::Never),
            None => text.parse().ok().map(Grace::Days),
        }
    }
}

/// `reactivation.window`: for how long after churn a return is a reactivation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReactivationWindow {
    /// For ever.
    Any,
    /// Days, 1 to 3650; a customer who returns later is new again.
    Days(u16),
}

impl KnobText for ReactivationWindow {
    fn text(&self, _: &str) -> String {
        match self {
            ReactivationWindow::Any => "any".to_string(),
            ReactivationWindow::Days(days) => days.to_string(),
        }
    }

    fn read(_: &str, text: &str) -> Option<ReactivationWindow> {
        match text {
            "any" => Some(ReactivationWindow::Any),
            _ => text.parse().ok().map(ReactivationWindow::Days),
        }
    }
}

impl KnobText for WeekStart {
    fn text(&self, _: &str) -> String {
        match self {
            WeekStart::Monday => "monday",
            WeekStart::Sunday => "sunday",
        }
        .to_string()
    }

    fn read(_: &str, text: &str) -> Option<WeekStart> {
        match text {
            "monday" => Some(WeekStart::Monday),
            "sunday" => Some(WeekStart::Sunday),
            _ => None,
        }
    }
}

/// A time zone's name; `None` for the book's.
impl KnobText for Option<String> {
    fn text(&self, _: &str) -> String {
        self.clone().unwrap_or_else(|| "book".to_string())
    }

    fn read(_: &str, text: &str) -> Option<Option<String>> {
        Some((text != "book").then(|| text.to_string()))
    }
}

macro_rules! whole_numbers {
    ($($number:ty),+) => {$(
        impl KnobText for $number {
            fn text(&self, _: &str) -> String {
                self.to_string()
            }

            fn read(_: &str, text: &str) -> Option<$number> {
                text.parse().ok()
            }
        }
    )+};
}

whole_numbers!(u16, i32);

/// A factor of [`MonthFactors`]; `none` is 0.
impl KnobText for Ratio {
    fn text(&self, knob: &str) -> String {
        let named = crate::schema().knobs.iter().filter(|k| k.name == knob).flat_map(|k| &k.values);
        let found = named.map(|c| c.name.as_str()).find(|name| factor(name) == Some(*self));
        found.map_or_else(|| self.to_decimal_string(10), str::to_string)
    }

    fn read(_: &str, text: &str) -> Option<Ratio> {
        factor(text)
    }
}

fn factor(text: &str) -> Option<Ratio> {
    match text {
        "none" => Some(Ratio::ZERO),
        _ => MonthFactors::parse_factor(text).ok(),
    }
}
