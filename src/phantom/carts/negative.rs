//! Screens that must not be measured, and what is on them instead of one kidney's length.

use super::{
    Cart,
    dice::Dice,
    pen::{self, Edge, Pattern, Print, Stroke},
};
use crate::{
    frame::{Picture, RGB_BYTES, Spot},
    phantom::{anatomy::Place, noise::Field},
};
use embedded_graphics::pixelcolor::Rgb888;
use serde::Serialize;

/// Why a screen cannot be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Negative {
    /// No calipers.
    NoCalipers,
    /// One marker, no second one.
    OneMarker,
    /// The picture's edge cuts the partner off.
    CutByPicture,
    /// The echo's edge cuts the partner off.
    CutByEcho,
    /// Plus signs in text alone.
    PlusInText,
    /// Body marks alone.
    BodyMarks,
    /// A box around a region.
    RoiBox,
    /// A biopsy guide: dotted lines with ticks.
    BiopsyGuide,
    /// A colour Doppler box.
    Doppler,
    /// Two open measurements of equal length.
    EqualPairs,
}

/// Every reason.
pub const NEGATIVES: [Negative; 10] = [
    Negative::NoCalipers,
    Negative::OneMarker,
    Negative::CutByPicture,
    Negative::CutByEcho,
    Negative::PlusInText,
    Negative::BodyMarks,
    Negative::RoiBox,
    Negative::BiopsyGuide,
    Negative::Doppler,
    Negative::EqualPairs,
];

impl Cart {
    /// Text with plus signs in the calipers' colour, over the echo and beside it.
    pub(super) fn draw_plus_text(&self, picture: &mut Picture, dice: &mut Dice) {
        let print = Print { colour: self.hand.colours[0], cap: self.hand.print.cap, ..self.print() };
        let [left, top, right, bottom] = self.echo;
        for _ in 0..dice.whole(2, 5) {
            let text = dice.pick(&["RK + LK", "+", "+ +", "T+12", "LIVER + RK", "A+B", "+3 dB", "L+", "(+)"]);
            let at =
                (dice.within(left, right - 80.0 * self.unit), dice.within(top + 0.2 * (bottom - top), bottom - 9.0));
            print.write(picture, text, at);
        }
    }

    /// A region's box with marks at its corners and, on some carts, at its middle.
    pub(super) fn draw_region(&self, picture: &mut Picture, dice: &mut Dice) {
        let (at, size) = self.region(dice);
        let pattern = dice.pick(&[Pattern::Full, Pattern::Dashes { on: 6.0, off: 4.0 }, Pattern::Dots { every: 5.0 }]);
        let stroke = Stroke { pattern, ..Stroke::full(1.4 * self.unit, self.hand.colours[0]) };
        pen::frame(picture, at, size, &stroke);
        let mark = 8.0 * self.unit;
        let full = Stroke::full(self.hand.stroke, self.hand.colours[0]);
        for corner in 0..4 {
            let x = libm::roundf(at.0 + if corner % 2 == 0 { 0.0 } else { size.0 });
            let y = libm::roundf(at.1 + if corner < 2 { 0.0 } else { size.1 });
            pen::line(picture, Spot { x: x - mark, y }, Spot { x: x + mark, y }, &full);
            pen::line(picture, Spot { x, y: y - mark }, Spot { x, y: y + mark }, &full);
        }
    }

    fn region(&self, dice: &mut Dice) -> ((f32, f32), (f32, f32)) {
        let depth = self.sector.depth;
        let place = Place { x: dice.within(-4.0, -2.0), z: dice.within(0.2 * depth, 0.4 * depth) };
        let corner = self.sector.to_screen(place);
        let scale = self.sector.scale.0;
        (
            (libm::roundf(corner.x), libm::roundf(corner.y)),
            (dice.within(3.5, 6.0) * scale, dice.within(2.5, 5.0) * scale),
        )
    }

