//! Compiled tree models: pooled features -> probability of eGFR < 60.
//!
//! A compiled table is checked once, when it is read; after that a prediction cannot panic, loop or allocate.
//! Always holds: the result is XGBoost's own, in f32 and in its order of addition. A missing feature is NaN and takes
//! the branch that training chose for it; any other goes left if `value < threshold`.
//! Deliberately absent: training, other learners' files (`bundle::xgboost` reads XGBoost's), more than one output.
//!
//! # The table
//! Little-endian; nothing follows the last node.
//!
//! | bytes | what |
//! | --- | --- |
//! | 4 | `SGTT` |
//! | 2 | version, 1 |
//! | 2 | how many features the network has |
//! | 4 | f32: what is added to the leaves' sum (log-odds) |
//! | 4 | how many trees |
//! | 4 x trees | how many nodes each tree has |
//! | 8 x nodes | the nodes, tree after tree |
//!
//! A node is an f32, then two u16: the *child* and the *feature*. Child 0 marks a leaf, whose number is its
//! log-odds and whose feature is 0. Otherwise the number is the threshold, the left child is the tree's node
//! *child* and the right one the node after it; bit 15 of *feature* says that a missing value goes right. Children
//! come after their parent, and each node but the tree's first is the child of exactly one. With eight bytes a
//! node, siblings mostly share a cache line.

use crate::units::Probability;
use alloc::{collections::VecDeque, vec, vec::Vec};
use core::fmt;

/// The most trees of a table. XGBoost's usual models hold some hundreds.
pub const TREES_MAX: usize = 1 << 14;
/// The most nodes of all trees together: 8 MiB.
pub const NODES_MAX: usize = 1 << 20;
/// The most nodes of one tree: what a u16 can point at.
pub const TREE_NODES_MAX: usize = 1 << 16;
/// The most splits on the way to a leaf; together with [`TREES_MAX`] it bounds a prediction's time.
pub const DEPTH_MAX: u8 = 64;
/// The most features: bit 15 of a node's feature says where missing values go.
pub const FEATURES_MAX: usize = 1 << 15;

/// What every table begins with.
pub const MAGIC: [u8; 4] = *b"SGTT";
const VERSION: u16 = 1;
const HEADER_BYTES: usize = 16;
const SIZE_BYTES: usize = 4;
const NODE_BYTES: usize = 8;
const MISSING_RIGHT: u16 = 1 << 15;

/// The tree models of one member, ready to predict.
#[derive(Clone, Debug, PartialEq)]
pub struct Trees {
    feature_count: u16,
    margin: f32,
    sizes: Vec<u32>,
    nodes: Vec<Node>,
}

/// A node as the table holds it; see the module's header.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Node {
    value: f32,
    child: u16,
    feature: u16,
}

/// One node of a tree before it is compiled; a tree is a slice of them, its root first, in any order after that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PlainNode {
    /// The end of a path.
    Leaf {
        /// Its share of the log-odds.
        log_odds: f32,
    },
    /// A question about one feature.
    Split {
        /// Which feature.
        feature: usize,
        /// Smaller values go left.
        threshold: f32,
        /// The node on the left.
        left: usize,
        /// The node on the right.
        right: usize,
        /// Where a missing value goes.
        missing: Side,
    },
}

/// One of a split's two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "nothing to add")]
pub enum Side {
    Left,
    Right,
}

/// A node's place: which tree, and which node of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The tree, from 0.
    pub tree: usize,
    /// The tree's node, from 0.
    pub node: usize,
}

