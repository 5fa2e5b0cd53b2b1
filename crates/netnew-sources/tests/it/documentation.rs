//! The guide names what the code knows.

use netnew_sources::{Kind, code};

const GUIDE: &str = include_str!("../../../../docs/importing.md");

#[test]
fn every_code_is_explained() {
    for code in code::ALL {
        let row = format!("| `{code}` |");
        assert_eq!(GUIDE.matches(&row).count(), 1, "docs/importing.md must have one row {row}");
    }
}

#[test]
fn every_row_of_the_table_of_codes_is_a_code() {
    let table = GUIDE.split("## What can be wrong").nth(1).expect("the guide has the section");
    for line in table.lines().filter(|l| l.starts_with("| `")) {
        let code = line.split('`').nth(1).unwrap_or("");
        assert!(code::ALL.contains(&code), "{code} is no code");
    }
}

#[test]
fn every_kind_has_a_section() {
    for kind in Kind::ALL {
        assert!(GUIDE.contains(&format!("### `{kind}`")), "docs/importing.md must have a section on {kind}");
    }
}
