//! The overlay reader on real cart screens, which lie beside the project in `../shared/screens`; skipped where missing.
#![allow(clippy::unwrap_used)]
#![allow(missing_docs, reason = "a test")]

use sonogfr::{
    frame::{Picture, Spot},
    overlay::see,
    refusal::Refusal,
};
use std::path::Path;

/// What a screen shows.
enum Truth {
    /// The pairs' labels and ends (x1, y1, x2, y2), the kidney's length first, and the ruler's pixels a centimetre.
    Measured(&'static [(u8, [f32; 4])], Option<f32>),
    Refused(&'static [Refusal]),
}

/// Given the screen `name`, expect `truth`: markers within a pixel, the scale within 0.05 pixels a centimetre.
#[track_caller]
fn check(name: &str, truth: Truth) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/screens").join(name);
    if !path.exists() {
        println!("skipped: {} is missing", path.display());
        return;
    }
    let image = image::open(&path).expect("a readable screen").to_rgb8();
    let (width, height) = (image.width() as usize, image.height() as usize);
    let picture = Picture::from_rgb(image.into_raw(), width, height).expect("a whole picture");
    let sight = see(picture.frame());
    match truth {
        Truth::Refused(reasons) => {
            assert!(sight.refusal.is_some_and(|refusal| reasons.contains(&refusal)), "{name}: {sight:?}");
            assert_eq!(sight.chosen(), None, "{name}");
            assert_eq!(sight.ruler, None, "{name}");
        }
        Truth::Measured(pairs, px_per_cm) => {
            assert_eq!((sight.refusal, sight.pairs.len()), (None, pairs.len()), "{name}: {sight:?}");
            for (i, (label, [x1, y1, x2, y2])) in pairs.iter().enumerate() {
                let ends = [Spot { x: *x1, y: *y1 }, Spot { x: *x2, y: *y2 }];
                let found = sight.pairs.iter().find(|pair| (0..2).all(|i| pair.ends[i].distance(ends[i]) < 1.0));
                let pair = found.unwrap_or_else(|| panic!("{name}: no pair at {ends:?} in {sight:?}"));
                assert_eq!((pair.label, pair.chosen), (Some(*label), i == 0), "{name}: {pair:?}");
            }
            let scale = sight.ruler.map(|ruler| ruler.scale.0);
            let same = match (scale, px_per_cm) {
                (Some(scale), Some(expected)) => (scale - expected).abs() < 0.05,
                (scale, expected) => scale == expected,
            };
            assert!(same, "{name}: scale {scale:?}, expected {px_per_cm:?}");
        }
    }
}

#[test]
fn given_the_kidney_screen_expect_its_length_and_scale() {
    check("logiq-e9-kidney.png", Truth::Measured(&[(1, [232.0, 333.0, 535.0, 416.0])], Some(35.47)));
}

#[test]
fn given_two_pairs_expect_both_and_the_longer_one_chosen() {
    let yellow = &[(1, [247.0, 108.0, 361.0, 111.0]), (2, [298.0, 143.0, 308.0, 66.0])];
    check("logiq-breast-two-pairs-yellow.png", Truth::Measured(yellow, None));
    let grey = &[(1, [34.0, 154.0, 261.0, 170.0]), (2, [156.0, 262.0, 163.0, 95.0])];
    check("logiq-breast-two-pairs-grey.png", Truth::Measured(grey, None));
}

#[test]
fn given_a_partner_outside_expect_a_refusal() {
    let cut_off = &[Refusal::PartnerMissing, Refusal::PartnerOutside];
    check("logiq-breast-marker-cut-off.png", Truth::Refused(cut_off));
    check("logiq-breast-line-runs-out.png", Truth::Refused(&[Refusal::PartnerOutside]));
}

#[test]
fn given_no_markers_expect_none() {
    for name in ["1", "2", "roi-box", "text"] {
        check(&format!("logiq-breast-plain-{name}.png"), Truth::Refused(&[Refusal::NoMarkers]));
    }
}
