//! The diagnosis in sentences, each with its figures.

use super::{
    Business, EARLY_DAYS, Facts, Illness, LOST_ENOUGH, Leak, Lever, Trend, WIDEST, leaks as cuts, share,
};
use crate::figure::{FigureValue, Reason, Source};
use crate::interval::wilson;
use crate::month::Month;
use crate::words::{customers, money, percent, signed, whole_percent};
use netnew_ledger::Kind;
use netnew_money::{Amount, Day, Ratio};

fn span(facts: &Facts) -> Option<(Day, Day)> {
    Some((facts.months.first()?.first, facts.months.last()?.last))
}

/// The conclusion in one sentence.
pub fn conclusion(illness: Illness, facts: &Facts, source: &Source) -> String {
    let percent_of_new = facts.churn_of_new.map_or("more than all".into(), percent);
    let net: Amount = facts.months.iter().map(Month::net_new).sum();
    let net = signed(net, source.decimals, &source.currency);
    let since = span(facts).map_or(String::new(), |(from, to)| format!(" from {from} to {to}"));
    match illness {
        Illness::TooLittleHistory => format!(
            "There are {} complete months; it takes three to tell a trend from a month.",
            facts.months.len()
        ),
        Illness::TooFewCustomers => format!(
            "{} in three months are too few to tell a trend from chance; it takes about {} at this rate.",
            customers(facts.exposed),
            facts.needed()
        ),
        Illness::Treadmill => format!(
            "You are on a treadmill: churn took {percent_of_new} of what new brought{since}, and net new was {net}. \
             Stop the leak first."
        ),
        Illness::Shrinking => format!(
            "The business shrinks: churn took {percent_of_new} of what new brought{since}, and net new was {net}. \
             Stop the leak first."
        ),
        Illness::HiddenLeak => format!(
            "Growth hides a leak: churn took {percent_of_new} of what new brought{since}; net new was {net} only \
             because others paid more. Stop the leak first."
        ),
        Illness::ChurnOutgrowsNew => format!(
            "Churn grows faster than new{since}: it is {percent_of_new} of new and rising. Stop it while it is small."
        ),
        Illness::HighChurn => format!(
            "More is lost than is normal at this size: gross churn of {} a month{since}.",
            facts.gross_churn.map(percent).unwrap_or_default()
        ),
        Illness::NoExpansion => {
            format!("No customer paid more{since}: the cheapest growth there is lies unused.")
        }
        Illness::ShrinkingAccounts => {
            format!("Customers who stay pay less: contraction is above expansion{since}.")
        }
        Illness::EarlyLeavers => format!(
            "{} of {} starters left within {EARLY_DAYS} days: they come, but do not get going.",
            facts.early.1, facts.early.0
        ),
        Illness::NoNew => format!("Nobody new came{since}."),
        Illness::NewShrinking => format!("What is there holds, but less new comes each month{since}."),
        Illness::NewFlat => format!("What is there holds, but no more new comes than before{since}."),
        Illness::Healthy => format!(
            "Healthy: churn is {percent_of_new} of new, customers pay more over time, and new grows{since}."
        ),
    }
}

/// What the lever is worth, in a sentence.
pub fn worth(
    lever: Option<Lever>,
    worth: Option<Amount>,
    leaks: &[Leak],
    facts: &Facts,
    source: &Source,
) -> String {
    let (Some(lever), Some(worth)) = (lever, worth) else {
        return "Nothing is concluded, so no lever is worth a number yet.".into();
    };
    let show = |amount: Amount| money(amount, source.decimals, &source.currency);
    let months = i128::try_from(facts.months.len().max(1)).unwrap_or(1);
    match lever {
        Lever::Churn => {
            let first = leaks.first().filter(|l| l.stands_out).map_or(String::new(), |l| {
                let part = Amount::from_raw(l.amount.raw().abs() / months);
                format!(" The first leak alone is {} a month.", show(part))
            });
            format!(
                "{} less churn a month is worth {} of new a month, for good, and costs no acquisition; that is all of \
                 it, and any part counts the same.{first}",
                show(worth),
                show(worth)
            )
        }
        Lever::Expansion if facts.expansion.is_positive() => {
            format!("Contraction takes {} a month; what is kept of it counts like new.", show(worth))
        }
        Lever::Expansion => format!(
            "If one in ten of the customers listed takes the next step up, that is {} of MRR more, for good.",
            show(worth)
        ),
        Lever::Activation => format!(
            "Who left within {EARLY_DAYS} days took {} a month along; each who gets going stays as MRR.",
            show(worth)
        ),
        Lever::Acquisition => match facts.new_trend {
            Trend::Shrinking => {
                format!("Back at the first month's new, that is {} more a month.", show(worth))
            }
            _ => format!("A tenth more new is {} a month; it now stays, so it compounds.", show(worth)),
        },
    }
}

