//! Small drawn screens: what must be measured, what must be refused, and what must never be taken for a marker.

use super::*;
use crate::frame::{Picture, RGB_BYTES};
use alloc::vec;
use embedded_graphics::{
    pixelcolor::Rgb888,
    prelude::*,
    primitives::{Line, PrimitiveStyle, Rectangle},
    text::{Baseline, Text},
};
use proptest::prelude::*;
use u8g2_fonts::{U8g2TextStyle, fonts};

const YELLOW: Rgb888 = Rgb888::new(255, 255, 0);
const GREY: Rgb888 = Rgb888::new(225, 225, 225);

/// A screen being drawn.
struct Screen(Picture);

impl Screen {
    fn black() -> Self {
        Self(Picture::filled(320, 240, [0; 3]))
    }

    /// Grey speckle as smooth as echo is, of about this brightness.
    fn tissue(brightness: i32, spread: i32, seed: u64) -> Self {
        let mut screen = Self::black();
        let (width, height) = (screen.0.width(), screen.0.height());
        let mut state = seed | 1;
        let mut noise = vec![0i32; (width + 2) * (height + 2)];
        for value in &mut noise {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            *value = ((state >> 40) % 2001) as i32 - 1000;
        }
        for (i, pixel) in screen.0.as_rgb_mut().chunks_exact_mut(RGB_BYTES).enumerate() {
            let at = i / width * (width + 2) + i % width;
            let near = (0..3).flat_map(|y| (0..3).map(move |x| at + y * (width + 2) + x));
            let mean = near.map(|i| noise[i]).sum::<i32>() / 9;
            pixel.fill((brightness + mean * spread / 200).clamp(0, 255) as u8);
        }
        screen
    }

    fn bar(mut self, x: i32, y: i32, width: u32, height: u32, colour: Rgb888) -> Self {
        let bar = Rectangle::new(Point::new(x, y), Size::new(width, height));
        bar.into_styled(PrimitiveStyle::with_fill(colour)).draw(&mut self.0).unwrap();
        self
    }

    /// A marker of 17 x 19 pixels with strokes of 3, as the LOGIQ E9 draws it.
    fn marker(self, x: i32, y: i32, colour: Rgb888) -> Self {
        self.bar(x - 8, y - 1, 17, 3, colour).bar(x - 1, y - 9, 3, 19, colour)
    }

    fn dots(self, from: [i32; 2], to: [i32; 2], colour: Rgb888) -> Self {
        let [dx, dy] = [to[0] - from[0], to[1] - from[1]].map(|d| d as f32);
        let length = libm::hypotf(dx, dy);
        (0..(length / 5.0) as i32).fold(self, |screen, i| {
            let at = |from: i32, d: f32| libm::roundf(from as f32 + 5.0 * i as f32 * d / length) as i32;
            screen.bar(at(from[0], dx), at(from[1], dy), 1 + (i % 2) as u32, 1, colour)
        })
    }

    fn text(mut self, text: &str, x: i32, y: i32, colour: Rgb888) -> Self {
        let style = U8g2TextStyle::new(fonts::u8g2_font_helvB14_tf, colour);
        Text::with_baseline(text, Point::new(x, y), style, Baseline::Top).draw(&mut self.0).unwrap();
        self
    }

    fn line(mut self, from: [i32; 2], to: [i32; 2], width: u32, colour: Rgb888) -> Self {
        let line = Line::new(Point::new(from[0], from[1]), Point::new(to[0], to[1]));
        line.into_styled(PrimitiveStyle::with_stroke(colour, width)).draw(&mut self.0).unwrap();
        self
    }

    /// A ruler with its major ticks every fifth, the first at `top`.
    fn ruler(self, top: i32, step: i32, count: i32) -> Self {
        (0..count).fold(self, |screen, i| match i % 5 {
            0 => screen.bar(300, top + i * step - 1, 9, 3, YELLOW),
            _ => screen.bar(299, top + i * step - 1, 6, 2, YELLOW),
        })
    }
}

