//! A report as blocks: headings, sentences, tables, charts.

use super::{Every, Written, charts};
use crate::figures::{change, level, percent, printed_parts, sparkline};
use crate::story::STORY;
use netnew_chart::Spec;
use netnew_decide::words::{month, whole_percent};
use netnew_ledger::Kind;
use netnew_metrics::RollupRow;
use netnew_money::{Amount, Ratio};
use std::collections::BTreeMap;

/// Movements named in a report; the rest is counted.
const NAMED: usize = 60;
/// Customers named under the diagnosis.
const BEHIND: usize = 10;
/// Cohorts and ages shown: what fits 720 px.
const COHORTS: usize = 12;

/// Which side a column leans to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Words.
    Left,
    /// Figures.
    Right,
}

/// A part of a report.
#[derive(Clone, Debug)]
pub enum Block {
    /// A heading; 1 is the title.
    Heading(u8, String),
    /// A sentence or several.
    Text(String),
    /// A strong sentence: the conclusion.
    Strong(String),
    /// A list, each with a command that opens it, if there is one.
    List(Vec<(String, Option<String>)>),
    /// A table: heads, rows, and which rows are bold.
    Table {
        /// Heads and sides.
        heads: Vec<(String, Side)>,
        /// Cells.
        rows: Vec<Vec<String>>,
        /// Rows that stand out.
        bold: Vec<usize>,
    },
    /// A drawing; the tables hold its figures where there is no drawing.
    Chart(Box<Spec>),
    /// Small print.
    Small(String),
}

fn left(head: &str) -> (String, Side) {
    (head.to_string(), Side::Left)
}

fn right(head: &str) -> (String, Side) {
    (head.to_string(), Side::Right)
}

impl Written {
    /// The report, part by part.
    pub fn blocks(&self) -> Vec<Block> {
        let mut out = vec![Block::Heading(1, self.title())];
        out.extend(self.lead());
        out.push(Block::Heading(2, "Net new, last three months".into()));
        out.push(self.components());
        out.push(Block::Heading(2, "What to do now".into()));
        out.extend(self.what_to_do());
        out.push(Block::Heading(2, "Trend".into()));
        out.extend(self.trends());
        out.push(Block::Heading(2, format!("Movements of the {}", self.every.noun())));
        out.extend(self.movements());
        out.push(Block::Heading(2, "Cohorts".into()));
        out.extend(self.cohort_table());
        out.push(Block::Heading(2, "Benchmarks".into()));
        out.extend(self.benchmark_table());
        out.push(Block::Heading(2, "Milestones".into()));
        out.extend(self.milestone_table());
        if !self.goals.is_empty() {
            out.push(Block::Heading(2, "Goals".into()));
            out.push(self.goal_table());
            out.push(Block::List(
                self.goals.iter().map(|g| (g.says.clone(), Some(g.command.clone()))).collect(),
            ));
        }
        out.push(Block::Heading(2, "Changes to earlier numbers".into()));
        out.extend(self.past_table());
        out.push(Block::Small(self.footer.clone()));
        out
    }

    fn lead(&self) -> Vec<Block> {
        let Some(row) = self.trend.last() else { return Vec::new() };
        let (was, now) = (row.start, row.end);
        let grown = Ratio::from_amount(now - was)
            .checked_div(Ratio::from_amount(was))
            .map_or(String::new(), |r| format!(" ({})", percent(r)));
        vec![Block::Text(format!(
            "MRR went from {} to {} {}: {}{grown}. Customers: {} to {}.",
            level(was, self.decimals),
            level(now, self.decimals),
            self.currency,
            change(now - was, self.decimals),
            row.heads_start,
            row.heads_end
        ))]
    }

