//! `sonogfr carts`: writes synthetic screens of many makers' carts with their truth.

use super::phantom::{spread, write_truth};
use crate::{
    edge::pictures,
    frame::Picture,
    overlay,
    phantom::carts::{self, CartTruth},
};
use anyhow::{Context, Result};
use serde::Serialize;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// What to write.
#[derive(Clone, Debug)]
pub struct Order {
    /// How many screens.
    pub count: usize,
    /// Which population.
    pub seed: u64,
    /// Where to; made if missing.
    pub folder: PathBuf,
    /// What of each.
    pub output: Output,
}

/// What is written of each screen, beside its truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// The screen.
    Screens,
    /// Only the places where markers may be, to train the judge of markers on.
    Marks,
    /// The same of those screens alone that have tees or arrows, which are rare.
    TurnedMarks,
}

impl Order {
    /// Whether screen number `index` is written.
    fn wants(&self, index: u64) -> bool {
        self.output != Output::TurnedMarks || carts::has_turned(self.seed, index)
    }
}

/// One line of truth.jsonl.
#[derive(Serialize)]
struct Line {
    picture: String,
    seed: u64,
    index: u64,
    width: usize,
    height: usize,
    #[serde(flatten)]
    truth: CartTruth,
}

/// Writes the screens, spread over the cores, and truth.jsonl.
pub fn write(order: &Order) -> Result<()> {
    let own = order.folder.join(if order.output == Output::Screens { "screens" } else { "marks" });
    fs::create_dir_all(&own).with_context(|| format!("{}: cannot be made", own.display()))?;
    let indices: Vec<u64> = (0..order.count as u64).filter(|&index| order.wants(index)).collect();
    let lines = spread(indices.len(), "screens", |i| write_one(order, indices[i]))?;
    write_truth(&order.folder.join("truth.jsonl"), &lines)?;
    println!("{} screens in {}", lines.len(), order.folder.display());
    Ok(())
}

fn write_one(order: &Order, index: u64) -> Result<String> {
    let carts::CartPhantom { screen, truth } = carts::draw(order.seed, index);
    let screen = match truth.jpeg_quality() {
        Some(quality) => pictures::through_jpeg(&screen, quality),
        None => screen,
    };
    let (width, height) = (screen.width(), screen.height());
    let picture = format!("screens/C{index:06}.png");
    if order.output == Output::Screens {
        pictures::save(&screen, &order.folder.join(&picture))?;
    } else {
        write_marks(&screen, &order.folder.join(format!("marks/C{index:06}.bin")))?;
    }
    Ok(serde_json::to_string(&Line { picture, seed: order.seed, index, width, height, truth })?)
}

/// Writes each place where a marker may be: kind, scale, step and 0 as bytes, x, y and axis as little-endian `f32`, then what
/// the first and the second look see.
fn write_marks(screen: &Picture, file: &Path) -> Result<()> {
    let mut bytes = Vec::new();
    for (place, glimpse, patch) in overlay::marks(screen.frame()) {
        bytes.extend([place.kind as u8, place.scale as u8, place.step, 0]);
        bytes.extend([place.at.x, place.at.y, place.axis].iter().flat_map(|value| value.to_le_bytes()));
        bytes.extend(glimpse);
        bytes.extend(patch);
    }
    fs::write(file, bytes).with_context(|| format!("{}: cannot be written", file.display()))
}
