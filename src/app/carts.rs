//! `sonogfr carts`: writes synthetic screens of many makers' carts with their truth.

use super::phantom::{spread, write_truth};
use crate::{
    edge::pictures,
    phantom::carts::{self, CartTruth},
};
use anyhow::{Context, Result};
use serde::Serialize;
use std::{fs, path::PathBuf};

/// What to write.
#[derive(Clone, Debug)]
pub struct Order {
    /// How many screens.
    pub count: usize,
    /// Which population.
    pub seed: u64,
    /// Where to; made if missing.
    pub folder: PathBuf,
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
    let screens = order.folder.join("screens");
    fs::create_dir_all(&screens).with_context(|| format!("{}: cannot be made", screens.display()))?;
    let lines = spread(order.count, "screens", |i| write_one(order, i as u64))?;
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
    let picture = format!("screens/C{index:06}.png");
    pictures::save(&screen, &order.folder.join(&picture))?;
    let (width, height) = (screen.width(), screen.height());
    Ok(serde_json::to_string(&Line { picture, seed: order.seed, index, width, height, truth })?)
}
