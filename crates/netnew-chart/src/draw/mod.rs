//! One room for each kind of chart. Each draws into the pen and says how much room it took.

pub(crate) mod bars;
pub(crate) mod heatmap;
pub(crate) mod lines;
pub(crate) mod milestone;
pub(crate) mod movements;
pub(crate) mod spark;
pub(crate) mod waterfall;
