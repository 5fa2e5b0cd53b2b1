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

#[test]
fn every_preset_loads_and_is_whole() {
    assert_eq!(
        Policy::names(),
        ["default", "stripe", "chartmogul", "baremetrics", "profitwell", "recurly", "chargebee"]
    );
    for name in Policy::names() {
        let policy = Policy::preset(name).unwrap();
        assert_eq!((policy.name.as_str(), policy.base()), (*name, *name));
        assert!(policy.version.starts_with("2026-"), "{name} {}", policy.version);
        assert!(policy.changed.is_empty(), "{name}");
        let entries = policy.entries();
        assert_eq!(entries.len(), schema().knobs.len());
        for (entry, knob) in entries.iter().zip(&schema().knobs) {
            assert_eq!(entry.knob, knob.name);
            assert_eq!(knob.canonical(&entry.value).as_ref(), Ok(&entry.value), "{name} {}", entry.knob);
            assert_eq!(policy.get(entry.knob).as_ref(), Some(&entry.value));
            assert_eq!(entry.found, entry.evidence.is_some(), "{name} {}", entry.knob);
            assert!(
                entry.found || (entry.note.is_some() && entry.value == entry.default),
                "{name} {}",
                entry.knob
            );
            assert!(!entry.found || (!entry.source.is_empty() && entry.date.starts_with("2026-")), "{name}");
            if let Some(value) = entry.vendor_value {
                let choice = knob.choice(value).expect("a recorded value is in the schema");
                assert_eq!(choice.needs.or(choice.with), entry.needs, "{name} {}", entry.knob);
                assert_eq!(entry.value, entry.default, "{name} {}", entry.knob);
            }
        }
    }
}

/// `KNOB=VALUE` of every knob of a preset whose acting value is not the default's.
fn apart(name: &str) -> String {
    let policy = Policy::preset(name).unwrap();
    let differences = Policy::differences(&default(), &policy);
    differences.iter().map(|d| format!("{}={}", d.knob, d.to)).collect::<Vec<_>>().join(" ")
}

#[test]
fn presets_act_as_their_vendors_do() {
    assert_eq!(apart("default"), "");
    assert_eq!(
        apart("stripe"),
        "pause=counted scheduled_changes=ignored customer_churn.formula=stripe_30d ltv=churn_floor_1_67 \
         trial_conversion=window arr=12_x_mrr"
    );
    assert_eq!(
        apart("chartmogul"),
        "discount.one_time=subtract discount_100=stays_active free_plan=stays_active pause=counted \
         same_period_new_and_churn=not_in_rate scheduled_changes=cmrr_only customer_churn.formula=chartmogul \
         ltv=six_month_mean cohort.start=first_subscription rounding=nearest_cent quick_ratio=without_reactivation \
         nrr=movement_sum_with_reactivation netting=window transfer.residual=destination interval.week=30.4375/7 \
         interval.day=30.4375 arr=12_x_mrr"
    );
    assert_eq!(
        apart("baremetrics"),
        "discount.one_time=subtract past_due.grace=30 fx.row=frozen customer_churn.formula=baremetrics_30d \
         revenue_churn.formula=capped_at_base trial_conversion=window quick_ratio=without_reactivation \
         nrr=baremetrics_30d arr=12_x_mrr"
    );
    assert_eq!(
        apart("profitwell"),
        "discount.one_time=subtract pause=contraction same_period_new_and_churn=both_hidden fx.row=frozen \
         arr=12_x_mrr"
    );
    assert_eq!(
        apart("recurly"),
        "discount.one_time=subtract unpaid_status=counted same_period_new_and_churn=both_hidden fx.row=frozen \
         scheduled_changes=ignored netting=period interval.week=30/7 interval.day=30 arr=12_x_mrr"
    );
    assert_eq!(
        apart("chargebee"),
        "discount.recurring_limited=monthly_plans_only pause=contraction same_period_new_and_churn=not_in_rate \
         scheduled_changes=ignored arr=12_x_mrr"
    );
}

