//! The screen with an estimate: the category and the interval first, the number after them.

use super::{
    layout::{BOTTOM, CAPTION, CAPTION_CAP, GROUND, Grid, LEFT, RIGHT, RULE, TEXT, fact, fill, on_ground, outline},
    scale,
    stencil::Paint,
    symbol::{self, Symbol},
    text::{self, Anchor},
    thumbnail,
};
use crate::{
    estimate::{CKD_EGFR, Ckd, Estimate},
    machine::Subject,
    units::{Centimetres, Probability},
};
use core::fmt::{self, Write};
use embedded_graphics::{pixelcolor::Rgb888, prelude::*};

/// A line of words on this screen; no line is longer.
type Words = heapless::String<48>;

/// The unit of eGFR.
const UNIT: &str = "mL/min/1.73 m\u{b2}";
/// The right edge of what stands beside the thumbnail.
const BESIDE: i32 = 544;
/// The lower edge of the category's box.
const BOX_END: i32 = 178;
/// The line above the facts at the foot.
const FACTS: i32 = 384;

pub(super) fn draw<D: DrawTarget<Color = Rgb888>>(
    target: &mut D,
    grid: Grid,
    subject: &Subject,
    estimate: &Estimate,
) -> Result<(), D::Error> {
    category(target, grid, estimate.ckd)?;
    interval(target, grid, estimate)?;
    scale::draw(target, grid, grid.area((LEFT, 256), (BESIDE, 320)), estimate)?;
    thumbnail::draw(target, grid, grid.area((BESIDE + 41, 180), (RIGHT + 13, FACTS - 4)), subject)?;
    let at = Point::new(grid.x(LEFT), grid.y(364));
    let number = words(format_args!("eGFR {} {UNIT}", estimate.whole_egfr()));
    text::line(target, &number, at, Anchor::Left, grid.size(26), on_ground(TEXT))?;
    facts(target, grid, subject, estimate)
}

fn words(parts: fmt::Arguments<'_>) -> Words {
    let mut words = Words::new();
    // A number that a broken bundle made too long is cut off rather than ends the program.
    let _ = words.write_fmt(parts);
    words
}

/// The probability in percent; certainty is never claimed by rounding.
fn percent(Probability(p): Probability) -> Words {
    match libm::roundf(p * 100.0) {
        low if low < 1.0 => words(format_args!("< 1%")),
        high if high > 99.0 => words(format_args!("> 99%")),
        between => words(format_args!("{between:.0}%")),
    }
}

/// Draws the category. Each has its own shape besides its words, because "likely" and "unlikely" look alike from afar; none
/// has a colour, because colours belong to alarms and a category is none.
fn category<D: DrawTarget<Color = Rgb888>>(target: &mut D, grid: Grid, ckd: Ckd) -> Result<(), D::Error> {
    let area = grid.area((LEFT, 68), (RIGHT, BOX_END));
    let symbol = match ckd {
        Ckd::Likely => Symbol::Disc,
        Ckd::Uncertain => Symbol::HalfDisc,
        Ckd::Unlikely => Symbol::Ring,
    };
    let paint = category_paint(ckd);
    fill(target, area, paint.ground)?;
    outline(target, area, grid.size(4), TEXT)?;
    let side = grid.size(60);
    let at = Point::new(grid.x(LEFT + 22), area.center().y - side / 2);
    symbol::draw(target, symbol, at, side, paint)?;
    let x = at.x + side + grid.size(22);
    let headline = words(format_args!("eGFR < {:.0} {}", CKD_EGFR.0, ckd.name()));
    text::line(target, &headline, Point::new(x, grid.y(125)), Anchor::Left, grid.size(44), paint)?;
    text::line(target, "confirm by creatinine", Point::new(x, grid.y(163)), Anchor::Left, grid.size(20), paint)
}

fn category_paint(ckd: Ckd) -> Paint {
    match ckd {
        Ckd::Likely => Paint { ink: GROUND, ground: TEXT },
        Ckd::Uncertain | Ckd::Unlikely => on_ground(TEXT),
    }
}

/// Draws that the reading is accepted into the category's box, behind a tick.
pub(super) fn accepted<D: DrawTarget<Color = Rgb888>>(target: &mut D, grid: Grid, ckd: Ckd) -> Result<(), D::Error> {
    const WORD: &str = "accepted";
    let (cap, side) = (grid.size(20), grid.size(30));
    let at = Point::new(grid.x(RIGHT - 18) - text::width(WORD, cap), grid.y(163));
    let tick = Point::new(at.x - side - grid.size(8), at.y - (cap + side) / 2);
    symbol::draw(target, Symbol::Tick, tick, side, category_paint(ckd))?;
    text::line(target, WORD, at, Anchor::Left, cap, category_paint(ckd))
}

fn interval<D: DrawTarget<Color = Rgb888>>(target: &mut D, grid: Grid, estimate: &Estimate) -> Result<(), D::Error> {
    let [low, high] = estimate.whole_interval();
    let ends = words(format_args!("{low} - {high}"));
    let (large, small) = (grid.size(46), grid.size(CAPTION_CAP));
    let at = Point::new(grid.x(LEFT), grid.y(242));
    text::line(target, &ends, at, Anchor::Left, large, on_ground(TEXT))?;
    let beside = at + Point::new(text::width(&ends, large) + grid.size(24), 0);
    let coverage = words(format_args!("{:.0}% interval", estimate.coverage * 100.0));
    let above = beside - Point::new(0, large - small);
    text::line(target, &coverage, above, Anchor::Left, small, on_ground(CAPTION))?;
    text::line(target, UNIT, beside, Anchor::Left, small, on_ground(CAPTION))
}

fn facts<D: DrawTarget<Color = Rgb888>>(
    target: &mut D,
    grid: Grid,
    subject: &Subject,
    estimate: &Estimate,
) -> Result<(), D::Error> {
    fill(target, grid.area((LEFT, FACTS), (RIGHT, FACTS + 2)), RULE)?;
    let length = match subject.length {
        Some(Centimetres(length)) => words(format_args!("{length:.2} cm")),
        None => words(format_args!("not scaled")),
    };
    let probability = words(format_args!("P(eGFR < {:.0})", CKD_EGFR.0));
    let y = BOTTOM - 59;
    fact(target, grid, grid.point(LEFT, y), &probability, &percent(estimate.p_ckd))?;
    fact(target, grid, grid.point(296, y), "Length", &length)?;
    fact(target, grid, grid.point(BESIDE + 54, y), "KDIGO stage", estimate.stage.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panel::tests::estimate;

    #[test]
    fn given_an_estimate_beside_a_stages_limit_expect_a_whole_number_of_that_stage() {
        let shown = |egfr| estimate(egfr, [0.0, 120.0], 0.5, Ckd::Uncertain).whole_egfr();
        assert_eq!([59.4, 59.7, 60.0, 60.6, 89.5, 90.2].map(shown), [59, 59, 60, 61, 89, 90]);
    }

    #[test]
    fn given_probabilities_near_the_ends_expect_no_certainty() {
        let shown = [0.0, 0.004, 0.012, 0.5, 0.994, 0.996, 1.0].map(|p| percent(Probability(p)));
        assert_eq!(shown, ["< 1%", "< 1%", "1%", "50%", "99%", "> 99%", "> 99%"]);
    }
}
