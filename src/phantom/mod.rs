//! Synthetic kidneys on synthetic carts, with known truth: for demonstrations, tests and training without anybody's data.
//!
//! [`patient`] draws who is scanned and what the kidney is like, [`anatomy`] says how strongly each place echoes, [`echo`]
//! turns that into an ultrasound picture, [`cart`] draws what the cart's screen shows around and over it, and [`cine`] plays
//! an exam. [`carts`] draws other makers' screens, for the overlay reader alone. Always holds: the same seed gives the same
//! bytes on every machine (all arithmetic is in this crate and `libm`).
//! Deliberately absent: wave physics. Speckle is scatterers blurred by a point spread, which is what a network sees of it.

pub mod anatomy;
pub mod cart;
pub mod carts;
pub mod cine;
pub mod echo;
mod kidney;
mod noise;
pub mod patient;

use crate::{
    frame::{Picture, Spot},
    units::{Centimetres, Egfr, PixelsPerCm},
};
use alloc::vec::Vec;
use anatomy::Scene;
use cart::{Calipers, Screen};
use patient::Patient;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Serialize;

/// Pictures a patient: from 1 to this many.
const VIEWS_MAX: u32 = 5;

/// What is known of one phantom picture.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Truth {
    /// The number of the picture within its patient, from 1.
    pub view: u32,
    /// Whether the calipers are drawn: markers, line and printed length.
    pub calipers: bool,
    /// The markers' centres; without calipers, where they would be set.
    pub ends: [Spot; 2],
    /// The screen's scale.
    pub px_per_cm: PixelsPerCm,
    /// The length between `ends` as the cart prints it, to 0.01 cm.
    pub length_cm: Centimetres,
    /// Depth of the kidney's centre below the probe.
    pub kidney_depth_cm: Centimetres,
    /// The kidney's long axis against the horizontal, in degrees.
    pub angle_deg: f32,
    /// Whether a rib shadows part of the kidney.
    pub rib_shadow: bool,
    /// Whether bowel gas hides part of the picture.
    pub gas: bool,
}

/// One phantom picture with its truth.
pub struct Phantom {
    /// The cart's whole screen.
    pub screen: Picture,
    /// What is known of it.
    pub truth: Truth,
}

/// Patient number `index` of the population `seed`.
pub fn patient(seed: u64, index: u64) -> Patient {
    Patient::draw(index, &mut stream(seed, index, 0))
}

/// How many pictures patient number `index` of the population `seed` has.
pub fn view_count(seed: u64, index: u64) -> u32 {
    stream(seed, index, 1).random_range(1..=VIEWS_MAX)
}

/// Draws picture number `view` (from 1) of `patient`, measured.
pub fn draw(seed: u64, patient: &Patient, view: u32) -> Phantom {
    let (mut phantom, screen) = draw_frozen(seed, patient, view);
    let Truth { ends, length_cm: printed, .. } = phantom.truth;
    screen.draw_calipers(&Calipers::Complete { ends, printed }, &mut phantom.screen);
    phantom.truth.calipers = true;
    phantom
}

/// Draws the picture that [`draw`] gives as it is before anybody measures: without calipers.
pub fn draw_without_calipers(seed: u64, patient: &Patient, view: u32) -> Phantom {
    draw_frozen(seed, patient, view).0
}

/// The frozen picture without calipers, and the cart that shows it.
fn draw_frozen(seed: u64, patient: &Patient, view: u32) -> (Phantom, Screen) {
    let mut random = stream(seed, patient.index, 1 + u64::from(view));
    let (screen, scene, ends) = set_up(patient, &mut random);
    let mut picture = screen.blank();
    echo::render(&scene, &screen.sector, 0.0, random.random(), &mut picture);
    screen.draw_chrome(&mut picture);
    let truth = Truth { calipers: false, ..truth_of(view, &screen, &scene, ends) };
    (Phantom { screen: picture, truth }, screen)
}

/// The cart, the scanned plane and where the sonographer sets the calipers.
fn set_up(patient: &Patient, random: &mut impl RngExt) -> (Screen, Scene, [Spot; 2]) {
    let screen = Screen::draw_settings(random);
    let scene = Scene::draw(&patient.factors, &screen.sector, random);
    let ends = place_calipers(&scene, &screen, random);
    (screen, scene, ends)
}

/// The truth of a measured picture.
fn truth_of(view: u32, screen: &Screen, scene: &Scene, ends: [Spot; 2]) -> Truth {
    let scale = screen.sector.scale;
    Truth {
        view,
        calipers: true,
        ends,
        px_per_cm: scale,
        // The cart prints hundredths of a centimetre.
        length_cm: Centimetres(libm::roundf(ends[0].distance(ends[1]) / scale.0 * 100.0) / 100.0),
        kidney_depth_cm: Centimetres(scene.kidney.centre.z),
        angle_deg: scene.kidney.angle.to_degrees(),
        rib_shadow: scene.shows_rib(),
        gas: scene.shows_gas(),
    }
}