#[test]
fn what_cannot_act_yet_is_recorded() {
    let recorded = |name: &str| {
        let inactive = Policy::preset(name).unwrap().inactive();
        let rows = inactive
            .iter()
            .map(|i| format!("{}={} needs {} acts {}", i.knob, i.vendor_value, i.needs, i.acting));
        rows.collect::<Vec<_>>()
    };
    assert!(
        recorded("default").is_empty() && recorded("stripe").is_empty() && recorded("baremetrics").is_empty()
    );
    assert_eq!(
        recorded("chartmogul"),
        [
            "source=invoice_lines needs invoices acts items",
            "activation.moment=first_payment needs payments acts start",
            "fx.rate_date=service_period_start needs invoices acts movement_day",
            "proration=scaled_to_full_period needs invoices acts none",
        ]
    );
    assert_eq!(
        recorded("profitwell"),
        [
            "refund=annual_refund_churns needs refunds acts ignored",
            "credit_note=reduces_mrr needs credit_notes acts ignored",
            "churn.timing=period_end needs invoices acts effective_end",
            "fx.rate_date=purchase_day needs invoices acts movement_day",
        ]
    );
    assert_eq!(
        recorded("recurly"),
        [
            "source=invoice_lines needs invoices acts items",
            "refund=reduces_mrr needs refunds acts ignored",
            "churn.timing=period_end needs invoices acts effective_end",
            "proration=as_billed needs invoices acts none",
        ]
    );
    assert_eq!(recorded("chargebee"), ["source=renewal_estimate needs invoices acts items"]);

    let mut own = Policy::preset("recurly").unwrap();
    own.set("churn.timing", "at_request").unwrap();
    assert_eq!(own.inactive().len(), 3, "what the user chose is not the vendor's any more");
    let entry = own.entries().into_iter().find(|e| e.knob == "churn.timing").unwrap();
    assert_eq!((entry.source.as_str(), entry.vendor_value), ("set over recurly", None));
}

#[test]
fn typed_fields_follow_the_texts() {
    let mut policy = default();
    for (knob, value) in [
        ("statuses.counted", " unpaid, active "),
        ("discount_100", "stays_active"),
        ("past_due.grace", "2 months"),
        ("pause", "contraction"),
        ("reactivation.window", "90"),
        ("timezone", "europe/paris"),
        ("week_start", "sunday"),
        ("netting", "window"),
        ("grouping_window", "015"),
        ("transfer.residual", "destination"),
        ("interval.week", "30/7"),
        ("interval.day", "none"),
        ("fx.max_age_days", "0"),
        ("arr", "12_x_mrr"),
    ] {
        policy.set(knob, value).unwrap();
    }
    let counted = StatusSet { active: true, unpaid: true, ..StatusSet::default() };
    assert_eq!(policy.statuses_counted, counted);
    assert_eq!((policy.discount_100, policy.free_plan), (ZeroRule::StaysActive, ZeroRule::Zero));
    assert_eq!((policy.past_due_grace, policy.pause), (Grace::Months(2), PauseRule::Contraction));
    assert_eq!(policy.reactivation_window, ReactivationWindow::Days(90));
    assert_eq!((policy.timezone.as_deref(), policy.week_start), (Some("Europe/Paris"), WeekStart::Sunday));
    assert_eq!((policy.netting, policy.grouping_window), (Netting::Window, 15));
    assert_eq!(
        (policy.transfer_residual, policy.arr),
        (TransferResidual::Destination, ArrRule::TwelveTimesMrr)
    );
    assert_eq!(policy.factors.week.to_decimal_string(4), "4.2857");
    assert_eq!(policy.factors.day.to_decimal_string(4), "0");
    assert_eq!(policy.fx_max_age_days, 0);
    assert!(policy.unpaid_counts() && !policy.trial_counts() && !policy.pause_counts());
    let changed: Vec<String> = policy.changed.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(
        changed.join(" "),
        "statuses.counted=active,unpaid discount_100=stays_active past_due.grace=2 months pause=contraction \
         grouping_window=15 reactivation.window=90 timezone=Europe/Paris week_start=sunday netting=window \
         transfer.residual=destination interval.week=30/7 interval.day=none fx.max_age_days=0 arr=12_x_mrr"
    );
    policy.set("past_due.grace", "30 days").unwrap();
    assert_eq!(
        (policy.past_due_grace, policy.get("past_due.grace").as_deref()),
        (Grace::Days(30), Some("30"))
    );
}

