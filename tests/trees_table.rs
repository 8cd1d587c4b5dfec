//! The compiled table: equal to a plain walk, and safe against any bytes.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use sonogfr::trees::{DEPTH_MAX, NODES_MAX, Place, PlainNode, Side, TREES_MAX, Trees, TreesError};

const FEATURES: usize = 5;

/// A tree as a child would draw it.
#[derive(Clone, Debug)]
enum Drawn {
    Leaf(f32),
    Split(usize, f32, Side, Box<Drawn>, Box<Drawn>),
}

impl Drawn {
    /// The plain walk that the table must equal.
    fn leaf(&self, features: &[f32]) -> f32 {
        match self {
            Self::Leaf(log_odds) => *log_odds,
            Self::Split(feature, threshold, missing, left, right) => {
                let value = features[*feature];
                let goes_left = if value.is_nan() { *missing == Side::Left } else { value < *threshold };
                if goes_left { left.leaf(features) } else { right.leaf(features) }
            }
        }
    }

    /// Appends the tree to `nodes`, depth first with the right side before the left, and returns its root.
    fn flatten(&self, nodes: &mut Vec<PlainNode>) -> usize {
        let place = nodes.len();
        nodes.push(PlainNode::Leaf { log_odds: f32::NAN });
        nodes[place] = match self {
            Self::Leaf(log_odds) => PlainNode::Leaf { log_odds: *log_odds },
            Self::Split(feature, threshold, missing, left, right) => {
                let (right, left) = (right.flatten(nodes), left.flatten(nodes));
                PlainNode::Split { feature: *feature, threshold: *threshold, left, right, missing: *missing }
            }
        };
        place
    }
}

/// Few values, so that ties with thresholds are common.
fn value() -> impl Strategy<Value = f32> {
    prop_oneof![(-4_i8..=4).prop_map(f32::from), -4.0_f32..4.0]
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let side = prop_oneof![Just(Side::Left), Just(Side::Right)];
    value().prop_map(Drawn::Leaf).prop_recursive(6, 64, 2, move |inner| {
        let split = (0..FEATURES, value(), side.clone(), inner.clone(), inner);
        split.prop_map(|(feature, at, missing, l, r)| Drawn::Split(feature, at, missing, Box::new(l), Box::new(r)))
    })
}

fn compiled(margin: f32, drawn: &[Drawn]) -> Trees {
    let plain = |tree: &Drawn| {
        let mut nodes = Vec::new();
        tree.flatten(&mut nodes);
        nodes
    };
    Trees::compile(margin, &drawn.iter().map(plain).collect::<Vec<_>>(), FEATURES).unwrap()
}

fn features() -> impl Strategy<Value = Vec<f32>> {
    let odd = prop_oneof![Just(f32::NAN), Just(f32::INFINITY), Just(f32::NEG_INFINITY), Just(-0.0)];
    prop::collection::vec(prop_oneof![3 => value(), 1 => odd], FEATURES)
}