/// Why bytes or plain nodes do not make [`Trees`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreesError {
    /// The bytes do not start as a table does.
    NotATable,
    /// The table is of another version.
    Version {
        /// The version given.
        given: u16,
    },
    /// The table is not as long as its header says.
    Length {
        /// Bytes needed.
        needed: usize,
        /// Bytes given.
        given: usize,
    },
    /// The network has another number of features than the table was compiled for, or more than [`FEATURES_MAX`].
    FeatureCount {
        /// Features of the network.
        network: usize,
        /// Features that the table was compiled for, or the most there can be.
        table: usize,
    },
    /// There is no tree, or there are more than [`TREES_MAX`].
    TreeCount {
        /// The trees given.
        given: usize,
    },
    /// A tree is empty or too large, or the trees together are; see [`TREE_NODES_MAX`] and [`NODES_MAX`].
    NodeCount {
        /// The nodes given.
        given: usize,
    },
    /// The margin, a threshold or a leaf is NaN or infinite; `None` is the margin.
    NotFinite(Option<Place>),
    /// A split asks for a feature that the network does not have, or a leaf for any.
    Feature(Place),
    /// A child is not in its tree, not after its parent, or the child of another node too.
    Child(Place),
    /// A node is no node's child.
    Orphan(Place),
    /// A node lies more than [`DEPTH_MAX`] splits below the root.
    TooDeep(Place),
}

impl fmt::Display for TreesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut at = |what, place: Place| write!(f, "{what} at tree {}, node {}", place.tree, place.node);
        match *self {
            Self::NotATable => write!(f, "not a table of compiled trees"),
            Self::Version { given } => write!(f, "table version {given}, not {VERSION}"),
            Self::Length { needed, given } => write!(f, "{given} bytes where the header says {needed}"),
            Self::FeatureCount { network, table } => write!(f, "trees for {table} features, a network with {network}"),
            Self::TreeCount { given } => write!(f, "{given} trees, not 1 to {TREES_MAX}"),
            Self::NodeCount { given } => {
                write!(f, "{given} nodes, not 1 to {TREE_NODES_MAX} in a tree and {NODES_MAX} in all")
            }
            Self::NotFinite(None) => write!(f, "the margin is not finite"),
            Self::NotFinite(Some(place)) => at("a number that is not finite", place),
            Self::Feature(place) => at("a feature that does not exist", place),
            Self::Child(place) => at("a broken child", place),
            Self::Orphan(place) => at("a node without a parent", place),
            Self::TooDeep(place) => at("more splits than allowed", place),
        }
    }
}

impl core::error::Error for TreesError {}

impl Trees {
    /// Reads a table and checks it, for a network with `feature_count` features.
    ///
    /// *Errors*: see [`TreesError`].
    pub fn parse(bytes: &[u8], feature_count: usize) -> Result<Self, TreesError> {
        if !bytes.starts_with(&MAGIC) {
            return Err(TreesError::NotATable);
        }
        if bytes.len() < HEADER_BYTES {
            return Err(TreesError::Length { needed: HEADER_BYTES, given: bytes.len() });
        }
        let version = u16_at(bytes, 4);
        if version != VERSION {
            return Err(TreesError::Version { given: version });
        }
        let table = u16_at(bytes, 6);
        if usize::from(table) != feature_count {
            return Err(TreesError::FeatureCount { network: feature_count, table: table.into() });
        }
        let trees = u32_at(bytes, 12) as usize;
        if trees == 0 || trees > TREES_MAX {
            return Err(TreesError::TreeCount { given: trees });
        }
        let nodes_at = HEADER_BYTES + trees * SIZE_BYTES;
        if bytes.len() < nodes_at {
            return Err(TreesError::Length { needed: nodes_at, given: bytes.len() });
        }
        let sizes: Vec<u32> = bytes[HEADER_BYTES..nodes_at].chunks_exact(SIZE_BYTES).map(|b| u32_at(b, 0)).collect();
        let needed = nodes_at + node_count(&sizes)? * NODE_BYTES;
        if bytes.len() != needed {
            return Err(TreesError::Length { needed, given: bytes.len() });
        }
        let node = |b: &[u8]| Node { value: f32_at(b, 0), child: u16_at(b, 4), feature: u16_at(b, 6) };
        let nodes = bytes[nodes_at..].chunks_exact(NODE_BYTES).map(node).collect();
        Self { feature_count: table, margin: f32_at(bytes, 8), sizes, nodes }.checked()
    }

