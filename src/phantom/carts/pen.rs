//! Rectangles, lines and print on a picture, with edges as hard or as soft as a cart draws them.

use crate::frame::{Picture, RGB_BYTES, Spot};
use alloc::vec::Vec;
use embedded_graphics::{pixelcolor::Rgb888, prelude::*, primitives::Rectangle};
use u8g2_fonts::{
    Font, FontRenderer, fonts,
    types::{FontColor, HorizontalAlignment, VerticalPosition},
};

/// How the edge of a stroke or letter is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// A pixel has the colour or not.
    Hard,
    /// Pixels on the edge are mixed with what lies below.
    Soft,
}

impl Edge {
    /// How much of a pixel is painted, of which `part` is inside the shape.
    pub fn coverage(self, part: f32) -> f32 {
        match self {
            Self::Hard if part < 0.5 => 0.0,
            Self::Hard => 1.0,
            Self::Soft => part.clamp(0.0, 1.0),
        }
    }
}

/// The gaps of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pattern {
    /// None.
    Full,
    /// Square dots so many pixels apart.
    Dots {
        /// From dot to dot.
        every: f32,
    },
    /// Dashes.
    Dashes {
        /// A dash's length.
        on: f32,
        /// The length of the gap after it.
        off: f32,
    },
}

impl Pattern {
    /// The pattern on a screen with `unit` times as many pixels.
    pub fn scaled(self, unit: f32) -> Self {
        let times = |length: f32| libm::roundf(length * unit).max(2.0);
        match self {
            Self::Full => Self::Full,
            Self::Dots { every } => Self::Dots { every: times(every).max(3.0) },
            Self::Dashes { on, off } => Self::Dashes { on: times(on), off: times(off) },
        }
    }
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stroke {
    /// Its gaps.
    pub pattern: Pattern,
    /// Its width, in pixels.
    pub width: f32,
    /// Its colour.
    pub colour: Rgb888,
    /// Its edge.
    pub edge: Edge,
}

impl Stroke {
    /// A full line with hard edges.
    pub fn full(width: f32, colour: Rgb888) -> Self {
        Self { pattern: Pattern::Full, width: libm::roundf(width).max(1.0), colour, edge: Edge::Hard }
    }
}

/// Fills a rectangle.
pub(super) fn fill(picture: &mut Picture, (x, y): (f32, f32), (width, height): (f32, f32), colour: Rgb888) {
    let whole = |v: f32| libm::roundf(v) as i32;
    let (left, top) = (whole(x), whole(y));
    let size = Size::new(whole(width).max(1) as u32, whole(height).max(1) as u32);
    let Ok(()) = picture.fill_solid(&Rectangle::new(Point::new(left, top), size), colour);
}

/// Mixes `part` (0 to 1) of `colour` into a pixel; beyond the picture nothing happens.
pub(super) fn mix(picture: &mut Picture, (x, y): (i32, i32), colour: Rgb888, part: f32) {
    let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
    if part <= 0.0 || x >= picture.width() || y >= picture.height() {
        return;
    }
    let start = (y * picture.width() + x) * RGB_BYTES;
    let pixel = &mut picture.as_rgb_mut()[start..start + RGB_BYTES];
    for (value, ink) in pixel.iter_mut().zip([colour.r(), colour.g(), colour.b()]) {
        *value = libm::roundf(f32::from(*value) + (f32::from(ink) - f32::from(*value)) * part) as u8;
    }
}

/// Draws a straight line.
pub(super) fn line(picture: &mut Picture, a: Spot, b: Spot, stroke: &Stroke) {
    let length = a.distance(b);
    if length < 1.0 {
        return;
    }
    let (ux, uy) = ((b.x - a.x) / length, (b.y - a.y) / length);
    if let Pattern::Dots { every } = stroke.pattern {
        let back = (stroke.width - 1.0) / 2.0;
        for i in 0..=(length / every) as i32 {
            let along = i as f32 * every;
            let at = (a.x + along * ux - back, a.y + along * uy - back);
            fill(picture, at, (stroke.width, stroke.width), stroke.colour);
        }
        return;
    }
    let painted = |along: f32| match stroke.pattern {
        Pattern::Dashes { on, off } => libm::fmodf(along, on + off) < on,
        Pattern::Full | Pattern::Dots { .. } => true,
    };
    let margin = stroke.width / 2.0 + 1.0;
    let span = |a: f32, b: f32| (a.min(b) - margin) as i32..=(a.max(b) + margin) as i32;
    for y in span(a.y, b.y) {
        for x in span(a.x, b.x) {
            let (dx, dy) = (x as f32 - a.x, y as f32 - a.y);
            let (along, across) = (dx * ux + dy * uy, (dx * uy - dy * ux).abs());
            if across < margin && (0.0..=length).contains(&along) && painted(along) {
                let part = stroke.edge.coverage((stroke.width / 2.0 + 0.5 - across).min(1.0));
                mix(picture, (x, y), stroke.colour, part);
            }
        }
    }
}

/// Draws lines from point to point.
pub(super) fn path(picture: &mut Picture, points: impl IntoIterator<Item = Spot>, stroke: &Stroke) {
    let points: Vec<Spot> = points.into_iter().collect();
    for ends in points.windows(2) {
        line(picture, ends[0], ends[1], stroke);
    }
}

/// Draws a rectangle's border, inside it.
pub(super) fn frame(picture: &mut Picture, (x, y): (f32, f32), (width, height): (f32, f32), stroke: &Stroke) {
    let spot = |x: f32, y: f32| Spot { x: libm::roundf(x), y: libm::roundf(y) };
    let corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)];
    path(picture, corners.map(|(x, y)| spot(x, y)), stroke);
}

