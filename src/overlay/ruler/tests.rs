//! Drawn rulers of any style: which scale they tell, and which they leave open.

use super::*;
use crate::frame::{Picture, RGB_BYTES};
use alloc::{format, vec, vec::Vec};
use embedded_graphics::{
    pixelcolor::Rgb888,
    prelude::*,
    primitives::{PrimitiveStyle, Rectangle},
    text::{Alignment, Baseline, Text, TextStyleBuilder},
};
use proptest::prelude::*;
use u8g2_fonts::{U8g2TextStyle, fonts};

const PALE: Rgb888 = Rgb888::new(200, 200, 180);

/// A ruler to be drawn: its steps, every so many of which is a large one.
#[derive(Clone, Copy)]
struct Drawing {
    step: f32,
    count: i32,
    every: i32,
    /// Length and thickness of small and of large ticks.
    small: (i32, i32),
    large: (i32, i32),
}

const FIFTHS: Drawing = Drawing { step: 36.3, count: 16, every: 5, small: (6, 2), large: (11, 2) };

impl Drawing {
    fn tick(&self, i: i32) -> (i32, i32) {
        if self.every > 1 && i % self.every == 0 { self.large } else { self.small }
    }

    /// At the right of a black screen, from `top` down; the ticks in `hidden` are left out.
    fn on(&self, screen: &mut Picture, top: i32, hidden: &[i32]) {
        for i in (0..self.count).filter(|i| !hidden.contains(i)) {
            let (long, thick) = self.tick(i);
            let y = libm::roundf(i as f32 * self.step) as i32 + top - (thick - 1) / 2;
            bar(screen, 560, y, long, thick);
        }
    }

    /// Along the top, from `left` on.
    fn along(&self, screen: &mut Picture, left: i32) {
        for i in 0..self.count {
            let (long, thick) = self.tick(i);
            bar(screen, libm::roundf(i as f32 * self.step) as i32 + left - (thick - 1) / 2, 8, thick, long);
        }
    }

    /// Numbers right of the large ticks, `each` more from one to the next.
    fn numbers(&self, screen: &mut Picture, top: i32, each: i32) {
        let style = TextStyleBuilder::new().alignment(Alignment::Left).baseline(Baseline::Middle).build();
        for i in 0..=(self.count - 1) / self.every {
            let y = libm::roundf((i * self.every) as f32 * self.step) as i32 + top;
            let font = U8g2TextStyle::new(fonts::u8g2_font_helvB12_tf, PALE);
            let at = Point::new(566 + self.large.0, y);
            Text::with_text_style(&format!("{}", i * each), at, font, style).draw(screen).unwrap();
        }
    }
}

fn black() -> Picture {
    Picture::filled(640, 640, [0; 3])
}

fn bar(screen: &mut Picture, x: i32, y: i32, width: i32, height: i32) {
    let bar = Rectangle::new(Point::new(x, y), Size::new(width as u32, height as u32));
    bar.into_styled(PrimitiveStyle::with_fill(PALE)).draw(screen).unwrap();
}

/// Given a screen, expect these scales to be possible (across and down, pixels a centimetre), within 0.3 %.
#[track_caller]
fn check(screen: &Picture, expected: &[[f32; 2]]) {
    let found = ticks(screen.frame());
    let scales: Vec<[f32; 2]> =
        found.iter().flat_map(|ticks| ticks.rulers()).map(|ruler| [ruler.across.0, ruler.scale.0]).collect();
    let same = |(found, expected): (&[f32; 2], &[f32; 2])| (0..2).all(|i| (found[i] / expected[i] - 1.0).abs() < 0.003);
    assert!(
        scales.len() == expected.len() && scales.iter().zip(expected).all(same),
        "{scales:?}, expected {expected:?}"
    );
    let only = found.and_then(|ticks| ticks.ruler()).is_some();
    assert_eq!(only, expected.len() == 1, "a scale is told where one is possible, and only there");
}

