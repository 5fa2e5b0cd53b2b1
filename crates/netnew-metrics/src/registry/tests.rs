//! Every worked example runs; every name of the command line's contract is there; the reference is up to date.

use super::{Example, Inputs, Metric, Section, Unit, Value, all, default_names, find, reference_markdown};
use crate::cash::CashRow;
use crate::rollup::{Extras, RollupRow};
use netnew_money::{Amount, Ratio};
use netnew_policy::Policy;
use std::collections::BTreeSet;
use std::path::Path;

/// The default policy with some knobs set.
fn policy(knobs: &[(&str, &str)]) -> Policy {
    let mut policy = Policy::preset("default").expect("the default is built in");
    for (knob, value) in knobs {
        policy.set(knob, value).expect("a knob of the schema");
    }
    policy
}

fn policy_of(metric: &Metric, example: &Example) -> Policy {
    let mut knobs: Vec<(&str, &str)> = example.rules.to_vec();
    if let Some(choice) = &metric.choice {
        knobs.push((choice.knob, example.variant.unwrap_or(choice.own)));
    }
    policy(&knobs)
}

fn value(
    metric: &Metric,
    policy: &Policy,
    row: &RollupRow,
    history: &[RollupRow],
    months: u32,
    cash: Option<&CashRow>,
) -> Option<Value> {
    let months = Ratio::from_int(i128::from(months));
    metric.value(&Inputs { row, history, complete: true, policy, cash, months })
}

#[test]
fn every_worked_example_holds() {
    for metric in all() {
        for example in metric.examples {
            let policy = policy_of(metric, example);
            let (history, row) = example.rows();
            let found = value(metric, &policy, &row, &history, example.months, Some(&example.cash.row()))
                .map(|v| v.to_string());
            assert_eq!(found.as_deref(), example.expected, "{}: {}", metric.name, example.says);
        }
    }
}

#[test]
fn every_formula_has_an_example_and_every_knob_value_selects_its_formula() {
    for metric in all() {
        assert!(metric.examples.iter().any(|e| e.variant.is_none()), "{} has no example", metric.name);
        for variant in metric.variants {
            let named = |e: &&Example| e.variant == Some(variant.value);
            assert!(metric.examples.iter().any(|e| named(&e)), "{} {}", metric.name, variant.value);
            let knob = metric.choice.as_ref().expect("variants need a knob").knob;
            let selected = metric.variant(&policy(&[(knob, variant.value)])).map(|v| v.value);
            assert_eq!(selected, Some(variant.value), "{}", metric.name);
        }
        if let Some(choice) = &metric.choice {
            let own: Vec<_> = super::markdown::own_values(metric, choice.knob).collect();
            assert!(own.contains(&choice.own), "{}: {own:?}", metric.name);
            for value in own {
                assert!(
                    metric.variant(&policy(&[(choice.knob, value)])).is_none(),
                    "{} {value}",
                    metric.name
                );
            }
        }
        let variants: BTreeSet<_> = metric.variants.iter().map(|v| v.value).collect();
        assert_eq!(variants.len(), metric.variants.len(), "{} has a variant twice", metric.name);
        for example in metric.examples {
            let known = example.variant.is_none_or(|v| variants.contains(v));
            assert!(known, "{}: an example of an unknown variant", metric.name);
        }
    }
}

#[test]
fn every_name_of_the_contract_is_there() {
    let wanted = "mrr arr net_new_mrr growth_rate customers arpa asp gross_mrr_churn net_mrr_churn customer_churn \
                  nrr grr nrr_12m grr_12m quick_ratio ltv cmrr";
    assert_eq!(default_names().join(" "), wanted.split_whitespace().collect::<Vec<_>>().join(" "));
    for name in default_names() {
        assert_eq!(find(name).map(|m| m.name), Ok(*name));
    }
    let more = "nrr_3m grr_3m new_mrr reactivation_mrr expansion_mrr contraction_mrr churned_mrr new_customers \
                reactivated_customers churned_customers customer_retention upgrade_mrr downgrade_mrr addon_mrr \
                contraction_mrr_with_churn expansion_mrr_net lifetime_months";
    for name in more.split_whitespace() {
        assert!(find(name).is_ok(), "{name}");
    }
}

