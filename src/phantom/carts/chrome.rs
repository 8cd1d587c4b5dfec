//! All that stands around the echo: banner, settings, bars, ruler, focus and body marks, measurement box.

use super::{
    Cart,
    dice::Dice,
    pen::{self, Print, Stroke},
    style::{Corner, Form, Frame, Numbers, Side, Ticks},
};
use crate::{
    frame::{Picture, Spot},
    units::Centimetres,
};
use alloc::{format, string::String, vec::Vec};
use embedded_graphics::pixelcolor::Rgb888;

/// A rectangle on the screen: left, top, width, height.
pub(super) type Area = [f32; 4];

/// Whether a marker at `spot` with this reach would touch the area.
pub(super) fn touches([x, y, width, height]: Area, spot: Spot, reach: f32) -> bool {
    spot.x > x - reach && spot.x < x + width + reach && spot.y > y - reach && spot.y < y + height + reach
}

impl Cart {
    /// Draws what every screen of the cart has.
    pub(super) fn draw_chrome(&self, picture: &mut Picture, dice: &mut Dice) {
        let (style, unit) = (self.style, self.unit);
        let (width, height) = (picture.width() as f32, picture.height() as f32);
        let (colour, tall, from) = style.banner;
        pen::fill(picture, (from * width, 0.0), ((1.0 - from) * width, tall * unit), colour);
        if style.footer.1 > 0.0 {
            let tall = style.footer.1 * unit;
            pen::fill(picture, (0.0, height - tall), (width, tall), style.footer.0);
        }
        let print = self.print();
        for &(text, x, y) in style.titles {
            print.write(picture, &dice.digits(text), (x * width, y * unit));
        }
        let (left, top, wide, ground) = style.column;
        let row = 1.75 * style.cap * unit;
        if wide > 0.0 {
            let rows = style.settings.len() as f32 + 0.5;
            pen::fill(picture, (left * width - 3.0, top * height - row), (wide * width, rows * row), ground);
        }
        for (i, text) in style.settings.iter().enumerate() {
            print.write(picture, &dice.digits(text), (left * width, top * height + i as f32 * row));
        }
        self.draw_bar(picture);
        self.draw_probe_mark(picture);
        self.draw_focus(picture, dice);
    }

    pub(super) fn print(&self) -> Print {
        Print { face: self.style.face, cap: self.style.cap * self.unit, colour: self.style.text }
    }

    /// The grey bar, tinted on some carts.
    fn draw_bar(&self, picture: &mut Picture) {
        let (x, y) = self.style.grey_bar;
        let (x, y) = (x * picture.width() as f32, y * picture.height() as f32);
        let rows = libm::roundf(150.0 * self.unit);
        for row in 0..rows as i32 {
            let grey = 255.0 * (1.0 - row as f32 / (rows - 1.0));
            let colour = Rgb888::new(grey as u8, grey as u8, (grey * self.tint) as u8);
            pen::fill(picture, (x, y + row as f32), (16.0 * self.unit, 1.0), colour);
        }
    }

    /// The mark of the probe's marked side, at the top of the echo: a ring, or a letter-like stroke.
    fn draw_probe_mark(&self, picture: &mut Picture) {
        let unit = self.unit;
        let face = self.sector.face;
        let away = self.sector.scale.0 * (self.sector.radius * libm::sinf(self.sector.half_angle) + 0.9);
        let (x, y) = (face.x - away, face.y - 6.0 * unit);
        let radius = 7.0 * unit;
        let turn = |i: i32| i as f32 * core::f32::consts::TAU / 16.0;
        let at = |i: i32| Spot { x: x + radius * libm::cosf(turn(i)), y: y + radius * libm::sinf(turn(i)) };
        let stroke = Stroke::full(1.6 * unit, self.hand.colours[0]);
        pen::path(picture, (0..=if self.tint < 1.0 { 16 } else { 11 }).map(at), &stroke);
    }

    /// One or two focus marks beside the ruler: triangles or hourglasses.
    fn draw_focus(&self, picture: &mut Picture, dice: &mut Dice) {
        let (x, y) = (self.ruler_x, self.sector.face.y + self.sector.focus * self.sector.scale.0);
        let size = 7.0 * self.unit;
        let colour = if dice.happens(0.5) { self.hand.colours[0] } else { self.style.ruler_colour };
        let hourglass = dice.happens(0.4);
        let side = if self.ruler.side == Side::Right { 1.0 } else { -1.0 };
        let x = x - side * 14.0 * self.unit;
        for row in -(size as i32)..=size as i32 {
            let part = row.abs() as f32 / size;
            let half = size * if hourglass { 0.15 + 0.6 * part } else { 1.0 - part };
            pen::fill(picture, (x - half, y + row as f32), (2.0 * half, 1.0), colour);
        }
    }