/// The poles as a sonographer marks them: on whole pixels, a little off along the axis and across it.
fn place_calipers(scene: &Scene, screen: &Screen, random: &mut impl RngExt) -> [Spot; 2] {
    let kidney = &scene.kidney;
    let mut place = |pole: f32| {
        let along = pole * (1.0 + 0.015 * (random.random::<f32>() * 2.0 - 1.0));
        let across = 0.08 * (random.random::<f32>() * 2.0 - 1.0);
        let spot = screen.sector.to_screen(kidney.place(along * kidney.reach(pole), across));
        Spot { x: libm::roundf(spot.x), y: libm::roundf(spot.y) }
    };
    let (a, b) = (place(-1.0), place(1.0));
    if a.x <= b.x { [a, b] } else { [b, a] }
}

/// The random stream for one purpose of one patient of one population: independent of how many others were drawn.
fn stream(seed: u64, index: u64, purpose: u64) -> Xoshiro256PlusPlus {
    // The generator's own SplitMix64 seeding spreads these; odd multipliers keep the three parts apart.
    let mixed = seed
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(index.wrapping_mul(0xD1B5_4A32_D192_ED03))
        .wrapping_add(purpose.wrapping_mul(0x8CB9_2BA7_2F3D_8DD7));
    Xoshiro256PlusPlus::seed_from_u64(mixed)
}

/// The first `count` pictures of a population, as (patient index, view): whole patients but for the last.
pub fn population(seed: u64, count: usize) -> Vec<(u64, u32)> {
    (0..).flat_map(|index| (1..=view_count(seed, index)).map(move |view| (index, view))).take(count).collect()
}

/// The eGFR that a patient's creatinine, age and sex give; see [`patient::mdrd`].
pub fn egfr(patient: &Patient) -> Egfr {
    patient::mdrd(patient.creatinine_mg_dl, patient.age, patient.sex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_the_same_seed_expect_the_same_picture_and_another_seed_another() {
        let shot = |seed| draw(seed, &patient(seed, 3), 1);
        let (a, b, c) = (shot(7), shot(7), shot(8));
        assert!(a.screen == b.screen && a.truth == b.truth);
        assert!(a.screen != c.screen);
    }

    #[test]
    fn given_a_phantom_without_calipers_expect_the_same_screen_but_for_them() {
        for index in 0..8 {
            let patient = patient(12, index);
            let (measured, bare) = (draw(12, &patient, 1), draw_without_calipers(12, &patient, 1));
            assert_eq!(bare.truth, Truth { calipers: false, ..measured.truth.clone() });
            let [left, right] = measured.truth.ends;
            let apart = measured.screen.as_rgb().chunks_exact(3).zip(bare.screen.as_rgb().chunks_exact(3));
            let places = apart.enumerate().filter(|(_, (a, b))| a != b).map(|(i, _)| (i % 960, i / 960));
            // Markers and label reach so many pixels beyond the ends; the measurement box stands below the echo.
            let reach = 36;
            let columns = left.x as usize - reach..=right.x as usize + reach;
            let rows = left.y.min(right.y) as usize - reach..=left.y.max(right.y) as usize + reach;
            let on_line = |(x, y)| columns.contains(&x) && rows.contains(&y);
            let in_box = |(x, y)| x < 162 && y >= 687;
            let places: alloc::vec::Vec<_> = places.collect();
            assert!(places.iter().any(|&place| on_line(place)) && places.iter().any(|&place| in_box(place)));
            assert!(places.iter().all(|&place| on_line(place) || in_box(place)), "patient {index}");
        }
    }

    #[test]
    fn given_many_phantoms_expect_the_markers_on_the_echo_at_the_printed_length() {
        for index in 0..200 {
            let patient = patient(11, index);
            let mut random = stream(11, index, 2);
            let (screen, scene, ends) = set_up(&patient, &mut random);
            let sector = screen.sector;
            assert!(ends.iter().all(|&end| sector.holds(sector.to_place(end), 0.2)), "patient {index}");
            let printed = truth_of(1, &screen, &scene, ends).length_cm;
            let wanted = patient.factors.length_cm.0;
            assert!((printed.0 / wanted - 1.0).abs() < 0.06, "patient {index}: {} of {wanted}", printed.0);
        }
    }

    #[test]
    fn given_a_count_expect_as_many_pictures_with_views_from_one() {
        let population = population(5, 40);
        assert_eq!(population.len(), 40);
        assert_eq!(population[0], (0, 1));
        assert!(population.windows(2).all(|w| w[1] == (w[0].0, w[0].1 + 1) || w[1] == (w[0].0 + 1, 1)));
    }
}
