//! The metrics as queries over the open tables (`docs/sql.md`): a row per period with the same number that
//! `netnew metrics` prints for the same flags. They are put together from the parts below; a test of the binary runs them
//! all and compares digit by digit.
//!
//! Each is the metric's own formula, or that of a variant. Levels are taken at the period's rates, which is what every
//! policy does but one that freezes rates (`fx.row = frozen`).

/// A level at a day of each period: `$column` of `levels`, `$day` of `periods`.
macro_rules! level {
    ($column:literal, $day:literal) => {
        concat!(
            "SELECT p.period, coalesce(sum(converted(l.",
            $column,
            ", l.currency, p.",
            $day,
            ")), 0) AS value\n",
            "  FROM periods p\n",
            "  LEFT JOIN levels l ON l.first_day <= p.",
            $day,
            " AND (l.last_day IS NULL OR l.last_day >= p.",
            $day,
            ")\n",
            "  GROUP BY p.period"
        )
    };
}

/// The sum of the movements that pass a condition.
macro_rules! moved {
    ($condition:literal) => {
        concat!(
            "SELECT p.period, coalesce(sum(m.amount), 0) AS value\n",
            "FROM periods p\n",
            "LEFT JOIN movements m ON m.date BETWEEN p.first AND p.last AND ",
            $condition,
            "\n",
            "GROUP BY p.period ORDER BY p.period"
        )
    };
}

/// How many stays pass a condition.
macro_rules! stays {
    ($condition:literal) => {
        concat!(
            "SELECT p.period, count(s.customer) AS value\n",
            "FROM periods p\n",
            "LEFT JOIN presence s ON ",
            $condition,
            "\n",
            "GROUP BY p.period ORDER BY p.period"
        )
    };
}

/// `opening`: MRR at the day before each period.
macro_rules! opening {
    () => {
        concat!("opening AS (\n  ", level!("mrr", "before"), ")")
    };
}

/// `closing`: MRR at the end of each period.
macro_rules! closing {
    () => {
        concat!("closing AS (\n  ", level!("mrr", "last"), ")")
    };
}

/// `moves`: the movements of each period, a column per kind.
macro_rules! moves {
    () => {
        "moves AS (
  SELECT p.period, coalesce(sum(m.amount), 0) AS net,
    coalesce(sum(m.amount) FILTER (WHERE m.kind = 'new'), 0) AS won,
    coalesce(sum(m.amount) FILTER (WHERE m.kind = 'reactivation'), 0) AS back,
    coalesce(sum(m.amount) FILTER (WHERE m.kind = 'expansion'), 0) AS up,
    coalesce(sum(m.amount) FILTER (WHERE m.kind = 'contraction'), 0) AS down,
    coalesce(sum(m.amount) FILTER (WHERE m.kind = 'churn'), 0) AS gone
  FROM periods p
  LEFT JOIN movements m ON m.date BETWEEN p.first AND p.last
  GROUP BY p.period)"
    };
}

/// `heads`: customers at the start and end of each period, and who came and went.
macro_rules! heads {
    () => {
        "heads AS (
  SELECT p.period,
    count(s.customer) FILTER (WHERE s.first_day <= p.before AND (s.end_day IS NULL OR s.end_day > p.before)) AS opening,
    count(s.customer) FILTER (WHERE s.began = 'new' AND s.first_day BETWEEN p.first AND p.last) AS joined,
    count(s.customer) FILTER (WHERE s.ended = 'churn' AND s.end_day BETWEEN p.first AND p.last) AS churned,
    count(s.customer) FILTER (WHERE s.first_day <= p.last AND (s.end_day IS NULL OR s.end_day > p.last)) AS closing
  FROM periods p
  LEFT JOIN presence s ON s.first_day <= p.last AND (s.end_day IS NULL OR s.end_day > p.before)
  GROUP BY p.period)"
    };
}

