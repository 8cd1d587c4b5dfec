//! A bundle's packed form: a file of what a start needs, with the weights as a kernel reads them, which are run where they lie.
//!
//! It begins with a magic, which names the format, and [`Contents`] in JSON, with length and CRC-32. Sections follow, each from
//! a page's beginning: the manifest, its signature, and each member's trees, network (ONNX without the trunk's weights), biases and weights.
//! Of a network that the engine does not cover it has the whole ONNX, and why, so that no start finds that out anew.
//!
//! Always holds: it serves one kernel and one bundle file, told by inode, size and times of change from when that was hashed;
//! every section is held against its CRC-32 before it is used; its file is written under another name, renamed when whole, and
//! never changed. Deliberately absent: defence against whoever may write its folder, which is the program's own.

mod map;

use crate::{
    bundle::{
        Bundle,
        manifest::{Manifest, ManifestError, OUTPUTS},
        signature::Signature,
    },
    engine::{
        kernel::Kernel,
        net::Shape,
        op::{self, GraftError, PackedNetwork, Shared},
        plan::Plan,
        sound::{self, Unsound},
    },
    frame::RGB_BYTES,
    reading::BundleIdentity,
    trees::{Trees, TreesError},
    whole,
};
use map::{Map, bytes_of};
use prost::Message;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, BufWriter, Cursor, Seek, SeekFrom, Write},
    os::unix::fs::{FileExt, MetadataExt},
    path::Path,
    sync::Arc,
};
use tract_onnx::{pb::ModelProto, prelude::*};

/// What a file begins with. The number rises whenever the order of weights, biases or contents changes, or what the engine covers.
const MAGIC: &[u8; 17] = b"sonogfr packed 4\n";
/// Before the first section: magic, length and checksum of the contents, contents.
const HEAD_BYTES: usize = 16 << 10;
/// What sections begin at, so that they can be mapped: a page of the largest kind that the boards' kernels have.
const PAGE: u64 = 16 << 10;