/// Given this screen, expect a chosen pair with these ends and label, or this refusal.
#[track_caller]
fn check(Screen(picture): Screen, expected: Result<([f32; 4], Option<u8>), Refusal>) {
    let sight = see(picture.frame());
    let chosen: Vec<&Pair> = sight.pairs.iter().filter(|pair| pair.chosen).collect();
    match (expected, &chosen[..]) {
        (Ok(([x1, y1, x2, y2], label)), [pair]) => {
            let off = pair.ends[0].distance(Spot { x: x1, y: y1 }).max(pair.ends[1].distance(Spot { x: x2, y: y2 }));
            assert!(off < 0.4 && pair.label == label && sight.refusal.is_none(), "{off} px off: {sight:?}");
        }
        (Err(refusal), []) => assert_eq!(sight.refusal, Some(refusal), "{sight:?}"),
        _ => panic!("expected {expected:?}, not {sight:?}"),
    }
}

#[test]
fn given_two_markers_with_and_without_their_line_expect_the_pair() {
    let markers = |colour| Screen::tissue(90, 30, 1).marker(60, 80, colour).marker(230, 150, colour);
    for colour in [YELLOW, GREY, Rgb888::new(0, 255, 120)] {
        check(markers(colour), Ok(([60.0, 80.0, 230.0, 150.0], None)));
        check(markers(colour).dots([60, 80], [230, 150], colour), Ok(([60.0, 80.0, 230.0, 150.0], None)));
    }
}

#[test]
fn given_a_label_beside_or_touching_a_marker_expect_its_number() {
    let pair =
        |text, x, y| Screen::tissue(90, 30, 2).marker(60, 80, YELLOW).marker(230, 150, YELLOW).text(text, x, y, YELLOW);
    for (text, label) in [("1", 1), ("2", 2), ("3", 3), ("4", 4)] {
        check(pair(text, 47, 60), Ok(([60.0, 80.0, 230.0, 150.0], Some(label))));
        check(pair(text, 234, 155), Ok(([60.0, 80.0, 230.0, 150.0], Some(label))));
    }
    check(pair("8", 47, 60), Ok(([60.0, 80.0, 230.0, 150.0], None)));
    check(pair("7", 47, 60), Ok(([60.0, 80.0, 230.0, 150.0], None)));
}

#[test]
fn given_grey_markers_on_tissue_as_bright_expect_the_pair() {
    let mut refused = 0;
    for seed in 0..12 {
        let screen = Screen::tissue(225, 25, 0x9e37 * seed).marker(50, 60, GREY).marker(250, 170, GREY);
        // By chance tissue of the markers' own colour looks like a line that leads away.
        match see(screen.0.frame()).refusal {
            Some(_) => refused += 1,
            None => check(screen, Ok(([50.0, 60.0, 250.0, 170.0], None))),
        }
    }
    assert!(refused <= 1, "{refused} of 12 refused");
}

#[test]
fn given_two_pairs_expect_the_longer_only_where_lines_tell_them_apart() {
    let four = || {
        let screen = Screen::tissue(80, 30, 3).marker(60, 120, GREY).marker(260, 130, GREY);
        screen.marker(150, 60, GREY).marker(160, 180, GREY)
    };
    let lined = four().dots([60, 120], [260, 130], GREY).dots([150, 60], [160, 180], GREY);
    check(lined, Ok(([60.0, 120.0, 260.0, 130.0], None)));
    check(four(), Err(Refusal::PairsAmbiguous));
    // What has no line is not the length beside one that has.
    check(four().dots([60, 120], [260, 130], GREY), Ok(([60.0, 120.0, 260.0, 130.0], None)));
    check(four().dots([150, 60], [160, 180], GREY), Err(Refusal::PairsAmbiguous));
    // Told apart by colour.
    let coloured = Screen::tissue(80, 30, 4).marker(60, 120, GREY).marker(260, 130, GREY);
    check(coloured.marker(150, 60, YELLOW).marker(160, 180, YELLOW), Ok(([60.0, 120.0, 260.0, 130.0], None)));
    // Of two pairs of one length neither is surely the kidney's.
    let equal = Screen::tissue(80, 30, 5).marker(60, 120, GREY).marker(220, 120, GREY).marker(140, 40, GREY);
    let equal = equal.marker(140, 200, GREY).dots([60, 120], [220, 120], GREY).dots([140, 40], [140, 200], GREY);
    check(equal, Err(Refusal::PairsAmbiguous));
}

