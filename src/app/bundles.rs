//! `sonogfr bundle`: builds, checks and describes bundles; and finds the one to use where none is named.

use super::{
    opened::{self, Opened},
    shipped,
    team::Team,
};
use crate::bundle::{self, Bundle};
use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};

/// Where the demonstration bundle lies in the project.
const DEMO_BUNDLE: &str = "models/demo/demo.sonogfr";

/// Builds a bundle from a folder and says what it holds. One whose members do not load is not written.
pub fn build(folder: &Path, out: &Path) -> Result<()> {
    let bundle = bundle::build(folder)?;
    load(&bundle)?;
    bundle.write(out)?;
    println!("{}: {} members, sha256 {}", out.display(), bundle.manifest().members.len(), bundle.identity().sha256);
    Ok(())
}

/// Checks a bundle whole: its entries, its rules, and that every member runs.
pub fn check(path: &Path) -> Result<()> {
    let bundle = Bundle::open(path)?;
    let team = load(&bundle)?;
    println!("{}: in order, {} members", path.display(), team.member_count());
    Ok(())
}

/// Prints what a bundle says of itself.
pub fn info(path: &Path) -> Result<()> {
    let bundle = Bundle::open(path)?;
    let manifest = bundle.manifest();
    println!("name         {}", manifest.name);
    println!("purpose      {}", manifest.purpose);
    if manifest.demonstration {
        println!("             DEMONSTRATION - not for patients");
    }
    println!("sha256       {}", bundle.identity().sha256);
    println!(
        "members      {}, input {1} x {1}{2}, {3} features",
        manifest.members.len(),
        manifest.input.size,
        if manifest.input.length { " and the kidney's length" } else { "" },
        manifest.feature_count
    );
    if let Some([low, high]) = manifest.rules.length_cm {
        println!("length       {} to {} cm", low.0, high.0);
    }
    let [low, high] = manifest.rules.reportable;
    println!("reportable   eGFR {} to {}", low.0, high.0);
    println!("interval     {:.0}%", 100.0 * manifest.rules.coverage);
    for band in &manifest.rules.intervals {
        println!(
            "  up to {:>5.1}  {:+.1} to {:+.1}  ({} held-out pictures)",
            band.up_to.0, band.below.0, band.above.0, band.count
        );
    }
    println!("eGFR < 60    likely from {}, unlikely to {}", manifest.rules.likely_from.0, manifest.rules.unlikely_to.0);
    println!("spread       at most {} mL/min/1.73 m2", manifest.rules.spread_limit.0);
    if let Some(fit) = manifest.rules.probability {
        println!(
            "             made right by {} held-out patients: log-odds x {} {:+}",
            fit.count, fit.slope, fit.intercept
        );
    }
    if let Some(limit) = manifest.rules.distance_limit {
        let counts = manifest.members.iter().filter_map(|member| member.likeness.as_ref().map(|l| l.count));
        println!(
            "likeness     distance at most {limit} from each member's {} training pictures",
            counts.min().unwrap_or(0)
        );
    }
    match load(&bundle) {
        Ok(team) => team.runners().iter().for_each(|line| println!("runs         {line}")),
        Err(error) => println!("runs         not: {error:#}"),
    }
    println!("\n{}", manifest.card.trim_end());
    Ok(())
}

/// Opens the bundle at `path`, or the demonstration bundle where none is named, and loads its members.
pub fn team(path: Option<&Path>) -> Result<Team> {
    let path = self::path(path)?;
    let opened = Opened::open(&path, opened::folder().as_deref())?;
    let progress = member_bar("loading", opened.manifest().members.len());
    let team = opened.load(|| progress.inc(1)).with_context(|| format!("bundle {}", path.display()))?.0;
    progress.finish_and_clear();
    Ok(team)
}

/// The bundle at `path`, or the demonstration bundle where none is named. *Errors*: there is none.
pub fn path(path: Option<&Path>) -> Result<PathBuf> {
    path.map_or_else(find_demo, |path| Ok(path.to_path_buf()))
}

fn load(bundle: &Bundle) -> Result<Team> {
    let progress = member_bar("loading", bundle.manifest().members.len());
    let team = Team::load(bundle, || progress.inc(1))?;
    progress.finish_and_clear();
    Ok(team)
}

/// A progress bar over members; it shows itself only on a terminal.
pub fn member_bar(doing: &'static str, members: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} members").expect("a fixed template");
    ProgressBar::new(members as u64).with_style(style).with_message(doing)
}

fn find_demo() -> Result<PathBuf> {
    shipped(DEMO_BUNDLE).with_context(|| format!("no bundle: {DEMO_BUNDLE} is not here; name one with --bundle FILE"))
}