/// A typeface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    /// Bold and narrow.
    HelveticaBold,
    /// Plain and narrow.
    Helvetica,
    /// Plain and wide.
    Lucida,
    /// Plain, drawn smoothly.
    Universal,
    /// Bold, drawn smoothly.
    UniversalBold,
}

/// How print is set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Print {
    /// Its typeface.
    pub face: Face,
    /// The height of a capital, in pixels; the nearest size at hand is taken.
    pub cap: f32,
    /// Its colour.
    pub colour: Rgb888,
}

type Draw = fn(&str, Point, Rgb888, Option<&mut Picture>) -> Rectangle;

/// A font's drawing with the height of its capitals.
macro_rules! sizes {
    ($($cap:literal $font:ident),+) => { &[$(($cap, draw_in::<fonts::$font> as Draw)),+] };
}

impl Face {
    /// Whether letters have soft edges.
    pub fn is_smooth(self) -> bool {
        matches!(self, Self::Universal | Self::UniversalBold)
    }
}

impl Print {
    /// The font whose capitals come nearest to `times` the wanted height.
    fn font(self, times: f32) -> Draw {
        let sizes: &[(f32, Draw)] = match self.face {
            Face::HelveticaBold => {
                sizes!(8.0 u8g2_font_helvB08_tf, 11.0 u8g2_font_helvB10_tf, 12.0 u8g2_font_helvB12_tf,
                14.0 u8g2_font_helvB14_tf, 19.0 u8g2_font_helvB18_tf, 25.0 u8g2_font_helvB24_tf)
            }
            Face::Helvetica => sizes!(8.0 u8g2_font_helvR08_tf, 11.0 u8g2_font_helvR10_tf, 12.0 u8g2_font_helvR12_tf,
                14.0 u8g2_font_helvR14_tf, 19.0 u8g2_font_helvR18_tf, 25.0 u8g2_font_helvR24_tf),
            Face::Lucida => sizes!(8.0 u8g2_font_luRS08_tf, 10.0 u8g2_font_luRS10_tf, 12.0 u8g2_font_luRS12_tf,
                14.0 u8g2_font_luRS14_tf, 18.0 u8g2_font_luRS18_tf, 24.0 u8g2_font_luRS24_tf),
            Face::Universal => sizes!(14.0 u8g2_font_fur14_tf, 17.0 u8g2_font_fur17_tf, 20.0 u8g2_font_fur20_tf,
                25.0 u8g2_font_fur25_tf, 30.0 u8g2_font_fur30_tf, 35.0 u8g2_font_fur35_tf, 42.0 u8g2_font_fur42_tf),
            Face::UniversalBold => sizes!(14.0 u8g2_font_fub14_tf, 17.0 u8g2_font_fub17_tf, 20.0 u8g2_font_fub20_tf,
                25.0 u8g2_font_fub25_tf, 30.0 u8g2_font_fub30_tf, 35.0 u8g2_font_fub35_tf, 42.0 u8g2_font_fub42_tf),
        };
        let off = |cap: f32| (cap - times * self.cap).abs();
        let nearest = sizes.iter().min_by(|a, b| off(a.0).total_cmp(&off(b.0)));
        nearest.expect("every face has sizes").1
    }

