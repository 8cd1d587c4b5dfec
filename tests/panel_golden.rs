//! Every screen of the panel, in both sizes, against the pictures in `tests/golden`.
//!
//! A mismatch leaves the new picture in `target/golden-new`. With `UPDATE_GOLDEN=1` the pictures are rewritten: look at each
//! before committing it.
#![allow(clippy::unwrap_used)]

use embedded_graphics::{
    mono_font::{MonoTextStyle, ascii::FONT_9X15_BOLD},
    pixelcolor::Rgb888,
    prelude::*,
    primitives::{Circle, PrimitiveStyle},
    text::Text,
};
use image::{ExtendedColorType, ImageEncoder, codecs::png};
use sonogfr::{
    estimate::{Ckd, Estimate, Stage},
    frame::{Picture, Spot},
    machine::{BundleUsed, Failure, Fault, Missing, Part, Phase, State, Subject},
    panel,
    refusal::Refusal,
    units::{Centimetres, Egfr, Probability},
};
use std::{fs, io::BufWriter, path::Path};

const SIZES: [(usize, usize); 2] = [(800, 480), (480, 320)];

/// Draws `phase` in both sizes and compares each with its golden picture.
fn check(name: &str, demonstration: bool, phase: Phase) {
    check_state(name, &State { phase, ..State::new(demonstration) });
}

