//! The numbers beside a ruler, from pixels to the scale: on synthetic carts, and on the real screen where it is at hand.
#![allow(clippy::unwrap_used)]

use sonogfr::{
    edge::pictures,
    frame::Picture,
    overlay::ruler,
    phantom::carts::{self, style::Numbers},
    recognise::Recogniser,
};
use std::path::{Path, PathBuf};

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn recogniser() -> Recogniser {
    Recogniser::open(&project("models/text/ch_PP-OCRv4_rec_infer.onnx")).unwrap()
}

/// Given a screen whose ruler has numbers, expect them read and the scale that they tell within 0.3 %.
#[track_caller]
fn check(recogniser: &Recogniser, picture: &Picture, px_per_cm: f32) {
    let ticks = ruler::ticks(picture.frame()).unwrap();
    let numbers = ticks.numbers(picture.frame()).unwrap();
    let text: String = recogniser.read(&numbers.picture).unwrap().iter().map(|letter| letter.character).collect();
    let found = ticks.with_numbers(&numbers, &text).ruler().map(|ruler| ruler.scale.0);
    assert!(found.is_some_and(|scale| (scale / px_per_cm - 1.0).abs() < 0.003), "{text}: {found:?} for {px_per_cm}");
}

#[test]
fn given_carts_whose_ticks_may_be_worth_two_things_expect_the_numbers_to_tell() {
    let recogniser = recogniser();
    let mut checked = 0;
    for index in (0..60).filter(|index| index % 3 != 2) {
        let carts::CartPhantom { screen, truth } = carts::draw(71, index);
        let every = truth.ruler.map_or(0.0, |ruler| ruler.major_cm / ruler.minor_cm);
        let is_open = every > 1.0 && every != 5.0;
        if is_open && truth.ruler.is_some_and(|ruler| ruler.numbers == Numbers::Majors) {
            let quality = truth.jpeg_quality();
            let screen = quality.map_or(screen.clone(), |quality| pictures::through_jpeg(&screen, quality));
            check(&recogniser, &screen, truth.px_per_cm[1].0);
            checked += 1;
        }
    }
    assert!(checked >= 4, "{checked}");
}

#[test]
fn given_the_real_screen_expect_its_numbers_to_confirm_its_ticks() {
    let path = project("../shared/screens/logiq-e9-kidney.png");
    let Ok(picture) = pictures::open(&path) else {
        println!("skipped: {} is not here", path.display());
        return;
    };
    check(&recogniser(), &picture, 35.47);
}
