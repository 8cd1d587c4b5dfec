//! Text of any size from one font: measured, wrapped, fitted into an area and drawn with smooth edges.
//!
//! A size is the height of a capital letter in pixels (`cap`). Always holds: a paragraph never draws outside its area.

use super::stencil::{Paint, Stencil};
use alloc::vec::Vec;
use core::ops::RangeInclusive;
use embedded_graphics::{
    pixelcolor::{BinaryColor, Rgb888},
    prelude::*,
    primitives::Rectangle,
};
use u8g2_fonts::{FontRenderer, fonts::u8g2_font_fub42_tf, types::FontColor, types::VerticalPosition};

/// The height of a capital letter in the font. *Source*: measured, and held by a test below.
const FONT_CAP: i32 = 42;

/// Where a line of text is anchored.
#[derive(Clone, Copy, PartialEq)]
pub enum Anchor {
    /// At its left end.
    Left,
    /// At its middle.
    Middle,
}

fn font() -> FontRenderer {
    FontRenderer::new::<u8g2_font_fub42_tf>().with_ignore_unknown_chars(true)
}

/// The width of `text` in the font's own size.
fn font_width(text: &str) -> i32 {
    let dimensions = font().get_rendered_dimensions(text, Point::zero(), VerticalPosition::Baseline);
    dimensions.expect("unknown characters are ignored").advance.x
}

/// The width of `text` at size `cap`, in pixels.
pub fn width(text: &str, cap: i32) -> i32 {
    (font_width(text) * cap + FONT_CAP - 1) / FONT_CAP
}

/// The height of `lines` lines at size `cap`, from the highest letter to the lowest, in pixels.
pub fn height(lines: usize, cap: i32) -> i32 {
    let lines = i32::try_from(lines).unwrap_or(i32::MAX / 65_536);
    (lines - 1).max(0) * line_step(cap) + ascent(cap) + descent(cap)
}

fn line_step(cap: i32) -> i32 {
    cap * 3 / 2
}

/// Some letters are a little higher than a capital.
fn ascent(cap: i32) -> i32 {
    cap + cap / 20 + 1
}

fn descent(cap: i32) -> i32 {
    (cap * 2 + 4) / 5
}

/// Draws one line with its baseline's anchor at `at`.
pub fn line<D: DrawTarget<Color = Rgb888>>(
    target: &mut D,
    text: &str,
    at: Point,
    anchor: Anchor,
    cap: i32,
    paint: Paint,
) -> Result<(), D::Error> {
    let font = font();
    let dimensions = font.get_rendered_dimensions(text, Point::zero(), VerticalPosition::Baseline);
    let Some(bounds) = dimensions.expect("unknown characters are ignored").bounding_box else { return Ok(()) };
    // A margin of one pixel, because doubling looks at the neighbours.
    let mut stencil = Stencil::new(bounds.offset(1));
    let ink = FontColor::Transparent(BinaryColor::On);
    font.render(text, Point::zero(), VerticalPosition::Baseline, ink, &mut stencil)
        .expect("a stencil takes every pixel and unknown characters are ignored");
    embolden_comparisons(text, &mut stencil);
    let origin = match anchor {
        Anchor::Left => at,
        Anchor::Middle => at - Point::new(width(text, cap) / 2, 0),
    };
    stencil.doubled().lay(target, origin, (2 * FONT_CAP, cap), paint)
}

/// Thickens each "<" and ">": the font draws them thin, and on this device they must not be missed from afar.
fn embolden_comparisons(text: &str, stencil: &mut Stencil) {
    for (place, sign) in text.match_indices(['<', '>']) {
        let x = font_width(&text[..place]);
        for y in -3..=3 {
            let ink = FontColor::Transparent(BinaryColor::On);
            font()
                .render(sign, Point::new(x, y), VerticalPosition::Baseline, ink, stencil)
                .expect("a stencil takes every pixel and unknown characters are ignored");
        }
    }
}

/// A text broken into lines that fit a width, at a size.
pub struct Fitted<'a> {
    /// The size, in pixels.
    pub cap: i32,
    /// The lines from the top.
    pub lines: Vec<&'a str>,
    /// Whether it stays inside the area it was fitted to; only an area too small for the smallest size is exceeded.
    pub inside: bool,
}

