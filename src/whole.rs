//! Files that are there whole or not at all, whatever happens while they are written.
//!
//! What is written goes to a draft beside its place, is forced onto the disk, and only then takes the place of what was there. Always
//! holds: a write that fails leaves nothing behind and what was there untouched; what a killed process left is removed by the next.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicUsize, Ordering},
};

/// What the name of a file ends in that is not whole yet.
const PARTIAL: &str = ".partial";

/// A file beside its place, which it does not have yet. Dropped, it is gone.
#[derive(Debug)]
pub struct Draft {
    file: File,
    path: PathBuf,
    place: PathBuf,
}

impl Draft {
    /// Begins one for a file at `place`. *Errors*: the system's.
    pub fn of(place: &Path) -> io::Result<Self> {
        remove_abandoned(place);
        let path = name_beside(place);
        // Never through a name that somebody else put there.
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        Ok(Self { file, path, place: place.into() })
    }

    /// What is written so far.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Puts it, whole and on the disk, where it belongs. *Errors*: the system's; then what was there is untouched.
    pub fn keep(self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, &self.place)?;
        sync_folder(&self.place)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After it was kept there is nothing to remove; else it is only in the way.
        let _removed = fs::remove_file(&self.path);
    }
}

/// Writes a file of these bytes. *Errors*: the system's; then what was there is untouched.
pub fn write(place: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut draft = Draft::of(place)?;
    draft.file().write_all(bytes)?;
    draft.keep()
}

/// A name beside `place` that no other writer has.
pub fn name_beside(place: &Path) -> PathBuf {
    static WRITERS: AtomicUsize = AtomicUsize::new(0);
    let writer = WRITERS.fetch_add(1, Ordering::Relaxed);
    place.with_extension(format!("{}-{writer}{PARTIAL}", process::id()))
}

/// Removes what was half-written for this place by processes that are no more, as after a lost current: each start would leave as
/// much again.
pub fn remove_abandoned(place: &Path) {
    let (Some(folder), Some(name)) = (place.parent(), place.file_stem()) else { return };
    let Ok(files) = fs::read_dir(if folder == Path::new("") { Path::new(".") } else { folder }) else { return };
    for file in files.flatten().map(|file| file.path()) {
        let left = file.file_name().and_then(|left| left.to_str()?.strip_prefix(name.to_str()?)?.strip_suffix(PARTIAL));
        let writer = left.and_then(|left| left.strip_prefix('.')?.split_once('-')?.0.parse::<u32>().ok());
        if writer.is_some_and(|writer| !Path::new("/proc").join(writer.to_string()).exists()) {
            // What cannot be removed is tried again by the next.
            let _removed = fs::remove_file(&file);
        }
    }
}

/// Forces the names in the folder of `place` onto the disk: without it a lost current may undo a rename.
fn sync_folder(place: &Path) -> io::Result<()> {
    let folder = place.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_draft_that_is_dropped_or_kept_expect_the_old_file_or_the_new_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("a.bundle");
        let names = || fs::read_dir(folder.path()).unwrap().count();
        write(&place, b"old").unwrap();
        let mut draft = Draft::of(&place).unwrap();
        draft.file().write_all(b"half").unwrap();
        assert_eq!(names(), 2);
        drop(draft);
        assert_eq!((names(), fs::read(&place).unwrap().as_slice()), (1, b"old".as_slice()));
        write(&place, b"new").unwrap();
        assert_eq!((names(), fs::read(&place).unwrap().as_slice()), (1, b"new".as_slice()));
        assert!(write(&folder.path().join("missing/a"), b"new").is_err());
    }

    #[test]
    fn given_what_a_dead_process_left_expect_it_removed_and_others_kept() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.4194305-0.partial", "b.4194305-0.partial", "a.other"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        write(&folder.path().join("a.bundle"), b"new").unwrap();
        let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["a.bundle", "a.other", "b.4194305-0.partial"]);
    }
}