/// Every sentence behind the conclusion.
pub fn reasons(illness: Illness, business: &Business, facts: &Facts, leaks: &[Leak]) -> Vec<Reason> {
    let source = &business.source;
    let Some((from, to)) = span(facts) else {
        return vec![Reason {
            code: "history",
            says: "There is no complete month yet.".into(),
            figures: Vec::new(),
        }];
    };
    let mut out = vec![sample(facts, source, from, to)];
    if matches!(illness, Illness::TooFewCustomers | Illness::TooLittleHistory) {
        return out;
    }
    out.push(eighty(facts, source, from, to));
    out.push(new_trend(facts, source));
    out.push(churn_pace(facts, source));
    out.push(expansion(facts, source, from, to));
    if let Some(leak) = leaks.first() {
        out.push(Reason { code: "leak", says: leak.says.clone(), figures: leak.figures.clone() });
    }
    for leak in leaks.iter().skip(1).filter(|l| l.by == "plan" && l.stands_out) {
        let says = format!("{} That is surely more than on the other plans.", leak.says);
        out.push(Reason { code: "leaking_plan", says, figures: leak.figures.clone() });
    }
    out.extend(failed_payments(business, source, from, to));
    out.extend(starters(facts, source, from, to));
    out.extend(stage(business, facts, source, from, to));
    out
}

fn sample(facts: &Facts, source: &Source, from: Day, to: Day) -> Reason {
    let bounds = facts.lost_interval.map_or(String::new(), |i| {
        let rate =
            Ratio::new(i128::from(facts.lost), i128::from(facts.exposed.max(1))).unwrap_or(Ratio::ZERO);
        format!(
            " ({} %, could be {}\u{2013}{} %)",
            whole_percent(rate),
            whole_percent(i.low),
            whole_percent(i.high)
        )
    });
    let gate = match facts.enough() {
        true => String::new(),
        false => format!(
            " Nothing is concluded before {LOST_ENOUGH} are lost or the range is narrower than {} points.",
            whole_percent(share(WIDEST))
        ),
    };
    Reason {
        code: "sample",
        says: format!(
            "{} of {} were lost from {from} to {to}{bounds}.{gate}",
            facts.lost,
            customers(facts.exposed)
        ),
        figures: vec![
            source.waterfall("customers_lost", FigureValue::Count(facts.lost), from, to),
            source
                .waterfall("customers", FigureValue::Count(facts.exposed), from, to)
                .within(facts.lost_interval),
        ],
    }
}

fn eighty(facts: &Facts, source: &Source, from: Day, to: Day) -> Reason {
    let (new, churn) = (facts.sum(Kind::New), facts.sum(Kind::Churn));
    let show = |amount: Amount| money(amount, source.decimals, &source.currency);
    let says = match facts.churn_of_new {
        Some(part) => format!(
            "Churn took {} of the {} that new brought: {}. Over 80 % the leak comes first.",
            percent(part),
            show(new),
            show(churn)
        ),
        None => format!("New brought nothing; churn took {}.", show(churn)),
    };
    let mut figures = vec![
        source.movements("new", new, Kind::New, from, to),
        source.movements("churn", churn, Kind::Churn, from, to),
    ];
    if let Some(part) = facts.churn_of_new {
        figures.push(source.waterfall("churn_of_new", FigureValue::Ratio(part), from, to));
    }
    Reason { code: "churn_of_new", says, figures }
}

fn by_month(facts: &Facts, source: &Source, kind: Kind) -> (String, Vec<crate::Figure>) {
    let words: Vec<String> =
        facts.months.iter().map(|m| m.movement(kind).display_grouped(source.decimals)).collect();
    let figures = facts
        .months
        .iter()
        .map(|m| source.movements(kind.as_str(), m.movement(kind), kind, m.first, m.last))
        .collect();
    (format!("{} {}", words.join(", "), source.currency), figures)
}

