//! The journal: every reading, one JSON object a line, on the disk before anything is shown.
//!
//! First version: append and sync. Always holds: when [`Journal::keep`] returns, the line is on the disk.

use crate::reading::Reading;
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

impl Journal {
    /// Opens or makes the journal at `path`. *Errors*: [`JournalError`].
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.map_err(|source| JournalError { path: path.into(), source })?;
        Ok(Self { path: path.into(), file })
    }

    /// Keeps a reading of the crop with hash `crop_sha256`. *Errors*: [`JournalError`]; then the reading is not kept.
    pub fn keep(&mut self, reading: &Reading, crop_sha256: &str) -> Result<(), JournalError> {
        // A clock before 1970 is a board without one; the reading counts all the same.
        let kept_at_unix_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let line = serde_json::to_string(&Line { kept_at_unix_ms, crop_sha256, reading });
        let mut line = line.expect("a reading is plain data");
        line.push('\n');
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|source| JournalError { path: self.path.clone(), source })
    }
}
