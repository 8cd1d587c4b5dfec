//! One file with everything that turns a crop into an estimate.
//!
//! A bundle is an uncompressed tar: where it is signed its [`signature`], then `manifest.json`, then each member's network (ONNX)
//! and trees (compiled tables).
//! Always holds: a [`Bundle`] was checked whole, every entry against its hash in the manifest and every byte between entries, before
//! anything of it is used. Whether its signature is trusted is for whoever knows the key. The hash of the whole file names it.

pub mod card;
pub mod manifest;
pub mod signature;
pub mod xgboost;

use crate::{
    reading::BundleIdentity,
    trees::{self, Trees},
    whole,
};
pub use manifest::Manifest;
use manifest::ManifestError;
use sha2::{Digest, Sha256};
use signature::{SIGNATURE_ENTRY, Signature, SignatureError};
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
/// What a tar is laid out in, in bytes.
const TAR_BLOCK: usize = 512;
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
    /// A byte between entries is not what this program writes.
    #[error("has something between its entries or behind them; it was cut off or damaged: copy it again")]
    Layout,
    /// Its signature is damaged.
    #[error(transparent)]
    Signature(#[from] SignatureError),
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

/// Where each entry lies.
type Entries = BTreeMap<String, Range<usize>>;

/// A bundle, checked whole.
#[derive(Debug)]
pub struct Bundle {
    manifest: Manifest,
    signature: Option<Signature>,
    bytes: Vec<u8>,
    entries: Entries,
    identity: BundleIdentity,
}

impl Bundle {
    /// Opens and checks a bundle. *Errors*: [`BundleError`], naming the file and the cause.
    pub fn open(path: &Path) -> Result<Self, BundleError> {
        Self::read(path).map_err(|cause| BundleError { path: path.into(), cause })
    }

    fn read(path: &Path) -> Result<Self, BundleCause> {
        let unread = |source| BundleCause::Read { file: String::from("it"), source };
        let data = fs::metadata(path).map_err(unread)?;
        if !data.is_file() {
            // A device file may have no end.
            return Err(unread(std::io::Error::other("it is no file")));
        }
        let size = data.len();
        if size > BUNDLE_BYTES_MAX {
            return Err(BundleCause::TooLarge { bytes: size });
        }
        Self::from_bytes(fs::read(path).map_err(unread)?)
    }

    /// Checks a bundle in memory.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, BundleCause> {
        let (order, entries) = list_entries(&bytes)?;
        let signed = order.first().is_some_and(|name| name == SIGNATURE_ENTRY);
        if order.get(usize::from(signed)).is_none_or(|name| name != MANIFEST_ENTRY) {
            return Err(BundleCause::NoManifest);
        }
        check_layout(&bytes, &entries)?;
        let manifest = Manifest::parse(&bytes[entries[MANIFEST_ENTRY].clone()])?;
        check_entries(&manifest, &bytes, &entries)?;
        let signature =
            entries.get(SIGNATURE_ENTRY).map(|range| Signature::parse(&bytes[range.clone()])).transpose()?;
        let (name, demonstration) = (manifest.name.clone(), manifest.demonstration);
        let identity = BundleIdentity { name, sha256: sha256(&bytes), demonstration };
        Ok(Self { manifest, signature, bytes, entries, identity })
    }

    /// The same bundle with this signature in place of any that it has. It is not asked whether that fits.
    ///
    /// *Errors*: a signature that is not in order.
    pub fn signed(&self, signature: &Signature) -> Result<Self, BundleCause> {
        let names = std::iter::once(MANIFEST_ENTRY).chain(self.manifest.entries());
        let rest = names.map(|name| (name, self.entry(name)));
        Self::from_bytes(archive(std::iter::once((SIGNATURE_ENTRY, signature.as_bytes())).chain(rest))?)
    }

    /// Its signature, which nothing has checked yet.
    pub fn signature(&self) -> Option<&Signature> {
        self.signature.as_ref()
    }

    /// Writes it to a file in one step. *Errors*: [`BundleError`]; nothing is left half-written.
    pub fn write(&self, out: &Path) -> Result<(), BundleError> {
        whole::write(out, &self.bytes)
            .map_err(|source| BundleError { path: out.into(), cause: BundleCause::Write(source) })
    }

    /// What the bundle says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its name and hash.
    pub fn identity(&self) -> &BundleIdentity {
        &self.identity
    }

    /// All of its file.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
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

/// The entries of a tar: their names in order, and where each lies.
fn list_entries(bytes: &[u8]) -> Result<(Vec<String>, Entries), BundleCause> {
    let (mut order, mut entries) = (Vec::new(), BTreeMap::new());
    for entry in tar::Archive::new(Cursor::new(bytes)).entries_with_seek().map_err(BundleCause::Archive)? {
        let entry = entry.map_err(BundleCause::Archive)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let start = usize::try_from(entry.raw_file_position()).unwrap_or(usize::MAX);
        let end = usize::try_from(entry.size()).map_or(usize::MAX, |size| start.saturating_add(size));
        if end > bytes.len() {
            return Err(BundleCause::Archive(std::io::ErrorKind::UnexpectedEof.into()));
        }
        if entries.insert(name.clone(), start..end).is_some() {
            return Err(BundleCause::Stray { entry: name });
        }
        order.push(name);
    }
    Ok((order, entries))
}

/// Whether nothing but a header lies between one entry and the next, and two empty blocks behind the last: no hash covers these bytes.
fn check_layout(bytes: &[u8], entries: &Entries) -> Result<(), BundleCause> {
    let mut ranges: Vec<&Range<usize>> = entries.values().collect();
    ranges.sort_unstable_by_key(|range| range.start);
    let empty = |from: usize, to: usize| bytes.get(from..to).is_some_and(|gap| gap.iter().all(|&byte| byte == 0));
    let mut at = 0;
    for range in ranges {
        let padded = range.end.next_multiple_of(TAR_BLOCK);
        if range.start != at + TAR_BLOCK || !empty(range.end, padded) {
            return Err(BundleCause::Layout);
        }
        at = padded;
    }
    let end = at + 2 * TAR_BLOCK;
    if bytes.len() == end && empty(at, end) { Ok(()) } else { Err(BundleCause::Layout) }
}

/// Holds every entry against the manifest: each named one there with its hash, and no other.
fn check_entries(manifest: &Manifest, bytes: &[u8], entries: &Entries) -> Result<(), BundleCause> {
    for name in manifest.entries() {
        let entry = || String::from(name);
        let range = entries.get(name).ok_or_else(|| BundleCause::Missing { entry: entry() })?;
        if manifest.sha256.get(name) != Some(&sha256(&bytes[range.clone()])) {
            return Err(BundleCause::Hash { entry: entry() });
        }
    }
    let known = |name: &str| [SIGNATURE_ENTRY, MANIFEST_ENTRY].contains(&name) || manifest.entries().any(|e| e == name);
    if let Some(stray) = entries.keys().find(|name| !known(name)) {
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
        let given = read(&member.trees)?;
        // Members out of a built bundle have tables already, which are checked with all the rest below.
        let compiled = if given.starts_with(&trees::MAGIC) {
            given
        } else {
            xgboost::compile(&given, tree_inputs)
                .map_err(|source| BundleCause::Compile { entry: member.trees.clone(), source })?
        };
        member.trees = format!("{}.trees", member.trees.trim_end_matches(".json").trim_end_matches(".trees"));
        contents.push((member.trees.clone(), compiled));
    }
    manifest.sha256 = contents.iter().map(|(name, bytes)| (name.clone(), sha256(bytes))).collect();
    // A line for each of ten members' thousands of likeness numbers would be twice as long as the numbers.
    let manifest = serde_json::to_vec(&manifest).map_err(ManifestError::Shape)?;
    contents.insert(0, (String::from(MANIFEST_ENTRY), manifest));
    Bundle::from_bytes(archive(contents.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())))?)
}

/// A tar of these entries, always the same bytes for the same entries.
fn archive<'a>(contents: impl Iterator<Item = (&'a str, &'a [u8])>) -> Result<Vec<u8>, BundleCause> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in contents {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, bytes).map_err(BundleCause::Write)?;
    }
    archive.into_inner().map_err(BundleCause::Write)
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all that is written to it");
        text
    })
}
