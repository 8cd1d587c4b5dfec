//! Readings for people, on a terminal or in a log.

use crate::{
    estimate::Estimate,
    reading::{Inspection, Reading},
    units::Centimetres,
};
use console::style;
use std::io::{self, Write};

/// Prints what was seen on one picture.
pub fn inspection(out: &mut impl Write, inspection: &Inspection) -> io::Result<()> {
    let name = inspection.picture.as_deref().unwrap_or("the cart's picture");
    writeln!(out, "{}", style(name).bold())?;
    for pair in &inspection.pairs {
        let label = pair.label.map_or_else(|| String::from("-"), |label| label.to_string());
        let chosen = if pair.chosen { ", the kidney's length" } else { "" };
        let (x1, y1, x2, y2) = (pair.x1, pair.y1, pair.x2, pair.y2);
        writeln!(
            out,
            "  calipers {label}: ({x1:.1}, {y1:.1}) to ({x2:.1}, {y2:.1}), {:.1} px{chosen}",
            pair.length_px
        )?;
    }
    match &inspection.ruler {
        Some(ruler) => writeln!(out, "  ruler: {:.2} px/cm from {} ticks", ruler.px_per_cm.0, ruler.ticks.len())?,
        None => writeln!(out, "  ruler: none in view that tells the scale")?,
    }
    if let Some(text) = &inspection.text {
        writeln!(out, "  printed: \"{}\"", text.raw)?;
    }
    if let Some(length) = inspection.length {
        let cm = |length: Option<Centimetres>| {
            length.map_or_else(|| String::from("unknown"), |cm| format!("{:.2} cm", cm.0))
        };
        let verdict = match length.agree {
            Some(true) => ", which agree",
            Some(false) => ", which disagree",
            None => "",
        };
        let (by_ruler, by_text) = (cm(length.by_ruler_cm), cm(length.by_text_cm));
        writeln!(out, "  length: {by_ruler} by the ruler, {by_text} as printed{verdict}")?;
    }
    if let Some(refusal) = inspection.refusal {
        writeln!(out, "  {}: {}", style("refused").bold().yellow(), refusal.reason)?;
        writeln!(out, "  what to do: {}", refusal.hint)?;
    }
    Ok(())
}

/// Prints the reading of one picture. A demonstration says so on each of its lines.
pub fn reading(out: &mut impl Write, reading: &Reading) -> io::Result<()> {
    let mut lines = Vec::new();
    inspection(&mut lines, &reading.inspection)?;
    if let Some(record) = &reading.estimate {
        estimate(&mut lines, &record.estimate)?;
        writeln!(lines, "  bundle: {} {}", record.bundle.name, &record.bundle.sha256[..12])?;
    }
    let mark = if reading.demonstration { format!("{} ", style("DEMONSTRATION").reverse()) } else { String::new() };
    for line in String::from_utf8_lossy(&lines).lines() {
        writeln!(out, "{mark}{line}")?;
    }
    Ok(())
}

fn estimate(out: &mut impl Write, estimate: &Estimate) -> io::Result<()> {
    let [low, high] = estimate.whole_interval();
    let verdict = format!("eGFR < 60 {}", estimate.ckd.name());
    writeln!(out, "  {}, confirm by creatinine (probability {:.2})", style(verdict).bold(), estimate.p_ckd.0)?;
    writeln!(out, "  {:.0}% interval: {low} to {high} mL/min/1.73 m2", 100.0 * estimate.coverage)?;
    let (egfr, stage, spread) = (estimate.whole_egfr(), estimate.stage.name(), estimate.spread.0);
    writeln!(out, "  eGFR {egfr} mL/min/1.73 m2, stage {stage}, members' spread {spread:.1}")
}
