//! What a chart is made of. All values are exact; all words and links are the caller's.

use netnew_money::Amount;

/// A chart: an id, words, a unit, and what it shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spec {
    /// Names the drawing's elements, so it is different for each chart of one page: a letter, then letters, digits,
    /// `-` and `_`.
    pub id: String,
    /// What it shows, in a few words. Title of the drawing and caption of the table.
    pub title: String,
    /// What it says, in a sentence, for those who do not see it. May be empty.
    pub desc: String,
    /// What its values are counted in.
    pub unit: Unit,
    /// What is drawn.
    pub body: Body,
}

/// What values are counted in, and how they are written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Money in its main unit.
    Money {
        /// The currency's code, written after exact figures: `USD`.
        code: String,
        /// Decimals of exact figures: 2 for USD, 0 for JPY.
        decimals: u8,
    },
    /// Percent: the value 2.1 is `2.1 %`.
    Percent {
        /// Decimals of exact figures.
        decimals: u8,
    },
    /// Things that are counted; axes have whole numbers only.
    Count,
}

/// The kinds of chart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body {
    /// Bars stacked from zero up and down, period by period.
    Movements(Movements),
    /// From a start through changes to an end.
    Waterfall(Waterfall),
    /// Lines over time, with an area, stacked, compared or forecast.
    Lines(Lines),
    /// Rows of cohorts, columns of ages.
    Heatmap(Heatmap),
    /// A ranking.
    Bars(Bars),
    /// How far it is to a goal.
    Milestone(Milestone),
}

/// Whether a period is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum State {
    /// Over: drawn solid.
    #[default]
    Past,
    /// Not over yet: drawn lighter, with a dashed edge.
    Running,
    /// Ahead, and known from what is already agreed: drawn as an outline.
    Future,
}

/// A place on the time axis.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Period {
    /// Its full name, for labels and the table: `October 2026`.
    pub label: String,
    /// Its name on the axis: `Oct`.
    pub short: String,
    /// What several places share, on a second line under the first of them: `2026`. Empty for none.
    pub group: String,
    /// Whether it is over.
    pub state: State,
}

/// A value and where it leads.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cell {
    /// The exact value; nothing is a gap.
    pub value: Option<Amount>,
    /// Where the mark and the table's figure lead. Relative, or `http(s)`.
    pub href: Option<String>,
}

impl Cell {
    /// A value that leads somewhere.
    pub fn new(value: Amount, href: impl Into<String>) -> Cell {
        Cell { value: Some(value), href: Some(href.into()) }
    }

    /// A value that leads nowhere.
    pub fn plain(value: Amount) -> Cell {
        Cell { value: Some(value), href: None }
    }

    /// No value.
    pub fn gap() -> Cell {
        Cell::default()
    }
}

/// The colour of a mark by its meaning. Losses also carry a hatch and their sign.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Tone {
    /// Gained from new customers.
    New,
    /// Gained from customers who were there.
    Expansion,
    /// Gained from customers who came back.
    Reactivation,
    /// Lost from customers who stay; hatched.
    Contraction,
    /// Lost with customers who left; hatched.
    Churn,
    /// Moved without gain or loss.
    Transfer,
    /// From exchange rates.
    Fx,
    /// What it all comes to.
    Net,
    /// The one thing a chart is about.
    #[default]
    Main,
    /// What it is compared with.
    Compare,
    /// One of several equals, 1 to 6; higher numbers begin again.
    Series(u8),
}

impl Tone {
    /// Every tone once.
    pub fn all() -> impl Iterator<Item = Tone> {
        use Tone::{Churn, Compare, Contraction, Expansion, Fx, Main, Net, New, Reactivation, Transfer};
        [New, Expansion, Reactivation, Contraction, Churn, Transfer, Fx, Net, Main, Compare]
            .into_iter()
            .chain((1..=6).map(Tone::Series))
    }

    /// The name of its colour among the tokens.
    pub fn token(self) -> &'static str {
        match self {
            Tone::New => "new",
            Tone::Expansion => "expansion",
            Tone::Reactivation => "reactivation",
            Tone::Contraction => "contraction",
            Tone::Churn => "churn",
            Tone::Transfer => "transfer",
            Tone::Fx => "fx",
            Tone::Net => "net",
            Tone::Main => "main",
            Tone::Compare => "compare",
            Tone::Series(number) => match number.saturating_sub(1) % 6 {
                0 => "series-1",
                1 => "series-2",
                2 => "series-3",
                3 => "series-4",
                4 => "series-5",
                _ => "series-6",
            },
        }
    }

    /// Its class in a legend: `<span class="kind k-churn">Churn</span>`.
    pub fn class(self) -> String {
        format!("k-{}", self.token())
    }
}

/// A row of values with a name: a kind of movement, a layer, a line.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Series {
    /// Its name: `Churn`.
    pub label: String,
    /// Its colour.
    pub tone: Tone,
    /// One for each period.
    pub cells: Vec<Cell>,
    /// Drawn as a dashed line without an area, and never stacked: a comparison.
    pub dashed: bool,
}

