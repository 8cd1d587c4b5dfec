//! One file with everything that turns a crop into an estimate.
//!
//! A bundle is an uncompressed tar: `manifest.json` first, then each member's network (ONNX) and trees (compiled tables).
//! Always holds: a [`Bundle`] was checked whole, every entry against its hash in the manifest, before anything of it is used.
//! A signature will be an entry of its own in front of the manifest; until then the hash of the whole file names the bundle.

pub mod manifest;
pub mod xgboost;

use crate::{reading::BundleIdentity, trees::Trees};
pub use manifest::Manifest;
use manifest::ManifestError;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::Cursor,
    ops::Range,
    path::{Path, PathBuf},
};

/// The name of the first entry.
pub const MANIFEST_ENTRY: &str = "manifest.json";
/// The largest bundle opened, in bytes: ten ResNet-152 in float are 2.4 GB.
const BUNDLE_BYTES_MAX: u64 = 3 << 30;

/// Why a bundle cannot be used or built.
#[derive(Debug, thiserror::Error)]
#[error("bundle {}: {cause}", path.display())]
pub struct BundleError {
    /// The file, or the folder that it should be built from.
    pub path: PathBuf,
    /// What is wrong.
    pub cause: BundleCause,
}

/// What is wrong with a bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleCause {
    /// A file cannot be read.
    #[error("{file} cannot be read ({source}); check the path and its permissions")]
    Read {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// The bundle cannot be written.
    #[error("cannot be written ({0}); check the folder and the free space")]
    Write(std::io::Error),
    /// It is larger than any bundle.
    #[error("has {bytes} bytes, more than {BUNDLE_BYTES_MAX}; this is no bundle")]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// It is no tar, or is cut off.
    #[error("is no bundle or is cut off ({0}); copy it again")]
    Archive(std::io::Error),
    /// The manifest is not the first entry.
    #[error("does not start with {MANIFEST_ENTRY}; this is no bundle")]
    NoManifest,
    /// The manifest is wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// An entry that the manifest names is not there.
    #[error("lacks {entry}, which its manifest names; copy it again")]
    Missing {
        /// The entry.
        entry: String,
    },
    /// An entry that the manifest does not name, or names twice.
    #[error("holds {entry}, which its manifest does not name; it was tampered with or built wrongly")]
    Stray {
        /// The entry.
        entry: String,
    },
    /// An entry is not what the manifest says.
    #[error("{entry} does not fit its hash; copy it again")]
    Hash {
        /// The entry.
        entry: String,
    },
    /// A member's trees cannot be used.
    #[error("{entry}: {source}")]
    Trees {
        /// The entry.
        entry: String,
        /// Why.
        source: crate::trees::TreesError,
    },
    /// A member's trees cannot be compiled.
    #[error("{entry}: {source}")]
    Compile {
        /// The entry.
        entry: String,
        /// Why.
        source: xgboost::CompileError,
    },
}

/// A bundle, checked whole.
#[derive(Debug)]
pub struct Bundle {
    manifest: Manifest,
    bytes: Vec<u8>,
    entries: BTreeMap<String, Range<usize>>,
    identity: BundleIdentity,
}

impl Bundle {
    /// Opens and checks a bundle. *Errors*: [`BundleError`], naming the file and the cause.
    pub fn open(path: &Path) -> Result<Self, BundleError> {
        Self::read(path).map_err(|cause| BundleError { path: path.into(), cause })
    }

    fn read(path: &Path) -> Result<Self, BundleCause> {
        let unread = |source| BundleCause::Read { file: String::from("it"), source };
        let size = fs::metadata(path).map_err(unread)?.len();
        if size > BUNDLE_BYTES_MAX {
            return Err(BundleCause::TooLarge { bytes: size });
        }
        Self::from_bytes(fs::read(path).map_err(unread)?)
    }