fn check_state(name: &str, state: &State) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    for (width, height) in SIZES {
        let mut screen = Picture::filled(width, height, [0; 3]);
        let Ok(()) = panel::draw(state, &mut screen);
        let file = format!("{name}-{width}x{height}.png");
        let golden = root.join("tests/golden").join(&file);
        if std::env::var_os("UPDATE_GOLDEN").is_some_and(|v| v == "1") {
            write(&golden, &screen);
        } else if read(&golden).as_ref() != Some(&screen) {
            let new = root.join("target/golden-new").join(&file);
            write(&new, &screen);
            wrong.push(format!("{} is not {}", new.display(), golden.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn write(path: &Path, picture: &Picture) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = BufWriter::new(fs::File::create(path).unwrap());
    let encoder = png::PngEncoder::new_with_quality(file, png::CompressionType::Best, png::FilterType::NoFilter);
    let (width, height) = (picture.width() as u32, picture.height() as u32);
    encoder.write_image(picture.as_rgb(), width, height, ExtendedColorType::Rgb8).unwrap();
}

/// The picture at `path`; none where there is no such file.
fn read(path: &Path) -> Option<Picture> {
    let rgb = image::open(path).ok()?.into_rgb8();
    let (width, height) = (rgb.width() as usize, rgb.height() as usize);
    Picture::from_rgb(rgb.into_raw(), width, height).ok()
}

/// A kidney between two calipers, as a cart would show it.
fn kidney(length: Option<Centimetres>) -> Subject {
    let mut crop = Picture::filled(224, 224, [76; 3]);
    // A row of discs along the measured line: its thickness at the poles and by how much it grows up to the middle.
    let mut sausage = |steps: std::ops::RangeInclusive<i32>, pole: i32, growth: i32, grey: u8| {
        let half = (steps.end() - steps.start()) / 2;
        for step in steps.clone() {
            let away = step - (steps.start() + steps.end()) / 2;
            let bulge = growth * (half * half - away * away) / (half * half);
            let at = Point::new(112 + away * 2, 112 + away * 5 / 9 - bulge / 8);
            let disc = Circle::with_center(at, (pole + bulge) as u32);
            disc.into_styled(PrimitiveStyle::with_fill(Rgb888::new(grey, grey, grey))).draw(&mut crop).unwrap();
        }
    };
    sausage(10..=96, 44, 56, 108);
    sausage(11..=95, 38, 54, 34);
    sausage(28..=78, 14, 22, 150);
    let ends = [Spot { x: 7.0, y: 83.0 }, Spot { x: 217.0, y: 141.0 }];
    let markers = MonoTextStyle::new(&FONT_9X15_BOLD, Rgb888::new(120, 230, 120));
    for Spot { x, y } in ends {
        Text::new("+", Point::new(x as i32 - 4, y as i32 + 4), markers).draw(&mut crop).unwrap();
    }
    Subject { crop, ends, length }
}

fn estimate(egfr: f32, interval: [f32; 2], p_ckd: f32, ckd: Ckd) -> Estimate {
    Estimate {
        egfr: Egfr(egfr),
        interval: interval.map(Egfr),
        coverage: 0.9,
        p_ckd: Probability(p_ckd),
        ckd,
        stage: Stage::of(Egfr(egfr)),
        spread: Egfr(4.0),
        members: Vec::new(),
    }
}

#[test]
fn given_no_signal_expect_its_golden_screen() {
    check("no-signal", false, Phase::NoSignal(Missing::Signal));
    check("no-grabber", false, Phase::NoSignal(Missing::Grabber));
}

#[test]
fn given_a_start_or_a_fault_expect_its_golden_screen() {
    check("starting-demonstration", true, Phase::Starting { loaded: 3, members: 10 });
    check("fault", false, Phase::Fault(Fault { part: Part::Journal, failure: Failure::Stopped }));
}

#[test]
fn given_the_previous_bundle_in_use_expect_it_said_on_its_golden_screen() {
    let bundle = BundleUsed::Previous;
    check_state("live-previous-bundle", &State { bundle, phase: Phase::Live, ..State::new(false) });
    let lengths = Refusal::LengthsDisagree { by_ruler: Centimetres(8.86), by_text: Centimetres(9.41) };
    let refused = State { bundle, phase: Phase::Refused(lengths), ..State::new(true) };
    check_state("refused-demonstration-previous-bundle", &refused);
}

#[test]
fn given_a_scanning_cart_expect_its_golden_screen() {
    check("live", false, Phase::Live);
    check_state("live-slow-link", &State { slow_link: Some(5), phase: Phase::Live, ..State::new(false) });
    check("frozen", false, Phase::Frozen);
}

#[test]
fn given_members_at_work_expect_their_golden_screen() {
    let subject = kidney(Some(Centimetres(8.86)));
    check("measuring-demonstration", true, Phase::Measuring { subject, done: 4, members: 10 });
}

#[test]
fn given_each_category_expect_its_golden_screen() {
    let result = |length, estimate| Phase::Result { subject: kidney(length), estimate, accepted: false };
    let likely = estimate(47.2, [31.4, 67.6], 0.88, Ckd::Likely);
    check("likely-demonstration", true, result(Some(Centimetres(8.86)), likely));
    let uncertain = estimate(59.7, [38.0, 84.2], 0.52, Ckd::Uncertain);
    check("uncertain", false, result(Some(Centimetres(10.21)), uncertain));
    let unlikely = estimate(104.0, [81.5, 131.0], 0.004, Ckd::Unlikely);
    check("unlikely", false, result(None, unlikely));
}

#[test]
fn given_an_accepted_reading_expect_it_said_on_its_golden_screen() {
    let accepted = |estimate| Phase::Result { subject: kidney(Some(Centimetres(8.86))), estimate, accepted: true };
    check("accepted-likely", false, accepted(estimate(47.2, [31.4, 67.6], 0.88, Ckd::Likely)));
    check("accepted-uncertain-demonstration", true, accepted(estimate(59.7, [38.0, 84.2], 0.52, Ckd::Uncertain)));
}

#[test]
fn given_refusals_expect_their_golden_screens() {
    check("refused", false, Phase::Refused(Refusal::PairsAmbiguous));
    let lengths = Refusal::LengthsDisagree { by_ruler: Centimetres(8.86), by_text: Centimetres(9.41) };
    check("refused-demonstration", true, Phase::Refused(lengths));
}
