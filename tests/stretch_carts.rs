//! The stretch that the echo's border tells, on synthetic carts of all makers: never off while it says that it is sure.
//!
//! `SONOGFR_STRETCHES=600` looks at more of them, `SONOGFR_SEED` at others.
#![allow(clippy::unwrap_used)]
#![allow(missing_docs, reason = "a test")]

use sonogfr::{
    edge::pictures,
    frame::Picture,
    overlay::{self, Sight},
    phantom::carts::{self, CartTruth, damage::Damage},
};

/// The stretch may be off by this part.
const OFF_MAX: f32 = 0.01;
/// The least part of the pictures without tear and JPEG on which it is told.
const TOLD_MIN: f32 = 0.85;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

fn drawn(seed: u64, index: u64) -> (Picture, CartTruth) {
    let carts::CartPhantom { screen, truth } = carts::draw(seed, index);
    match truth.jpeg_quality() {
        Some(quality) => (pictures::through_jpeg(&screen, quality), truth),
        None => (screen, truth),
    }
}

fn see(seed: u64, index: u64) -> (Sight, CartTruth) {
    let (screen, truth) = drawn(seed, index);
    (overlay::see(screen.frame()), truth)
}

#[test]
fn given_carts_of_all_makers_expect_their_stretch_or_none() {
    let (seed, count) = (number("SONOGFR_SEED", 201), number("SONOGFR_STRETCHES", 30));
    let (mut offs, mut clean, mut told) = (Vec::new(), 0, 0);
    for index in 0..count {
        let (sight, truth) = see(seed, index);
        let stretch = truth.px_per_cm[0].0 / truth.px_per_cm[1].0;
        let is_clean = !truth.damage.iter().any(|damage| matches!(damage, Damage::Tear { .. } | Damage::Jpeg { .. }));
        clean += u32::from(is_clean);
        if let Some(outline) = sight.outline {
            told += u32::from(is_clean);
            let off = (outline.stretch.ratio / stretch - 1.0).abs();
            let likeliest = (outline.stretch.likeliest() / stretch - 1.0).abs();
            assert!(off.max(likeliest) <= OFF_MAX, "seed {seed}, {index}: {:?}, is {stretch}", outline.stretch);
            offs.push(off.max(likeliest));
        }
    }
    offs.sort_by(f32::total_cmp);
    let percentile = |part: usize| 100.0 * offs[part * (offs.len() - 1) / 100];
    println!(
        "seed {seed}: told on {} of {count} ({told} of {clean} without tear and JPEG); off by {:.2}% (median), {:.2}% (90), {:.2}% (99), {:.2}% (most)",
        offs.len(),
        percentile(50),
        percentile(90),
        percentile(99),
        percentile(100)
    );
    assert!(told as f32 >= TOLD_MIN * clean as f32, "told on {told} of {clean}");
}

#[test]
fn given_a_stretched_cart_with_an_upright_ruler_alone_expect_its_length_or_none() {
    // It was measured as 10.10 cm.
    let (sight, truth) = see(9403, 150);
    let [across, down] = truth.px_per_cm.map(|scale| scale.0);
    let chosen = truth.pairs.iter().find(|pair| pair.chosen).unwrap();
    let [a, b] = chosen.ends;
    let length = ((a.x - b.x) / across).hypot((a.y - b.y) / down);
    if let Some(said) = sight.by_ruler() {
        assert!((said.0 / length - 1.0).abs() < 0.02, "{said:?}, is {length}");
    }
}
