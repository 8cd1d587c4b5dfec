//! The journal: every reading and what was said of it, one JSON object a line, on the disk before anything is shown.
//!
//! First version: append and sync. Always holds: when [`Journal::keep`] or [`Journal::mark`] returns, the line is on the disk.

use crate::{machine::Mark, reading::Reading};
use serde::Serialize;
use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// Why a reading could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("journal {}: cannot be written ({source}); check the folder and the free space", path.display())]
pub struct JournalError {
    /// The journal's file.
    pub path: PathBuf,
    /// Why.
    pub source: std::io::Error,
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
}

#[derive(Serialize)]
struct Line<'a> {
    kept_at_unix_ms: u128,
    crop_sha256: &'a str,
    #[serde(flatten)]
    reading: &'a Reading,
}

#[derive(Serialize)]
struct MarkLine<'a> {
    kept_at_unix_ms: u128,
    mark: Mark,
    /// Of the reading's crop; null where no reading was shown.
    crop_sha256: Option<&'a str>,
}

impl Journal {
    /// Opens or makes the journal at `path`. *Errors*: [`JournalError`].
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.map_err(|source| JournalError { path: path.into(), source })?;
        Ok(Self { path: path.into(), file })
    }

    /// Keeps a reading of the crop with hash `crop_sha256`. *Errors*: [`JournalError`]; then the reading is not kept.
    pub fn keep(&mut self, reading: &Reading, crop_sha256: &str) -> Result<(), JournalError> {
        self.append(&Line { kept_at_unix_ms: now_unix_ms(), crop_sha256, reading })
    }

    /// Keeps what a person said of the reading of the crop with hash `crop_sha256`. *Errors*: [`JournalError`].
    pub fn mark(&mut self, mark: Mark, crop_sha256: Option<&str>) -> Result<(), JournalError> {
        self.append(&MarkLine { kept_at_unix_ms: now_unix_ms(), mark, crop_sha256 })
    }

    fn append(&mut self, line: &impl Serialize) -> Result<(), JournalError> {
        let mut line = serde_json::to_string(line).expect("readings and marks are plain data");
        line.push('\n');
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|source| JournalError { path: self.path.clone(), source })
    }
}

/// Milliseconds since 1970. A clock before that is a board without one; the reading counts all the same.
fn now_unix_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis())
}
