//! What a chart cannot be drawn from.

use thiserror::Error;

/// Why a chart was refused. Nothing is drawn that would say something else than its figures.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum ChartError {
    /// The id cannot name elements of a page.
    #[error("chart id {id:?}: an id is a letter, then letters, digits, '-' and '_', 64 at most")]
    BadId {
        /// The id as given.
        id: String,
    },
    /// A link that a page must not follow.
    #[error("chart {id}: {href:?} is not a link into the product or to the web")]
    BadLink {
        /// The chart.
        id: String,
        /// The link as given.
        href: String,
    },
    /// A row of values has another length than the axis.
    #[error("chart {id}: {what} has {found} values for {expected} places")]
    Length {
        /// The chart.
        id: String,
        /// Which row.
        what: String,
        /// Places on the axis.
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// Parts do not add up to the total that was given with them.
    #[error("chart {id}: {what}: the parts add up to {parts}, the total says {total}")]
    Sum {
        /// The chart.
        id: String,
        /// Which period or step.
        what: String,
        /// The exact sum of the parts.
        parts: String,
        /// The total as given.
        total: String,
    },
    /// A value beyond ±10^24.
    #[error("chart {id}: {value} is too large to draw")]
    TooLarge {
        /// The chart.
        id: String,
        /// The value.
        value: String,
    },
    /// More marks than anybody could read or a page could hold.
    #[error("chart {id}: {found} marks, {limit} at most")]
    TooMany {
        /// The chart.
        id: String,
        /// Marks given.
        found: usize,
        /// Marks at most.
        limit: usize,
    },
    /// A mark refers to a period that is not on the axis.
    #[error("chart {id}: {what} is at place {at}, the axis has {places}")]
    OffAxis {
        /// The chart.
        id: String,
        /// Which mark.
        what: String,
        /// The place asked for, from 0.
        at: usize,
        /// Places on the axis.
        places: usize,
    },
    /// A forecast whose low, mid and high are out of order.
    #[error("chart {id}: the forecast for {what} has a low above its middle or a middle above its high")]
    FanOrder {
        /// The chart.
        id: String,
        /// Which period.
        what: String,
    },
}

impl ChartError {
    /// A stable snake_case name of the error.
    pub fn code(&self) -> &'static str {
        match self {
            ChartError::BadId { .. } => "chart_bad_id",
            ChartError::BadLink { .. } => "chart_bad_link",
            ChartError::Length { .. } => "chart_length",
            ChartError::Sum { .. } => "chart_sum",
            ChartError::TooLarge { .. } => "chart_too_large",
            ChartError::TooMany { .. } => "chart_too_many",
            ChartError::OffAxis { .. } => "chart_off_axis",
            ChartError::FanOrder { .. } => "chart_fan_order",
        }
    }

    /// What to do about it, in one sentence without a trailing full stop.
    pub fn hint(&self) -> &'static str {
        match self {
            ChartError::BadId { .. } => "name the chart after what it shows, such as mrr-by-month",
            ChartError::BadLink { .. } => {
                "use a path such as /explain?id=1, a fragment, or an http(s) address"
            }
            ChartError::Length { .. } => {
                "give one value for each place of the axis; a value that is not there is a gap"
            }
            ChartError::Sum { .. } => "take parts and total from the same report",
            ChartError::TooLarge { .. } => "check that the amount is in the currency's main unit",
            ChartError::TooMany { .. } => "ask for a longer interval, or for fewer series",
            ChartError::OffAxis { .. } => "leave out what lies outside the period shown",
            ChartError::FanOrder { .. } => "order the three values of each period from low to high",
        }
    }
}
