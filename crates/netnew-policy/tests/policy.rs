//! Schema, presets and policies as a whole.

use netnew_policy::{
    ArrRule, Grace, KnobType, Needs, Netting, PauseRule, Policy, PolicyError, ReactivationWindow, StatusSet,
    TransferResidual, WeekStart, ZeroRule, schema,
};

/// The knobs in which tools are known to differ, then those of this engine.
const KNOBS: &str = "source statuses.counted activation.moment discount.forever discount.recurring_limited \
    discount.one_time discount_100 free_plan tax metered one_time refund credit_note trial past_due.grace \
    unpaid_status pause churn.timing movement.level second_subscription partial_cancel same_period_new_and_churn \
    grouping_window reactivation.window fx.rate_date fx.row proration scheduled_changes month_value timezone \
    week_start customer_churn.formula revenue_churn.formula ltv trial_conversion cohort.start fees rounding \
    quick_ratio nrr netting transfer.residual interval.week interval.day fx.max_age_days arr grr";

fn default() -> Policy {
    Policy::preset("default").expect("default is built in")
}

#[test]
fn the_schema_has_every_knob_in_order() {
    let names: Vec<&str> = schema().knobs.iter().map(|k| k.name.as_str()).collect();
    assert_eq!(names, KNOBS.split_whitespace().collect::<Vec<_>>());
    for knob in &schema().knobs {
        let named: std::collections::BTreeSet<&str> = knob.values.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(named.len(), knob.values.len(), "{} names a value twice", knob.name);
        for sentence in knob.values.iter().map(|c| &c.meaning).chain([&knob.meaning]) {
            assert!(sentence.ends_with('.') && !sentence.contains('\n'), "{}: {sentence}", knob.name);
        }
        assert_eq!(knob.canonical(&knob.default).as_ref(), Ok(&knob.default), "{}", knob.name);
        let numbers = matches!(knob.kind, KnobType::Integer | KnobType::Period);
        assert_eq!(numbers, knob.min.is_some() && knob.max.is_some(), "{}", knob.name);
    }
}

#[test]
fn default_is_as_designed() {
    let policy = default();
    let designed = "source=items statuses.counted=active,past_due activation.moment=start discount.forever=subtract \
        discount.recurring_limited=subtract discount.one_time=ignore discount_100=zero free_plan=excluded tax=excluded \
        metered=excluded one_time=excluded refund=ignored credit_note=ignored trial=excluded past_due.grace=never \
        unpaid_status=excluded pause=zero churn.timing=effective_end movement.level=customer \
        second_subscription=expansion partial_cancel=contraction same_period_new_and_churn=both grouping_window=60 \
        reactivation.window=any fx.rate_date=movement_day fx.row=row proration=none scheduled_changes=known_future \
        month_value=end timezone=book week_start=monday customer_churn.formula=classic \
        revenue_churn.formula=churn_plus_contraction ltv=arpa_over_churn trial_conversion=cohort \
        cohort.start=first_positive_mrr fees=not_subtracted rounding=half_even_10 quick_ratio=with_reactivation \
        nrr=closed_cohort netting=day transfer.residual=origin interval.week=52/12 interval.day=365/12 \
        fx.max_age_days=7 arr=exact grr=min_start_end";
    let lines: Vec<&str> = designed.split_whitespace().collect();
    assert_eq!(policy.fingerprint().lines().collect::<Vec<_>>(), lines);
    assert_eq!(policy, Policy::default());
    assert!(policy.changed.is_empty() && policy.inactive().is_empty());
    for entry in policy.entries() {
        assert_eq!(entry.value, entry.default, "{}", entry.knob);
        assert!(entry.found && !entry.source.is_empty(), "{}", entry.knob);
    }
    let counted = StatusSet { active: true, past_due: true, ..StatusSet::default() };
    assert_eq!(policy.statuses_counted, counted);
    assert_eq!(policy.factors, netnew_policy::MonthFactors::default());
    assert_eq!((policy.discount_100, policy.free_plan), (ZeroRule::Zero, ZeroRule::Zero));
}

/// Values that a knob should take, besides the named ones.
fn samples(kind: KnobType, max_months: Option<u16>, min: Option<u16>, max: Option<u16>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    if matches!(kind, KnobType::Integer | KnobType::Period) {
        out.extend([min, max].into_iter().flatten().map(|n| n.to_string()));
    }
    out.extend(max_months.map(|months| format!("{months} months")));
    if kind == KnobType::Zone {
        out.push("Europe/Paris".into());
    }
    if kind == KnobType::Set {
        out.push("active,past_due,trialing,paused,unpaid".into());
    }
    out
}

#[test]
fn every_value_acts_or_says_what_it_needs() {
    for knob in &schema().knobs {
        for choice in &knob.values {
            let mut policy = default();
            let done = policy.set(&knob.name, &choice.name);
            match choice.needs {
                None => {
                    assert_eq!(done, Ok(()), "{} = {}", knob.name, choice.name);
                    assert_eq!(policy.get(&knob.name).as_ref(), Some(&choice.name));
                }
                Some(needs) => {
                    let error = done.unwrap_err();
                    assert_eq!(error.code(), "knob_needs_facts");
                    let said = format!("{error} {}", error.hint());
                    for word in [knob.name.as_str(), &choice.name, needs.as_str(), &knob.default] {
                        assert!(said.contains(word), "{said} lacks {word}");
                    }
                    assert_eq!(policy, default(), "a refused value must change nothing");
                }
            }
        }
        for value in samples(knob.kind, knob.max_months, knob.min, knob.max) {
            let mut policy = default();
            policy.set(&knob.name, &value).unwrap();
            assert_eq!(policy.get(&knob.name).as_ref(), Some(&value), "{}", knob.name);
        }
    }
}