    /// Draws the ruler.
    pub(super) fn draw_ruler(&self, picture: &mut Picture) {
        let (unit, colour, ruler) = (self.unit, self.style.ruler_colour, &self.ruler);
        let outwards = if ruler.side == Side::Right { 1.0 } else { -1.0 };
        let (scale, face) = (self.sector.scale.0, self.sector.face);
        let steps = (self.sector.depth / ruler.minor_cm + 0.001) as i32;
        let thick = libm::roundf(1.6 * unit).max(1.0);
        let print = Print { colour, ..self.print() };
        for step in 0..=steps {
            let cm = step as f32 * ruler.minor_cm;
            let is_major = self.is_major(step);
            let y = libm::roundf(face.y + cm * scale);
            let (length, tall) = self.tick(is_major, thick);
            let left = if outwards > 0.0 { self.ruler_x } else { self.ruler_x - length };
            pen::fill(picture, (left, y - libm::floorf((tall - 1.0) / 2.0)), (length, tall), colour);
            if is_major && ruler.numbers == Numbers::Majors {
                let text = format!("{}", cm as i32);
                let x = self.ruler_x + outwards * (length + 5.0 * unit);
                let at = (x, y + print.cap / 2.0);
                if outwards > 0.0 { print.write(picture, &text, at) } else { print.write_right(picture, &text, at) }
            }
        }
        if ruler.along_top {
            let reach = (0.45 * picture.width() as f32 / scale / ruler.minor_cm) as i32;
            let top = libm::roundf(self.style.banner.1 * unit + 5.0 * unit);
            for step in -reach..=reach {
                let x = libm::roundf(face.x + step as f32 * ruler.minor_cm * scale);
                let (length, wide) = self.tick(self.is_major(step), thick);
                pen::fill(picture, (x - libm::floorf((wide - 1.0) / 2.0), top), (wide, length), colour);
            }
        }
    }

    fn is_major(&self, step: i32) -> bool {
        let every = libm::roundf(self.ruler.major_cm / self.ruler.minor_cm) as i32;
        every > 1 && step % every == 0
    }

    /// A tick's extent across the ruler and along it.
    fn tick(&self, is_major: bool, thick: f32) -> (f32, f32) {
        let unit = self.unit;
        match (self.ruler.ticks, is_major) {
            (Ticks::Bars, false) => (libm::roundf(6.0 * unit), thick),
            (Ticks::Bars, true) => (libm::roundf(11.0 * unit), thick),
            (Ticks::Dots, false) => (thick + 1.0, thick + 1.0),
            (Ticks::Dots, true) => (2.0 * thick + 2.0, 2.0 * thick + 2.0),
        }
    }

    /// The ruler with its numbers.
    pub(super) fn ruler_area(&self) -> Area {
        let (top, bottom) = (self.sector.face.y, self.sector.depth * self.sector.scale.0);
        let wide = 42.0 * self.unit;
        let left = if self.ruler.side == Side::Right { self.ruler_x } else { self.ruler_x - wide };
        [left, top - 10.0, wide, bottom + 20.0]
    }

    /// A torso's outline with the probe's place on it, `size` high.
    pub(super) fn draw_body_mark(&self, picture: &mut Picture, (x, y): (f32, f32), size: f32, colour: Rgb888) {
        let thin = Stroke::full(self.unit, colour);
        let at = |&(px, py): &(f32, f32)| Spot { x: x + px * size, y: y + py * size };
        let paths: [&[(f32, f32)]; 4] = [
            &[(0.3, 0.0), (0.42, 0.06), (0.6, 0.06), (0.72, 0.0)],
            &[(0.0, 0.2), (0.12, 0.14), (0.2, 0.2), (0.22, 0.6), (0.16, 1.0)],
            &[(1.0, 0.2), (0.88, 0.14), (0.8, 0.2), (0.78, 0.6), (0.84, 1.0)],
            &[(0.25, 0.62), (0.4, 0.56), (0.5, 0.36), (0.6, 0.56), (0.75, 0.62)],
        ];
        for points in paths {
            pen::path(picture, points.iter().map(at), &thin);
        }
        let probe = [(0.2, 0.78), (0.27, 0.72), (0.42, 0.9)];
        pen::path(picture, probe.iter().map(at), &Stroke::full(2.0 * self.unit, Rgb888::new(255, 255, 255)));
    }

