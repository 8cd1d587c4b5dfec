//! The report as one HTML page that needs nothing else: no script, no font, no network.

use super::{
    charts,
    figure::escape,
    report::{Report, in_unit, interval_in},
};
use std::fmt::Write as _;

const STYLE: &str = include_str!("page.css");

/// The page; `name` is that of the table's file.
pub fn page(report: &Report, name: &str) -> String {
    let name = escape(name);
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Evaluation of {name}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head>\n<body><main>\
         <h1>Evaluation of {name}</h1>\n<p class=\"lead\">{} pictures of {} patients. eGFR in mL/min/1.73 m². \
         eGFR &lt; 60 is said by {}.</p>\n",
        report.cases.len(),
        report.patients,
        escape(&report.ckd_rule())
    );
    html.push_str(&tiles(report));
    html.push_str("<div class=\"charts\">\n");
    for (title, words, drawn) in drawn(report) {
        let _always = writeln!(html, "<figure><h2>{title}</h2>{drawn}<figcaption>{words}</figcaption></figure>");
    }
    html.push_str("</div>\n");
    html.push_str(&figures(report));
    html.push_str("<h2>Notes</h2><ul>");
    for note in &report.notes {
        let _always = write!(html, "<li>{}</li>", escape(note));
    }
    let _always = write!(
        html,
        "<li>Intervals hold 95%: percentiles of {} draws of patients with replacement, seed {}.</li></ul>\n\
         <footer>sonogfr {} evaluate; SHA-256 of the table {}</footer></main></body></html>\n",
        report.settings.resamples,
        report.settings.seed,
        env!("CARGO_PKG_VERSION"),
        report.sha256
    );
    html
}

/// The few figures to see first.
fn tiles(report: &Report) -> String {
    let wanted = ["mae", "bias", "p30", "pearson_r", "auc", "coverage"];
    let mut html = String::from("<div class=\"tiles\">");
    for (measure, value, interval) in report.defined().filter(|(measure, ..)| wanted.contains(&measure.name)) {
        let interval = interval.map_or_else(String::new, |ends| interval_in(ends, measure.unit));
        let _always = write!(
            html,
            "<div><b>{}</b><strong>{}</strong><span>{interval}</span></div>",
            escape(measure.title),
            in_unit(value, measure.unit)
        );
    }
    html.push_str("</div>\n");
    html
}

/// Title, words below and picture of each chart that these cases define.
fn drawn(report: &Report) -> Vec<(&'static str, &'static str, String)> {
    let mut all = vec![
        (
            "Estimate against truth",
            "Grey: where estimate and truth are the same. Orange: the fitted line. Dashed: eGFR 60. Upright lines, where there \
             are any: the interval that was shown, of 150 pictures at most.",
            charts::scatter(report),
        ),
        (
            "Bland-Altman",
            "Error against the mean of both. Orange: mean error and limits of agreement, shaded with their 95% intervals.",
            charts::bland_altman(report),
        ),
    ];
    let roc = charts::roc_curve(report);
    all.extend(roc.map(|roc| ("ROC of eGFR &lt; 60", "Dot: sensitivity / specificity where it is said.", roc)));
    all.push((
        "KDIGO category",
        "Pictures of each true category (row) by the estimate's, with their share of the row. Green is exact.",
        charts::confusion(report),
    ));
    let calibration = charts::calibration(report);
    all.extend(calibration.map(|drawn| {
        ("Calibration", "By tenths of the probability, with 95% intervals (Wilson). Bars: how many said so.", drawn)
    }));
    all.push((
        "Error by category",
        "Box: middle half and median of the errors; line: 5th to 95th percentile; dots: what lies beyond.",
        charts::error_by_stage(report),
    ));
    let coverage = charts::coverage_by_band(report);
    all.extend(coverage.map(|drawn| {
        ("Coverage by band", "Truths inside the interval that was shown, with 95% intervals (Wilson).", drawn)
    }));
    all
}

/// Every single figure.
fn figures(report: &Report) -> String {
    let mut html = String::from(
        "<h2>Figures</h2><table><thead><tr><th></th><th>value</th><th>95% interval</th><th></th></tr></thead><tbody>\n",
    );
    for (measure, value, interval) in report.defined() {
        let interval = interval.map_or_else(|| String::from("-"), |ends| interval_in(ends, measure.unit));
        let _always = writeln!(
            html,
            "<tr><th>{}</th><td>{}</td><td>{interval}</td><td>{}</td></tr>",
            escape(measure.title),
            in_unit(value, measure.unit),
            escape(measure.meaning)
        );
    }
    html.push_str("</tbody></table>\n");
    html
}