    /// Checks a bundle in memory.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, BundleCause> {
        let mut entries = BTreeMap::new();
        let mut first = None;
        for entry in tar::Archive::new(Cursor::new(&bytes)).entries_with_seek().map_err(BundleCause::Archive)? {
            let entry = entry.map_err(BundleCause::Archive)?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let start = usize::try_from(entry.raw_file_position()).unwrap_or(usize::MAX);
            let end = usize::try_from(entry.size()).map_or(usize::MAX, |size| start.saturating_add(size));
            if end > bytes.len() {
                return Err(BundleCause::Archive(std::io::ErrorKind::UnexpectedEof.into()));
            }
            first.get_or_insert_with(|| name.clone());
            if entries.insert(name.clone(), start..end).is_some() {
                return Err(BundleCause::Stray { entry: name });
            }
        }
        if first.as_deref() != Some(MANIFEST_ENTRY) {
            return Err(BundleCause::NoManifest);
        }
        let manifest = Manifest::parse(&bytes[entries[MANIFEST_ENTRY].clone()])?;
        check_entries(&manifest, &bytes, &entries)?;
        let (name, demonstration) = (manifest.name.clone(), manifest.demonstration);
        let identity = BundleIdentity { name, sha256: sha256(&bytes), demonstration };
        Ok(Self { manifest, bytes, entries, identity })
    }

    /// Writes it to a file in one step. *Errors*: [`BundleError`]; nothing is left half-written.
    pub fn write(&self, out: &Path) -> Result<(), BundleError> {
        let partial = out.with_extension("partial");
        fs::write(&partial, &self.bytes).and_then(|()| fs::rename(&partial, out)).map_err(|source| {
            // The write has failed already; what is left of it is only in the way.
            let _removed = fs::remove_file(&partial);
            BundleError { path: out.into(), cause: BundleCause::Write(source) }
        })
    }

    /// What the bundle says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its name and hash.
    pub fn identity(&self) -> &BundleIdentity {
        &self.identity
    }

    /// The network of member `index`, as ONNX.
    ///
    /// # Panics
    /// If there is no such member.
    pub fn network(&self, index: usize) -> &[u8] {
        self.entry(&self.manifest.members[index].network)
    }

    /// The manifest's entry.
    pub fn manifest_json(&self) -> &[u8] {
        self.entry(MANIFEST_ENTRY)
    }

    /// The tree table of member `index`.
    ///
    /// # Panics
    /// If there is no such member.
    pub fn tree_table(&self, index: usize) -> &[u8] {
        self.entry(&self.manifest.members[index].trees)
    }

    /// The trees of member `index`.
    ///
    /// # Panics
    /// If there is no such member.
    pub fn trees(&self, index: usize) -> Trees {
        Trees::parse(self.tree_table(index), self.manifest.tree_inputs())
            .expect("the trees were checked when the bundle was opened")
    }

    fn entry(&self, name: &str) -> &[u8] {
        &self.bytes[self.entries[name].clone()]
    }
}

/// Holds every entry against the manifest: each named one there with its hash, and no other.
fn check_entries(
    manifest: &Manifest,
    bytes: &[u8],
    entries: &BTreeMap<String, Range<usize>>,
) -> Result<(), BundleCause> {
    for name in manifest.entries() {
        let entry = || String::from(name);
        let range = entries.get(name).ok_or_else(|| BundleCause::Missing { entry: entry() })?;
        if manifest.sha256.get(name) != Some(&sha256(&bytes[range.clone()])) {
            return Err(BundleCause::Hash { entry: entry() });
        }
    }
    if let Some(stray) = entries.keys().find(|name| *name != MANIFEST_ENTRY && !manifest.entries().any(|e| e == *name))
    {
        return Err(BundleCause::Stray { entry: stray.clone() });
    }
    for member in &manifest.members {
        Trees::parse(&bytes[entries[&member.trees].clone()], manifest.tree_inputs())
            .map_err(|source| BundleCause::Trees { entry: member.trees.clone(), source })?;
    }
    Ok(())
}

/// Builds a bundle from a folder with a manifest, ONNX networks and XGBoost's JSON. *Errors*: [`BundleError`].
pub fn build(folder: &Path) -> Result<Bundle, BundleError> {
    assemble(folder).map_err(|cause| BundleError { path: folder.into(), cause })
}

fn assemble(folder: &Path) -> Result<Bundle, BundleCause> {
    let read = |name: &str| {
        fs::read(folder.join(name)).map_err(|source| BundleCause::Read { file: String::from(name), source })
    };
    let mut manifest = Manifest::parse(&read(MANIFEST_ENTRY)?)?;
    let tree_inputs = manifest.tree_inputs();
    let mut contents = Vec::new();
    for member in &mut manifest.members {
        contents.push((member.network.clone(), read(&member.network)?));
        let json = read(&member.trees)?;
        let compiled = xgboost::compile(&json, tree_inputs)
            .map_err(|source| BundleCause::Compile { entry: member.trees.clone(), source })?;
        member.trees = format!("{}.trees", member.trees.trim_end_matches(".json"));
        contents.push((member.trees.clone(), compiled));
    }
    manifest.sha256 = contents.iter().map(|(name, bytes)| (name.clone(), sha256(bytes))).collect();
    let manifest = serde_json::to_vec_pretty(&manifest).map_err(ManifestError::Shape)?;
    contents.insert(0, (String::from(MANIFEST_ENTRY), manifest));
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in &contents {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, bytes.as_slice()).map_err(BundleCause::Write)?;
    }
    Bundle::from_bytes(archive.into_inner().map_err(BundleCause::Write)?)
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all that is written to it");
        text
    })
}
