//! Files that come over HTTP: kept in a temporary directory while they are imported.

use crate::error::WebError;
use crate::params::Params;
use crate::site::Site;
use axum::Router;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{DefaultBodyLimit, Multipart};
use axum::http::StatusCode;
use netnew_import::{Given, Summary, Unwatched, Wish, import};
use netnew_report::ReportError;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

/// Bytes that one request may bring.
const MOST_BYTES: usize = 2 << 30;

/// Routes that take files.
pub fn limited(routes: Router<Arc<Site>>) -> Router<Arc<Site>> {
    routes.layer(DefaultBodyLimit::max(MOST_BYTES))
}

/// Files that were received, and what is wished for them.
pub struct Upload {
    files: Vec<Given>,
    fields: Params,
    // Deleted with the upload.
    _dir: TempDir,
}

impl Upload {
    /// Takes every part of a form: those with a file name are files, the others fields.
    ///
    /// # Errors
    /// A form that breaks off, a disk that is full.
    pub async fn receive(mut form: Multipart) -> Result<Upload, WebError> {
        let dir = tempfile::Builder::new().prefix("netnew-upload-").tempdir().map_err(ReportError::from)?;
        let mut files = Vec::new();
        let mut fields = Params::default();
        while let Some(mut part) = form.next_field().await.map_err(broken)? {
            let Some(name) = part.file_name().map(str::to_string) else {
                let field = part.name().unwrap_or_default().to_string();
                fields = fields.with(&field, part.text().await.map_err(broken)?.trim());
                continue;
            };
            if name.is_empty() {
                continue;
            }
            let path = dir.path().join(files.len().to_string());
            let mut file = File::create(&path).await.map_err(ReportError::from)?;
            while let Some(chunk) = part.chunk().await.map_err(broken)? {
                file.write_all(&chunk).await.map_err(ReportError::from)?;
            }
            file.flush().await.map_err(ReportError::from)?;
            files.push(Given { path, name });
        }
        if files.is_empty() {
            return Err(ReportError::usage("no_file", "no file came with this", "choose a file first").into());
        }
        Ok(Upload { files, fields, _dir: dir })
    }

    /// A text as if it had come as a file.
    ///
    /// # Errors
    /// A disk that is full.
    pub fn of_text(name: &str, text: &str, wishes: &[(&str, &str)]) -> Result<Upload, WebError> {
        let dir = tempfile::Builder::new().prefix("netnew-upload-").tempdir().map_err(ReportError::from)?;
        let path = dir.path().join("0");
        std::fs::write(&path, text).map_err(ReportError::from)?;
        let fields = wishes.iter().fold(Params::default(), |fields, (name, value)| fields.with(name, value));
        Ok(Upload { files: vec![Given { path, name: name.to_string() }], fields, _dir: dir })
    }

    /// With wishes that came in the address.
    pub fn with(mut self, params: &Params) -> Upload {
        for (name, value) in params.pairs() {
            self.fields = self.fields.with(name, value);
        }
        self
    }

    /// Imports the files.
    ///
    /// # Errors
    /// An unknown kind, or a book that cannot be written.
    pub fn import(&self, site: &Site) -> Result<Summary, WebError> {
        let on = |name: &str| matches!(self.fields.get(name), Some("1" | "true" | "on" | "yes"));
        let wish = Wish {
            kind: self.fields.text("as"),
            source: self.fields.text("source").unwrap_or_else(|| "files".into()),
            replace: on("replace"),
            strict: on("strict"),
            dry_run: on("dry_run"),
        };
        Ok(import(site.book(), &self.files, &wish, &site.now(), &Unwatched)?)
    }
}

impl From<MultipartRejection> for WebError {
    fn from(error: MultipartRejection) -> WebError {
        WebError::new(
            StatusCode::BAD_REQUEST,
            "bad_upload",
            error.to_string(),
            "send a multipart form with the file",
        )
    }
}

fn broken(error: axum::extract::multipart::MultipartError) -> WebError {
    WebError::new(
        StatusCode::BAD_REQUEST,
        "bad_upload",
        error.to_string(),
        "send a multipart form with the file",
    )
}