proptest! {
    #[test]
    fn given_any_trees_expect_what_a_plain_walk_gives(
        margin in -2.0_f32..2.0,
        drawn in prop::collection::vec(drawn(), 1..8),
        cases in prop::collection::vec(features(), 1..16),
    ) {
        let trees = compiled(margin, &drawn);
        let read = Trees::parse(&trees.to_bytes(), FEATURES).unwrap();
        prop_assert_eq!(&read, &trees);
        for features in cases {
            let log_odds = drawn.iter().fold(margin, |sum, tree| sum + tree.leaf(&features));
            let expected = 1.0 / (1.0 + (-f64::from(log_odds)).exp());
            prop_assert!((f64::from(read.predict(&features).0) - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn given_any_bytes_expect_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Trees::parse(&bytes, FEATURES).is_err());
    }

    #[test]
    fn given_a_changed_table_expect_an_error_or_a_probability(
        drawn in prop::collection::vec(drawn(), 1..4),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
        case in features(),
    ) {
        let mut bytes = compiled(0.0, &drawn).to_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        if let Ok(trees) = Trees::parse(&bytes, FEATURES) {
            prop_assert!((0.0..=1.0).contains(&trees.predict(&case).0));
            prop_assert_eq!(trees.to_bytes(), bytes, "a table has one encoding");
        }
    }
}

/// A table of one tree for two features; a node is its number, child and feature.
fn table(nodes: &[(f32, u16, u16)]) -> Vec<u8> {
    let mut bytes = b"SGTT\x01\0\x02\0\0\0\0\0\x01\0\0\0".to_vec();
    bytes.extend((nodes.len() as u32).to_le_bytes());
    for (value, child, feature) in nodes {
        bytes.extend(value.to_le_bytes().into_iter().chain(child.to_le_bytes()).chain(feature.to_le_bytes()));
    }
    bytes
}

/// `f1 < 0.5 ? -1 : 2`, missing right.
const STUMP: [(f32, u16, u16); 3] = [(0.5, 1, 0x8001), (-1.0, 0, 0), (2.0, 0, 0)];

#[test]
fn given_the_documented_bytes_expect_their_tree() {
    let trees = Trees::parse(&table(&STUMP), 2).unwrap();
    let p = |f1| trees.predict(&[f32::NAN, f1]).0;
    assert!((p(0.4) - 0.268_941_4).abs() < 1e-6);
    assert!((p(0.5) - 0.880_797_1).abs() < 1e-6);
    assert_eq!(p(f32::NAN), p(0.5));
}

#[test]
fn given_one_broken_field_expect_it_named() {
    let check = |at: usize, bytes: &[u8], expected: TreesError| {
        let mut table = table(&STUMP);
        table[at..at + bytes.len()].copy_from_slice(bytes);
        assert_eq!(Trees::parse(&table, 2), Err(expected), "{bytes:?} at {at}");
    };
    let node = |node| Place { tree: 0, node };
    check(0, b"X", TreesError::NotATable);
    check(4, &[2], TreesError::Version { given: 2 });
    check(6, &[3], TreesError::FeatureCount { network: 2, table: 3 });
    check(8, &f32::NAN.to_le_bytes(), TreesError::NotFinite(None));
    check(12, &[0], TreesError::TreeCount { given: 0 });
    check(12, &[0, 0, 1, 0], TreesError::TreeCount { given: 4 * TREES_MAX });
    check(12, &[9], TreesError::Length { needed: 52, given: 44 });
    check(16, &[0], TreesError::NodeCount { given: 0 });
    check(16, &[4], TreesError::Length { needed: 52, given: 44 });
    check(16, &[0, 0, 0, 1], TreesError::NodeCount { given: 1 << 24 });
    check(20, &f32::INFINITY.to_le_bytes(), TreesError::NotFinite(Some(node(0))));
    check(24, &[0], TreesError::Feature(node(0)));
    check(24, &[0, 0, 0, 0], TreesError::Orphan(node(1)));
    check(24, &[2], TreesError::Child(node(0)));
    check(26, &[2], TreesError::Feature(node(0)));
    check(32, &[1], TreesError::Child(node(1)));
    check(34, &[1], TreesError::Feature(node(1)));
}

#[test]
fn given_a_node_with_two_parents_expect_a_broken_child() {
    let leaf = (1.0, 0, 0);
    for second in [3, 4, 5] {
        let nodes = [(0.0, 1, 0), (0.0, 4, 0), (0.0, second, 0), leaf, leaf, leaf, leaf];
        assert_eq!(Trees::parse(&table(&nodes), 2), Err(TreesError::Child(Place { tree: 0, node: 2 })), "{second}");
    }
}

/// A tree whose left side goes down `splits` times: the splits first, then the leaves.
fn chain(splits: usize) -> Vec<PlainNode> {
    let (feature, threshold, missing) = (0, 0.0, Side::Left);
    let split = |at| PlainNode::Split { feature, threshold, left: at + 1, right: splits + 1 + at, missing };
    let leaves = vec![PlainNode::Leaf { log_odds: 1.0 }; splits + 1];
    (0..splits).map(split).chain(leaves).collect()
}

#[test]
fn given_trees_beyond_a_bound_expect_a_refusal() {
    let depth = usize::from(DEPTH_MAX);
    assert!(Trees::compile(0.0, &[chain(depth)], 1).is_ok());
    assert!(matches!(Trees::compile(0.0, &[chain(depth + 1)], 1), Err(TreesError::TooDeep(_))));
    assert_eq!(Trees::compile(0.0, &[], 1), Err(TreesError::TreeCount { given: 0 }));
    assert_eq!(Trees::compile(0.0, &[vec![]], 1), Err(TreesError::NodeCount { given: 0 }));
    let full = vec![chain(depth); NODES_MAX / (2 * depth) + 1];
    assert!(matches!(Trees::compile(0.0, &full, 1), Err(TreesError::NodeCount { .. })));
    let count = TreesError::FeatureCount { network: 1 << 16, table: 1 << 15 };
    assert_eq!(Trees::compile(0.0, &[chain(1)], 1 << 16), Err(count));
}

#[test]
fn given_plain_nodes_in_a_ring_expect_a_broken_child() {
    let ring = PlainNode::Split { feature: 0, threshold: 0.0, left: 1, right: 0, missing: Side::Left };
    let error = Trees::compile(0.0, &[vec![ring, PlainNode::Leaf { log_odds: 0.0 }]], 1).unwrap_err();
    assert_eq!(error, TreesError::Child(Place { tree: 0, node: 0 }));
    assert_eq!(error.to_string(), "a broken child at tree 0, node 0");
}

#[test]
fn given_nodes_that_no_root_reaches_expect_them_dropped() {
    let leaf = PlainNode::Leaf { log_odds: 1.0 };
    let trees = Trees::compile(0.0, &[vec![leaf, leaf, leaf]], 1).unwrap();
    assert_eq!(trees, Trees::compile(0.0, &[vec![leaf]], 1).unwrap());
}