#[test]
fn given_ticks_of_any_kind_expect_what_they_may_be_worth() {
    let drawn = |drawing: Drawing| {
        let mut screen = black();
        drawing.on(&mut screen, 30, &[]);
        screen
    };
    check(&drawn(FIFTHS), &[[36.3; 2]]);
    // Lines and dots from one pixel to six.
    for (small, large) in [((4, 1), (8, 1)), ((12, 3), (20, 6)), ((2, 2), (4, 4)), ((3, 3), (6, 6))] {
        check(&drawn(Drawing { small, large, ..FIFTHS }), &[[36.3; 2]]);
    }
    // Two small ones to a large one may be halves or wholes, but not where the picture would be deeper than any.
    check(&drawn(Drawing { every: 2, ..FIFTHS }), &[[72.6; 2], [36.3; 2]]);
    check(&drawn(Drawing { every: 2, step: 16.7, count: 35, ..FIFTHS }), &[[33.4; 2]]);
    check(&drawn(Drawing { every: 10, ..FIFTHS }), &[[72.6; 2], [36.3; 2]]);
    check(&drawn(Drawing { every: 1, ..FIFTHS }), &[[72.6; 2], [36.3; 2], [18.15; 2]]);
}

#[test]
fn given_hidden_ticks_and_other_marks_expect_the_same_scale() {
    for hidden in [vec![3], vec![5], vec![0, 7, 8], vec![2, 10, 12]] {
        let mut screen = black();
        FIFTHS.on(&mut screen, 30, &hidden);
        // A bar through a tick, and marks between two.
        bar(&mut screen, 540, 320, 60, 14);
        bar(&mut screen, 560, 30 + 490, 6, 2);
        check(&screen, &[[36.3; 2]]);
    }
    // Of a ruler with one large tick in view nothing is sure.
    let mut screen = black();
    Drawing { count: 9, step: 60.0, ..FIFTHS }.on(&mut screen, 30, &[5]);
    check(&screen, &[[60.0; 2], [30.0; 2]]);
}

#[test]
fn given_a_ruler_along_the_top_expect_the_stretch() {
    let mut screen = black();
    FIFTHS.on(&mut screen, 60, &[]);
    Drawing { step: 40.7, count: 15, ..FIFTHS }.along(&mut screen, 25);
    check(&screen, &[[40.7, 36.3]]);
    let ruler = ticks(screen.frame()).unwrap().ruler().unwrap();
    let at = |x, y| Spot { x, y };
    assert!((ruler.distance([at(0.0, 0.0), at(407.0, 0.0)]).0 - 10.0).abs() < 0.03);
    assert!((ruler.distance([at(0.0, 0.0), at(0.0, 363.0)]).0 - 10.0).abs() < 0.03);
    // What a hidden large tick leaves open the other ruler tells.
    let mut screen = black();
    Drawing { count: 13, ..FIFTHS }.on(&mut screen, 60, &[5]);
    check(&screen, &[[72.6; 2], [36.3; 2]]);
    Drawing { step: 36.3, count: 15, ..FIFTHS }.along(&mut screen, 25);
    check(&screen, &[[36.3; 2]]);
    // Its large ticks begin where its small ones end.
    let mut screen = black();
    FIFTHS.on(&mut screen, 60, &[]);
    for i in 0..15 {
        let (y, long, thick) = if i % 5 == 2 { (17, 11, 3) } else { (8, 7, 1) };
        bar(&mut screen, 25 + libm::roundf(i as f32 * 40.7) as i32 - (thick - 1) / 2, y, thick, long);
    }
    check(&screen, &[[40.7, 36.3]]);
    // Rulers that differ by more than any stretch are none of one picture.
    let mut screen = black();
    FIFTHS.on(&mut screen, 60, &[]);
    Drawing { step: 55.0, count: 11, ..FIFTHS }.along(&mut screen, 25);
    check(&screen, &[[36.3; 2]]);
}

/// Given a ruler with `each` more from one number to the next, and the text read in their line, expect this scale.
#[track_caller]
fn check_read(drawing: Drawing, each: i32, text: &str, expected: Option<f32>) {
    let mut screen = black();
    drawing.on(&mut screen, 30, &[]);
    drawing.numbers(&mut screen, 30, each);
    let ticks = ticks(screen.frame()).unwrap();
    let numbers = ticks.numbers(screen.frame()).unwrap();
    assert!(numbers.picture.width() as f32 / numbers.picture.height() as f32 <= 6.6);
    let found = ticks.with_numbers(&numbers, text).ruler().map(|ruler| ruler.scale.0);
    let same = match (found, expected) {
        (Some(found), Some(expected)) => (found / expected - 1.0).abs() < 0.003,
        (found, expected) => found == expected,
    };
    assert!(same, "{text}: {found:?}, expected {expected:?}");
}