    /// Kinds by month; the columns add up as printed.
    fn components(&self) -> Block {
        let decimals = self.decimals;
        let printed: Vec<Vec<Amount>> = self.months.iter().map(|m| parts(m, decimals)).collect();
        let mut heads = vec![left("")];
        heads.extend(self.months.iter().map(|m| right(&month(m.period.first))));
        let line = |name: &str, at: usize| {
            let mut cells = vec![name.to_string()];
            cells.extend(printed.iter().map(|p| change(p[at], decimals)));
            cells
        };
        let mut rows: Vec<Vec<String>> =
            STORY.iter().enumerate().map(|(at, kind)| line(&capital(kind.as_str()), at)).collect();
        let mut net = vec!["Net new".to_string()];
        net.extend(printed.iter().map(|p| change(p[..STORY.len()].iter().copied().sum(), decimals)));
        let bold = vec![rows.len()];
        rows.push(net);
        if self.months.iter().any(|m| !m.fx.is_zero() || !m.movement(Kind::Transfer).is_zero()) {
            rows.push(line("Exchange rates and transfers", STORY.len()));
        }
        let mut end = vec!["MRR at the end".to_string()];
        end.extend(self.months.iter().map(|m| level(m.end, decimals)));
        rows.push(end);
        Block::Table { heads, rows, bold }
    }

    fn what_to_do(&self) -> Vec<Block> {
        let told = &self.diagnosis;
        let mut out = vec![Block::Strong(told.says.clone())];
        if let Some(lever) = told.lever {
            out.push(Block::Text(format!("Pull {} first. {}", lever.as_str(), told.worth_says)));
        }
        let reasons = told.because.iter();
        out.push(Block::List(
            reasons.map(|r| (r.says.clone(), r.figures.first().map(|f| f.command.clone()))).collect(),
        ));
        if !told.customers.is_empty() {
            let rows = told.customers.iter().take(BEHIND).map(|c| {
                vec![
                    c.name.clone().unwrap_or_else(|| c.customer.clone()),
                    c.plan.clone().unwrap_or_default(),
                    c.date.map(|d| d.to_string()).unwrap_or_default(),
                    c.causes.join(", ").replace('_', " "),
                    change(c.amount, self.decimals),
                ]
            });
            out.push(Block::Table {
                heads: vec![
                    left("Customer"),
                    left("Plan"),
                    left("Date"),
                    left("Cause"),
                    right(&self.currency),
                ],
                rows: rows.collect(),
                bold: Vec::new(),
            });
            out.extend(more(told.customers.len(), BEHIND, "netnew diagnose lists them all"));
        }
        out
    }

    fn trends(&self) -> Vec<Block> {
        let ends: Vec<Amount> = self.trend.iter().map(|r| r.end).collect();
        // In the same printed cents as the tables.
        let net = |row: &RollupRow| parts(row, self.decimals)[..STORY.len()].iter().copied().sum();
        let nets: Vec<Amount> = self.trend.iter().map(net).collect();
        let count = self.trend.len();
        let head = format!("{count} {}s", self.every.noun());
        let line = |name: &str, values: &[Amount]| {
            let (first, last) = (values.first().copied(), values.last().copied());
            vec![
                name.to_string(),
                level(first.unwrap_or_default(), self.decimals),
                sparkline(values),
                level(last.unwrap_or_default(), self.decimals),
            ]
        };
        let mut out = vec![Block::Table {
            heads: vec![left(""), right("First"), left(&head), right("Last")],
            rows: vec![line("MRR", &ends), line("Net new", &nets)],
            bold: Vec::new(),
        }];
        out.extend(charts::trend(self).map(|s| Block::Chart(Box::new(s))));
        out.extend(charts::movements(self).map(|s| Block::Chart(Box::new(s))));
        if !self.annotations.is_empty() {
            let notes = self.annotations.iter().map(|a| (format!("{}: {}", a.date, a.text), None));
            out.push(Block::List(notes.collect()));
        }
        out
    }