    /// Compiles plain trees: lays the nodes out by rising depth, siblings side by side, and drops what no root reaches.
    ///
    /// `margin` is what is added to the leaves' sum. *Units*: log-odds.
    /// *Errors*: see [`TreesError`]; its places are those of the plain nodes where the fault lies in their children.
    pub fn compile(margin: f32, trees: &[Vec<PlainNode>], feature_count: usize) -> Result<Self, TreesError> {
        let too_many = TreesError::FeatureCount { network: feature_count, table: FEATURES_MAX };
        let count = u16::try_from(feature_count).ok().filter(|&c| usize::from(c) <= FEATURES_MAX).ok_or(too_many)?;
        if trees.is_empty() || trees.len() > TREES_MAX {
            return Err(TreesError::TreeCount { given: trees.len() });
        }
        let mut compiled = Self { feature_count: count, margin, sizes: Vec::new(), nodes: Vec::new() };
        for (index, tree) in trees.iter().enumerate() {
            let before = compiled.nodes.len();
            compiled.lay_out(index, tree)?;
            compiled.sizes.push((compiled.nodes.len() - before) as u32);
            if compiled.nodes.len() > NODES_MAX {
                return Err(TreesError::NodeCount { given: compiled.nodes.len() });
            }
        }
        compiled.checked()
    }

    /// Appends one plain tree's nodes, breadth first.
    fn lay_out(&mut self, tree: usize, plain: &[PlainNode]) -> Result<(), TreesError> {
        if plain.is_empty() || plain.len() > NODES_MAX {
            return Err(TreesError::NodeCount { given: plain.len() });
        }
        let mut seen = vec![false; plain.len()];
        let mut queue = VecDeque::from([0]);
        seen[0] = true;
        let mut placed = 1_usize;
        while let Some(node) = queue.pop_front() {
            let place = Place { tree, node };
            let (value, child, feature) = match plain[node] {
                PlainNode::Leaf { log_odds } => (log_odds, 0, 0),
                PlainNode::Split { feature, threshold, left, right, missing } => {
                    for child in [left, right] {
                        match seen.get_mut(child) {
                            Some(seen) if !*seen => *seen = true,
                            _ => return Err(TreesError::Child(place)),
                        }
                        queue.push_back(child);
                    }
                    if feature >= self.feature_count.into() {
                        return Err(TreesError::Feature(place));
                    }
                    let child = u16::try_from(placed).map_err(|_| TreesError::NodeCount { given: plain.len() })?;
                    placed += 2;
                    let missing = if missing == Side::Right { MISSING_RIGHT } else { 0 };
                    (threshold, child, feature as u16 | missing)
                }
            };
            self.nodes.push(Node { value, child, feature });
        }
        Ok(())
    }

    /// Checks all that a prediction relies on. Relies on the sizes adding up to the number of nodes.
    fn checked(self) -> Result<Self, TreesError> {
        if usize::from(self.feature_count) > FEATURES_MAX {
            return Err(TreesError::FeatureCount { network: self.feature_count.into(), table: FEATURES_MAX });
        }
        if !self.margin.is_finite() {
            return Err(TreesError::NotFinite(None));
        }
        for (tree, nodes) in self.each().enumerate() {
            check_tree(tree, nodes, self.feature_count)?;
        }
        Ok(self)
    }

