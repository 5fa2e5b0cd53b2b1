//! Reading the whole store back: every file against what the catalog says of it.

use crate::book::Book;
use crate::catalog;
use crate::error::BookError;
use crate::files::{ReadFile, Reading};
use crate::record::key_bytes;
use crate::scan::{BucketRange, Part};
use crate::segment::{SegmentCursor, SegmentInfo};
use netnew_facts::{Body, Fact};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// `damaged_segment`, `damaged_payload` or `conflicting_fact`.
    pub code: &'static str,
    /// What and where; names the file.
    pub message: String,
}

impl Book {
    /// Checks every segment and kept file, and looks for facts of one key and source version that contradict.
    pub fn verify(&self) -> Result<Vec<Finding>, BookError> {
        let mut findings = Vec::new();
        let infos = catalog::segments(&self.catalog())?;
        for info in &infos {
            if let Err(what) = self.verify_segment(info) {
                findings.push(Finding { code: "damaged_segment", message: format!("{}: {what}", info.name) });
            }
        }
        if !findings.is_empty() {
            return Ok(findings);
        }
        let snapshot = self.snapshot()?;
        for payload in snapshot.payloads() {
            match self.files.open(&payload.path).and_then(sha256) {
                Ok(sha256) if sha256 == payload.sha256 => {}
                Ok(_) => findings.push(Finding {
                    code: "damaged_payload",
                    message: format!("{} (kept as {}): its bytes have changed", payload.name, payload.sha256),
                }),
                Err(error) => findings.push(Finding {
                    code: "damaged_payload",
                    message: format!("{} (kept as {}): {error}", payload.name, payload.sha256),
                }),
            }
        }
        let mut merge = snapshot.merge(BucketRange::ALL, Part::All)?;
        while let Some(group) = merge.next()? {
            let facts: Vec<&Fact> = group.facts.iter().filter(|f| !f.is_shadow()).map(|f| &f.fact).collect();
            for (at, fact) in facts.iter().enumerate() {
                if fact.version.is_none() || matches!(fact.body, Body::Attributes { .. }) {
                    continue;
                }
                let other = facts[..at]
                    .iter()
                    .find(|o| o.version == fact.version && o.same_key(fact) && !o.same_content(fact));
                if let Some(other) = other {
                    findings.push(Finding {
                        code: "conflicting_fact",
                        message: format!(
                            "customer {}: rows {} and {} say different things of the same key at the same version",
                            fact.customer, other.payload.row, fact.payload.row
                        ),
                    });
                }
            }
        }
        Ok(findings)
    }

    fn verify_segment(&self, info: &SegmentInfo) -> Result<(), String> {
        let path = self.segment_path(&info.name);
        let file = self.files.open(&path).map_err(|e| e.to_string())?;
        let (bytes, found) = checksum(file.clone()).map_err(|e| e.to_string())?;
        if bytes != info.bytes {
            return Err(format!("{bytes} bytes long, {} were written", info.bytes));
        }
        if found != info.checksum {
            return Err("its bytes have changed since it was written".into());
        }
        let mut cursor = SegmentCursor::open(file, &info.name, (0, u64::MAX)).map_err(|e| e.to_string())?;
        let (mut rows, mut last) = (0u64, Vec::new());
        while let Some(filed) = cursor.next().map_err(|e| e.to_string())? {
            let mut key = Vec::new();
            key_bytes(&filed, &mut key);
            if key < last {
                return Err(format!("row {rows} is out of order"));
            }
            last = key;
            rows += 1;
        }
        if rows != info.rows {
            return Err(format!("{rows} rows, {} were written", info.rows));
        }
        let owners = self.segment_path(&format!("{}.owners", info.name));
        let file = self.files.open(&owners).map_err(|e| format!("its list of owners: {e}"))?;
        match checksum(file) {
            Ok((_, found)) if found == info.owners_checksum => {}
            Ok(_) => return Err("its list of owners has changed since it was written".into()),
            Err(error) => return Err(format!("its list of owners: {error}")),
        }
        Ok(())
    }
}

fn checksum(file: Arc<dyn ReadFile>) -> std::io::Result<(u64, u64)> {
    let mut hash = Xxh3::new();
    let bytes = each_block(file, |block| hash.update(block))?;
    Ok((bytes, hash.digest()))
}

fn sha256(file: Arc<dyn ReadFile>) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    each_block(file, |block| hash.update(block))?;
    Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

fn each_block(file: Arc<dyn ReadFile>, mut with: impl FnMut(&[u8])) -> std::io::Result<u64> {
    let mut reading = Reading::new(file, 0);
    let mut buffer = vec![0u8; 1 << 20];
    let mut bytes = 0;
    loop {
        match reading.read(&mut buffer)? {
            0 => return Ok(bytes),
            read => {
                with(&buffer[..read]);
                bytes += read as u64;
            }
        }
    }
}
