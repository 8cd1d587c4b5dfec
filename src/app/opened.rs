//! A bundle as the program opens it: by its packed form where there is one that fits, and by its file where there is none.
//!
//! The packed form is made when a bundle's file is opened, for the next start and for this one: its weights are mapped, so they
//! take memory once and are there at once. Always holds: without a place for it, or with a damaged one, all works as with it,
//! later and with the weights in memory of the program's own.

use super::team::Team;
use crate::{
    bundle::{
        Bundle, BundleError,
        manifest::Manifest,
        sha256,
        signature::{Key, trust},
    },
    engine::kernel::Kernel,
    packed::{self, Packed, Source},
    reading::BundleIdentity,
};
use anyhow::{Context, Result};
use std::{
    env, fs, io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// How many hexadecimal digits of its path's hash tell a bundle's packed form from others of the same name.
const HASH_DIGITS: usize = 16;

/// A bundle whose members are not loaded yet.
pub struct Opened {
    path: PathBuf,
    kernel: &'static Kernel,
    /// Where its packed form lies or may be put. None where there is no place.
    place: Option<PathBuf>,
    form: Form,
}

enum Form {
    Packed(Box<Packed>),
    /// With what told its file from others before it was read.
    File(Box<Bundle>, Option<Source>),
}

/// What a team was loaded from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A packed form that was there.
    Packed,
    /// A packed form that was made now.
    PackedNow,
    /// The bundle's file.
    File,
}

impl Opened {
    /// Opens a bundle, with its packed form in `folder`. *Errors*: a file that is no bundle, a kernel that is not there.
    pub fn open(path: &Path, folder: Option<&Path>) -> Result<Self> {
        let kernel = Kernel::best()?;
        let place = folder.map(|folder| place(path, folder, kernel));
        if let (Some(place), Ok(source)) = (&place, Source::of(path)) {
            match Packed::open(place, &source, kernel) {
                Ok(packed) => {
                    let form = Form::Packed(Box::new(packed));
                    return Ok(Self { path: path.into(), kernel, place: Some(place.clone()), form });
                }
                Err(packed::PackedError::Read(error)) if error.kind() == io::ErrorKind::NotFound => {}
                Err(why) => tracing::warn!(packed = %place.display(), "not used: {why}"),
            }
        }
        let (bundle, source) = open_file(path)?;
        Ok(Self { path: path.into(), kernel, place, form: Form::File(bundle, source) })
    }

    /// What the bundle says of itself.
    pub fn manifest(&self) -> &Manifest {
        match &self.form {
            Form::Packed(packed) => packed.manifest(),
            Form::File(bundle, _) => bundle.manifest(),
        }
    }

    /// The bundle's name and hash.
    pub fn identity(&self) -> &BundleIdentity {
        match &self.form {
            Form::Packed(packed) => packed.identity(),
            Form::File(bundle, _) => bundle.identity(),
        }
    }

    /// Whether a device with this key may run it. *Errors*: why not.
    pub fn trust(&self, key: Option<&Key>) -> Result<(), BundleError> {
        let (manifest_json, signature) = match &self.form {
            Form::Packed(packed) => (packed.manifest_json(), packed.signature()),
            Form::File(bundle, _) => (bundle.manifest_json(), bundle.signature()),
        };
        trust(self.identity().demonstration, manifest_json, signature, key)
            .map_err(|why| BundleError { path: self.path.clone(), cause: why.into() })
    }

    /// Loads the members; `progress` is called as each is ready. *Errors*: a member that cannot be loaded.
    pub fn load(self, progress: impl Fn() + Sync) -> Result<(Team, Origin)> {
        let (bundle, source) = match self.form {
            Form::File(bundle, source) => (bundle, source),
            Form::Packed(packed) => match Team::load_packed(&packed, &progress) {
                Ok(team) => return Ok((team, Origin::Packed)),
                Err(why) => {
                    tracing::warn!(packed = ?self.place, "not used: {why}");
                    open_file(&self.path)?
                }
            },
        };
        if let Some(place) = &self.place {
            match pack(place, &bundle, &self.path, source, self.kernel, &progress) {
                Ok(packed) => {
                    drop(bundle);
                    return Ok((Team::load_packed(&packed, || {})?, Origin::PackedNow));
                }
                Err(why) => tracing::warn!(packed = %place.display(), "not made: {why:#}"),
            }
        }
        Ok((Team::load(&bundle, progress)?, Origin::File))
    }
}

/// The folder for packed forms: systemd's cache folder of the service, else the user's. None where there is neither.
pub fn folder() -> Option<PathBuf> {
    let named = |name: &str| env::var_os(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let of_user = || named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")));
    named("CACHE_DIRECTORY").or_else(|| Some(of_user()?.join("sonogfr")))
}

/// One file for each bundle file and kernel, so that a bundle that is replaced takes its packed form with it.
fn place(bundle: &Path, folder: &Path, kernel: &Kernel) -> PathBuf {
    let path = fs::canonicalize(bundle).unwrap_or_else(|_| bundle.into());
    let hash = &sha256(path.as_os_str().as_bytes())[..HASH_DIGITS];
    let name = bundle.file_stem().unwrap_or_default().to_string_lossy();
    folder.join(format!("{name}-{hash}-{}.packed", kernel.name))
}

/// The file is told from others before it is read, so that a change meanwhile is seen.
fn open_file(path: &Path) -> Result<(Box<Bundle>, Option<Source>)> {
    let source = Source::of(path).ok();
    Ok((Box::new(Bundle::open(path)?), source))
}

fn pack(
    place: &Path,
    bundle: &Bundle,
    path: &Path,
    source: Option<Source>,
    kernel: &'static Kernel,
    progress: impl Fn(),
) -> Result<Packed> {
    let source = source.context("its file cannot be told from others")?;
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder)?;
    }
    packed::write(place, bundle, path, source, kernel, progress)?;
    Ok(Packed::open(place, &source, kernel)?)
}