#[test]
fn given_numbers_as_read_expect_them_to_tell_or_to_drop_the_scale() {
    check_read(FIFTHS, 5, "0 5 10 15", Some(36.3));
    check_read(FIFTHS, 5, "O51O15", Some(36.3));
    // In millimetres.
    check_read(FIFTHS, 50, "050100150", Some(36.3));
    // They contradict the ticks.
    check_read(FIFTHS, 1, "0123", None);
    check_read(FIFTHS, 3, "0 3 6 9", None);
    // They cannot be read.
    check_read(FIFTHS, 5, "0 5 1? 15", Some(36.3));
    check_read(FIFTHS, 5, "", Some(36.3));
    // A letter lost, or taken for another.
    check_read(FIFTHS, 5, "0 5 105", Some(36.3));
    check_read(FIFTHS, 5, "0 5 10 13", Some(36.3));
    let twos = Drawing { every: 2, ..FIFTHS };
    // Of the eight numbers the first, the third, the fifth and the last are read.
    check_read(twos, 2, "0 4 8 14", Some(36.3));
    check_read(twos, 1, "0 2 4 7", Some(72.6));
    check_read(twos, 1, "?", None);
}

#[test]
fn given_ticks_that_may_be_worth_two_things_expect_the_one_nearer_to_the_print() {
    let mut screen = black();
    Drawing { every: 2, ..FIFTHS }.on(&mut screen, 30, &[]);
    let ticks = ticks(screen.frame()).unwrap();
    let ends = [Spot { x: 100.0, y: 100.0 }, Spot { x: 463.0, y: 100.0 }];
    for (printed, scale) in [(10.0, 36.3), (5.05, 72.6)] {
        let ruler = ticks.nearest(ends, Centimetres(printed)).unwrap();
        assert!((ruler.scale.0 / scale - 1.0).abs() < 0.003, "{ruler:?} for {printed}");
    }
}

#[test]
fn given_print_alone_expect_no_scale() {
    let lines = ["FR 22", "SoS 1500", "CHI", "Frq 4.0", "Gn 56", "S/A 1/1", "Map F/0", "D 15.0", "DR 63", "AO% 100"];
    for (pitch, marks) in [(22, ""), (25, "- "), (31, "= "), (40, "EEEE ")] {
        let mut screen = black();
        for (i, line) in lines.iter().chain(&lines).enumerate() {
            let font = U8g2TextStyle::new(fonts::u8g2_font_helvB12_tf, PALE);
            let at = Point::new(40, 20 + pitch * i as i32);
            Text::with_baseline(&format!("{marks}{line}"), at, font, Baseline::Top).draw(&mut screen).unwrap();
        }
        let found = ticks(screen.frame()).and_then(|ticks| ticks.ruler());
        assert_eq!(found, None, "pitch {pitch}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn given_noise_of_any_size_expect_no_ruler(seed: u64, kind in 0..5, width in 1usize..300, height in 1usize..300) {
        let mut picture = Picture::filled(width, height, [if kind == 4 { 255 } else { 0 }; 3]);
        let mut state = seed | 1;
        for pixel in picture.as_rgb_mut().chunks_exact_mut(RGB_BYTES) {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let noise = (state >> 33) as u32;
            match kind {
                0 => pixel.copy_from_slice(&noise.to_le_bytes()[..RGB_BYTES]),
                1 => pixel.fill(if noise.is_multiple_of(40) { 255 } else { 0 }),
                2 => pixel.fill(if noise.is_multiple_of(300) { 200 } else { 20 }),
                3 => pixel.fill(noise as u8 / 2),
                _ => {}
            }
        }
        prop_assert_eq!(ticks(picture.frame()).and_then(|ticks| ticks.ruler()), None);
    }

    #[test]
    fn given_any_text_for_numbers_expect_no_panic(text in "\\PC{0,24}") {
        let mut screen = black();
        FIFTHS.on(&mut screen, 30, &[]);
        FIFTHS.numbers(&mut screen, 30, 5);
        let ticks = ticks(screen.frame()).unwrap();
        let numbers = ticks.numbers(screen.frame()).unwrap();
        // Whatever is read, no other scale comes of it.
        let found = ticks.with_numbers(&numbers, &text).ruler();
        prop_assert!(found.is_none_or(|ruler| (ruler.scale.0 / 36.3 - 1.0).abs() < 0.003));
    }
}