    fn movements(&self) -> Vec<Block> {
        if self.events.is_empty() {
            return vec![Block::Text("Nothing moved.".into())];
        }
        let order = |kind: Kind| STORY.iter().position(|k| *k == kind).unwrap_or(STORY.len());
        let mut events: Vec<_> = self.events.iter().filter(|e| e.kind != Kind::Transfer).collect();
        events.sort_by(|a, b| {
            (order(a.kind), b.amount.abs(), &a.customer, &a.id).cmp(&(
                order(b.kind),
                a.amount.abs(),
                &b.customer,
                &b.id,
            ))
        });
        let rows = events.iter().take(NAMED).map(|e| {
            vec![
                e.name.clone().unwrap_or_else(|| e.customer.clone()),
                capital(e.kind.as_str()),
                e.cause.as_str().replace('_', " "),
                e.plan.clone().unwrap_or_default(),
                e.date.to_string(),
                change(e.amount, self.decimals),
            ]
        });
        let heads = vec![
            left("Customer"),
            left("Kind"),
            left("Cause"),
            left("Plan"),
            left("Date"),
            right(&self.currency),
        ];
        let mut out = vec![Block::Table { heads, rows: rows.collect(), bold: Vec::new() }];
        let (from, to) = self.period();
        out.extend(more(
            events.len(),
            NAMED,
            &format!("netnew movements --from {from} --to {to} lists them all"),
        ));
        out
    }

    fn cohort_table(&self) -> Vec<Block> {
        let mut cohorts: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for row in &self.cohorts {
            cohorts.entry(row.cohort).or_default().push(row);
        }
        let shown: Vec<_> = cohorts.iter().rev().take(COHORTS).collect();
        let ages = shown.iter().map(|(_, rows)| rows.len()).max().unwrap_or(0).min(COHORTS);
        if ages == 0 {
            return vec![Block::Text("No customers yet.".into())];
        }
        let mut heads = vec![left("Started in"), right("Customers")];
        heads.extend((0..ages).map(|age| right(&age.to_string())));
        let rows = shown.iter().rev().map(|(cohort, rows)| {
            let size = rows.first().map_or(0, |r| r.size);
            let mut cells = vec![cohort.to_string()[..7].to_string(), size.to_string()];
            for age in 0..ages {
                let cell = rows.get(age).and_then(|row| {
                    let share = row.value?.checked_div(Ratio::from_int(i128::from(size)))?;
                    Some(format!("{}{}", whole_percent(share), if row.mature { "" } else { "*" }))
                });
                cells.push(cell.unwrap_or_default());
            }
            cells
        });
        vec![
            Block::Table { heads, rows: rows.collect(), bold: Vec::new() },
            Block::Small("Percent of the customers who started, by months since; * is still running.".into()),
        ]
    }

    fn benchmark_table(&self) -> Vec<Block> {
        let band = |low: Option<Ratio>, high: Option<Ratio>| match (low, high) {
            (Some(low), Some(high)) => {
                format!("{}\u{2013}{}", percent(low).trim_end_matches(" %"), percent(high))
            }
            (Some(low), None) => format!("at least {}", percent(low)),
            (None, Some(high)) => format!("at most {}", percent(high)),
            (None, None) => String::new(),
        };
        let rows: Vec<Vec<String>> = self
            .benchmarks
            .iter()
            .filter_map(|p| {
                let own = p.own?;
                let range =
                    own.interval.map_or(String::new(), |i| format!(" ({})", band(Some(i.low), Some(i.high))));
                Some(vec![
                    p.benchmark.metric.replace('_', " "),
                    format!("{}{range}", percent(own.value)),
                    band(p.benchmark.low, p.benchmark.high),
                    format!("{}, {}", p.benchmark.stage, p.benchmark.says),
                    p.verdict.unwrap_or_default().replace('_', " "),
                    p.benchmark.source.id.clone(),
                ])
            })
            .collect();
        if rows.is_empty() {
            return vec![Block::Text("Too little history to compare.".into())];
        }
        let heads = vec![
            left("Metric"),
            right("Yours (could be)"),
            right("Published"),
            left("For"),
            left("You are"),
            left("Source"),
        ];
        let mut sources: Vec<String> = self
            .benchmarks
            .iter()
            .map(|p| format!("{}: {}.", p.benchmark.source.id, p.benchmark.source.title))
            .collect();
        sources.sort();
        sources.dedup();
        vec![Block::Table { heads, rows, bold: Vec::new() }, Block::Small(sources.join(" "))]
    }

