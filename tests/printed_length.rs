//! The printed length, from pixels to the three-way check: on phantom carts, and on the real screen where it is at hand.
#![allow(clippy::unwrap_used)]

use sonogfr::{
    edge::pictures,
    frame::Picture,
    overlay::{self, Mark, Print, PrintedLength, Sight, text},
    phantom::{self, carts},
    recognise::Recogniser,
    refusal::Refusal,
    units::Centimetres,
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn recogniser() -> Recogniser {
    Recogniser::open(&project("models/text/ch_PP-OCRv4_rec_infer.onnx")).unwrap()
}

fn check_length(found: &Print, expected: f32) {
    let lengths: Vec<f32> = found.lengths.iter().map(|length| length.length.0).collect();
    assert!(lengths.len() == 1 && (lengths[0] - expected).abs() < 0.005, "{found:?}, not {expected}");
}

#[test]
fn given_phantom_carts_expect_the_printed_length_read() {
    let recogniser = recogniser();
    for index in 0..6 {
        let phantom = phantom::draw(61, &phantom::patient(61, index), 1);
        check_length(&recogniser.lengths(phantom.screen.frame()).unwrap(), phantom.truth.length_cm.0);
    }
}

/// What a box says, apart from how it was read.
fn meaning(length: &PrintedLength) -> (Option<u8>, Option<Mark>, i32, i32) {
    let thousandths = |length: Centimetres| (1000.0 * length.0).round() as i32;
    (length.label, length.mark, thousandths(length.length), thousandths(length.step))
}

#[test]
fn given_carts_of_all_makers_expect_nearly_every_line_read_and_none_wrongly() {
    let recogniser = recogniser();
    let (mut printed, mut read) = (0, 0);
    let mut styles = BTreeSet::new();
    for index in 0..45 {
        let carts::CartPhantom { screen, truth } = carts::draw(41, index);
        let screen = truth.jpeg_quality().map_or(screen.clone(), |quality| pictures::through_jpeg(&screen, quality));
        let mut expected: Vec<_> = truth.pairs.iter().filter_map(|pair| pair.printed.as_deref()).collect();
        printed += expected.len();
        if !expected.is_empty() {
            styles.insert(truth.style);
        }
        let found = recogniser.lengths(screen.frame()).unwrap();
        for length in &found.lengths {
            let is_it = |line: &&str| meaning(&text::parse(line).unwrap()) == meaning(length);
            let at = expected.iter().position(is_it);
            expected.remove(at.unwrap_or_else(|| panic!("{index}: {length:?} is none of {expected:?}")));
            read += 1;
        }
    }
    assert!(styles.len() == 10 && printed > 40, "{styles:?}, {printed} lines");
    assert!(100 * read >= 95 * printed, "{read} of {printed} lines read");
}

#[test]
fn given_the_real_screen_expect_its_box_read_and_agreeing_with_the_ruler() {
    let path = project("../shared/screens/logiq-e9-kidney.png");
    let Ok(picture) = pictures::open(&path) else {
        println!("skipped: {} is not here", path.display());
        return;
    };
    let found = recogniser().lengths(picture.frame()).unwrap();
    check_length(&found, 8.84);
    assert_eq!(found.unread, 0);
    let sight = overlay::see(picture.frame()).with_print(&found);
    assert_eq!((sight.refusal, sight.text.unwrap().raw.as_str()), (None, "1 L 8.84 cm"));
}

#[test]
fn given_the_other_real_screens_expect_no_length() {
    let recogniser = recogniser();
    for name in ["line-runs-out", "marker-cut-off", "plain-1", "plain-2", "plain-roi-box", "plain-text"]
        .into_iter()
        .chain(["two-pairs-grey", "two-pairs-yellow"])
    {
        let path = project(&format!("../shared/screens/logiq-breast-{name}.png"));
        let Ok(picture) = pictures::open(&path) else {
            println!("skipped: {} is not here", path.display());
            continue;
        };
        assert_eq!(recogniser.lengths(picture.frame()).unwrap(), Print::default(), "{name}");
    }
}

#[test]
fn given_a_picture_without_print_expect_no_line_of_it() {
    let mut noise = Picture::filled(400, 300, [0; 3]);
    let mut state = 1_u32;
    for pixel in noise.as_rgb_mut().chunks_exact_mut(3) {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        pixel.fill((state >> 24) as u8);
    }
    for picture in [noise, Picture::filled(1, 1, [255; 3]), Picture::filled(300, 200, [255; 3])] {
        assert!(overlay::print::lines(picture.frame()).is_empty());
    }
}

/// What a phantom's markers and ruler say, and a length of `times` that, printed with `label`.
fn sight_and_print(times: f32, label: Option<u8>) -> (Sight, PrintedLength) {
    let phantom = phantom::draw(61, &phantom::patient(61, 0), 1);
    let sight = overlay::see(phantom.screen.frame());
    let length = Centimetres(sight.by_ruler().unwrap().0 * times);
    (sight, PrintedLength { raw: String::from("as printed"), label, mark: None, length, step: Centimetres(0.01) })
}

fn print_of(lengths: &[&PrintedLength]) -> Print {
    Print { lengths: lengths.iter().copied().cloned().collect(), ..Print::default() }
}

#[test]
fn given_print_within_two_percent_expect_it_measured_and_beyond_refused_with_both_values() {
    for (times, agrees) in [(1.0, true), (1.015, true), (0.985, true), (1.03, false), (0.9, false), (2.0, false)] {
        let (sight, printed) = sight_and_print(times, None);
        let checked = sight.with_print(&print_of(&[&printed]));
        match checked.refusal {
            None => assert!(agrees && checked.chosen().is_some(), "{times}"),
            Some(Refusal::LengthsDisagree { by_text, .. }) => {
                assert!(
                    !agrees && by_text == printed.length && checked.pairs.iter().all(|pair| !pair.chosen),
                    "{times}"
                );
            }
            other => panic!("{times}: {other:?}"),
        }
    }
}

#[test]
fn given_several_printed_lengths_expect_that_of_the_pair_and_no_longer_one() {
    let (sight, own) = sight_and_print(1.0, None);
    let [(_, shorter), (_, longer)] = [0.5, 1.4].map(|times| sight_and_print(times, None));
    assert_eq!(sight.clone().with_print(&print_of(&[&own, &shorter])).text, Some(own.clone()));
    // A longer distance than any that is seen was measured.
    let unseen = sight.clone().with_print(&print_of(&[&own, &longer]));
    assert_eq!((unseen.refusal, unseen.chosen()), (Some(Refusal::PartnerMissing), None));
    let other = sight.with_print(&print_of(&[&shorter]));
    assert!(matches!(other.refusal, Some(Refusal::LengthsDisagree { .. })), "{:?}", other.refusal);
}