#[test]
fn setting_the_base_value_again_is_no_change() {
    let mut policy = Policy::preset("stripe").unwrap();
    policy.set("netting", "event").unwrap();
    policy.set("pause", "zero").unwrap();
    assert_eq!(policy.changed.len(), 2);
    policy.set("netting", "day").unwrap();
    policy.set("pause", "counted").unwrap();
    assert_eq!(policy, Policy::preset("stripe").unwrap());
}

fn refused(knob: &str, value: &str) -> (&'static str, String) {
    let mut policy = default();
    let error = policy.set(knob, value).unwrap_err();
    assert_eq!(policy, default(), "{knob} = {value} was refused and yet did something");
    (error.code(), format!("{error}; {}", error.hint()))
}

#[test]
fn slips_are_named() {
    for (knob, meant) in [
        ("nettin", "netting"),
        ("grace", "past_due.grace"),
        ("discount_forever", "discount.forever"),
        ("NRR", "nrr"),
    ] {
        let (code, said) = refused(knob, "x");
        assert!(code == "unknown_knob" && said.contains(&format!("`{meant}`")), "{said}");
    }
    for (knob, value, meant) in [
        ("netting", "perod", "did you mean `period`?"),
        ("netting", "", "`event`, `window`, `day`, `period`"),
        ("discount.forever", "Subtract", "did you mean `subtract`?"),
        ("statuses.counted", "active,past-due", "did you mean `past_due`?"),
        ("statuses.counted", ",", "any of `active`, `past_due`"),
        ("past_due.grace", "366", "0 to 365 days"),
        ("past_due.grace", "13 months", "`12 months`"),
        ("past_due.grace", "-1", "0 to 365 days"),
        ("past_due.grace", "+5", "0 to 365 days"),
        ("past_due.grace", "+5 months", "0 to 365 days"),
        ("past_due.grace", "nver", "did you mean `never`?"),
        ("grouping_window", "0", "1 to 1440 minutes"),
        ("grouping_window", "99999999999999999999", "1 to 1440 minutes"),
        ("reactivation.window", "2 months", "1 to 3650 days"),
        ("timezone", "Europe/Pari", "did you mean `Europe/Paris`?"),
        ("timezone", "boook", "did you mean `book`?"),
        ("interval.week", "4,33", "did you mean `4.33`?"),
        ("tax", "gross", "only `excluded`"),
        ("fx.max_age_days", "367", "0 to 366 days"),
    ] {
        let (code, said) = refused(knob, value);
        assert!(code == "bad_knob_value" && said.contains(meant), "{knob} = {value}: {said}");
    }
    let unknown = Policy::preset("chartmogol").unwrap_err();
    assert_eq!(
        (unknown.code(), unknown.to_string().as_str()),
        ("unknown_policy", "unknown policy `chartmogol`")
    );
    assert!(unknown.hint().contains("`chartmogul`"));
}

#[test]
fn a_policy_read_back_is_the_same() {
    for name in Policy::names() {
        let mut policy = Policy::preset(name).unwrap();
        assert_eq!(Policy::from_toml(&policy.to_toml(), "x.toml").as_ref(), Ok(&policy));
        for knob in &schema().knobs {
            let values = knob.values.iter().filter(|c| c.needs.is_none()).map(|c| c.name.clone());
            for value in values.chain(samples(knob.kind, knob.max_months, knob.min, knob.max)) {
                policy.set(&knob.name, &value).unwrap();
                assert_eq!(
                    Policy::from_toml(&policy.to_toml(), "x.toml").as_ref(),
                    Ok(&policy),
                    "{name} {value}"
                );
            }
        }
        policy.name = "ours".into();
        assert_eq!(Policy::from_toml(&policy.to_toml(), "x.toml").unwrap().base(), *name);
        assert_eq!(Policy::from_toml(&policy.to_toml(), "x.toml"), Ok(policy));
    }
}

