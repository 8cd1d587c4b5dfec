//! What was seen, drawn into the picture: for the engineer who installs the box and wants to know why it reads or refuses.
//!
//! The picture is dimmed; markers, pairs, ruler and print are drawn over it with words beside them, and the decision stands in
//! a strip below. Always holds: nothing is told by colour alone; any size of picture is drawn without a panic.

use super::{Across, Outline, Pair, Ruler, Sight, Stretch, Ticks, echo::Echo, marker::Proof, print, tone::Tones};
use crate::frame::{Frame, Picture, RGB_BYTES, Spot};
use alloc::{format, string::String};
use embedded_graphics::{
    pixelcolor::Rgb888,
    prelude::*,
    primitives::{Circle, Line, PrimitiveStyle, Rectangle},
};
use u8g2_fonts::{
    FontRenderer,
    fonts::{u8g2_font_helvB10_tf, u8g2_font_helvB14_tf},
    types::{FontColor, VerticalPosition},
};

/// The strip's height, in pixels, and how bright the picture stays, in hundredths.
const STRIP: usize = 56;
const DIMMED: u32 = 55;
/// Pictures narrower than this take the smaller letters.
const NARROW: usize = 600;

const INK: Rgb888 = Rgb888::new(255, 255, 255);
const CHOSEN: Rgb888 = Rgb888::new(255, 0, 255);
const OTHER: Rgb888 = Rgb888::new(150, 150, 255);
const MARKER: Rgb888 = Rgb888::new(0, 255, 255);
const RULER: Rgb888 = Rgb888::new(0, 255, 0);
const BORDER: Rgb888 = Rgb888::new(255, 120, 120);
const PRINT: Rgb888 = Rgb888::new(255, 160, 0);

/// Draws what was seen on `frame`. *Shape*: as wide as the frame and [`STRIP`] higher.
pub fn draw(frame: Frame<'_>, sight: &Sight) -> Picture {
    let mut sheet = Sheet::dimmed(frame);
    let lines = print::lines(frame);
    let likeliest = lines.first().map(|line| line.likeness);
    for line in lines.iter().filter(|line| Some(line.likeness) == likeliest) {
        let size = Size::new(line.picture.width() as u32, line.picture.height() as u32);
        let corner = point(line.at);
        sheet.outline(Rectangle::new(corner, size), PRINT);
        sheet.write("print", corner + Point::new(size.width as i32 + 4, size.height as i32 - 6), PRINT);
    }
    if let Some(outline) = &sight.outline {
        sheet.border(outline);
    }
    let tones = Tones::of(frame);
    let echo = Echo::of(&tones);
    for marker in super::markers(frame, &tones, echo.as_ref()).0 {
        let radius = marker.size() as i32 + 6;
        let proof = match marker.proof {
            Proof::Clear => "clear",
            Proof::Weak => "weak",
        };
        sheet.ring(marker.at, radius, MARKER);
        let words = format!("{proof} {:.2}", marker.outline);
        sheet.write(&words, point(marker.at) + Point::new(-radius, radius + 16), MARKER);
    }
    for pair in &sight.pairs {
        sheet.pair(pair);
    }
    if let Some(ticks) = &sight.ticks {
        sheet.ticks(ticks, sight.ruler.as_ref());
    }
    sheet.decide(sight, frame);
    sheet.picture
}

fn point(spot: Spot) -> Point {
    Point::new(libm::roundf(spot.x) as i32, libm::roundf(spot.y) as i32)
}

struct Sheet {
    picture: Picture,
    narrow: bool,
}

impl Sheet {
    fn dimmed(frame: Frame<'_>) -> Self {
        let mut picture = Picture::filled(frame.width(), frame.height() + STRIP, [0; 3]);
        let row_bytes = frame.width() * RGB_BYTES;
        for (y, row) in picture.as_rgb_mut().chunks_exact_mut(row_bytes).take(frame.height()).enumerate() {
            for (to, from) in row.iter_mut().zip(frame.row(y)) {
                *to = (u32::from(*from) * DIMMED / 100) as u8;
            }
        }
        Self { picture, narrow: frame.width() < NARROW }
    }

    fn outline(&mut self, area: Rectangle, colour: Rgb888) {
        let Ok(()) = area.into_styled(PrimitiveStyle::with_stroke(colour, 1)).draw(&mut self.picture);
    }

    fn ring(&mut self, at: Spot, radius: i32, colour: Rgb888) {
        let ring = Circle::with_center(point(at), 2 * radius.clamp(1, 100) as u32 + 1);
        let Ok(()) = ring.into_styled(PrimitiveStyle::with_stroke(colour, 1)).draw(&mut self.picture);
    }