/// Why a packed form is not used; it is made anew then.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what its variant means")]
pub enum PackedError {
    #[error("it cannot be read ({0})")]
    Read(#[from] io::Error),
    #[error("it is of another format")]
    Format,
    #[error("it was made from another bundle, or that has changed since")]
    OtherBundle,
    #[error("it was made for kernel {0}")]
    OtherKernel(String),
    #[error("its {0} is damaged")]
    Damaged(&'static str),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("its trees cannot be used ({0})")]
    Trees(#[from] TreesError),
    #[error("its network cannot be used ({0})")]
    Network(#[from] GraftError),
}

/// Why a bundle has no packed form.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what its variant means")]
pub enum PackError {
    #[error("member {member} has a network that cannot be read ({})", .why.root_cause())]
    Network { member: usize, why: TractError },
    #[error("the network of member {member} {why}")]
    Unsound { member: usize, why: Unsound },
    #[error("it cannot be written ({0})")]
    Write(#[from] io::Error),
    #[error("the bundle has changed while it was packed")]
    Changed,
}

/// Tells a bundle's file from another, and from itself after a change, without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    inode: u64,
    bytes: u64,
    /// Seconds and nanoseconds; also of what follows.
    modified: [i64; 2],
    /// Set by the system alone.
    changed: [i64; 2],
}

impl Source {
    /// Of the file there. *Errors*: the system's.
    pub fn of(bundle: &Path) -> io::Result<Self> {
        let data = fs::metadata(bundle)?;
        Ok(Self {
            inode: data.ino(),
            bytes: data.len(),
            modified: [data.mtime(), data.mtime_nsec()],
            changed: [data.ctime(), data.ctime_nsec()],
        })
    }
}

/// What lies where.
#[derive(Serialize, Deserialize)]
struct Contents {
    source: Source,
    kernel: String,
    bundle_sha256: String,
    manifest: Section,
    signature: Option<Section>,
    members: Vec<MemberSections>,
}

#[derive(Serialize, Deserialize)]
struct MemberSections {
    trees: Section,
    onnx: Section,
    runner: RunnerSections,
}

#[derive(Serialize, Deserialize)]
enum RunnerSections {
    Engine { biases: Section, weights: Section },
    Tract { why: String },
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Section {
    start: u64,
    bytes: usize,
    crc32: u32,
}

impl Section {
    /// Maps it and holds it against its checksum.
    fn map(&self, file: &File, name: &'static str) -> Result<Map, PackedError> {
        // Beyond the file's end memory can be mapped and not be read.
        let end = self.start.checked_add(self.bytes as u64);
        if end.is_none_or(|end| end > file.metadata().map_or(0, |data| data.len())) {
            return Err(PackedError::Damaged(name));
        }
        let map = Map::of(file, self.start, self.bytes)?;
        if crc32fast::hash(map.bytes()) == self.crc32 { Ok(map) } else { Err(PackedError::Damaged(name)) }
    }
}

/// A member's network and what runs it.
pub enum Network {
    /// The engine, by this plan; tract only what follows the trunk.
    Engine(TypedModel, Arc<Plan>),
    /// tract alone, for this reason.
    Tract(Box<ModelProto>, String),
}

/// A packed form that fits its bundle and its kernel. Sections are checked as they are used.
pub struct Packed {
    file: File,
    contents: Contents,
    kernel: &'static Kernel,
    manifest: Manifest,
    manifest_json: Vec<u8>,
    signature: Option<Signature>,
    identity: BundleIdentity,
}

impl Packed {
    /// Opens a packed form of the bundle with that file, for a kernel. *Errors*: [`PackedError`].
    pub fn open(path: &Path, source: &Source, kernel: &'static Kernel) -> Result<Self, PackedError> {
        let file = File::open(path)?;
        let contents = read_contents(&file)?;
        if contents.source != *source {
            return Err(PackedError::OtherBundle);
        }
        if contents.kernel != kernel.name {
            return Err(PackedError::OtherKernel(contents.kernel));
        }
        let manifest_json = contents.manifest.map(&file, "manifest")?.bytes().to_vec();
        let manifest = Manifest::parse(&manifest_json)?;
        let signature = contents.signature.map(|section| section.map(&file, "signature")).transpose()?;
        let signature = signature.map(|entry| Signature::parse(entry.bytes())).transpose();
        let signature = signature.map_err(|_| PackedError::Damaged("signature"))?;
        if manifest.members.len() != contents.members.len() {
            return Err(PackedError::Damaged("contents"));
        }
        let (name, demonstration) = (manifest.name.clone(), manifest.demonstration);
        let identity = BundleIdentity { name, sha256: contents.bundle_sha256.clone(), demonstration };
        Ok(Self { file, contents, kernel, manifest, manifest_json, signature, identity })
    }

    /// What the bundle says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The manifest's entry, as it was signed.
    pub fn manifest_json(&self) -> &[u8] {
        &self.manifest_json
    }

    /// The bundle's signature, which nothing has checked yet.
    pub fn signature(&self) -> Option<&Signature> {
        self.signature.as_ref()
    }

    /// The bundle's name and hash.
    pub fn identity(&self) -> &BundleIdentity {
        &self.identity
    }

    /// The trees of member `index`. *Errors*: [`PackedError`].
    ///
    /// # Panics
    /// If there is no such member.
    pub fn trees(&self, index: usize) -> Result<Trees, PackedError> {
        let trees = self.contents.members[index].trees.map(&self.file, "trees")?;
        Ok(Trees::parse(trees.bytes(), self.manifest.tree_inputs())?)
    }

    /// The network of member `index`. *Errors*: [`PackedError`].
    ///
    /// # Panics
    /// If there is no such member.
    pub fn network(&self, index: usize, shared: &Shared) -> Result<Network, PackedError> {
        let sections = &self.contents.members[index];
        // What tract has read of this and of the biases is not kept in memory twice.
        let onnx = sections.onnx.map(&self.file, "network")?;
        let (biases, weights) = match &sections.runner {
            RunnerSections::Engine { biases, weights } => (biases, weights),
            RunnerSections::Tract { why } => {
                let model = ModelProto::decode(onnx.bytes()).map_err(|_| PackedError::Damaged("network"))?;
                return Ok(Network::Tract(Box::new(model), why.clone()));
            }
        };
        let biases = biases.map(&self.file, "biases")?;
        let weights = Box::new(weights.map(&self.file, "weights")?);
        let network = PackedNetwork { onnx: onnx.bytes(), biases: biases.bytes(), weights };
        let (model, plan) = op::graft_packed(network, picture(&self.manifest), &OUTPUTS, self.kernel, shared)?;
        Ok(Network::Engine(model, plan))
    }
}

/// The shape of the networks' picture.
fn picture(manifest: &Manifest) -> Shape {
    Shape::square(RGB_BYTES, manifest.input.size)
}

fn read_contents(file: &File) -> Result<Contents, PackedError> {
    let mut head = vec![0; HEAD_BYTES];
    file.read_exact_at(&mut head, 0).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => PackedError::Format,
        _ => PackedError::Read(error),
    })?;
    let (lengths, rest) =
        head.strip_prefix(MAGIC).and_then(|rest| rest.split_at_checked(8)).ok_or(PackedError::Format)?;
    let damaged = || PackedError::Damaged("contents");
    let (&[length, crc32], []) = lengths.as_chunks::<4>() else { return Err(damaged()) };
    let json = rest.get(..u32::from_le_bytes(length) as usize).ok_or_else(damaged)?;
    if crc32fast::hash(json) != u32::from_le_bytes(crc32) {
        return Err(damaged());
    }
    serde_json::from_slice(json).map_err(|_| damaged())
}

/// Writes the packed form of a bundle whose file was `source` before it was opened; calls `progress` as each member is done.
///
/// *Errors*: [`PackError`]; nothing is left half-written.
pub fn write(
    path: &Path,
    bundle: &Bundle,
    bundle_path: &Path,
    source: Source,
    kernel: &'static Kernel,
    progress: impl Fn(),
) -> Result<(), PackError> {
    whole::remove_abandoned(path);
    let partial = whole::name_beside(path);
    // It need not be on the disk already: what a lost current leaves of it does not fit its checksums.
    let written = fill(&partial, bundle, source, kernel, progress).and_then(|()| {
        if Source::of(bundle_path)? != source {
            return Err(PackError::Changed);
        }
        Ok(fs::rename(&partial, path)?)
    });
    if written.is_err() {
        // The write has failed already; what is left of it is only in the way.
        let _removed = fs::remove_file(&partial);
    }
    written
}

fn fill(
    path: &Path,
    bundle: &Bundle,
    source: Source,
    kernel: &'static Kernel,
    progress: impl Fn(),
) -> Result<(), PackError> {
    let manifest = bundle.manifest();
    let mut writer = Writer { file: BufWriter::new(File::create(path)?), at: HEAD_BYTES as u64 };
    writer.file.seek(SeekFrom::Start(writer.at))?;
    let mut contents = Contents {
        source,
        kernel: kernel.name.into(),
        bundle_sha256: bundle.identity().sha256.clone(),
        manifest: writer.section(bundle.manifest_json())?,
        signature: bundle.signature().map(|signature| writer.section(signature.as_bytes())).transpose()?,
        members: Vec::new(),
    };
    for member in 0..manifest.members.len() {
        let onnx = bundle.network(member);
        let network = tract_onnx::onnx().proto_model_for_read(&mut Cursor::new(onnx));
        let network = network.map_err(|why| PackError::Network { member, why })?;
        sound::check(&network, manifest.input.names(), picture(manifest))
            .map_err(|why| PackError::Unsound { member, why })?;
        let trees = writer.section(bundle.tree_table(member))?;
        contents.members.push(match op::pack(network, picture(manifest), &OUTPUTS, kernel) {
            Ok(packed) => MemberSections {
                trees,
                onnx: writer.section(&packed.onnx)?,
                runner: RunnerSections::Engine {
                    biases: writer.section(&packed.biases)?,
                    weights: writer.section(bytes_of(&packed.weights))?,
                },
            },
            Err(why) => {
                let runner = RunnerSections::Tract { why: why.to_string() };
                MemberSections { trees, onnx: writer.section(onnx)?, runner }
            }
        });
        progress();
    }
    writer.head(&contents)
}

/// Writes sections one behind the other, and the head last: a file that was not finished has no magic.
struct Writer {
    file: BufWriter<File>,
    at: u64,
}

impl Writer {
    fn section(&mut self, bytes: &[u8]) -> io::Result<Section> {
        let start = self.at.next_multiple_of(PAGE);
        self.file.seek(SeekFrom::Start(start))?;
        self.file.write_all(bytes)?;
        self.at = start + bytes.len() as u64;
        Ok(Section { start, bytes: bytes.len(), crc32: crc32fast::hash(bytes) })
    }

    fn head(mut self, contents: &Contents) -> Result<(), PackError> {
        let json = serde_json::to_vec(contents).map_err(io::Error::from)?;
        let mut head = MAGIC.to_vec();
        head.extend((json.len() as u32).to_le_bytes());
        head.extend(crc32fast::hash(&json).to_le_bytes());
        head.extend(json);
        if head.len() > HEAD_BYTES {
            return Err(PackError::Write(io::ErrorKind::FileTooLarge.into()));
        }
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&head)?;
        Ok(self.file.flush()?)
    }
}
