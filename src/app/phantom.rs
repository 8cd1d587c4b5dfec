//! `sonogfr phantom`: writes a population of phantom pictures with their truth.

use crate::{
    crop::CropSquare,
    edge::pictures,
    phantom::{
        self, Truth,
        patient::{Factors, Oracle, Patient, Sex},
    },
    units::Egfr,
};
use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// What to write.
#[derive(Clone, Debug)]
pub struct Order {
    /// How many pictures.
    pub count: usize,
    /// Which population.
    pub seed: u64,
    /// Where to; made if missing.
    pub folder: PathBuf,
    /// Which pictures of each.
    pub output: Output,
    /// Width and height of the crops.
    pub crop_size: usize,
}

/// Which pictures of each phantom are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// The cart's screens.
    Screens,
    /// The screens as they are before anybody measures: no marker, no line, no printed length.
    ScreensWithoutCalipers,
    /// The screens and the crops cut from them.
    ScreensAndCrops,
    /// Only the crops, for training.
    Crops,
}

impl Output {
    fn has_screens(self) -> bool {
        self != Self::Crops
    }

    fn has_crops(self) -> bool {
        matches!(self, Self::ScreensAndCrops | Self::Crops)
    }
}

/// One line of truth.jsonl.
#[derive(Serialize)]
struct Line {
    picture: Option<String>,
    crop: Option<String>,
    patient: String,
    egfr: Egfr,
    creatinine_mg_dl: f32,
    age: u32,
    sex: Sex,
    #[serde(flatten)]
    truth: Truth,
    factors: Factors,
    oracle: Oracle,
}

/// Writes the pictures, spread over the cores, and truth.jsonl; prints how well eGFR can be told from them at best.
pub fn write(order: &Order) -> Result<()> {
    for (wanted, name) in [(order.output.has_screens(), "screens"), (order.output.has_crops(), "crops")] {
        if wanted {
            let folder = order.folder.join(name);
            fs::create_dir_all(&folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
        }
    }
    let population = phantom::population(order.seed, order.count);
    let lines = spread(population.len(), "phantoms", |i| {
        let (index, view) = population[i];
        write_one(order, &phantom::patient(order.seed, index), view)
    })?;
    write_truth(&order.folder.join("truth.jsonl"), &lines)?;
    println!("{} phantoms in {}", lines.len(), order.folder.display());
    print_oracle(order.seed, &population);
    Ok(())
}

/// Does `work` for 0 to `count`, spread over the cores, under a bar that counts `things`; the lines, in order.
///
/// *Errors*: the first one of `work`.
pub(super) fn spread(count: usize, things: &str, work: impl Fn(usize) -> Result<String> + Sync) -> Result<Vec<String>> {
    let template = format!("{{bar:40}} {{pos}}/{{len}} {things}, {{eta}} left");
    let style = ProgressStyle::with_template(&template).expect("a fixed template");
    let progress = ProgressBar::new(count as u64).with_style(style);
    let next = AtomicUsize::new(0);
    let lines: Mutex<Vec<Option<String>>> = Mutex::new(vec![None; count]);
    let draw = || -> Result<()> {
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= count {
                return Ok(());
            }
            let line = work(i)?;
            lines.lock().expect("no thread panics while it holds the lines")[i] = Some(line);
            progress.inc(1);
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(draw)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("drawing does not panic"))
    })?;
    progress.finish_and_clear();
    Ok(lines.into_inner().expect("no thread panicked").into_iter().flatten().collect())
}

fn write_one(order: &Order, patient: &Patient, view: u32) -> Result<String> {
    let phantom = match order.output {
        Output::ScreensWithoutCalipers => phantom::draw_without_calipers(order.seed, patient, view),
        Output::Screens | Output::ScreensAndCrops | Output::Crops => phantom::draw(order.seed, patient, view),
    };
    let name = format!("P{:06}-{view}.png", patient.index);
    let save = |picture, folder: &str| -> Result<String> {
        let file = format!("{folder}/{name}");
        pictures::save(picture, &order.folder.join(&file))?;
        Ok(file)
    };
    let picture = if order.output.has_screens() { Some(save(&phantom.screen, "screens")?) } else { None };
    let crop = if order.output.has_crops() {
        let square = CropSquare::between(phantom.truth.ends).expect("a phantom's kidney is many pixels long");
        Some(save(&square.cut(phantom.screen.frame(), order.crop_size), "crops")?)
    } else {
        None
    };
    let line = Line {
        picture,
        crop,
        patient: format!("P{:06}", patient.index),
        egfr: phantom::egfr(patient),
        creatinine_mg_dl: patient.creatinine_mg_dl,
        age: patient.age,
        sex: patient.sex,
        truth: phantom.truth,
        factors: patient.factors,
        oracle: patient.oracle,
    };
    Ok(serde_json::to_string(&line)?)
}

/// Writes one line for each picture.
pub(super) fn write_truth(path: &Path, lines: &[String]) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let mut file = std::io::BufWriter::new(fs::File::create(path)?);
        for line in lines {
            writeln!(file, "{line}")?;
        }
        file.flush()
    };
    write().with_context(|| format!("{}: cannot be written", path.display()))
}

/// The best r that can be reached on these pictures, with and without the absolute scale.
fn print_oracle(seed: u64, population: &[(u64, u32)]) {
    let patients: Vec<Patient> = population.iter().map(|&(index, _)| phantom::patient(seed, index)).collect();
    let r = |said: fn(&Oracle) -> Egfr| {
        pearson(patients.iter().map(|p| (f64::from(phantom::egfr(p).0), f64::from(said(&p.oracle).0))))
    };
    let (with, without) = (r(|o| o.egfr), r(|o| o.egfr_without_scale));
    println!("best reachable r of eGFR: {with:.3} with the scale, {without:.3} without it");
}

/// Pearson's correlation of pairs.
fn pearson(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let n = pairs.clone().count() as f64;
    let (mean_x, mean_y) = pairs.clone().fold((0.0, 0.0), |(x, y), p| (x + p.0 / n, y + p.1 / n));
    let (xx, xy, yy) = pairs.fold((0.0, 0.0, 0.0), |(xx, xy, yy), (x, y)| {
        let (x, y) = (x - mean_x, y - mean_y);
        (xx + x * x, xy + x * y, yy + y * y)
    });
    xy / (xx * yy).sqrt()
}