    /// Writes with the baseline's left end at `at`, moved so that the words stay on the picture.
    fn write(&mut self, words: &str, at: Point, colour: Rgb888) {
        let font = if self.narrow {
            FontRenderer::new::<u8g2_font_helvB10_tf>()
        } else {
            FontRenderer::new::<u8g2_font_helvB14_tf>()
        };
        let font = font.with_ignore_unknown_chars(true);
        let size = font.get_rendered_dimensions(words, Point::zero(), VerticalPosition::Baseline);
        let width = size.expect("unknown characters are ignored").advance.x;
        let right = self.picture.width() as i32 - width - 2;
        let at = Point::new(at.x.min(right).max(2), at.y.max(14));
        let colour = FontColor::Transparent(colour);
        font.render(words, at, VerticalPosition::Baseline, colour, &mut self.picture)
            .expect("a picture takes every pixel and unknown characters are ignored");
    }

    fn pair(&mut self, pair: &Pair) {
        let (colour, width, word) = if pair.chosen { (CHOSEN, 3, "length") } else { (OTHER, 1, "not the length") };
        let [a, b] = pair.ends.map(point);
        let line = Line::new(a, b).into_styled(PrimitiveStyle::with_stroke(colour, width));
        let Ok(()) = line.draw(&mut self.picture);
        let label = pair.label.map_or_else(String::new, |label| format!("{label}: "));
        // A third of the way, so that the words of crossing pairs stand apart.
        let beside = Point::new((2 * a.x + b.x) / 3 + 6, (2 * a.y + b.y) / 3 - 12);
        self.write(&format!("{label}{word}, {:.1} px", pair.length().0), beside, colour);
    }

    /// The echo's border, and the stretch that it tells.
    fn border(&mut self, outline: &Outline) {
        let mut points = outline.points().map(point);
        let Some(mut from) = points.next() else { return };
        let corner = from;
        for to in points {
            let Ok(()) =
                Line::new(from, to).into_styled(PrimitiveStyle::with_stroke(BORDER, 1)).draw(&mut self.picture);
            from = to;
        }
        let Stretch { ratio, error } = outline.stretch;
        let words = format!("{ratio:.3} times as wide, to {error:.3}");
        self.write(&words, corner - Point::new(210, 8), BORDER);
    }

    fn ticks(&mut self, ticks: &Ticks, ruler: Option<&Ruler>) {
        for tick in ticks.spots() {
            self.ring(tick, 6, RULER);
        }
        let count = ticks.spots().count();
        let words = match ruler {
            Some(ruler) if ruler.by == Across::Assumed => {
                format!("{:.2} px/cm down, not known across, {count} ticks", ruler.scale.0)
            }
            Some(ruler) if ruler.across == ruler.scale => format!("{:.2} px/cm, {count} ticks", ruler.scale.0),
            Some(ruler) => {
                format!("{:.2} px/cm down, {:.2} across, {count} ticks", ruler.scale.0, ruler.across.0)
            }
            None => format!("{count} ticks of unknown worth"),
        };
        let at = ticks.spots().next().map_or(Point::zero(), point) - Point::new(190, 12);
        self.write(&words, at, RULER);
    }

    /// The strip: the decision, and what it rests on.
    fn decide(&mut self, sight: &Sight, frame: Frame<'_>) {
        let top = frame.height() as i32;
        let printed = || match &sight.text {
            Some(text) => format!("printed \"{}\" = {:.2} cm", text.raw, text.length.0),
            None => String::from("no printed length"),
        };
        let (decision, because) = match sight.refusal {
            Some(refusal) => (format!("REFUSED: {}", refusal.reason()), String::from(refusal.hint())),
            None => {
                let length = sight.length().map_or_else(|| String::from("no scale"), |cm| format!("{:.2} cm", cm.0));
                let scale = if sight.ruler.is_some() { "by the ruler" } else { "no ruler" };
                (format!("MEASURED: {length}"), format!("{scale}; {}", printed()))
            }
        };
        self.write(&decision, Point::new(8, top + 22), INK);
        self.write(&because, Point::new(8, top + 46), INK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{overlay::see, phantom, refusal::Refusal};

    /// Whether the strip below the picture differs between two drawings.
    fn strips_differ(a: &Picture, b: &Picture) -> bool {
        let strip = |p: &Picture| p.as_rgb()[(p.height() - STRIP) * p.width() * RGB_BYTES..].to_vec();
        strip(a) != strip(b)
    }

    #[test]
    fn given_a_phantom_expect_its_line_drawn_and_the_decision_below() {
        let phantom = phantom::draw(61, &phantom::patient(61, 0), 1);
        let frame = phantom.screen.frame();
        let sight = see(frame);
        let [a, b] = sight.chosen().unwrap().ends;
        let measured = draw(frame, &sight);
        let middle = measured.frame().rgb(((a.x + b.x) / 2.0) as usize, ((a.y + b.y) / 2.0) as usize);
        assert_eq!((measured.width(), measured.height()), (frame.width(), frame.height() + STRIP));
        assert_eq!(middle, [255, 0, 255]);
        let refused = Sight { refusal: Some(Refusal::PartnerMissing), ..sight };
        assert!(strips_differ(&measured, &draw(frame, &refused)));
    }

    #[test]
    fn given_any_small_picture_expect_no_panic() {
        for (width, height) in [(1, 1), (3, 200), (200, 3), (64, 48)] {
            let picture = Picture::filled(width, height, [200; 3]);
            draw(picture.frame(), &see(picture.frame()));
        }
    }
}
