//! Every scenario file, through the engine.

use crate::engine::Engine;
use netnew_testkit::scenario::{Scenario, check};
use std::path::PathBuf;

#[test]
fn every_scenario_holds() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../netnew-ledger/tests/scenarios");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder).expect("the scenarios").filter_map(|e| Some(e.ok()?.path())).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "txt"));
    files.sort();
    assert!(files.len() > 10, "only {} scenarios in {}", files.len(), folder.display());
    let mut failures = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a readable scenario");
        let name = file.file_name().unwrap_or_default().to_string_lossy().to_string();
        match Scenario::parse(&text) {
            Err(error) => failures.push(format!("{name}: {error}")),
            Ok(scenario) => {
                let engine = Engine::new(&scenario.settings, &scenario.history);
                if let Err(difference) = check(&scenario, &engine) {
                    failures.push(format!("{name}:\n{difference}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} scenarios fail\n\n{}", failures.len(), failures.join("\n\n"));
}
