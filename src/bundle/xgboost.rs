//! XGBoost's own JSON model -> the compiled table of [`crate::trees`].
//!
//! What it takes: `Booster.save_model("x.json")` of XGBoost 2 and 3, objective `binary:logistic`, booster `gbtree`
//! (also random forests), numeric splits; and older spellings where XGBoost 3.2 itself still reads them. Anything
//! else is refused with its name, because it would predict something else.
//!
//! Always holds: the table predicts what `Booster.predict` does, which takes every round. A model stopped early is
//! refused while it still holds rounds after its best: there XGBoost's two interfaces disagree about what it says.
//! Columns: a model trained on some of the pooled features names them "f3", "f77"; one without names must have all.
//!
//! *Source*: models saved by XGBoost 2.1.4, 3.0.5 and 3.2.0, and what 3.2.0 makes of such a file with a field
//! changed.

use crate::trees::{PlainNode, Side, Trees, TreesError};
use serde::{Deserialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// The largest model file. A thousand trees of depth 6 are some 10 MB.
pub const JSON_BYTES_MAX: usize = 64 << 20;

/// The only objective whose output is the probability of one class.
const OBJECTIVE: &str = "binary:logistic";
/// The only booster whose prediction is a plain sum of leaves.
const BOOSTER: &str = "gbtree";
/// XGBoost bends a base score nearer to 0 or 1 than this; one so extreme comes from training on a single class.
const BASE_SCORE_MARGIN: f32 = 1e-6;

/// Why a model cannot be compiled.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what its variant means")]
pub enum CompileError {
    #[error("a model of {0} bytes; at most {JSON_BYTES_MAX} are read")]
    TooLarge(usize),
    #[error("not JSON (save the model with a name that ends in .json): {0}")]
    NotJson(#[source] serde_json::Error),
    #[error("the model holds NaN or Infinity")]
    NotFinite,
    #[error("JSON, but not an XGBoost model: {0}")]
    NotAModel(#[source] serde_json::Error),
    #[error("objective {0:?}; only {OBJECTIVE:?} predicts a probability of CKD")]
    Objective(String),
    #[error("booster {0:?}; only {BOOSTER:?} can be compiled")]
    Booster(String),
    #[error("a model with {0} outputs; one is needed")]
    Outputs(usize),
    #[error("base score {0:?} is not one probability between 0 and 1; was it trained on a single class?")]
    BaseScore(String),
    #[error("stopped early at round {best} of {rounds}: save booster[: {best}] instead, or clear its best_iteration")]
    StoppedEarly { best: usize, rounds: usize },
    #[error("{field} does not fit the rest of the model")]
    Inconsistent { field: &'static str },
    #[error("feature name {0:?}; features are named \"f0\", \"f1\" and so on")]
    FeatureName(String),
    #[error("feature {0:?} is named twice")]
    FeatureTwice(String),
    #[error("feature {feature:?}, but the network has {feature_count}")]
    FeatureBeyond { feature: String, feature_count: usize },
    #[error("{columns} columns without feature names, but the network has {feature_count} features: name them")]
    Unnamed { columns: usize, feature_count: usize },
    #[error("a categorical split at tree {tree}, node {node}; only numeric ones can be compiled")]
    Categorical { tree: usize, node: usize },
    #[error("the model's trees: {0}")]
    Trees(#[from] TreesError),
}

// XGBoost writes its parameters as strings. What is an `Option` here, older versions do not write.

#[derive(Deserialize)]
struct Model {
    learner: Learner,
}

#[derive(Deserialize)]
struct Learner {
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    feature_names: Vec<String>,
    gradient_booster: serde_json::Value,
    learner_model_param: LearnerParam,
    objective: Objective,
}

#[derive(Deserialize)]
struct Objective {
    name: String,
}

#[derive(Deserialize)]
struct LearnerParam {
    base_score: String,
    num_class: String,
    num_feature: String,
    num_target: Option<String>,
}

#[derive(Deserialize)]
struct TreeModel {
    gbtree_model_param: TreeModelParam,
    iteration_indptr: Option<Vec<usize>>,
    tree_info: Vec<usize>,
    trees: Vec<Tree>,
}

#[derive(Deserialize)]
struct TreeModelParam {
    num_trees: String,
    num_parallel_tree: Option<String>,
}

#[derive(Deserialize)]
struct Tree {
    default_left: Vec<Flag>,
    left_children: Vec<i64>,
    right_children: Vec<i64>,
    split_conditions: Vec<f32>,
    split_indices: Vec<usize>,
    split_type: Option<Vec<u8>>,
    tree_param: TreeParam,
}

#[derive(Deserialize)]
struct TreeParam {
    size_leaf_vector: Option<String>,
}

/// Written 0 and 1; older versions wrote false and true.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Flag {
    Word(bool),
    Number(u8),
}

/// Compiles a model for a network with `feature_count` pooled features into the bytes that [`Trees::parse`] reads.
///
/// *Errors*: see [`CompileError`].
pub fn compile(json: &[u8], feature_count: usize) -> Result<Vec<u8>, CompileError> {
    let Learner { attributes, feature_names, mut gradient_booster, learner_model_param: param, objective } =
        read(json)?;
    if objective.name != OBJECTIVE {
        return Err(CompileError::Objective(objective.name));
    }
    match gradient_booster.get("name").and_then(|name| name.as_str()) {
        Some(BOOSTER) => {}
        other => return Err(CompileError::Booster(other.unwrap_or_default().into())),
    }
    let outputs = count(&param.num_class, "num_class")?.max(optional_count(&param.num_target, "num_target", 1)?);
    if outputs > 1 {
        return Err(CompileError::Outputs(outputs));
    }
    let margin = margin(param.base_score)?;
    let columns = columns(&feature_names, count(&param.num_feature, "num_feature")?, feature_count)?;
    let model = gradient_booster.get_mut("model").map(serde_json::Value::take).unwrap_or_default();
    let model: TreeModel = serde_json::from_value(model).map_err(CompileError::NotAModel)?;
    check_rounds(&model, &attributes)?;
    let trees = model.trees.iter().enumerate().map(|(index, tree)| plain(index, tree, &columns));
    Ok(Trees::compile(margin, &trees.collect::<Result<Vec<_>, _>>()?, feature_count)?.to_bytes())
}

fn read(json: &[u8]) -> Result<Learner, CompileError> {
    if json.len() > JSON_BYTES_MAX {
        return Err(CompileError::TooLarge(json.len()));
    }
    Ok(parse::<Model>(json)?.learner)
}

fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, CompileError> {
    serde_json::from_slice(json).map_err(|e| match e.classify() {
        serde_json::error::Category::Data => CompileError::NotAModel(e),
        // XGBoost writes these words, which JSON does not have.
        _ if holds(json, b"NaN") || holds(json, b"Infinity") => CompileError::NotFinite,
        _ => CompileError::NotJson(e),
    })
}

/// Whether `word` stands in `json` as a value.
fn holds(json: &[u8], word: &[u8]) -> bool {
    let value = |at: usize| matches!(json[at], b'[' | b',' | b':' | b'-' | b' ');
    json.windows(word.len() + 1).enumerate().any(|(at, window)| window[1..] == *word && value(at))
}

fn count(text: &str, field: &'static str) -> Result<usize, CompileError> {
    text.parse().map_err(|_| CompileError::Inconsistent { field })
}

fn optional_count(text: &Option<String>, field: &'static str, absent: usize) -> Result<usize, CompileError> {
    text.as_deref().map_or(Ok(absent), |text| count(text, field))
}

/// The base score, a probability, as log-odds. Up to XGBoost 3.0 it is written "5E-1", from 3.1 on "[5E-1]".
fn margin(base_score: String) -> Result<f32, CompileError> {
    let text = base_score.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&base_score);
    match text.parse::<f32>() {
        // In f32 and in this form, because XGBoost computes it so.
        Ok(p) if (BASE_SCORE_MARGIN..=1.0 - BASE_SCORE_MARGIN).contains(&p) => Ok(-(1.0 / p - 1.0).ln()),
        _ => Err(CompileError::BaseScore(base_score)),
    }
}

/// Which pooled feature each of the model's columns is.
fn columns(names: &[String], columns: usize, feature_count: usize) -> Result<Vec<usize>, CompileError> {
    if names.is_empty() {
        let all = columns == feature_count;
        return if all { Ok((0..columns).collect()) } else { Err(CompileError::Unnamed { columns, feature_count }) };
    }
    if names.len() != columns {
        return Err(CompileError::Inconsistent { field: "feature_names" });
    }
    let mut taken = vec![false; feature_count];
    let column = |name: &String| {
        let number = name.strip_prefix('f').filter(|number| number.bytes().all(|b| b.is_ascii_digit()));
        // "f03" would be a second name of f3.
        let number = number.filter(|number| *number == "0" || !number.starts_with('0'));
        let feature: usize =
            number.and_then(|n| n.parse().ok()).ok_or_else(|| CompileError::FeatureName(name.clone()))?;
        match taken.get_mut(feature) {
            None => Err(CompileError::FeatureBeyond { feature: name.clone(), feature_count }),
            Some(true) => Err(CompileError::FeatureTwice(name.clone())),
            Some(free) => {
                *free = true;
                Ok(feature)
            }
        }
    };
    names.iter().map(column).collect()
}

/// Refuses a model whose lists of trees and rounds disagree, and one that holds rounds after its best.
fn check_rounds(model: &TreeModel, attributes: &BTreeMap<String, String>) -> Result<(), CompileError> {
    let inconsistent = |field| Err(CompileError::Inconsistent { field });
    let trees = model.trees.len();
    if count(&model.gbtree_model_param.num_trees, "num_trees")? != trees {
        return inconsistent("num_trees");
    }
    if model.tree_info.len() != trees || model.tree_info.iter().any(|&class| class != 0) {
        return inconsistent("tree_info");
    }
    let parallel = optional_count(&model.gbtree_model_param.num_parallel_tree, "num_parallel_tree", 1)?.max(1);
    let rounds = match &model.iteration_indptr {
        None => trees / parallel,
        Some(starts) if starts.first() == Some(&0) && starts.last() == Some(&trees) && starts.is_sorted() => {
            starts.len() - 1
        }
        Some(_) => return inconsistent("iteration_indptr"),
    };
    let Some(best) = attributes.get("best_iteration") else { return Ok(()) };
    let best = count(best, "best_iteration")?.saturating_add(1);
    match best.cmp(&rounds) {
        std::cmp::Ordering::Less => Err(CompileError::StoppedEarly { best, rounds }),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => inconsistent("best_iteration"),
    }
}

/// One tree of the model, with the network's features.
fn plain(index: usize, tree: &Tree, columns: &[usize]) -> Result<Vec<PlainNode>, CompileError> {
    let nodes = tree.left_children.len();
    let lengths =
        [tree.right_children.len(), tree.split_conditions.len(), tree.split_indices.len(), tree.default_left.len()];
    let types = tree.split_type.as_ref().map_or(nodes, Vec::len);
    if lengths.iter().any(|&length| length != nodes) || types != nodes {
        return Err(CompileError::Inconsistent { field: "trees" });
    }
    let leaf_size = optional_count(&tree.tree_param.size_leaf_vector, "size_leaf_vector", 1)?;
    if leaf_size > 1 {
        return Err(CompileError::Outputs(leaf_size));
    }
    (0..nodes).map(|node| plain_node(index, node, tree, columns)).collect()
}

fn plain_node(index: usize, node: usize, tree: &Tree, columns: &[usize]) -> Result<PlainNode, CompileError> {
    let value = tree.split_conditions[node];
    if !value.is_finite() {
        return Err(CompileError::NotFinite);
    }
    let (left, right) = (tree.left_children[node], tree.right_children[node]);
    if (left, right) == (-1, -1) {
        return Ok(PlainNode::Leaf { log_odds: value });
    }
    if tree.split_type.as_ref().is_some_and(|types| types[node] != 0) {
        return Err(CompileError::Categorical { tree: index, node });
    }
    let place = crate::trees::Place { tree: index, node };
    let child = |child: i64| usize::try_from(child).map_err(|_| TreesError::Child(place));
    let feature = *columns.get(tree.split_indices[node]).ok_or(TreesError::Feature(place))?;
    let missing = match tree.default_left[node] {
        Flag::Word(true) | Flag::Number(1..) => Side::Left,
        Flag::Word(false) | Flag::Number(0) => Side::Right,
    };
    Ok(PlainNode::Split { feature, threshold: value, left: child(left)?, right: child(right)?, missing })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One tree of three nodes, as XGBoost 3.2 saves it, less what is not read.
    const MODEL: &str = r#"{"learner":{"attributes":{},"feature_names":["f3","f1"],"feature_types":[],
        "gradient_booster":{"model":{"gbtree_model_param":{"num_parallel_tree":"1","num_trees":"1"},
        "iteration_indptr":[0,1],"tree_info":[0],
        "trees":[{"default_left":[1,0,0],"left_children":[1,-1,-1],"right_children":[2,-1,-1],
        "split_conditions":[4.04751E-1,-2E0,1E0],"split_indices":[0,0,0],"split_type":[0,0,0],
        "tree_param":{"num_deleted":"0","num_feature":"2","num_nodes":"3","size_leaf_vector":"1"}}]},"name":"gbtree"},
        "learner_model_param":{"base_score":"[5E-1]","boost_from_average":"1","num_class":"0","num_feature":"2",
        "num_target":"1"},"objective":{"name":"binary:logistic"}},"version":[3,2,0]}"#;

    /// Compiles [`MODEL`] with each `from` replaced by its `to`.
    fn changed(changes: &[(&str, &str)]) -> Result<Vec<u8>, CompileError> {
        let change = |model: String, &(from, to): &(&str, &str)| {
            assert!(model.contains(from), "{from} stands in the model");
            model.replace(from, to)
        };
        compile(changes.iter().fold(MODEL.into(), change).as_bytes(), 4)
    }

    fn check_refused(changes: &[(&str, &str)], message: &str) {
        let error = changed(changes).expect_err(message).to_string();
        assert!(error.starts_with(message), "{error:?} instead of {message:?}");
    }

    #[test]
    fn given_named_columns_expect_the_networks_features_asked() {
        let trees = Trees::parse(&changed(&[]).unwrap(), 4).unwrap();
        let p = |f3| trees.predict(&[9.0, 9.0, 9.0, f3]).0;
        let (low, high) = (1.0 / (1.0 + 2_f32.exp()), 1.0 / (1.0 + (-1_f32).exp()));
        for (f3, expected) in [(0.4, low), (0.404751, high), (0.5, high), (f32::NAN, low)] {
            assert!((p(f3) - expected).abs() < 1e-6, "f3 = {f3}: {} and {expected}", p(f3));
        }
    }

    #[test]
    fn given_older_spellings_expect_the_same_table() {
        let now = changed(&[]).unwrap();
        let older = [
            ("[5E-1]", "5E-1"),
            (r#""iteration_indptr":[0,1],"#, ""),
            (r#""num_target":"1""#, r#""random_state":"0""#),
            (r#""default_left":[1,0,0]"#, r#""default_left":[true,false,false]"#),
            (r#","split_type":[0,0,0]"#, ""),
        ];
        assert_eq!(changed(&older).unwrap(), now);
    }

    #[test]
    fn given_no_names_expect_all_features_or_a_refusal() {
        let unnamed = (r#""feature_names":["f3","f1"]"#, r#""feature_names":[]"#);
        check_refused(&[unnamed], "2 columns without feature names, but the network has 4 features");
        assert!(changed(&[unnamed, (r#""num_feature":"2""#, r#""num_feature":"4""#)]).is_ok());
    }

    #[test]
    fn given_what_is_no_such_model_expect_its_kind_named() {
        let refused = |json: &[u8]| compile(json, 4).unwrap_err().to_string();
        assert!(refused(b"{L\0\0\0").starts_with("not JSON (save the model with a name that ends in .json)"));
        assert!(refused(b"[1, 2]").starts_with("JSON, but not an XGBoost model"));
        assert!(refused(&vec![b' '; JSON_BYTES_MAX + 1]).starts_with("a model of 67108865 bytes"));
        check_refused(&[("binary:logistic", "reg:squarederror")], r#"objective "reg:squarederror""#);
        check_refused(&[(r#""name":"gbtree""#, r#""name":"dart""#)], r#"booster "dart""#);
        check_refused(&[(r#""num_class":"0""#, r#""num_class":"3""#)], "a model with 3 outputs");
        check_refused(&[(r#""num_target":"1""#, r#""num_target":"2""#)], "a model with 2 outputs");
        check_refused(&[(r#""size_leaf_vector":"1""#, r#""size_leaf_vector":"5""#)], "a model with 5 outputs");
        check_refused(&[("split_type\":[0", "split_type\":[1")], "a categorical split at tree 0, node 0");
        for score in ["[0E0]", "[1E0]", "[NaN]", "[5E-1,5E-1]", "", "half"] {
            check_refused(&[("[5E-1]", score)], "base score");
        }
    }

    #[test]
    fn given_names_that_are_no_features_expect_the_name() {
        for name in ["age", "f", "f-1", "f+1", "f03", "f99999999999999999999"] {
            check_refused(&[("\"f3\"", &format!("{name:?}"))], &format!("feature name {name:?}"));
        }
        check_refused(&[("f3", "f1")], r#"feature "f1" is named twice"#);
        check_refused(&[("f3", "f4")], r#"feature "f4", but the network has 4"#);
        check_refused(&[(r#"["f3","f1"]"#, r#"["f3"]"#)], "feature_names does not fit");
    }

    #[test]
    fn given_a_model_stopped_early_expect_to_be_told_how_to_cut_it() {
        let best = |round| [(r#""attributes":{}"#, round)];
        assert!(changed(&best(r#""attributes":{"best_iteration":"0","scikit_learn":"{}"}"#)).is_ok());
        check_refused(&best(r#""attributes":{"best_iteration":"1"}"#), "best_iteration does not fit");
        let trees = MODEL.find("{\"default_left").unwrap()..MODEL.find("},\"name\"").unwrap() - 1;
        let twice = format!("{0},{0}", &MODEL[trees.clone()]);
        let two_rounds = [
            (&MODEL[trees], twice.as_str()),
            (r#""num_trees":"1""#, r#""num_trees":"2""#),
            (r#""iteration_indptr":[0,1],"tree_info":[0]"#, r#""iteration_indptr":[0,1,2],"tree_info":[0,0]"#),
            best(r#""attributes":{"best_iteration":"0"}"#)[0],
        ];
        check_refused(&two_rounds, "stopped early at round 1 of 2: save booster[: 1] instead");
        assert!(changed(&two_rounds[..3]).is_ok());
    }

    #[test]
    fn given_broken_trees_expect_the_place() {
        check_refused(&[("[2,-1,-1]", "[3,-1,-1]")], "the model's trees: a broken child at tree 0, node 0");
        check_refused(&[("[2,-1,-1]", "[1,-1,-1]")], "the model's trees: a broken child at tree 0, node 0");
        check_refused(&[("[1,-1,-1]", "[1,0,-1]")], "the model's trees: a broken child at tree 0, node 1");
        check_refused(&[("[2,-1,-1]", "[-2,-1,-1]")], "the model's trees: a broken child at tree 0, node 0");
        check_refused(
            &[("split_indices\":[0", "split_indices\":[2")],
            "the model's trees: a feature that does not exist",
        );
        check_refused(&[("4.04751E-1", "NaN")], "the model holds NaN or Infinity");
        check_refused(&[("-2E0", "-Infinity")], "the model holds NaN or Infinity");
        check_refused(&[("-2E0", "1E39")], "the model holds NaN or Infinity");
        check_refused(&[("-2E0", "")], "not JSON");
        check_refused(&[("-2E0,", "")], "trees does not fit");
        check_refused(&[(r#""num_trees":"1""#, r#""num_trees":"2""#)], "num_trees does not fit");
        check_refused(&[(r#""tree_info":[0]"#, r#""tree_info":[1]"#)], "tree_info does not fit");
        check_refused(&[("iteration_indptr\":[0,1]", "iteration_indptr\":[0,2]")], "iteration_indptr does not fit");
    }
}