    /// A line like an electrocardiogram along the echo's bottom.
    pub(super) fn draw_heart_line(&self, picture: &mut Picture, colour: Rgb888) {
        let [left, _, right, bottom] = self.echo;
        let (beat, base) = (90.0 * self.unit, bottom - 18.0 * self.unit);
        let beats = ((right - left) / beat) as i32;
        let shape =
            [(0.0, 0.0), (0.3, 0.0), (0.36, -0.12), (0.42, 0.0), (0.5, 0.1), (0.54, -1.0), (0.6, 0.3), (0.64, 0.0)];
        let points = (0..beats).flat_map(|i| shape.map(|(x, y)| (i as f32 + x, y)));
        let at = |(x, y): (f32, f32)| Spot { x: left + x * beat, y: base + y * 26.0 * self.unit };
        pen::path(picture, points.map(at), &Stroke::full(self.unit, colour));
    }

    /// Draws the measurement box where it hides neither ruler nor marker; what it takes, or none if there is no room.
    pub(super) fn draw_box(
        &self,
        picture: &mut Picture,
        lines: &[String],
        spots: &[Spot],
        dice: &mut Dice,
    ) -> Option<Area> {
        let print =
            Print { colour: if dice.happens(0.5) { self.hand.colours[0] } else { self.style.text }, ..self.print() };
        let row = 1.7 * print.cap;
        let wide = lines.iter().map(|line| print.width(line)).fold(0.0, f32::max) + 1.4 * print.cap;
        let tall = lines.len() as f32 * row + 0.9 * print.cap;
        let mut corners: Vec<Corner> = self.style.corners.to_vec();
        corners.push(Corner::BottomRight);
        corners.push(Corner::TopLeft);
        let free = |area: &Area| {
            let [x, y, w, h] = *area;
            let [rx, ry, rw, rh] = self.ruler_area();
            let off_ruler = x > rx + rw || x + w < rx || y > ry + rh || y + h < ry;
            off_ruler && !spots.iter().any(|&spot| touches(*area, spot, self.hand.elbow_room()))
        };
        let areas = corners.into_iter().map(|corner| self.corner(corner, wide, tall, picture));
        let area = areas.into_iter().find(free)?;
        let (at, size) = ((area[0], area[1]), (area[2], area[3]));
        match self.style.frame {
            Frame::Bare => {}
            Frame::Filled(colour) => pen::fill(picture, at, size, colour),
            Frame::Bordered(colour) => {
                pen::fill(picture, at, size, Rgb888::new(0, 3, 26));
                pen::frame(picture, at, size, &Stroke::full(1.6 * self.unit, colour));
            }
        }
        for (i, line) in lines.iter().enumerate() {
            print.write(picture, line, (at.0 + 0.7 * print.cap, at.1 + 1.6 * print.cap + i as f32 * row));
        }
        Some(area)
    }

    fn corner(&self, corner: Corner, wide: f32, tall: f32, picture: &Picture) -> Area {
        let (width, height) = (picture.width() as f32, picture.height() as f32);
        let margin = 6.0 * self.unit;
        let (top, bottom) = (self.style.banner.1 * self.unit, height - self.style.footer.1 * self.unit);
        let (left, right) = (self.echo[0].min(margin), width - wide - margin);
        let (x, y) = match corner {
            Corner::TopLeft => (self.echo[0] + margin, top + 4.0 * margin),
            Corner::TopRight => (self.echo[2] - wide - margin, top + 4.0 * margin),
            Corner::BottomLeft => (left, bottom - tall - margin),
            Corner::BottomRight => (right, bottom - tall - margin),
            Corner::MiddleRight => (right, 0.62 * height),
        };
        [libm::roundf(x), libm::roundf(y), libm::roundf(wide), libm::roundf(tall)]
    }
}

/// The line that a form prints for pair `number` of `count`, and the length as it was rounded.
pub(super) fn printed(
    form: Form,
    number: usize,
    count: usize,
    length: Centimetres,
    mark: char,
) -> (String, Centimetres) {
    let to = |places: f32| Centimetres(libm::roundf(length.0 * places) / places);
    let (tenths, hundredths) = (to(10.0), to(100.0));
    let letter = char::from(b'A' + (number - 1) as u8);
    match form {
        Form::NumberL => (format!("{number} L {:.2} cm", hundredths.0), hundredths),
        Form::NumberD => (format!("{number} D {:.2} cm", hundredths.0), hundredths),
        Form::NumberLength => (format!("{number} Length {:.2} cm", hundredths.0), hundredths),
        Form::Dist if count == 1 => (format!("Dist {:.1} cm", tenths.0), tenths),
        Form::Dist => (format!("Dist{number} {:.1} cm", tenths.0), tenths),
        Form::DMillimetres => (format!("D{number} {:.1} mm", hundredths.0 * 10.0), hundredths),
        Form::Plus => (format!("{mark} {:.1}cm", tenths.0), tenths),
        Form::PlusDist => (format!("{mark} Dist {:.1} cm", tenths.0), tenths),
        Form::Letter => (format!("{letter}: {:.2} cm", hundredths.0), hundredths),
    }
}
