//! A damaged file is found, and found by name.

use crate::helpers::{How, book, import, state};
use std::path::PathBuf;

fn damaged(with: impl Fn(&PathBuf)) -> (String, Vec<netnew_book::Finding>) {
    let dir = tempfile::tempdir().unwrap();
    let book = book(&dir.path().join("b"));
    import(&book, (0..500).map(|i| state(i, &format!("c{i}"), "s", i as i64, 5)).collect(), How::default());
    let segment = std::fs::read_dir(dir.path().join("b/segments"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.extension().is_some_and(|e| e == "parquet"))
        .unwrap();
    with(&segment);
    (segment.file_name().unwrap().to_string_lossy().to_string(), book.verify().unwrap())
}

#[test]
fn any_flipped_byte_is_found() {
    for part in 0..20usize {
        let (name, findings) = damaged(|path| {
            let mut bytes = std::fs::read(path).unwrap();
            let at = bytes.len() * part / 20;
            bytes[at] ^= 1;
            std::fs::write(path, bytes).unwrap();
        });
        assert_eq!(findings.len(), 1, "part {part}");
        assert!(findings[0].code == "damaged_segment" && findings[0].message.contains(&name), "{findings:?}");
    }
}

#[test]
fn a_short_or_missing_file_is_found() {
    let (name, findings) = damaged(|path| {
        let bytes = std::fs::read(path).unwrap();
        std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    });
    assert!(findings[0].message.contains(&name), "{findings:?}");
    let (name, findings) = damaged(|path| std::fs::remove_file(path).unwrap());
    assert!(findings[0].message.contains(&name), "{findings:?}");
}

#[test]
fn a_damaged_list_of_owners_is_found() {
    let (name, findings) = damaged(|path| {
        let owners = path.with_file_name(format!("{}.owners", path.file_name().unwrap().to_string_lossy()));
        let mut bytes = std::fs::read(&owners).unwrap();
        bytes[20] ^= 1;
        std::fs::write(&owners, bytes).unwrap();
    });
    assert!(findings[0].message.contains(&name) && findings[0].message.contains("owners"), "{findings:?}");
}
