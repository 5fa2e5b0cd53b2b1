//! Exact amounts, currencies, rates, rounding and calendar periods.