#[test]
fn files_may_be_written_in_any_toml() {
    let text = r#"
        name = "ours"
        version = 2026-11-01
        base = "baremetrics"
        [knobs]
        "discount.forever" = "ignore"
        discount.one_time = "ignore"
        statuses.counted = ["past_due", "active", "unpaid"]
        grouping_window = 1_440
        past_due.grace = "never"
        interval.week = 4.33
        interval.day = 30
        fees = { found = false, says = "Not asked yet." }
        [knobs.netting]
        value = "event"
        says = "Our auditors want every step."
    "#;
    let policy = Policy::from_toml(text, "ours.toml").unwrap();
    assert_eq!(
        (policy.name.as_str(), policy.version.as_str(), policy.base()),
        ("ours", "2026-11-01", "baremetrics")
    );
    let changed: Vec<String> = policy.changed.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(
        changed.join(" "),
        "statuses.counted=active,past_due,unpaid discount.forever=ignore discount.one_time=ignore \
         past_due.grace=never grouping_window=1440 netting=event interval.week=4.33 interval.day=30"
    );
    let windows = "name = \"a\"\r\nversion = \"1\"\r\n";
    assert_eq!(Policy::from_toml(windows, "a.toml").unwrap().fingerprint(), default().fingerprint());
}

#[test]
fn bad_files_say_where() {
    let head = "name = \"ours\"\nversion = \"1\"\n";
    for (text, code, says) in [
        ("", "policy_file", "p.toml:1: `name` is missing"),
        ("name = \"ours\"", "policy_file", "`version` is missing"),
        ("name = \"a b\"\nversion = \"1\"", "policy_file", "p.toml:1: `name` cannot be \"a b\""),
        ("name = \"a@1\"\nversion = \"1\"", "policy_file", "p.toml:1: `name` cannot be \"a@1\""),
        ("name = \"ours\"\nversion = 1", "policy_file", "p.toml:2: `version` is no text"),
        ("name = \"ours\"\n\nversion = ", "policy_file", "p.toml:3: "),
        ("{\"name\": 1}", "policy_file", "p.toml:1: "),
        ("name = \"stripe\"\nversion = \"1\"", "policy_file", "p.toml:1: `stripe` is a built-in policy"),
        ("HEADbase = \"strip\"", "unknown_policy", "p.toml:3: unknown policy `strip`"),
        ("HEADbased = \"stripe\"", "policy_file", "p.toml:3: unknown key `based`"),
        ("HEADknobs = 3", "policy_file", "p.toml:3: `knobs` is no table"),
        ("HEAD[knobs]\nnetting = \"dya\"", "bad_knob_value", "p.toml:4: `netting` cannot be `dya`"),
        ("HEAD[knobs]\n\nneting = \"day\"", "unknown_knob", "p.toml:5: unknown knob `neting`"),
        ("HEAD[knobs.discount]\nalways = \"x\"", "unknown_knob", "p.toml:4: unknown knob `discount.always`"),
        (
            "HEAD[knobs]\nsource = \"invoice_lines\"",
            "knob_needs_facts",
            "p.toml:4: `source = invoice_lines` needs",
        ),
        ("HEAD[knobs]\nnetting = 1979-05-27", "policy_file", "p.toml:4: `netting` is no value"),
        ("HEAD[knobs]\nstatuses.counted = [1]", "policy_file", "p.toml:4: `statuses.counted` is no text"),
        ("HEAD[knobs]\ngrouping_window = 0x3C", "policy_file", "p.toml:4: `grouping_window` is no value"),
        ("HEAD[knobs]\ntax = true", "bad_knob_value", "p.toml:4: `tax` cannot be `true`"),
        ("HEAD[knobs]\nfx.row = \"row\"\n\"fx.row\" = \"row\"", "policy_file", "`fx.row` is there twice"),
        ("HEAD[knobs.fx.row]\nsays = \"?\"", "policy_file", "`fx.row` has neither a value nor"),
        ("HEAD[knobs.fx.row]\nvalue = \"row\"\nwhy = \"?\"", "policy_file", "p.toml:5: unknown key `why`"),
    ] {
        let error = Policy::from_toml(&text.replace("HEAD", head), "p.toml").unwrap_err();
        assert_eq!(error.code(), code, "{text}: {error}");
        assert!(
            error.to_string().contains(says) && error.to_string().starts_with("p.toml:"),
            "{text}: {error}"
        );
        assert!(!error.hint().is_empty() && !error.to_string().contains('\n'), "{text}: {error}");
    }
}

