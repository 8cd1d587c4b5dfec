//! `sonogfr evaluate`: how good estimates were, from a table of them beside the truth.

mod charts;
mod figure;
mod page;
mod report;
mod table;

use super::read::Form;
use crate::{bundle::sha256, evaluate::Settings};
use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use report::Report;
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The page's name in the folder that was asked for.
const PAGE: &str = "evaluation.html";

/// What is asked for.
pub struct Order {
    /// The table, CSV.
    pub table: PathBuf,
    /// Where the page goes; none is written where this is none.
    pub folder: Option<PathBuf>,
    /// How figures are printed.
    pub form: Form,
    /// How they are computed.
    pub settings: Settings,
}

/// Evaluates a table. *Errors*: a table that cannot be read or understood, a page that cannot be written.
pub fn run(order: &Order) -> Result<()> {
    let (table, bytes) = table::open(&order.table)?;
    let progress = draw_bar(order.settings.resamples);
    let report = Report::of(table, sha256(&bytes), order.settings, || progress.inc(1));
    progress.finish_and_clear();
    if let Some(folder) = &order.folder {
        write_page(&report, &order.table, folder)?;
    }
    let mut out = io::stdout().lock();
    match order.form {
        Form::Json => writeln!(out, "{}", report.json())?,
        Form::Human => {
            write!(out, "{}\n\n{}", order.table.display(), report.text())?;
            if let Some(folder) = &order.folder {
                writeln!(out, "\n  Page: {}", folder.join(PAGE).display())?;
            }
        }
    }
    Ok(())
}

fn write_page(report: &Report, table: &Path, folder: &Path) -> Result<()> {
    let out = folder.join(PAGE);
    let name = table.file_name().unwrap_or_default().to_string_lossy();
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&out, page::page(report, &name)));
    written.with_context(|| format!("{}: cannot be written; check the folder and the free space", out.display()))
}

fn draw_bar(draws: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("drawing patients {bar:40} {pos}/{len}").expect("a fixed template");
    ProgressBar::new(draws as u64).with_style(style)
}
