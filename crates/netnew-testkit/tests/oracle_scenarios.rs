//! Every scenario of the ledger, asked of the slow oracle.

use std::path::PathBuf;

use netnew_testkit::OracleRunner;
use netnew_testkit::scenario::{Scenario, check};

fn scenario_files() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../netnew-ledger/tests/scenarios");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    files
}

#[test]
fn the_oracle_answers_every_scenario() {
    let files = scenario_files();
    assert!(!files.is_empty(), "there are no scenarios");
    let only = std::env::var("SCENARIO").unwrap_or_default();
    let mut wrong = String::new();
    for path in files.iter().filter(|path| path.to_string_lossy().contains(&only)) {
        let text = std::fs::read_to_string(path).expect("a scenario is text");
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match Scenario::parse(&text) {
            Err(error) => wrong.push_str(&format!("{name}: {error}\n")),
            Ok(scenario) => match check(&scenario, &OracleRunner::new(&scenario)) {
                Ok(checked) if checked.answered == 0 || checked.unanswered > 0 => {
                    wrong.push_str(&format!("{name}: {checked:?}\n"));
                }
                Ok(_) => {}
                Err(difference) => wrong.push_str(&format!("{name}\n{difference}\n")),
            },
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_scenario_says_what_it_shows() {
    for path in scenario_files() {
        let text = std::fs::read_to_string(&path).expect("a scenario is text");
        let scenario = Scenario::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(!scenario.title.is_empty(), "{} begins without a comment", path.display());
    }
}
