//! The bundle's manifest: what it is, what it is for, and how its members' outputs become an estimate.

use super::card::ModelCard;
use crate::{
    estimate::{MEMBERS_MAX, Rules, RulesError},
    likeness::Likeness,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The bundle format that this program writes and reads.
pub const FORMAT: u32 = 1;
/// The names of what each network gives, in this order.
pub const OUTPUTS: [&str; 2] = ["egfr", "features"];
/// The smallest and largest width of a network's input, in pixels.
const INPUT_SIZES: core::ops::RangeInclusive<usize> = 32..=1024;
/// The longest name of an entry, in bytes: a longer one needs a second header in a tar.
const ENTRY_NAME_MAX: usize = 99;
/// The most pooled features of a network.
const FEATURES_MAX: usize = 8192;

/// The first entry of every bundle, as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// See [`FORMAT`].
    pub format: u32,
    /// The bundle's name.
    pub name: String,
    /// What it is for, in a sentence.
    pub purpose: String,
    /// Whether it is a demonstration and must say so everywhere.
    pub demonstration: bool,
    /// The model card: data, method, figures, limits, date.
    pub card: String,
    /// The same in parts, for people and programs; only a demonstration may lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_card: Option<ModelCard>,
    /// How a crop becomes the networks' input.
    pub input: Input,
    /// How many pooled features each network gives; trees see the length, where it is an input, as one more.
    pub feature_count: usize,
    /// The bagged models.
    pub members: Vec<MemberFiles>,
    /// How member outputs become an estimate.
    pub rules: Rules,
    /// SHA-256 of every other entry, in hexadecimal; filled in when the bundle is built.
    #[serde(default)]
    pub sha256: BTreeMap<String, String>,
}

/// How a crop becomes the networks' input.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Width and height, in pixels.
    pub size: usize,
    /// Subtracted from each channel (red, green, blue) of 0 to 1.
    pub mean: [f32; 3],
    /// What each channel is then divided by.
    pub std: [f32; 3],
    /// Whether networks and trees also take the kidney's length in cm.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub length: bool,
}

impl Input {
    /// The names of what each network takes, in this order.
    pub fn names(&self) -> &'static [&'static str] {
        if self.length { &["crop", "length_cm"] } else { &["crop"] }
    }
}

/// The entries of one member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberFiles {
    /// The network, ONNX with the input "crop", where the bundle takes it "length_cm", and the outputs "egfr" and "features".
    pub network: String,
    /// The trees: XGBoost's JSON, or a table already, before the bundle is built, compiled tables after.
    pub trees: String,
    /// What its features of the training pictures are like; none where the rules have no limit on the distance from them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likeness: Option<Likeness>,
}

/// What is wrong with a manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is no JSON of the manifest's shape.
    #[error("its manifest does not fit: {0}")]
    Shape(#[from] serde_json::Error),
    /// It is of another format.
    #[error("it has format {found}, this program reads {FORMAT}; install a program that fits it")]
    Format {
        /// The manifest's format.
        found: u64,
    },
    /// A field's value makes no sense.
    #[error("its manifest's {field} {problem}")]
    Field {
        /// The field.
        field: &'static str,
        /// What it should be.
        problem: &'static str,
    },
    /// The rules make no sense.
    #[error("its manifest's rules: {}", .0.message())]
    Rules(RulesError),
}

impl Manifest {
    /// Reads and checks a manifest. *Errors*: [`ManifestError`].
    pub fn parse(json: &[u8]) -> Result<Self, ManifestError> {
        let value: serde_json::Value = serde_json::from_slice(json)?;
        // The format comes first: a newer manifest may have any shape.
        if let Some(found) = value.get("format").and_then(serde_json::Value::as_u64).filter(|&f| f != u64::from(FORMAT))
        {
            return Err(ManifestError::Format { found });
        }
        let manifest: Self = serde_json::from_value(value)?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), ManifestError> {
        let field = |field, problem| Err(ManifestError::Field { field, problem });
        if self.name.trim().is_empty() {
            return field("name", "is empty");
        }
        if !INPUT_SIZES.contains(&self.input.size) {
            return field("input.size", "must lie between 32 and 1024");
        }
        let usable = |v: f32| v.is_finite() && v > 0.0;
        if !self.input.std.iter().all(|&v| usable(v)) || !self.input.mean.iter().all(|v| v.is_finite()) {
            return field("input", "needs finite means and standard deviations above 0");
        }
        if !(1..=FEATURES_MAX).contains(&self.feature_count) {
            return field("feature_count", "must lie between 1 and 8192");
        }
        if self.input.length != self.rules.length_cm.is_some() {
            return field("rules.length_cm", "must stand where input.length is true, and only there");
        }
        let likeness = |member: &MemberFiles| member.likeness.as_ref().map(|l| l.fits(self.feature_count));
        let wanted = self.rules.distance_limit.map(|_| true);
        if self.members.iter().any(|member| likeness(member) != wanted) {
            return field(
                "members.likeness",
                "must fit the features where rules.distance_limit stands, and only there",
            );
        }
        match &self.model_card {
            Some(card) => card.check()?,
            None if self.demonstration => {}
            None => return field("model_card", "must stand where demonstration is false"),
        }
        if !(1..=MEMBERS_MAX).contains(&self.members.len()) {
            return field("members", "must be 1 to 16");
        }
        let mut names: Vec<&str> = self.entries().collect();
        names.sort_unstable();
        if names.windows(2).any(|w| w[0] == w[1]) {
            return field("members", "name an entry twice");
        }
        let plain = |name: &str| {
            let part = |p: &str| !p.is_empty() && p != "." && p != "..";
            name.split('/').all(part) && !name.contains('\\') && name.len() <= ENTRY_NAME_MAX
        };
        let own = [super::MANIFEST_ENTRY, super::signature::SIGNATURE_ENTRY];
        if !names.iter().all(|name| plain(name) && !own.contains(name)) {
            return field("members", "must name entries inside the bundle, in 99 bytes at most");
        }
        self.rules.check().map_err(ManifestError::Rules)
    }

    /// How many numbers the trees see.
    pub fn tree_inputs(&self) -> usize {
        self.feature_count + usize::from(self.input.length)
    }

    /// The names of all entries but the manifest.
    pub fn entries(&self) -> impl Iterator<Item = &str> {
        self.members.iter().flat_map(|member| [member.network.as_str(), member.trees.as_str()])
    }
}