    /// One or two dotted lines down through the echo, with a tick each centimetre.
    pub(super) fn draw_guide(&self, picture: &mut Picture, dice: &mut Dice) {
        let scale = self.sector.scale.0;
        let side = if dice.happens(0.5) { 1.0 } else { -1.0 };
        let slope = side * dice.within(0.35, 0.9);
        let colour = self.hand.colours[0];
        let dots = Stroke {
            pattern: Pattern::Dots { every: libm::roundf(5.0 * self.unit) },
            ..Stroke::full(1.4 * self.unit, colour)
        };
        let tick = Stroke { edge: Edge::Soft, ..Stroke::full(self.unit, colour) };
        let start = self.sector.to_screen(Place { x: -side * dice.within(2.0, 4.0), z: 0.6 });
        for beside in 0..dice.whole(1, 2) {
            let at = |cm: f32| {
                let along = cm * scale / libm::hypotf(1.0, slope);
                let x = start.x + slope * along + beside as f32 * 0.8 * scale;
                Spot { x, y: start.y + along }
            };
            let longest = 0.75 * self.sector.depth;
            pen::line(picture, at(0.0), at(longest), &dots);
            for cm in 1..=longest as i32 {
                let reach = if cm % 5 == 0 { 9.0 } else { 5.0 } * self.unit;
                let middle = at(cm as f32);
                let (a, b) = (
                    Spot { x: middle.x - reach, y: middle.y + slope * reach },
                    Spot { x: middle.x + reach, y: middle.y - slope * reach },
                );
                pen::line(picture, a, b, &tick);
            }
        }
    }

    /// A colour box leaning along the beams, with flow in it, and its bar of speeds.
    pub(super) fn draw_doppler(&self, picture: &mut Picture, dice: &mut Dice) {
        let (half, middle) = (dice.within(0.12, 0.25), dice.within(-0.15, 0.15));
        let (near, deep) = (0.3 * self.sector.depth, dice.within(0.55, 0.7) * self.sector.depth);
        let corner = |angle: f32, depth: f32| {
            let reach = depth + self.sector.radius;
            let place = Place { x: reach * libm::sinf(angle), z: reach * libm::cosf(angle) - self.sector.radius };
            self.sector.to_screen(place)
        };
        let (left, right) = (middle - half, middle + half);
        let outline =
            [corner(left, near), corner(right, near), corner(right, deep), corner(left, deep), corner(left, near)];
        let (top, bottom) = (outline[0].y.min(outline[1].y), outline[2].y.max(outline[3].y));
        let (first, last) = (outline[3].x.min(outline[0].x), outline[2].x.max(outline[1].x));
        let flow = Field::draw(&mut dice.0);
        for y in top as usize..(bottom as usize + 20).min(picture.height()) {
            for x in first.max(0.0) as usize..(last as usize).min(picture.width()) {
                let place = self.sector.to_place(Spot { x: x as f32, y: y as f32 });
                let (angle, depth) = self.sector.beam(place);
                let speed = flow.rough(place.x * 1.1, place.z * 1.1);
                if (left..right).contains(&angle) && (near..deep).contains(&depth) && speed.abs() > 0.22 {
                    let start = (y * picture.width() + x) * RGB_BYTES;
                    picture.as_rgb_mut()[start..start + RGB_BYTES].copy_from_slice(&flow_colour(speed));
                }
            }
        }
        pen::path(picture, outline, &Stroke::full(1.4 * self.unit, self.hand.colours[0]));
        self.draw_speeds(picture, dice);
    }

    fn draw_speeds(&self, picture: &mut Picture, dice: &mut Dice) {
        let (x, y, rows) = (self.echo[0] + 8.0 * self.unit, self.echo[1] + 30.0 * self.unit, 110.0 * self.unit);
        for row in 0..rows as i32 {
            let [r, g, b] = flow_colour(1.0 - 2.0 * row as f32 / rows);
            pen::fill(picture, (x, y + row as f32), (14.0 * self.unit, 1.0), Rgb888::new(r, g, b));
        }
        let print = self.print();
        print.write(picture, &dice.digits("+2#.#"), (x, y - 5.0));
        print.write(picture, &dice.digits("-2#.# cm/s"), (x, y + rows + 1.4 * print.cap));
    }
}

/// Red towards the probe, blue away from it, brighter where faster.
fn flow_colour(speed: f32) -> [u8; 3] {
    let fast = (speed.abs() * 1.6).min(1.0);
    let (main, second) = ((90.0 + 165.0 * fast) as u8, (210.0 * fast * fast) as u8);
    if speed > 0.0 { [main, second, 0] } else { [0, second, main] }
}