    /// The table's bytes, which [`Trees::parse`] reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes =
            Vec::with_capacity(HEADER_BYTES + self.sizes.len() * SIZE_BYTES + self.nodes.len() * NODE_BYTES);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(self.feature_count.to_le_bytes());
        bytes.extend(self.margin.to_le_bytes());
        bytes.extend((self.sizes.len() as u32).to_le_bytes());
        bytes.extend(self.sizes.iter().flat_map(|size| size.to_le_bytes()));
        for node in &self.nodes {
            bytes.extend(node.value.to_le_bytes());
            bytes.extend(node.child.to_le_bytes());
            bytes.extend(node.feature.to_le_bytes());
        }
        bytes
    }

    /// How many features [`Trees::predict`] takes.
    pub fn feature_count(&self) -> usize {
        self.feature_count.into()
    }

    /// The probability of the class that the trees were trained on as 1.
    ///
    /// *Shape*: `features` is `[feature_count]`; NaN is a missing value.
    ///
    /// # Panics
    /// If `features` has another length.
    pub fn predict(&self, features: &[f32]) -> Probability {
        assert_eq!(features.len(), self.feature_count(), "as many features as the table was compiled for");
        // XGBoost starts from the margin and adds tree after tree; another order would round otherwise.
        let log_odds = self.each().fold(self.margin, |sum, tree| sum + leaf(tree, features));
        Probability(sigmoid(log_odds))
    }

    /// The nodes of each tree.
    fn each(&self) -> impl Iterator<Item = &[Node]> {
        let mut rest = self.nodes.as_slice();
        self.sizes.iter().map(move |&size| {
            let (tree, after) = rest.split_at(size as usize);
            rest = after;
            tree
        })
    }
}

/// The log-odds of the leaf that `features` reach; ends, because children come after their parent.
fn leaf(tree: &[Node], features: &[f32]) -> f32 {
    let mut node = tree[0];
    while node.child != 0 {
        let value = features[usize::from(node.feature & !MISSING_RIGHT)];
        let right = if value.is_nan() { node.feature & MISSING_RIGHT != 0 } else { value >= node.value };
        node = tree[usize::from(node.child) + usize::from(right)];
    }
    node.value
}

/// *Source*: XGBoost 3.2, src/common/math.h, `Sigmoid`; the bound keeps the exponential finite.
fn sigmoid(log_odds: f32) -> f32 {
    1.0 / (libm::expf((-log_odds).min(88.7)) + 1.0)
}

/// The nodes of all trees; fails where they are too few or too many.
fn node_count(sizes: &[u32]) -> Result<usize, TreesError> {
    let mut sum = 0_usize;
    for &size in sizes {
        let given = size as usize;
        sum = sum.saturating_add(given);
        if given == 0 || given > TREE_NODES_MAX {
            return Err(TreesError::NodeCount { given });
        }
    }
    if sum > NODES_MAX { Err(TreesError::NodeCount { given: sum }) } else { Ok(sum) }
}

/// Checks that `nodes` are one tree, not too deep, of finite numbers and existing features.
fn check_tree(tree: usize, nodes: &[Node], feature_count: u16) -> Result<(), TreesError> {
    // Splits above each node, plus one; 0 while no parent has been seen. Parents come first, so one pass settles it.
    let mut depth = vec![0_u8; nodes.len()];
    depth[0] = 1;
    for (index, node) in nodes.iter().enumerate() {
        let place = Place { tree, node: index };
        if depth[index] == 0 {
            return Err(TreesError::Orphan(place));
        }
        if !node.value.is_finite() {
            return Err(TreesError::NotFinite(Some(place)));
        }
        let child = usize::from(node.child);
        let feature_fits = if child == 0 { node.feature == 0 } else { node.feature & !MISSING_RIGHT < feature_count };
        if !feature_fits {
            return Err(TreesError::Feature(place));
        }
        if child == 0 {
            continue;
        }
        // A child that is not after its parent has its depth already.
        if child + 1 >= nodes.len() || depth[child] != 0 || depth[child + 1] != 0 {
            return Err(TreesError::Child(place));
        }
        if depth[index] > DEPTH_MAX {
            return Err(TreesError::TooDeep(place));
        }
        let below = depth[index] + 1;
        depth[child..=child + 1].fill(below);
    }
    Ok(())
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn f32_at(bytes: &[u8], at: usize) -> f32 {
    f32::from_bits(u32_at(bytes, at))
}