/// `cohort`: what each customer of the window's first instant had then, and has at the period's end.
macro_rules! cohort {
    ($start:literal) => {
        concat!(
            "held AS (\n",
            "  SELECT p.period, s.customer, l.currency,\n",
            "    sum(CASE WHEN l.first_day <= p.",
            $start,
            " AND (l.last_day IS NULL OR l.last_day >= p.",
            $start,
            ") THEN l.mrr ELSE 0 END) AS at_start,\n",
            "    sum(CASE WHEN l.last_day IS NULL OR l.last_day >= p.last THEN l.mrr ELSE 0 END) AS at_end\n",
            "  FROM periods p\n",
            "  JOIN presence s ON s.first_day <= p.",
            $start,
            " AND (s.end_day IS NULL OR s.end_day > p.",
            $start,
            ")\n",
            "  LEFT JOIN levels l ON l.customer = s.customer AND l.first_day <= p.last\n",
            "    AND (l.last_day IS NULL OR l.last_day >= p.",
            $start,
            ")\n",
            "  GROUP BY p.period, s.customer, l.currency),\n",
            "cohort AS (\n",
            "  SELECT h.period, h.customer,\n",
            "    greatest(coalesce(sum(converted(h.at_start, h.currency, p.",
            $start,
            ")), 0), 0) AS at_start,\n",
            "    greatest(coalesce(sum(converted(h.at_end, h.currency, p.last)), 0), 0) AS at_end\n",
            "  FROM held h JOIN periods p ON p.period = h.period\n",
            "  GROUP BY h.period, h.customer)"
        )
    };
}

/// A figure over the cohort of a window.
macro_rules! kept {
    ($start:literal, $value:literal) => {
        concat!(
            "WITH ",
            cohort!($start),
            "\n",
            "SELECT p.period, ",
            $value,
            " AS value\n",
            "FROM periods p LEFT JOIN cohort c ON c.period = p.period\n",
            "GROUP BY p.period ORDER BY p.period"
        )
    };
}

/// Who was there before each period (`s`), and whether it is at its end (`e`).
macro_rules! stayed {
    ($value:literal) => {
        concat!(
            "SELECT p.period, ", $value, " AS value\n",
            "FROM periods p\n",
            "LEFT JOIN presence s ON s.first_day <= p.before AND (s.end_day IS NULL OR s.end_day > p.before)\n",
            "LEFT JOIN presence e ON e.customer = s.customer\n",
            "  AND e.first_day <= p.last AND (e.end_day IS NULL OR e.end_day > p.last)\n",
            "GROUP BY p.period ORDER BY p.period"
        )
    };
}

/// A figure over opening MRR and the movements.
macro_rules! of_opening {
    ($value:literal) => {
        concat!(
            "WITH ",
            opening!(),
            ",\n",
            moves!(),
            "\n",
            "SELECT o.period, ratio(",
            $value,
            ", greatest(o.value, 0)) AS value\n",
            "FROM opening o JOIN moves m ON m.period = o.period\n",
            "ORDER BY o.period"
        )
    };
}

pub(super) const MRR: &str = concat!(level!("mrr", "last"), "\n  ORDER BY p.period");
pub(super) const ARR: &str = concat!(level!("arr", "last"), "\n  ORDER BY p.period");
pub(super) const OPENING_MRR: &str = concat!(level!("mrr", "before"), "\n  ORDER BY p.period");
pub(super) const CMRR: &str = concat!(
    "WITH committed AS (\n  ",
    level!("committed", "last"),
    "),\n",
    "ahead AS (
  SELECT p.period, coalesce(sum(converted(s.committed_after, s.currency, p.last)
    - converted(s.committed_before, s.currency, p.last)), 0) AS value
  FROM periods p LEFT JOIN scheduled s ON p.holds_now
  GROUP BY p.period)
SELECT c.period, c.value + a.value AS value
FROM committed c JOIN ahead a ON a.period = c.period
ORDER BY c.period"
);

