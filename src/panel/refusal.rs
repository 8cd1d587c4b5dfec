//! The screen that says why there is no estimate and what to do.

use super::{
    layout::{CAUTION, Grid, fact, hint},
    message::{self, ASIDE},
    symbol::Symbol,
};
use crate::refusal::Refusal;
use core::fmt::Write;
use embedded_graphics::{pixelcolor::Rgb888, prelude::*};

/// A caption and its value.
type Value = (&'static str, heapless::String<16>);

pub(super) fn draw<D: DrawTarget<Color = Rgb888>>(
    target: &mut D,
    grid: Grid,
    refusal: Refusal,
) -> Result<(), D::Error> {
    message::label(target, grid, "No estimate", CAUTION)?;
    message::words(target, grid, refusal.reason())?;
    match values(refusal) {
        None => message::sign(target, grid, Symbol::Barred, CAUTION)?,
        Some(values) => {
            for (row, (caption, value)) in (0..).zip(&values) {
                fact(target, grid, grid.point(ASIDE, 124 + 100 * row), caption, value)?;
            }
        }
    }
    hint(target, grid, refusal.hint())
}

/// The numbers behind a refusal, where it has any.
fn values(refusal: Refusal) -> Option<[Value; 2]> {
    match refusal {
        Refusal::NoMarkers
        | Refusal::PartnerMissing
        | Refusal::PartnerOutside
        | Refusal::PairsAmbiguous
        | Refusal::PairTooShort
        | Refusal::LengthUnknown => None,
        Refusal::LengthsDisagree { by_ruler, by_text } => {
            Some([("By ruler", number(by_ruler.0, 2, " cm")), ("Printed", number(by_text.0, 2, " cm"))])
        }
        Refusal::LengthOutsideRange { length, limit } => {
            let proven = if length < limit { "Proven from" } else { "Proven to" };
            Some([("Measured", number(length.0, 2, " cm")), (proven, number(limit.0, 1, " cm"))])
        }
        // Rounded up, as below.
        Refusal::UnlikeTraining { distance, limit } => Some([
            ("Distance", number(libm::ceilf(distance * 100.0) / 100.0, 2, "")),
            ("Allowed", number(limit, 2, "")),
        ]),
        // Rounded up, so that what exceeds the limit never reads the same as the limit.
        Refusal::MembersDisagree { spread, limit } => Some([
            ("eGFR spread", number(libm::ceilf(spread.0 * 10.0) / 10.0, 1, "")),
            ("Allowed", number(limit.0, 1, "")),
        ]),
        Refusal::OutsideRange { low, high } => {
            Some([("Proven from", number(low.0, 0, "")), ("Proven to", number(high.0, 0, ""))])
        }
    }
}

/// A value in words; what is no number, or none a display has room for, is a dash.
fn number(value: f32, decimals: usize, unit: &str) -> heapless::String<16> {
    let mut words = heapless::String::new();
    if !value.is_finite() || value.abs() >= 10_000.0 || write!(words, "{value:.decimals$}{unit}").is_err() {
        words.clear();
        words.push('-').expect("one character fits");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        panel::{layout, tests::refusals, text},
        units::Egfr,
    };

    #[test]
    fn given_any_refusal_at_either_size_expect_its_words_inside_their_areas() {
        for size in [Size::new(800, 480), Size::new(480, 320)] {
            let grid = Grid::over(size).unwrap();
            for refusal in refusals() {
                let reason = text::fit(refusal.reason(), message::words_area(grid).size, message::words_caps(grid));
                assert!(reason.inside, "{size:?}: {}", refusal.reason());
                let caps = grid.size(22)..=grid.size(26);
                let hint = text::fit(refusal.hint(), layout::hint_area(grid).size, caps);
                assert!(hint.inside, "{size:?}: {}", refusal.hint());
                for (caption, value) in values(refusal).into_iter().flatten() {
                    let room = grid.x(layout::RIGHT) - grid.x(ASIDE);
                    assert!(text::width(caption, grid.size(layout::CAPTION_CAP)) <= room, "{size:?}: {caption}");
                    assert!(text::width(&value, grid.size(28)) <= room, "{size:?}: {value}");
                }
            }
        }
    }

    #[test]
    fn given_a_spread_hardly_above_the_limit_or_no_number_expect_it_told_apart() {
        let words = |spread| {
            values(Refusal::MembersDisagree { spread: Egfr(spread), limit: Egfr(15.0) })
                .unwrap()
                .map(|(_, value)| value)
        };
        assert_eq!(words(15.01), ["15.1", "15.0"]);
        assert_eq!(words(f32::NAN), ["-", "15.0"]);
        assert_eq!(words(f32::INFINITY), ["-", "15.0"]);
    }
}