#[test]
fn given_the_same_print_beside_both_ends_expect_it_to_join_them_read_or_not() {
    let ends = [[60, 80], [230, 150], [100, 180], [180, 60]];
    let labelled = |texts: [&str; 4]| {
        ends.into_iter().zip(texts).fold(Screen::tissue(90, 30, 2), |screen, ([x, y], text)| {
            screen.marker(x, y, YELLOW).text(text, x - 20, y - 24, YELLOW)
        })
    };
    check(labelled(["7", "7", "5", "5"]), Ok(([60.0, 80.0, 230.0, 150.0], None)));
    // Not one that all have, nor one at one end of each.
    check(labelled(["5", "5", "5", "5"]), Err(Refusal::PairsAmbiguous));
    check(labelled(["7", "", "5", ""]), Err(Refusal::PairsAmbiguous));
    check(labelled(["", "", "", ""]), Err(Refusal::PairsAmbiguous));
}

#[test]
fn given_a_line_hardly_brighter_than_tissue_expect_it_to_join() {
    let lined = Screen::tissue(80, 30, 3).line([60, 120], [260, 130], 1, Rgb888::new(120, 120, 120));
    let four = lined.marker(60, 120, GREY).marker(260, 130, GREY).marker(150, 60, GREY).marker(160, 180, GREY);
    check(four, Ok(([60.0, 120.0, 260.0, 130.0], None)));
}

/// What is printed, as read without doubt.
#[test]
fn given_coloured_dots_no_brighter_than_tissue_expect_them_to_join() {
    let ends = [[50, 70], [270, 160], [200, 50], [120, 200]];
    let all = |dot: Rgb888| {
        let markers = ends.into_iter().fold(Screen::tissue(110, 40, 4), |screen, [x, y]| screen.marker(x, y, YELLOW));
        [[ends[0], ends[1]], [ends[2], ends[3]]].into_iter().fold(markers, |screen, [from, to]| {
            (1..32).fold(screen, |screen, i| {
                let at = |k: usize| from[k] + (to[k] - from[k]) * i / 32;
                screen.bar(at(0), at(1), 1, 1, dot)
            })
        })
    };
    check(all(Rgb888::new(120, 120, 40)), Ok(([50.0, 70.0, 270.0, 160.0], None)));
    check(all(Rgb888::new(115, 115, 115)), Err(Refusal::PairsAmbiguous));
}

fn print(lines: &[&str]) -> Print {
    Print { lengths: lines.iter().map(|line| text::parse(line).unwrap()).collect(), ..Print::default() }
}

#[test]
fn given_a_marker_that_is_not_seen_expect_the_lined_pair_whose_length_is_the_longest_printed() {
    let three = || {
        let pair = Screen::tissue(80, 30, 13).marker(60, 80, YELLOW).marker(230, 150, YELLOW);
        pair.dots([60, 80], [230, 150], YELLOW).marker(60, 200, YELLOW).ruler(12, 20, 11)
    };
    let seen = |lines| see(three().0.frame()).with_print(&print(lines));
    // 183.8 pixels of 20 a centimetre.
    assert_eq!(seen(&["1 L 9.19 cm", "2 L 4.02 cm"]).chosen().map(|pair| pair.ends[0].x), Some(60.0));
    for refused in [&["1 L 9.19 cm", "2 L 10.4 cm"][..], &["2 L 9.19 cm"], &["1 L 8.10 cm", "2 L 4.02 cm"]] {
        assert!(seen(refused).chosen().is_none(), "{refused:?}");
    }
}

#[test]
fn given_two_printed_lengths_nearly_equal_expect_a_refusal() {
    let pair = Screen::tissue(80, 30, 13).marker(60, 80, YELLOW).marker(230, 150, YELLOW).ruler(12, 20, 11);
    let sight = see(pair.0.frame());
    let chosen = |lines| sight.clone().with_print(&print(lines)).chosen().is_some();
    assert!(chosen(&["1 L 9.19 cm"]) && !chosen(&["1 L 9.19 cm", "2 L 9.02 cm"]));
}