fn new_trend(facts: &Facts, source: &Source) -> Reason {
    let (amounts, figures) = by_month(facts, source, Kind::New);
    let heads: Vec<i64> = facts.months.iter().map(|m| m.customers_new).collect();
    let by_chance = match heads.as_slice() {
        [first, .., last] => {
            let half = Ratio::new(1, 2).unwrap_or(Ratio::ONE);
            let chance = wilson(*last, first + last).is_none_or(|i| i.holds(half));
            let words = format!(" ({first} new customers in the first month, {last} in the last");
            match chance && facts.new_trend != Trend::Flat {
                true => format!("{words}: that much could be chance)"),
                false => format!("{words})"),
            }
        }
        _ => String::new(),
    };
    let says = format!("New MRR is {}: {amounts}{by_chance}.", facts.new_trend.as_str());
    Reason { code: "new_trend", says, figures }
}

fn churn_pace(facts: &Facts, source: &Source) -> Reason {
    let (amounts, figures) = by_month(facts, source, Kind::Churn);
    let faster = if facts.churn_faster { "faster" } else { "no faster" };
    let says =
        format!("Churned MRR is {}: {amounts}. It grows {faster} than new.", facts.churn_trend.as_str());
    Reason { code: "churn_pace", says, figures }
}

fn expansion(facts: &Facts, source: &Source, from: Day, to: Day) -> Reason {
    let show = |amount: Amount| money(amount, source.decimals, &source.currency);
    let (sum, contraction) = (facts.sum(Kind::Expansion), facts.sum(Kind::Contraction));
    let says = match (facts.expansion.is_positive(), sum.is_positive()) {
        (true, _) => format!("Expansion brought {}, contraction {}.", show(sum), show(contraction)),
        (false, true) => format!("The {} of expansion is only discounts that ended.", show(sum)),
        (false, false) => format!("There was no expansion at all, and contraction of {}.", show(contraction)),
    };
    let figures = vec![
        source.movements("expansion", sum, Kind::Expansion, from, to),
        source.movements("contraction", contraction, Kind::Contraction, from, to),
    ];
    Reason { code: "expansion", says, figures }
}

fn failed_payments(business: &Business, source: &Source, from: Day, to: Day) -> Option<Reason> {
    let lost = cuts::churned(business);
    let failed: Vec<_> = lost.iter().copied().filter(|e| cuts::involuntary(e)).collect();
    let amount: Amount = failed.iter().map(|e| e.amount).sum();
    let all: Amount = lost.iter().map(|e| e.amount).sum();
    if failed.is_empty() || all.is_zero() {
        return None;
    }
    let part = Ratio::new(amount.raw(), all.raw())?;
    let says = format!(
        "{} went after a failed payment: {}, {} of churn. They did not choose to leave; retries and reminders come \
         first. (Where a source gives no reason, a loss counts as chosen.)",
        customers(cuts::heads(&failed)),
        money(amount, source.decimals, &source.currency),
        percent(part)
    );
    let figure = source.movements("involuntary_churn", amount, Kind::Churn, from, to);
    let figure = crate::Figure { group: Some(("cause".into(), "cancel_involuntary".into())), ..figure };
    Some(Reason { code: "failed_payments", says, figures: vec![figure] })
}

fn starters(facts: &Facts, source: &Source, from: Day, to: Day) -> Option<Reason> {
    let (count, left) = facts.early;
    let interval = wilson(left, count)?;
    let rate = Ratio::new(i128::from(left), i128::from(count))?;
    let says = format!(
        "{left} of {count} who started in the half year before and had {EARLY_DAYS} days left within these ({} %, could \
         be {}\u{2013}{} %).",
        whole_percent(rate),
        whole_percent(interval.low),
        whole_percent(interval.high)
    );
    let command = format!("netnew cohorts --to {to}{}", source.asked());
    let figure = source
        .figure("early_leavers", FigureValue::Ratio(rate), from, to, None, command)
        .within(Some(interval));
    Some(Reason { code: "early_leavers", says, figures: vec![figure] })
}

fn stage(business: &Business, facts: &Facts, source: &Source, from: Day, to: Day) -> Option<Reason> {
    let (low, high) = business.normal_churn?;
    let gross = facts.gross_churn?;
    let says = format!(
        "Gross churn is {} a month; {} to {} is called normal at this size.",
        percent(gross),
        percent(low),
        percent(high)
    );
    let figure = source.metric("gross_mrr_churn", FigureValue::Ratio(gross), from, to);
    Some(Reason { code: "stage", says, figures: vec![figure] })
}
