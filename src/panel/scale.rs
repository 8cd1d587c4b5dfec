//! The scale: eGFR from 0 to 120 with the interval as a bar, the limit of 60 and the estimate.

use super::{
    layout::{ACCENT, CAPTION, CAPTION_CAP, GROUND, Grid, RULE, TEXT, fill, on_ground},
    stencil::Paint,
    symbol::{self, Symbol},
    text::{self, Anchor},
};
use crate::estimate::{CKD_EGFR, Estimate};
use core::fmt::Write;
use embedded_graphics::{pixelcolor::Rgb888, prelude::*, primitives::Rectangle};

/// The upper end of the scale: twice the limit, so that the limit stands in its middle.
const TOP: f32 = 120.0;

/// Draws the scale in `area`: the track above, its numbers below.
pub fn draw<D: DrawTarget<Color = Rgb888>>(
    target: &mut D,
    grid: Grid,
    area: Rectangle,
    estimate: &Estimate,
) -> Result<(), D::Error> {
    let (left, length) = (area.top_left.x, area.size.width as i32);
    let x = |egfr: f32| left + libm::roundf(egfr.clamp(0.0, TOP) / TOP * length as f32) as i32;
    let (thick, thin, reach) = (grid.size(20), grid.size(8), grid.size(7));
    let middle = area.top_left.y + reach + thick / 2;
    let band = |from: i32, to: i32, height: i32| {
        let size = Size::new((to - from).max(1) as u32, height as u32);
        Rectangle::new(Point::new(from, middle - height / 2), size)
    };
    fill(target, band(left, left + length, thin), RULE)?;
    let [low, high] = estimate.interval.map(|end| x(end.0));
    fill(target, band(low, high, thick), ACCENT)?;

    let side = thick;
    if estimate.interval[1].0 > TOP {
        let at = Point::new(left + length + grid.size(5), middle - side / 2);
        symbol::draw(target, Symbol::Beyond, at, side, on_ground(ACCENT))?;
    }

    // The limit crosses the bar, so that it shows on which side the interval lies.
    let (limit, width) = (x(CKD_EGFR.0), grid.size(4));
    fill(target, band(limit - width, limit + width, thick + 2 * reach), GROUND)?;
    fill(target, band(limit - width / 2, limit - width / 2 + width, thick + 2 * reach), TEXT)?;

    let at = Point::new(x(estimate.egfr.0) - side / 2, middle - side / 2);
    symbol::draw(target, Symbol::Diamond, at, side, Paint { ink: GROUND, ground: ACCENT })?;

    let cap = grid.size(CAPTION_CAP);
    let baseline = middle + thick / 2 + reach + grid.size(8) + cap;
    for (egfr, ink) in [(0.0, CAPTION), (CKD_EGFR.0, TEXT), (TOP, CAPTION)] {
        let mut words = heapless::String::<8>::new();
        write!(words, "{egfr:.0}").expect("a number below a thousand fits");
        let half = text::width(&words, cap) / 2;
        let centre = x(egfr).clamp(left + half, (left + length - half).max(left + half));
        text::line(target, &words, Point::new(centre, baseline), Anchor::Middle, cap, on_ground(ink))?;
    }
    Ok(())
}