pub(super) const NET_NEW_MRR: &str = moved!("true");
pub(super) const NEW_MRR: &str = moved!("m.kind = 'new'");
pub(super) const REACTIVATION_MRR: &str = moved!("m.kind = 'reactivation'");
pub(super) const EXPANSION_MRR: &str = moved!("m.kind = 'expansion'");
pub(super) const CONTRACTION_MRR: &str = moved!("m.kind = 'contraction'");
pub(super) const CHURNED_MRR: &str = moved!("m.kind = 'churn'");
pub(super) const TRANSFER_MRR: &str = moved!("m.kind = 'transfer'");
pub(super) const VOLUNTARY_CHURN_MRR: &str = moved!("m.kind = 'churn' AND m.cause = 'cancel_voluntary'");
pub(super) const INVOLUNTARY_CHURN_MRR: &str = moved!("m.kind = 'churn' AND m.cause = 'cancel_involuntary'");
pub(super) const UPGRADE_MRR: &str = moved!("m.kind = 'expansion' AND m.cause = 'upgrade'");
pub(super) const DOWNGRADE_MRR: &str = moved!("m.kind = 'contraction' AND m.cause = 'downgrade'");
pub(super) const ADDON_MRR: &str = moved!("m.kind = 'expansion' AND m.cause = 'addon_added'");
pub(super) const ADDON_REMOVED_MRR: &str = moved!("m.kind = 'contraction' AND m.cause = 'addon_removed'");
pub(super) const CONTRACTION_MRR_WITH_CHURN: &str = moved!("m.kind IN ('contraction', 'churn')");
pub(super) const EXPANSION_MRR_NET: &str = moved!("m.kind IN ('expansion', 'contraction')");
pub(super) const UPGRADE_MRR_WITH_ADDONS: &str =
    moved!("m.kind = 'expansion' AND m.cause IN ('upgrade', 'addon_added')");
pub(super) const NET_NEW_MRR_WITHOUT_REACTIVATION: &str =
    moved!("m.kind IN ('new', 'expansion', 'contraction', 'churn')");

pub(super) const NET_NEW_MRR_WITH_FX: &str = concat!(
    "WITH ",
    opening!(),
    ",\n",
    closing!(),
    "\n",
    "SELECT o.period, c.value - o.value AS value\n",
    "FROM opening o JOIN closing c ON c.period = o.period\n",
    "ORDER BY o.period"
);
pub(super) const FX_MRR: &str = concat!(
    "WITH ",
    opening!(),
    ",\n",
    closing!(),
    ",\n",
    moves!(),
    "\n",
    "SELECT o.period, c.value - o.value - m.net AS value\n",
    "FROM opening o JOIN closing c ON c.period = o.period JOIN moves m ON m.period = o.period\n",
    "ORDER BY o.period"
);

pub(super) const CUSTOMERS: &str =
    stays!("s.first_day <= p.last AND (s.end_day IS NULL OR s.end_day > p.last)");
pub(super) const NEW_CUSTOMERS: &str = stays!("s.began = 'new' AND s.first_day BETWEEN p.first AND p.last");
pub(super) const REACTIVATED_CUSTOMERS: &str =
    stays!("s.began = 'reactivation' AND s.first_day BETWEEN p.first AND p.last");
pub(super) const CHURNED_CUSTOMERS: &str =
    stays!("s.ended = 'churn' AND s.end_day BETWEEN p.first AND p.last");
pub(super) const ENTERED_CUSTOMERS: &str =
    stays!("s.began = 'entered' AND s.first_day BETWEEN p.first AND p.last");
pub(super) const LEFT_CUSTOMERS: &str = stays!("s.ended = 'left' AND s.end_day BETWEEN p.first AND p.last");

pub(super) const GROWTH_RATE: &str = concat!(
    "WITH ",
    opening!(),
    ",\n",
    closing!(),
    "\n",
    "SELECT o.period, ratio(c.value - o.value, greatest(o.value, 0)) AS value\n",
    "FROM opening o JOIN closing c ON c.period = o.period\n",
    "ORDER BY o.period"
);
pub(super) const EXPANSION_RATE: &str = of_opening!("m.up");
pub(super) const QUICK_RATIO: &str = concat!(
    "WITH ",
    moves!(),
    "\n",
    "SELECT m.period, ratio(m.won + m.back + m.up, greatest(-(m.down + m.gone), 0)) AS value\n",
    "FROM moves m ORDER BY m.period"
);
pub(super) const QUICK_RATIO_WITHOUT_REACTIVATION: &str = concat!(
    "WITH ",
    moves!(),
    "\n",
    "SELECT m.period, ratio(m.won + m.up, greatest(-(m.down + m.gone), 0)) AS value\n",
    "FROM moves m ORDER BY m.period"
);

pub(super) const GROSS_MRR_CHURN: &str = of_opening!("-(m.gone + m.down)");
pub(super) const GROSS_MRR_CHURN_ONLY: &str = of_opening!("-m.gone");
pub(super) const GROSS_MRR_CHURN_CAPPED: &str =
    kept!("before", "ratio(sum(c.at_start - least(c.at_start, c.at_end)), sum(c.at_start))");
