//! The store of cart profiles: one JSON file, the cart read last first.
//!
//! Always holds: the file is replaced whole (written beside it, synced, renamed), so that a power cut leaves the old one or the
//! new one; it holds at most [`CARTS_MAX`] carts; one that cannot be understood is begun anew, which costs time and no reading.
//! Deliberately absent: anything of a patient; a profile is numbers alone.

use crate::overlay::Profile;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Carts kept; a box stands on one, and a folder of pictures has few.
pub const CARTS_MAX: usize = 16;
/// The file's format. Another one is begun anew.
const FORMAT: u32 = 1;
/// A longer file is not ours: a cart takes less than 16 kB.
const BYTES_MAX: u64 = 1 << 20;

/// Why the store could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ProfilesError {
    /// The file cannot be read.
    #[error("profiles {}: cannot be read ({source}); carts are learnt anew", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no store of this format.
    #[error("profiles {}: is broken or of another version; carts are learnt anew", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("profiles {}: cannot be written ({source}); check the folder and the free space", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    format: u32,
    carts: Vec<Profile>,
}

/// The profiles of the carts known.
#[derive(Debug)]
pub struct Profiles {
    path: PathBuf,
    carts: Vec<Profile>,
}

impl Profiles {
    /// Opens the store at `path`; empty where there is none yet. One that cannot be used is empty too, and the error says why.
    pub fn open(path: &Path) -> (Self, Option<ProfilesError>) {
        let (carts, fault) = match read(path) {
            Ok(carts) => (carts, None),
            Err(fault) => (Vec::new(), Some(fault)),
        };
        (Self { path: path.into(), carts }, fault)
    }

    /// All profiles, the one learnt last first.
    pub fn carts(&self) -> &[Profile] {
        &self.carts
    }

    /// Keeps one more; the oldest goes where there are too many. *Errors*: [`ProfilesError::Write`]; it is known until then.
    pub fn keep(&mut self, profile: Profile) -> Result<(), ProfilesError> {
        self.carts.insert(0, profile);
        self.carts.truncate(CARTS_MAX);
        self.write()
    }

    /// Drops one that no longer fits. *Errors*: [`ProfilesError::Write`].
    pub fn forget(&mut self, profile: &Profile) -> Result<(), ProfilesError> {
        self.carts.retain(|known| known != profile);
        self.write()
    }

    /// Wipes the store at `path` and gives back how many carts were in it.
    ///
    /// *Errors*: [`ProfilesError::Write`]. A broken file is wiped as well.
    pub fn wipe(path: &Path) -> Result<usize, ProfilesError> {
        let (profiles, _broken) = Self::open(path);
        match fs::remove_file(path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(ProfilesError::Write { path: path.into(), source })
            }
            _ => Ok(profiles.carts.len()),
        }
    }

    fn write(&self) -> Result<(), ProfilesError> {
        let contents = Contents { format: FORMAT, carts: self.carts.clone() };
        let bytes = serde_json::to_vec(&contents).expect("profiles are plain numbers");
        let mut beside = self.path.clone().into_os_string();
        beside.push(".new");
        let replaced = File::create(&beside)
            .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&beside, &self.path));
        replaced.map_err(|source| ProfilesError::Write { path: self.path.clone(), source })
    }
}

fn read(path: &Path) -> Result<Vec<Profile>, ProfilesError> {
    let broken = || ProfilesError::Broken { path: path.into() };
    let unread = |source| ProfilesError::Read { path: path.into(), source };
    match fs::metadata(path) {
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(fault) => return Err(unread(fault)),
        Ok(about) if about.len() > BYTES_MAX => return Err(broken()),
        Ok(_) => {}
    }
    let bytes = fs::read(path).map_err(unread)?;
    let contents: Contents = serde_json::from_slice(&bytes).map_err(|_| broken())?;
    if contents.format != FORMAT || contents.carts.len() > CARTS_MAX {
        return Err(broken());
    }
    Ok(contents.carts)
}