/// Breaks `text` into lines at the largest size of `caps` at which it fits `room`.
pub fn fit(text: &str, room: Size, caps: RangeInclusive<i32>) -> Fitted<'_> {
    let (smallest, largest) = (*caps.start(), *caps.end());
    let at = |cap: i32| {
        let lines = wrap(text, room.width as i32, cap);
        let wide = lines.iter().any(|line| width(line, cap) > room.width as i32);
        let inside = !wide && height(lines.len(), cap) <= room.height as i32;
        Fitted { cap, lines, inside }
    };
    let mut sizes = (smallest..=largest).rev().map(at);
    match sizes.find(|fitted| fitted.inside) {
        Some(fitted) => Fitted { lines: balance(text, room.width as i32, &fitted), ..fitted },
        None => at(smallest),
    }
}

/// Steps in which a paragraph is narrowed.
const BALANCE_STEPS: i32 = 24;

/// The lines of the narrowest paragraph with as many lines, so that no word is left alone on the last one.
fn balance<'a>(text: &'a str, room: i32, fitted: &Fitted<'a>) -> Vec<&'a str> {
    let narrowed = |step: i32| (room - room * step / BALANCE_STEPS, fitted.lines.len());
    let fits = |(room, count): (i32, usize)| {
        let lines = wrap(text, room, fitted.cap);
        (lines.len() == count && lines.iter().all(|line| width(line, fitted.cap) <= room)).then_some(lines)
    };
    (0..BALANCE_STEPS).map(narrowed).map_while(fits).last().unwrap_or_default()
}

/// Fills lines word by word; a word wider than a line gets a line of its own.
fn wrap(text: &str, room: i32, cap: i32) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut end = 0;
    for word in text.split_whitespace() {
        let word_start = word.as_ptr() as usize - text.as_ptr() as usize;
        let word_end = word_start + word.len();
        if end > start && width(&text[start..word_end], cap) > room {
            lines.push(&text[start..end]);
            start = word_start;
        }
        end = word_end;
    }
    if end > start {
        lines.push(text[start..end].trim_start());
    }
    lines
}

/// Draws `text` in `area` from its top, left aligned, at the largest size of `caps` that fits. Returns the lowest row used.
pub fn paragraph<D: DrawTarget<Color = Rgb888>>(
    target: &mut D,
    text: &str,
    area: Rectangle,
    caps: RangeInclusive<i32>,
    paint: Paint,
) -> Result<i32, D::Error> {
    let Fitted { cap, lines, .. } = fit(text, area.size, caps);
    let mut target = target.clipped(&area);
    let mut baseline = area.top_left + Point::new(0, ascent(cap));
    for part in &lines {
        line(&mut target, part, baseline, Anchor::Left, cap, paint)?;
        baseline.y += line_step(cap);
    }
    Ok(area.top_left.y + height(lines.len(), cap))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_capital_expect_the_fonts_size() {
        let dimensions = font().get_rendered_dimensions("H", Point::zero(), VerticalPosition::Baseline).unwrap();
        assert_eq!(dimensions.bounding_box.unwrap().size.height as i32, FONT_CAP);
    }

    #[test]
    fn given_the_lowest_and_highest_letters_expect_them_within_a_lines_height() {
        let drawn = |text: &str| font().get_rendered_dimensions(text, Point::zero(), VerticalPosition::Baseline);
        let bounds = drawn("gjpqy(),/%2").unwrap().bounding_box.unwrap();
        assert!(bounds.top_left.y + bounds.size.height as i32 <= descent(FONT_CAP), "{bounds:?}");
        assert!(-bounds.top_left.y <= ascent(FONT_CAP), "{bounds:?}");
        assert!(ascent(FONT_CAP) + descent(FONT_CAP) <= line_step(FONT_CAP));
    }

    #[test]
    fn given_words_expect_lines_within_the_room_and_nothing_lost() {
        let text = "Remove other measurements and keep the length";
        let fitted = fit(text, Size::new(400, 120), 10..=40);
        assert!(fitted.inside);
        assert_eq!(fitted.lines.join(" "), text);
        assert!(fitted.lines.iter().all(|line| width(line, fitted.cap) <= 400));
    }

    #[test]
    fn given_no_room_expect_the_smallest_size_and_the_overflow_told() {
        let fitted = fit("calipers", Size::new(3, 3), 9..=40);
        assert_eq!((fitted.cap, fitted.inside), (9, false));
        assert!(fit("", Size::new(3, 30), 9..=9).lines.is_empty());
    }
}
