//! The model card inside a bundle: what it was made from, how good it is, where it ends.

use super::manifest::ManifestError;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fmt::{self, Display},
};

/// No bundle is older: a date before it comes from a clock that was not set.
const YEAR_MIN: u32 = 2026;
/// How many hexadecimal digits a SHA-256 has.
const HASH_DIGITS: usize = 64;

/// What a person must know before relying on a bundle, and what an auditor needs to trace it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelCard {
    /// The day that it was made, YYYY-MM-DD.
    pub date: String,
    /// Where its pictures come from, how many, of whom, and how they were labelled.
    pub data: String,
    /// The flow chart: how many pictures were left out, and why.
    pub flow: String,
    /// Its figures by name, as `sonogfr evaluate` names them.
    pub figures: BTreeMap<String, f64>,
    /// On what these were computed.
    pub figures_from: String,
    /// What it cannot do.
    pub limits: String,
    /// SHA-256 of the files that it was made or judged from, in hexadecimal.
    pub hashes: BTreeMap<String, String>,
}

impl ModelCard {
    /// Whether it says what it must; to be asked once, when a manifest is read.
    pub(super) fn check(&self) -> Result<(), ManifestError> {
        let field = |field, problem| Err(ManifestError::Field { field, problem });
        if !is_day(&self.date) {
            return field(
                "model_card.date",
                "must be a day, YYYY-MM-DD, from 2026 on; set the clock and make it again",
            );
        }
        for (name, text) in [
            ("model_card.data", &self.data),
            ("model_card.flow", &self.flow),
            ("model_card.figures_from", &self.figures_from),
            ("model_card.limits", &self.limits),
        ] {
            if text.trim().is_empty() {
                return field(name, "is empty");
            }
        }
        if self.figures.is_empty() {
            return field("model_card.figures", "are missing");
        }
        let is_hash = |hash: &String| {
            hash.len() == HASH_DIGITS && hash.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        };
        if self.hashes.is_empty() || !self.hashes.values().all(is_hash) {
            return field("model_card.hashes", "must be SHA-256 in lower-case hexadecimal, at least one");
        }
        Ok(())
    }
}

/// Whether a text is a day that a bundle can be from.
fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts[..] else { return false };
    let number = |text: &str, digits| (text.len() == digits).then(|| text.parse::<u32>().ok()).flatten();
    number(year, 4).is_some_and(|year| year >= YEAR_MIN)
        && number(month, 2).is_some_and(|month| (1..=12).contains(&month))
        && number(day, 2).is_some_and(|day| (1..=31).contains(&day))
}

impl Display for ModelCard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "Made on {}", self.date)?;
        for (title, text) in [("Data", &self.data), ("Flow", &self.flow)] {
            writeln!(out, "\n{title}")?;
            text.trim_end().lines().try_for_each(|line| writeln!(out, "  {line}"))?;
        }
        writeln!(out, "\nFigures ({})", self.figures_from.trim())?;
        self.figures.iter().try_for_each(|(name, value)| writeln!(out, "  {name:<18}{value:>10.4}"))?;
        writeln!(out, "\nLimits")?;
        self.limits.trim_end().lines().try_for_each(|line| writeln!(out, "  {line}"))?;
        writeln!(out, "\nSHA-256")?;
        self.hashes.iter().try_for_each(|(name, hash)| writeln!(out, "  {hash}  {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> ModelCard {
        let text = String::from;
        ModelCard {
            date: text("2026-11-27"),
            data: text("12 pictures of 7 patients"),
            flow: text("20 pictures\n  8 without a label"),
            figures: BTreeMap::from([(text("mae"), 17.5)]),
            figures_from: text("out of bag"),
            limits: text("none above 90"),
            hashes: BTreeMap::from([(text("truth.jsonl"), "0f".repeat(32))]),
        }
    }

    /// Given a card with this changed, expect this field named.
    fn check(change: fn(&mut ModelCard), field: &str) {
        let mut card = card();
        change(&mut card);
        let error = card.check().unwrap_err().to_string();
        assert!(error.contains(field), "{field} is not in: {error}");
    }

    #[test]
    fn given_a_card_that_leaves_something_out_expect_the_field_named() {
        assert!(card().check().is_ok());
        for date in ["1970-01-01", "2025-12-31", "2026-13-01", "2026-1-01", "2026-01-32", "today", "", "2026-01-01-01"]
        {
            assert!(!is_day(date), "{date}");
        }
        check(|card| card.date = "1970-01-01".into(), "model_card.date");
        check(|card| card.flow = " \n".into(), "model_card.flow");
        check(|card| card.figures.clear(), "model_card.figures");
        check(|card| card.hashes.clear(), "model_card.hashes");
        check(|card| drop(card.hashes.insert("x".into(), "XY".repeat(32))), "model_card.hashes");
    }

    #[test]
    fn given_a_card_expect_all_of_it_for_people() {
        let text = card().to_string();
        for part in [
            "2026-11-27",
            "12 pictures",
            "  20 pictures\n    8 without",
            "mae",
            "17.5000",
            "out of bag",
            "none above",
            "truth.jsonl",
        ] {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
    }
}