#[test]
fn entries_are_whole_and_names_are_unique() {
    let names: BTreeSet<_> = all().iter().map(|m| m.name).collect();
    assert_eq!(names.len(), all().len());
    for metric in all() {
        for text in [metric.title, metric.definition, metric.formula, metric.null_when, metric.source] {
            assert!(!text.is_empty() && !text.contains("  "), "{}: {text:?}", metric.name);
        }
        assert!(metric.definition.ends_with('.') && !metric.definition.contains(". "), "{}", metric.name);
        assert!(metric.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
        assert_eq!(metric.choice.is_some(), !metric.variants.is_empty(), "{}", metric.name);
        assert!(Section::ALL.contains(&metric.section));
    }
    let sections: Vec<_> = all().iter().map(|m| m.section).collect();
    assert!(sections.is_sorted());
}

#[test]
fn nothing_over_nothing_is_null_and_never_zero() {
    let defined_for_nothing: BTreeSet<&str> =
        all().iter().filter(|m| m.null_when.starts_with("never")).map(|m| m.name).collect();
    let example = Example::of("An empty book.", super::sample::NOTHING, None);
    let (_, mut row) = example.rows();
    row.committed = Some(Amount::ZERO);
    for metric in all() {
        let mut policies = vec![policy(&[])];
        if let Some(choice) = &metric.choice {
            policies.extend(metric.variants.iter().map(|v| policy(&[(choice.knob, v.value)])));
        }
        for policy in policies {
            let found = value(metric, &policy, &row, &[], 1, Some(&CashRow::default()));
            let zero = found.map(|v| v.to_string());
            match defined_for_nothing.contains(metric.name) {
                true => assert_eq!(zero.as_deref(), Some("0"), "{}", metric.name),
                false => assert_eq!(zero, None, "{}", metric.name),
            }
        }
    }
}

#[test]
fn a_base_below_zero_gives_no_rate() {
    let sample = super::Sample {
        start: "-100",
        movements: &[(netnew_ledger::Kind::New, "50"), (netnew_ledger::Kind::Churn, "-10")],
        ..super::sample::NOTHING
    };
    let (_, row) = Example::of("Credits outweigh the rest.", sample, None).rows();
    for name in ["growth_rate", "gross_mrr_churn", "net_mrr_churn", "expansion_rate"] {
        let metric = find(name).expect("named in the registry");
        assert_eq!(value(metric, &policy(&[]), &row, &[], 1, None), None, "{name}");
    }
}

#[test]
fn kinds_of_value_fit_units() {
    for metric in all() {
        for example in metric.examples {
            let (history, row) = example.rows();
            let found = value(
                metric,
                &policy_of(metric, example),
                &row,
                &history,
                example.months,
                Some(&example.cash.row()),
            );
            let fits = match found {
                None => true,
                Some(Value::Money(_)) => metric.unit == Unit::Currency,
                Some(Value::Count(_)) => metric.unit == Unit::Count,
                Some(Value::Ratio(_)) => matches!(metric.unit, Unit::Ratio | Unit::Months | Unit::Days),
            };
            assert!(fits, "{}: {found:?} is not in {:?}", metric.name, metric.unit);
        }
    }
}

#[test]
fn what_is_not_asked_for_is_not_read() {
    for metric in all() {
        for example in metric.examples {
            let (mut history, mut row) = example.rows();
            let Extras { retention, committed } = metric.needs();
            for row in history.iter_mut().chain([&mut row]) {
                if !retention {
                    row.retained.clear();
                }
                if !committed {
                    row.committed = None;
                }
            }
            if metric.looks_back_months == 0 {
                history.clear();
            }
            let found = value(
                metric,
                &policy_of(metric, example),
                &row,
                &history,
                example.months,
                Some(&example.cash.row()),
            );
            assert_eq!(found.map(|v| v.to_string()).as_deref(), example.expected, "{}", metric.name);
        }
    }
}

#[test]
fn an_unknown_name_says_what_was_meant() {
    let nearest = |name: &str| find(name).map(|m| m.name).unwrap_err().nearest;
    assert_eq!(nearest("arpu"), Some("arpa"));
    assert_eq!(nearest("quickratio"), Some("quick_ratio"));
    assert_eq!(nearest("nrr_12"), Some("nrr_12m"));
    assert_eq!(nearest("completely different"), None);
    assert_eq!(find(" Net-New-MRR ").map(|m| m.name), Ok("net_new_mrr"));
    let error = find("arpu").map(|m| m.name).unwrap_err();
    assert_eq!(error.to_string(), "there is no metric named \"arpu\"");
    assert!(error.hint().contains("arpa"));
}

/// Retention and churn say the same thing from two sides when nobody joins, returns or moves twice.
#[test]
fn churn_and_retention_agree_on_a_closed_book() {
    let sample = super::Sample {
        start: "1000",
        movements: &[
            (netnew_ledger::Kind::Expansion, "130"),
            (netnew_ledger::Kind::Contraction, "-70"),
            (netnew_ledger::Kind::Churn, "-110"),
        ],
        customers: 20,
        heads: crate::rollup::Heads { churned: 3, ..super::sample::NO_HEADS },
        kept: &[(
            crate::rollup::Window::Period,
            super::KeptSample { start: "1000", end: "950", least: "820", customers: 20, kept: 17 },
        )],
        ..super::sample::NOTHING
    };
    let (_, row) = Example::of("Closed.", sample, None).rows();
    let ratio = |name: &str| match value(find(name).expect("named"), &policy(&[]), &row, &[], 1, None) {
        Some(Value::Ratio(ratio)) => ratio,
        other => panic!("{name} is {other:?}"),
    };
    for (kept, lost) in
        [("nrr", "net_mrr_churn"), ("grr", "gross_mrr_churn"), ("customer_retention", "customer_churn")]
    {
        assert_eq!(ratio(kept).checked_add(ratio(lost)), Some(Ratio::ONE), "{kept} and {lost}");
    }
}

#[test]
fn the_reference_is_what_the_registry_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    let wanted = reference_markdown();
    if std::env::var_os("NETNEW_BLESS").is_some() {
        std::fs::write(&path, &wanted).expect("docs is writable when blessing");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "docs/metrics.md is out of date: run this test with NETNEW_BLESS=1");
    for metric in all() {
        assert!(wanted.contains(&metric.describe_markdown()), "{}", metric.name);
    }
}

#[test]
fn presets_select_the_formulas_of_their_makers() {
    let selected = |preset: &str, name: &str| {
        let policy = Policy::preset(preset).expect("built in");
        find(name).expect("named in the registry").variant(&policy).map(|v| v.value)
    };
    for metric in all() {
        assert_eq!(selected("default", metric.name), None, "{}", metric.name);
    }
    for (preset, name, wanted) in [
        ("stripe", "customer_churn", "stripe_30d"),
        ("stripe", "ltv", "churn_floor_1_67"),
        ("chartmogul", "customer_churn", "chartmogul"),
        ("chartmogul", "net_mrr_churn", "movement_sum_with_reactivation"),
        ("chartmogul", "nrr", "movement_sum_with_reactivation"),
        ("chartmogul", "ltv", "six_month_mean"),
        ("chartmogul", "quick_ratio", "without_reactivation"),
        ("baremetrics", "gross_mrr_churn", "capped_at_base"),
        ("baremetrics", "nrr_12m", "baremetrics_30d"),
        ("baremetrics", "quick_ratio", "without_reactivation"),
    ] {
        assert_eq!(selected(preset, name), Some(wanted), "{preset} {name}");
    }
}
