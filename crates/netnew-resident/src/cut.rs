//! Rows cut into local days, once per time zone.

use crate::image::Image;
use crate::kinds::Kinds;
use crate::laid::Laid;
use netnew_money::{Day, Instant, Zone};
use rayon::prelude::*;

/// The local day of every row of an image, and of what changes between rows.
pub struct Cut {
    first: Day,
    last: Day,
    /// Days since `first`.
    pub(crate) days: Vec<u16>,
    pub(crate) laid: Laid,
    pub(crate) kinds: Kinds,
}

impl Cut {
    /// Cuts an image's rows in a zone. `None` when they span more than 179 years.
    pub fn new(image: &Image, zone: &Zone) -> Option<Cut> {
        let day_of = |at: i64| zone.day_of(Instant::from_micros(at));
        let ends = image.at.par_iter().fold(|| (i64::MAX, i64::MIN), |(a, b), at| (a.min(*at), b.max(*at)));
        let (low, high) = ends.reduce(|| (i64::MAX, i64::MIN), |a, b| (a.0.min(b.0), a.1.max(b.1)));
        if low > high {
            let (first, last) = (Day::from_days(0), Day::from_days(0));
            let (laid, kinds) = (Laid::new(image), Kinds::new(image));
            return Some(Cut { first, last, days: Vec::new(), laid, kinds });
        }
        let mut laid = Laid::new(image);
        let (first, last) = (day_of(low), day_of(high));
        u16::try_from(day_of(high.max(laid.at_most)).days_since(first)).ok()?;
        u16::try_from(last.days_since(first)).ok()?;
        let days = image.at.par_iter().map(|at| day_of(*at).days_since(first) as u16).collect();
        laid.cut(zone, first);
        Some(Cut { first, last, days, laid, kinds: Kinds::new(image) })
    }

    /// The first day on which anything begins.
    pub fn first(&self) -> Day {
        self.first
    }

    /// The last.
    pub fn last(&self) -> Day {
        self.last
    }
}
