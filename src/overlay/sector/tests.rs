//! Sectors of known stretch, and pictures that show none.

use super::*;
use crate::{
    frame::{Picture, RGB_BYTES},
    phantom::carts::{self, damage::Damage},
};
use proptest::prelude::*;

fn outline(picture: &Picture) -> Option<Outline> {
    let tones = Tones::of(picture.frame());
    find(&tones, &Echo::of(&tones)?)
}

/// Speckle in a sector, on black: apex, tangent of half the opening, radii; shown `stretch` times as wide.
fn drawn([x, y]: [f32; 2], opening: f32, [inner, outer]: [f32; 2], stretch: f32) -> Picture {
    let mut picture = Picture::filled(960, 720, [0; 3]);
    let mut state = 7_u32;
    for (i, pixel) in picture.as_rgb_mut().chunks_exact_mut(RGB_BYTES).enumerate() {
        let [dx, dy] = [((i % 960) as f32 - x) / stretch, (i / 960) as f32 - y];
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if dx.abs() <= opening * dy && (inner..=outer).contains(&dx.hypot(dy)) {
            pixel.fill(30 + (state >> 25) as u8);
        }
    }
    picture
}

#[test]
fn given_sectors_of_any_stretch_expect_it_within_its_error() {
    for stretch in [0.86, 0.95, 1.0, 1.02, 1.1] {
        let picture = drawn([470.0, -60.0], 0.62, [190.0, 700.0], stretch);
        let found = outline(&picture).expect("a clear sector").stretch;
        assert!((found.ratio / stretch - 1.0).abs() < found.error.max(0.003), "{found:?}, drawn {stretch}");
        assert_eq!(found.likeliest() == 1.0, stretch == 1.0);
    }
}

#[test]
fn given_arcs_around_different_centres_expect_no_stretch() {
    // As on carts that widen a curved probe's picture: the lower arc is flatter than the sides' apex asks for.
    let mut picture = drawn([470.0, -60.0], 0.62, [190.0, 700.0], 1.0);
    for (i, pixel) in picture.as_rgb_mut().chunks_exact_mut(RGB_BYTES).enumerate() {
        let [dx, dy] = [(i % 960) as f32 - 470.0, (i / 960) as f32 + 460.0];
        if dx.hypot(dy) > 1060.0 {
            pixel.fill(0);
        }
    }
    assert_eq!(outline(&picture), None);
}

#[test]
fn given_a_tear_or_a_rectangle_expect_no_stretch() {
    let mut torn = drawn([470.0, -60.0], 0.62, [190.0, 700.0], 1.0);
    for row in torn.as_rgb_mut().chunks_exact_mut(960 * RGB_BYTES).skip(350) {
        row.rotate_right(20 * RGB_BYTES);
    }
    assert_eq!(outline(&torn), None);
    let mut rectangle = Picture::filled(960, 720, [0; 3]);
    let mut state = 7_u32;
    for (i, pixel) in rectangle.as_rgb_mut().chunks_exact_mut(RGB_BYTES).enumerate() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if (200..760).contains(&(i % 960)) && (100..640).contains(&(i / 960)) {
            pixel.fill(30 + (state >> 25) as u8);
        }
    }
    assert_eq!(outline(&rectangle), None);
}

#[test]
fn given_carts_expect_no_stretch_that_is_off_by_a_hundredth_and_most_told() {
    let (mut told, mut clear) = (0, 0);
    for index in 0..30 {
        let carts::CartPhantom { screen, truth } = carts::draw(104, index);
        let stretch = truth.px_per_cm[0].0 / truth.px_per_cm[1].0;
        let found = outline(&screen);
        let is_torn = truth.damage.iter().any(|damage| matches!(damage, Damage::Tear { .. }));
        if let Some(Outline { stretch: found, .. }) = found {
            assert!((found.ratio / stretch - 1.0).abs() < 0.01, "{index}: {found:?}, is {stretch}");
        }
        if !is_torn {
            (told, clear) = (told + usize::from(found.is_some()), clear + 1);
        }
    }
    assert!(5 * told >= 4 * clear, "{told} of {clear}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn given_noise_of_any_size_expect_no_stretch(seed: u32, kind in 0..4, width in 1usize..300, height in 1usize..300) {
        let mut picture = Picture::filled(width, height, [if kind == 3 { 255 } else { 0 }; 3]);
        let mut state = seed | 1;
        for (i, pixel) in picture.as_rgb_mut().chunks_exact_mut(RGB_BYTES).enumerate() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match kind {
                0 => pixel.fill((state >> 24) as u8),
                1 if i / width > height / 4 => pixel.fill((state >> 25) as u8),
                _ => {}
            }
        }
        prop_assert_eq!(outline(&picture), None);
    }
}