pub(super) const NET_MRR_CHURN: &str = of_opening!("-(m.gone + m.down) - m.up");
pub(super) const NET_MRR_CHURN_WITH_BACK: &str = of_opening!("-(m.gone + m.down) - m.up - m.back");
pub(super) const CUSTOMER_CHURN: &str = concat!(
    "WITH ",
    heads!(),
    "\n",
    "SELECT h.period, ratio(h.churned, h.opening) AS value FROM heads h ORDER BY h.period"
);
pub(super) const CUSTOMER_CHURN_OF_START: &str =
    stayed!("ratio(count(s.customer) - count(e.customer), count(s.customer))");
pub(super) const CUSTOMER_CHURN_WITH_NEW: &str = concat!(
    "WITH ",
    heads!(),
    "\n",
    "SELECT h.period, ratio(h.churned, h.opening + h.joined) AS value FROM heads h ORDER BY h.period"
);
pub(super) const LIFETIME_MONTHS: &str = concat!(
    "WITH ",
    heads!(),
    "\n",
    "SELECT p.period, ratio(nullif(h.opening, 0) * p.months_num, h.churned * p.months_den) AS value\n",
    "FROM heads h JOIN periods p ON p.period = h.period\n",
    "ORDER BY p.period"
);

pub(super) const NRR: &str = kept!("before", "ratio(sum(c.at_end), sum(c.at_start))");
pub(super) const GRR: &str = kept!("before", "ratio(sum(least(c.at_start, c.at_end)), sum(c.at_start))");
pub(super) const NRR_3M: &str = kept!("before_3m", "ratio(sum(c.at_end), sum(c.at_start))");
pub(super) const GRR_3M: &str =
    kept!("before_3m", "ratio(sum(least(c.at_start, c.at_end)), sum(c.at_start))");
pub(super) const NRR_12M: &str = kept!("before_12m", "ratio(sum(c.at_end), sum(c.at_start))");
pub(super) const GRR_12M: &str =
    kept!("before_12m", "ratio(sum(least(c.at_start, c.at_end)), sum(c.at_start))");
pub(super) const NRR_BY_MOVEMENTS: &str = of_opening!("o.value + m.up + m.down + m.gone");
pub(super) const NRR_WITH_BACK: &str = of_opening!("o.value + m.up + m.back + m.down + m.gone");
pub(super) const GRR_BY_MOVEMENTS: &str = of_opening!("o.value + m.down + m.gone");
pub(super) const CUSTOMER_RETENTION: &str = stayed!("ratio(count(e.customer), count(s.customer))");

pub(super) const ARPA: &str = concat!(
    "WITH ",
    closing!(),
    ",\n",
    heads!(),
    "\n",
    "SELECT c.period, ratio(c.value, h.closing) AS value\n",
    "FROM closing c JOIN heads h ON h.period = c.period\n",
    "ORDER BY c.period"
);
pub(super) const ASP: &str = concat!(
    "WITH ",
    moves!(),
    ",\n",
    heads!(),
    "\n",
    "SELECT m.period, ratio(m.won, h.joined) AS value\n",
    "FROM moves m JOIN heads h ON h.period = m.period\n",
    "ORDER BY m.period"
);
pub(super) const LTV: &str = concat!(
    "WITH ",
    closing!(),
    ",\n",
    heads!(),
    "\n",
    "SELECT p.period,\n",
    "  ratio(c.value * nullif(h.opening, 0) * p.months_num, h.closing * h.churned * p.months_den) AS value\n",
    "FROM closing c JOIN heads h ON h.period = c.period JOIN periods p ON p.period = c.period\n",
    "ORDER BY p.period"
);
pub(super) const LTV_FLOORED: &str = concat!(
    "WITH ",
    closing!(),
    ",\n",
    heads!(),
    "\n",
    "SELECT p.period, CASE\n",
    "  WHEN h.opening > 0 AND h.churned = 0 THEN ratio(c.value * 10000, h.closing * 167)\n",
    "  ELSE ratio(c.value * nullif(h.opening, 0) * p.months_num, h.closing * h.churned * p.months_den) END AS value\n",
    "FROM closing c JOIN heads h ON h.period = c.period JOIN periods p ON p.period = c.period\n",
    "ORDER BY p.period"
);