#[test]
fn given_a_marker_without_partner_expect_why() {
    let one = || Screen::tissue(80, 30, 6).marker(160, 120, YELLOW);
    check(one(), Err(Refusal::PartnerMissing));
    check(one().dots([160, 120], [330, 150], YELLOW), Err(Refusal::PartnerOutside));
    check(one().dots([160, 120], [250, 150], YELLOW), Err(Refusal::PartnerMissing));
    // The partner's arm alone reaches in from above, from the left, and all of it but one arm from the right.
    check(one().marker(60, -4, YELLOW), Err(Refusal::PartnerOutside));
    check(one().marker(-2, 60, YELLOW), Err(Refusal::PartnerOutside));
    check(one().marker(314, 60, YELLOW), Err(Refusal::PartnerOutside));
    // Two markers of two pairs, both of whose lines leave.
    let two = one().marker(60, 60, YELLOW).dots([160, 120], [330, 150], YELLOW).dots([60, 60], [-10, 20], YELLOW);
    check(two, Err(Refusal::PartnerOutside));
    // Nor may the partner be one drawn otherwise.
    check(one().marker(60, 60, GREY), Err(Refusal::PartnerMissing));
}

#[test]
fn given_markers_too_close_expect_so_by_pixels_or_by_the_ruler() {
    check(Screen::tissue(80, 30, 7).marker(60, 80, GREY).marker(100, 80, GREY), Err(Refusal::PairTooShort));
    let far = |step, count| Screen::black().marker(60, 80, GREY).marker(160, 80, GREY).ruler(20, step, count);
    check(far(40, 6), Err(Refusal::PairTooShort));
    check(far(10, 21), Ok(([60.0, 80.0, 160.0, 80.0], None)));
}

#[test]
fn given_print_and_lines_expect_no_marker() {
    let print = ["A+B  C+D", "+3  +4", "tTFH4 tTFH4", "1+1 = 2+2", "HHtt++TT44"];
    for text in print {
        for colour in [YELLOW, GREY] {
            check(Screen::black().text(text, 30, 40, colour).text(text, 30, 120, colour), Err(Refusal::NoMarkers));
            check(Screen::tissue(90, 30, 8).text(text, 40, 90, colour), Err(Refusal::NoMarkers));
        }
    }
    // Boxes, crossing lines, dotted ones too, ticks, and an hourglass.
    let lines = Screen::tissue(90, 30, 9).line([20, 30], [300, 30], 1, YELLOW).line([50, 10], [50, 220], 1, YELLOW);
    let lines = lines.line([150, 60], [150, 200], 3, YELLOW).line([120, 130], [280, 130], 3, YELLOW);
    let lines = lines.dots([20, 50], [300, 220], YELLOW).dots([20, 220], [300, 50], YELLOW).ruler(20, 20, 10);
    let glass = (0..9).fold(lines, |s, i| {
        s.bar(200 - i, 60 - i, 2 * i as u32 + 1, 1, YELLOW).bar(200 - i, 60 + i, 2 * i as u32 + 1, 1, YELLOW)
    });
    // Where lines cross may look like a marker, but like none with a partner.
    let sight = see(glass.0.frame());
    assert!(sight.pairs.is_empty() && sight.refusal.is_some(), "{sight:?}");
}

#[test]
fn given_a_pair_among_print_expect_only_the_pair() {
    let screen = Screen::tissue(90, 30, 10).marker(60, 80, YELLOW).marker(230, 150, YELLOW);
    let screen = screen.text("A+B C+D tTFH4", 20, 200, YELLOW).text("1 L 8.84 cm", 20, 10, GREY);
    check(screen, Ok(([60.0, 80.0, 230.0, 150.0], None)));
}

#[test]
fn given_pictures_without_content_expect_no_markers() {
    for (width, height) in [(1, 1), (1, 300), (300, 1), (7, 7), (1920, 1200)] {
        for colour in [[0; 3], [255; 3], [255, 255, 0]] {
            check(Screen(Picture::filled(width, height, colour)), Err(Refusal::NoMarkers));
        }
    }
    let mut ramp = Picture::filled(640, 480, [0; 3]);
    for (i, pixel) in ramp.as_rgb_mut().chunks_exact_mut(RGB_BYTES).enumerate() {
        pixel.fill((i % 640 * 255 / 640) as u8 / 2 + (i / 640 * 127 / 480) as u8);
    }
    check(Screen(ramp), Err(Refusal::NoMarkers));
}

