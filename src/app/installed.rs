//! The bundle that a device runs: put in its place in one step, with the last good one kept beside it.
//!
//! Always holds: at every moment, whatever fails, a whole bundle lies at the place if one did before; the last good one is only ever
//! replaced by one that opens and is trusted. Deliberately absent: restarting the device, which its engineer does.

use super::team::Team;
use crate::{
    bundle::{
        Bundle, BundleCause, BundleError,
        signature::{Key, trust},
    },
    reading::BundleIdentity,
    whole,
};
use anyhow::{Context, Result};
use std::{
    ffi::OsString,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// What the name of the last good bundle ends in.
const PREVIOUS: &str = ".previous";

/// What an installation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Installed {
    /// The bundle lies there; what lay there before is kept as the last good one.
    Replaced(BundleIdentity),
    /// The bundle lies there; nothing good lay there before.
    New,
    /// It lay there already.
    Already,
}

/// Where the last good bundle lies beside the installed one.
pub fn previous(place: &Path) -> PathBuf {
    let mut name = OsString::from(place.file_name().unwrap_or_default());
    name.push(PREVIOUS);
    place.with_file_name(name)
}

/// Puts a bundle at `place`, once it has been checked whole, is trusted and its members run.
///
/// *Errors*: a bundle that is not in order or not trusted, a place that cannot be written; then nothing has changed.
pub fn install(file: &Path, place: &Path, key: Option<&Key>) -> Result<(BundleIdentity, Installed)> {
    let bundle = trusted(file, key)?;
    Team::load(&bundle, || {}).with_context(|| format!("bundle {}", file.display()))?;
    let identity = bundle.identity().clone();
    // What is there and cannot be used is nothing to keep.
    let old = trusted(place, key).ok();
    if old.as_ref().is_some_and(|old| old.identity() == &identity) {
        return Ok((identity, Installed::Already));
    }
    let unwritten = |source| BundleError { path: place.into(), cause: BundleCause::Write(source) };
    let mut draft = whole::Draft::of(place).map_err(unwritten)?;
    draft.file().write_all(bundle.as_bytes()).map_err(unwritten)?;
    if let Some(old) = &old {
        keep_previous(place, old).map_err(unwritten)?;
    }
    draft.keep().map_err(unwritten)?;
    let done = old.map_or(Installed::New, |old| Installed::Replaced(old.identity().clone()));
    Ok((identity, done))
}

/// Opens a bundle that a device with this key may run. *Errors*: why it may not.
fn trusted(file: &Path, key: Option<&Key>) -> Result<Bundle, BundleError> {
    let bundle = Bundle::open(file)?;
    trust(bundle.identity().demonstration, bundle.manifest_json(), bundle.signature(), key)
        .map_err(|why| BundleError { path: file.into(), cause: why.into() })?;
    Ok(bundle)
}

/// Gives the installed bundle a second name, and a copy where the file system has no second names.
fn keep_previous(place: &Path, old: &Bundle) -> io::Result<()> {
    let previous = previous(place);
    let second = whole::name_beside(&previous);
    let linked = fs::hard_link(place, &second).and_then(|()| fs::rename(&second, &previous));
    linked.or_else(|_| {
        // Either nothing was linked, or it could not be renamed and is only in the way.
        let _removed = fs::remove_file(&second);
        whole::write(&previous, old.as_bytes())
    })
}