#[test]
fn a_file_cut_short_is_refused_or_read_and_never_a_panic() {
    let whole = Policy::preset("recurly").unwrap().to_toml();
    for end in 0..whole.len() {
        if let Err(error) = Policy::from_toml(&whole[..end], "cut.toml") {
            assert!(!error.code().is_empty() && error.to_string().starts_with("cut.toml:"), "{error}");
        }
    }
    assert!(Policy::from_toml("\u{feff}name = \"a\"\nversion = \"1\"", "bom.toml").is_ok());
}

#[test]
fn differences_come_in_schema_order_and_can_be_switched_one_by_one() {
    for a in Policy::names() {
        for b in Policy::names() {
            let (a, b) = (Policy::preset(a).unwrap(), Policy::preset(b).unwrap());
            let differences = Policy::differences(&a, &b);
            let places: Vec<usize> = differences
                .iter()
                .map(|d| schema().knobs.iter().position(|k| k.name == d.knob).unwrap())
                .collect();
            assert!(places.is_sorted());
            let mut current = a.clone();
            for change in &differences {
                assert_eq!(current.get(change.knob).as_ref(), Some(&change.from));
                current.switch(change.knob, &b);
                assert_eq!(current.get(change.knob).as_ref(), Some(&change.to));
            }
            assert_eq!(current.fingerprint(), b.fingerprint());
            assert_eq!(current.changed.len(), differences.len());
            assert_eq!(a.fingerprint() == b.fingerprint(), differences.is_empty());
        }
    }
}

#[test]
fn a_fact_needed_is_named() {
    let needs = |knob: &str, value: &str| match default().set(knob, value).unwrap_err() {
        PolicyError::KnobNeedsFacts { needs, .. } => needs,
        other => panic!("{other}"),
    };
    assert_eq!(needs("fees", "subtracted"), Needs::Payments);
    assert_eq!(needs("source", "invoice_lines"), Needs::Invoices);
}

#[test]
fn a_value_that_acts_in_some_books_says_which() {
    let mut policy = default();
    assert!(policy.needed_facts().is_empty() && !policy.uses_entries());
    policy.set("metered", "trailing_30_days").unwrap();
    policy.set("activation.moment", "first_payment").unwrap();
    assert_eq!(
        policy.needed_facts(),
        [
            ("activation.moment", "first_payment", Needs::Payments),
            ("metered", "trailing_30_days", Needs::Usage)
        ]
    );
    assert!(policy.uses_entries());
    let refused = Policy::lacks("metered", "trailing_30_days", Needs::Usage);
    assert_eq!(refused.code(), "knob_needs_facts");
    assert!(refused.to_string().contains("needs usage"), "{refused}");
    // What a vendor does is recorded; a preset's figures never depend on what else a book holds.
    for name in Policy::names() {
        assert!(!Policy::preset(name).unwrap().uses_entries(), "{name}");
    }
}

#[test]
fn the_example_in_the_reference_is_a_policy() {
    let reference = netnew_policy::reference_markdown();
    let example = reference.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let policy = Policy::from_toml(example, "ours.toml").unwrap();
    assert_eq!((policy.name.as_str(), policy.base(), policy.changed.len()), ("ours", "stripe", 3));
}

/// Rewrites the file when NETNEW_BLESS is 1.
#[test]
fn the_reference_is_up_to_date() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/policies.md");
    let made = netnew_policy::reference_markdown();
    if std::env::var("NETNEW_BLESS").is_ok_and(|v| v == "1") {
        std::fs::write(&path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "docs/policies.md is not what schema and presets say; run the tests with NETNEW_BLESS=1"
    );
}