/// A mark across the time axis with a few words.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Annotation {
    /// The place on the axis, from 0.
    pub at: usize,
    /// The words: `Price change`.
    pub label: String,
    /// Where it leads.
    pub href: Option<String>,
}

/// A value to reach.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Goal {
    /// Its name: `Goal`.
    pub label: String,
    /// The value.
    pub value: Amount,
    /// Where it leads.
    pub href: Option<String>,
}

/// Bars by period, gains stacked up from zero and losses down, with the net as a line of dots over them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Movements {
    /// The time axis.
    pub periods: Vec<Period>,
    /// What is stacked, from zero outwards. Signs decide the side.
    pub kinds: Vec<Series>,
    /// The sum of the kinds; each value has to be exactly that sum. A gap is not checked.
    pub net: Option<Series>,
    /// Marks across the axis.
    pub annotations: Vec<Annotation>,
    /// A value to reach.
    pub goal: Option<Goal>,
}

/// What a step of a waterfall is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StepKind {
    /// A bar from zero: the start, the end, or a sum between. All but the first have to be the exact sum so far.
    Total,
    /// A change, from where the last step ended.
    Change,
}

/// A step of a waterfall.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// Its name: `Churn`.
    pub label: String,
    /// Its colour.
    pub tone: Tone,
    /// The amount, below zero for a loss.
    pub cell: Cell,
    /// What it is.
    pub kind: StepKind,
}

/// From a start through changes to an end, each figure printed under its bar.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Waterfall {
    /// The steps in order.
    pub steps: Vec<Step>,
    /// Whether the last period is over.
    pub state: State,
}

/// Low, middle and high of what may come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FanPoint {
    /// The place on the axis, from 0.
    pub at: usize,
    /// The cautious value.
    pub low: Amount,
    /// The expected value.
    pub mid: Amount,
    /// The hopeful value.
    pub high: Amount,
    /// Where the mark leads.
    pub href: Option<String>,
}

/// A forecast that opens from the last known value.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fan {
    /// Its name: `Forecast`.
    pub label: String,
    /// Its points in order of time.
    pub points: Vec<FanPoint>,
}

/// Values over time.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lines {
    /// The time axis.
    pub periods: Vec<Period>,
    /// The lines.
    pub series: Vec<Series>,
    /// Whether the lines that are not dashed stand on each other as areas.
    pub stacked: bool,
    /// Whether a single line has an area down to zero. The axis then holds zero; without, it holds the values only.
    pub area: bool,
    /// What may come.
    pub fan: Option<Fan>,
    /// Marks across the axis.
    pub annotations: Vec<Annotation>,
    /// A value to reach.
    pub goal: Option<Goal>,
}

/// A row of a heatmap.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HeatRow {
    /// Its full name: `January 2026`.
    pub label: String,
    /// Its name beside the row: `Jan 26`.
    pub short: String,
    /// Where the name leads.
    pub href: Option<String>,
    /// How large it is, as the caller writes it: `42`. Empty for none.
    pub size: String,
    /// One for each column from the first; what is missing at the end, like a gap, is left empty.
    pub cells: Vec<Cell>,
    /// How many cells, counted from the last with a value, are of a period that is not over.
    pub running: usize,
}

/// Rows by columns, with the value as a step of colour and as text.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Heatmap {
    /// What the rows are: `Cohort`.
    pub rows_name: String,
    /// What the sizes are: `Customers`.
    pub size_name: String,
    /// What the columns are: `Months since`.
    pub columns_name: String,
    /// The columns' names: `0`, `1`, ...
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<HeatRow>,
    /// The values of the palest and the deepest step; without, the least and the greatest there are.
    pub domain: Option<(Amount, Amount)>,
}

/// One line of a ranking.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BarItem {
    /// Its name.
    pub label: String,
    /// Its colour.
    pub tone: Tone,
    /// Its value.
    pub cell: Cell,
    /// A few words after the value, as the caller writes them: `12 %`. Empty for none.
    pub note: String,
}

/// A ranking, one bar under the other in the order given.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Bars {
    /// What the names are: `Plan`.
    pub names: String,
    /// What the values are: `MRR`.
    pub values: String,
    /// The lines.
    pub items: Vec<BarItem>,
}

/// How far it is to a goal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Milestone {
    /// Where the line begins, usually nothing or the last goal.
    pub from: Amount,
    /// What the current value is called: `MRR`.
    pub label: String,
    /// Where things stand.
    pub now: Cell,
    /// The goals, in rising order; the line ends at the last.
    pub goals: Vec<Goal>,
    /// What is expected, as the caller writes it: `at this pace March–May 2027`. May be empty.
    pub outlook: String,
}

/// A tiny line in running text or a table: no axis, no links of its own, the last point marked.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Spark {
    /// What it says for those who do not see it: `MRR, 13 months, up from 10,120.00 to 12,480.33 USD`.
    pub label: String,
    /// The values; gaps break the line.
    pub values: Vec<Option<Amount>>,
    /// Its colour.
    pub tone: Tone,
    /// Whether the last value is of a period that is not over.
    pub running: bool,
}