    fn goal_table(&self) -> Block {
        let rows = self.goals.iter().map(|g| {
            let told = &g.standing;
            let show = |value: Option<Ratio>| value.map(|v| g.shown(v)).unwrap_or_default();
            let than = if g.goal.at_most { "at most " } else { "" };
            vec![
                g.metric.title.to_string(),
                g.goal.by.to_string(),
                format!("{than}{}", g.target()),
                show(told.value),
                show(told.expected),
                told.verdict.as_str().replace('_', " "),
            ]
        });
        Block::Table {
            heads: vec![
                left("Goal"),
                left("By"),
                right("Aim"),
                right("Now"),
                right("At this pace"),
                left("So far"),
            ],
            rows: rows.collect(),
            bold: Vec::new(),
        }
    }

    /// What was said of earlier periods and is another now.
    fn past_table(&self) -> Vec<Block> {
        let since = self.past.since;
        let Some(changes) = &self.past.changes else {
            return vec![Block::Text(format!(
                "Not compared: nothing was known yet at {since}, or the book is too large to look back in a moment."
            ))];
        };
        if changes.is_empty() {
            return vec![Block::Text(format!("None since {since}."))];
        }
        let decimals = self.decimals;
        let rows = changes.iter().map(|c| {
            vec![
                match self.every {
                    Every::Week => c.first.to_string(),
                    Every::Month => month(c.first),
                },
                change(c.net_was, decimals),
                change(c.net_is, decimals),
                level(c.end_was, decimals),
                level(c.end_is, decimals),
                change(c.end_is - c.end_was, decimals),
            ]
        });
        let heads = vec![
            left(&capital(self.every.noun())),
            right("Net new was"),
            right("is"),
            right("MRR was"),
            right("is"),
            right("Difference"),
        ];
        vec![
            Block::Table { heads, rows: rows.collect(), bold: Vec::new() },
            Block::Small(format!(
                "Facts that came in since {since}: late data, corrections, refunds. netnew mrr --known-on {since} prints what \
                 was known then."
            )),
        ]
    }

    fn milestone_table(&self) -> Vec<Block> {
        let rows: Vec<Vec<String>> = self
            .milestones
            .iter()
            .filter(|m| m.reached.is_some() || m.next)
            .map(|m| {
                vec![
                    level(m.amount, 0),
                    m.reached.map(|d| d.to_string()).unwrap_or_default(),
                    if m.next { m.outlook() } else { String::new() },
                ]
            })
            .collect();
        if rows.is_empty() {
            return vec![Block::Text("None yet.".into())];
        }
        let heads = vec![right(&format!("MRR, {}", self.currency)), left("Reached"), left("Next")];
        let meaning = self.milestones.iter().find(|m| m.next).map(|m| Block::Small(m.meaning.to_string()));
        std::iter::once(Block::Table { heads, rows, bold: Vec::new() }).chain(meaning).collect()
    }
}

/// Kinds of the story, then what else moved, in printed cents that add up.
pub fn parts(row: &RollupRow, decimals: u8) -> Vec<Amount> {
    let mut parts: Vec<Amount> = STORY.iter().map(|k| row.movement(*k)).collect();
    parts.push(row.fx + row.movement(Kind::Transfer));
    printed_parts(row.start, &parts, row.end, decimals)
}

fn more(all: usize, shown: usize, way: &str) -> Option<Block> {
    (all > shown).then(|| Block::Small(format!("{} more; {way}.", all - shown)))
}

/// A word with a capital.
pub fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().collect::<String>() + chars.as_str())
}

/// The period's name on an axis.
pub fn short(row: &RollupRow, every: Every) -> String {
    let text = row.period.first.to_string();
    match every {
        Every::Week => text[5..].to_string(),
        Every::Month => month(row.period.first)[..3].to_string(),
    }
}