/// Given a ruler, expect this scale; `None` where its structure does not tell what a tick is worth.
fn check_ruler(screen: Screen, px_per_cm: Option<f32>) {
    let found = see(screen.0.frame()).ruler.map(|ruler| ruler.scale.0);
    let same = match (found, px_per_cm) {
        (Some(found), Some(expected)) => (found - expected).abs() < 0.05,
        (found, expected) => found == expected,
    };
    assert!(same, "expected {px_per_cm:?}, not {found:?}");
}

#[test]
fn given_ruler_ticks_expect_the_scale_only_if_they_tell_it() {
    check_ruler(Screen::black().ruler(12, 20, 11), Some(20.0));
    check_ruler(Screen::tissue(40, 20, 11).ruler(30, 12, 16), Some(12.0));
    // A tick hidden and a line across another one.
    let hidden =
        Screen::black().ruler(12, 20, 11).bar(290, 44, 20, 16, Rgb888::BLACK).line([280, 100], [318, 70], 1, YELLOW);
    check_ruler(hidden, Some(20.0));
    // All ticks alike; every tenth a major one; too few of them.
    let alike = (0..11).fold(Screen::black(), |s, i| s.bar(300, 12 + 20 * i, 6, 2, YELLOW));
    check_ruler(alike, None);
    let tenths =
        (0..31).fold(Screen::black(), |s, i| s.bar(300, 5 + 7 * i, if i % 10 == 0 { 9 } else { 6 }, 2, YELLOW));
    check_ruler(tenths, None);
    check_ruler(Screen::black().ruler(12, 40, 5), None);
    check_ruler(Screen::tissue(90, 30, 12), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn given_noise_expect_never_a_measurement(seed: u64, kind in 0..4, width in 1usize..260, height in 1usize..200) {
        let mut picture = Picture::filled(width, height, [0; 3]);
        let mut state = seed | 1;
        for pixel in picture.as_rgb_mut().chunks_exact_mut(RGB_BYTES) {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let noise = (state >> 33) as u32;
            match kind {
                0 => pixel.copy_from_slice(&noise.to_le_bytes()[..RGB_BYTES]),
                1 => pixel.fill(noise as u8),
                2 => pixel.fill(if noise & 1 == 0 { 0 } else { 255 }),
                _ => pixel.fill(if noise.is_multiple_of(7) { 255 } else { 128 }),
            }
        }
        let sight = see(picture.frame());
        prop_assert_eq!(sight.chosen(), None);
    }

    #[test]
    fn given_padded_rows_expect_the_same_sight(
        seed: u64, padding in 1usize..50, fill: u8, x in 20i32..150, y in 20i32..220,
    ) {
        let screen = Screen::tissue(120, 40, seed).marker(x, y, GREY).marker(290, 120, GREY);
        let Screen(plain) = screen.dots([x, y], [290, 120], GREY);
        let mut padded = Vec::new();
        for row in 0..plain.height() {
            padded.extend_from_slice(plain.frame().row(row));
            padded.extend(core::iter::repeat_n(fill, padding));
        }
        let stride = plain.width() * RGB_BYTES + padding;
        let frame = Frame::new(&padded, plain.width(), plain.height(), stride).unwrap();
        prop_assert_eq!(see(frame), see(plain.frame()));
    }

    #[test]
    fn given_markers_anywhere_expect_them_or_a_refusal_but_nothing_else(
        seed: u64, brightness in 0i32..256, spread in 0i32..60,
        a in (0i32..320, 0i32..240), b in (0i32..320, 0i32..240),
    ) {
        let Screen(picture) = Screen::tissue(brightness, spread, seed).marker(a.0, a.1, GREY).marker(b.0, b.1, GREY);
        let spots = [a, b].map(|(x, y)| Spot { x: x as f32, y: y as f32 });
        // Only print proves what is not clear.
        if let Some(pair) = see(picture.frame()).with_print(&Print::default()).chosen() {
            let near = |spot: Spot| spots.iter().any(|s| s.distance(spot) < 1.0);
            prop_assert!(near(pair.ends[0]) && near(pair.ends[1]), "{:?} for {:?}", pair, spots);
        }
    }
}
