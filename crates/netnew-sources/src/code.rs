//! The stable codes of everything that can be wrong with a file or a row.
//!
//! `docs/importing.md` explains each of them; a test holds the two together.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = $text;)*
        /// Every code, in the order of the documentation.
        pub const ALL: &[&str] = &[$($text),*];
    };
}

codes! {
    // Whole files.
    /// The file cannot be opened or read.
    UNREADABLE = "unreadable";
    /// The file has no content.
    EMPTY_FILE = "empty_file";
    /// The content is of no format that can be read.
    UNSUPPORTED_FORMAT = "unsupported_format";
    /// The columns fit no kind of file.
    UNKNOWN_KIND = "unknown_kind";
    /// The columns fit several kinds of file.
    AMBIGUOUS_KIND = "ambiguous_kind";
    /// A column that the kind needs is not there.
    MISSING_COLUMN = "missing_column";
    /// Two columns say the same thing.
    DUPLICATE_COLUMN = "duplicate_column";
    /// A column is of a type that cannot be read.
    UNSUPPORTED_COLUMN = "unsupported_column";

    // Rows as a whole.
    /// The row has more or fewer fields than the header.
    RAGGED_ROW = "ragged_row";
    /// A quoted field is never closed.
    UNCLOSED_QUOTE = "unclosed_quote";
    /// The line or element is not a JSON object.
    BAD_JSON = "bad_json";
    /// The text is not valid in the file's encoding.
    BAD_TEXT = "bad_text";
    /// A column that matters turns up too late in a JSON file.
    LATE_COLUMN = "late_column";
    /// Two periods of one subscription overlap.
    OVERLAPPING_PERIODS = "overlapping_periods";
    /// A period ends before or when it starts.
    BAD_PERIOD = "bad_period";
    /// A customer is merged into itself.
    SELF_MERGE = "self_merge";
    /// The lines of an invoice cannot be read, or do not add up to what it charges.
    BAD_LINES = "bad_lines";

    // Cells.
    /// A cell that is needed is empty.
    MISSING_VALUE = "missing_value";
    /// Not a number.
    BAD_NUMBER = "bad_number";
    /// The separator may group thousands or start the decimals.
    AMBIGUOUS_NUMBER = "ambiguous_number";
    /// Not a date.
    BAD_DATE = "bad_date";
    /// Day and month cannot be told apart.
    AMBIGUOUS_DATE = "ambiguous_date";
    /// Not a currency code.
    UNKNOWN_CURRENCY = "unknown_currency";
    /// The symbol stands for several currencies.
    AMBIGUOUS_CURRENCY = "ambiguous_currency";
    /// The currency in the cell and the one in the currency column differ.
    CURRENCY_CONFLICT = "currency_conflict";
    /// Not a status.
    UNKNOWN_STATUS = "unknown_status";
    /// Not a billing interval.
    UNKNOWN_INTERVAL = "unknown_interval";
    /// Not a whole number, one or more.
    BAD_INTERVAL_COUNT = "bad_interval_count";
    /// Negative, or finer than millionths.
    BAD_QUANTITY = "bad_quantity";
    /// Neither licensed nor metered.
    UNKNOWN_USAGE_TYPE = "unknown_usage_type";
    /// Not a word that the column takes.
    UNKNOWN_WORD = "unknown_word";
    /// Not a share between 0 and 1, or 0 % and 100 %.
    BAD_WEIGHT = "bad_weight";
    /// A discount that cannot be one.
    BAD_DISCOUNT = "bad_discount";
    /// Discounts are given twice.
    CONFLICTING_DISCOUNTS = "conflicting_discounts";
    /// The reason does not say who ended it.
    UNKNOWN_REASON = "unknown_reason";
    /// Neither yes nor no.
    BAD_FLAG = "bad_flag";
    /// Not a whole number.
    BAD_INTEGER = "bad_integer";
    /// Zero, negative, or a currency against itself.
    BAD_RATE = "bad_rate";
    /// A cell of a spreadsheet holds an error instead of a value.
    CELL_ERROR = "cell_error";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_distinct_snake_case() {
        let distinct: BTreeSet<_> = super::ALL.iter().collect();
        assert_eq!(distinct.len(), super::ALL.len());
        for code in super::ALL {
            assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{code}");
        }
    }
}