    /// The width of `text`, in pixels.
    pub fn width(self, text: &str) -> f32 {
        let times = if self.face.is_smooth() { 2.0 } else { 1.0 };
        self.font(times)(text, Point::zero(), self.colour, None).size.width as f32 / times
    }

    /// Writes `text` with its left end at `x` on the baseline `y`.
    pub fn write(self, picture: &mut Picture, text: &str, (x, y): (f32, f32)) {
        let at = Point::new(libm::roundf(x) as i32, libm::roundf(y) as i32);
        if self.face.is_smooth() {
            self.write_smooth(picture, text, at);
        } else {
            self.font(1.0)(text, at, self.colour, Some(picture));
        }
    }

    /// As [`write`](Self::write), with the right end at `x`.
    pub fn write_right(self, picture: &mut Picture, text: &str, (x, y): (f32, f32)) {
        self.write(picture, text, (x - self.width(text), y));
    }

    /// Writes at twice the size and lays four pixels down as one.
    fn write_smooth(self, picture: &mut Picture, text: &str, at: Point) {
        let draw = self.font(2.0);
        let bounds = draw(text, Point::zero(), Rgb888::WHITE, None);
        // One more on each side, and an even start, so that the halves fall together.
        let left = (bounds.top_left.x - 1).div_euclid(2);
        let top = (bounds.top_left.y - 1).div_euclid(2);
        let (width, height) = (bounds.size.width as i32 / 2 + 2, bounds.size.height as i32 / 2 + 2);
        let mut large = Picture::filled(2 * width as usize, 2 * height as usize, [0; 3]);
        draw(text, Point::new(-2 * left, -2 * top), Rgb888::WHITE, Some(&mut large));
        for y in 0..height {
            for x in 0..width {
                let ink =
                    |dx: i32, dy: i32| large.as_rgb()[((2 * y + dy) * 2 * width + 2 * x + dx) as usize * RGB_BYTES];
                let set = [(0, 0), (1, 0), (0, 1), (1, 1)].into_iter().filter(|&(dx, dy)| ink(dx, dy) > 0).count();
                mix(picture, (at.x + left + x, at.y + top + y), self.colour, set as f32 / 4.0);
            }
        }
    }
}

/// Draws `text` in font `F`, or only measures it; the rectangle that it takes.
fn draw_in<F: Font>(text: &str, at: Point, colour: Rgb888, picture: Option<&mut Picture>) -> Rectangle {
    let (baseline, left) = (VerticalPosition::Baseline, HorizontalAlignment::Left);
    let font = FontRenderer::new::<F>();
    let has_glyphs = "the screens' texts are ASCII, which every font here has";
    if let Some(picture) = picture {
        let colour = FontColor::Transparent(colour);
        font.render_aligned(text, at, baseline, left, colour, picture).expect(has_glyphs);
    }
    font.get_rendered_dimensions_aligned(text, at, baseline, left).expect(has_glyphs).unwrap_or_default()
}
