use super::*;
use crate::{
    estimate::{Ckd, Estimate, Stage},
    frame::{Picture, Spot},
    machine::{BundleUsed, Failure, Fault, Missing, Part, Subject},
    refusal::Refusal,
    units::{Centimetres, Egfr, Probability},
};
use alloc::{vec, vec::Vec};
use embedded_graphics::primitives::Rectangle;

/// Every refusal, with values that take the most room.
pub(super) fn refusals() -> [Refusal; 11] {
    [
        Refusal::NoMarkers,
        Refusal::PartnerMissing,
        Refusal::PartnerOutside,
        Refusal::PairsAmbiguous,
        Refusal::PairTooShort,
        Refusal::LengthsDisagree { by_ruler: Centimetres(18.86), by_text: Centimetres(10.04) },
        Refusal::LengthUnknown,
        Refusal::LengthOutsideRange { length: Centimetres(18.86), limit: Centimetres(14.3) },
        Refusal::UnlikeTraining { distance: 12.34, limit: 1.42 },
        Refusal::MembersDisagree { spread: Egfr(128.4), limit: Egfr(115.0) },
        Refusal::OutsideRange { low: Egfr(15.0), high: Egfr(110.0) },
    ]
}

fn subject(ends: [Spot; 2], length: Option<Centimetres>) -> Subject {
    Subject { crop: Picture::filled(224, 224, [90; 3]), ends, length }
}

pub(super) fn estimate(egfr: f32, interval: [f32; 2], p_ckd: f32, ckd: Ckd) -> Estimate {
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

/// Phases that between them reach every screen, with ordinary and with broken values.
fn phases() -> Vec<Phase> {
    let level = [Spot { x: 0.0, y: 112.0 }, Spot { x: 223.0, y: 112.0 }];
    let broken = [Spot { x: f32::NAN, y: 1e30 }, Spot { x: -1e30, y: f32::INFINITY }];
    let measuring = |done, members| Phase::Measuring { subject: subject(level, None), done, members };
    let result = |ends, length, estimate| Phase::Result { subject: subject(ends, length), estimate, accepted: true };
    let mut phases = vec![
        Phase::Starting { loaded: 3, members: 10 },
        Phase::NoSignal(Missing::Signal),
        Phase::NoSignal(Missing::Grabber),
        Phase::Live,
        Phase::Frozen,
        Phase::Fault(Fault { part: Part::Journal, failure: Failure::Stopped }),
        measuring(4, 10),
        measuring(3, 0),
        measuring(usize::MAX, usize::MAX),
        result(level, Some(Centimetres(8.86)), estimate(47.2, [31.4, 67.6], 0.88, Ckd::Likely)),
        result(level, None, estimate(104.0, [88.0, 131.0], 0.02, Ckd::Unlikely)),
        result(broken, Some(Centimetres(f32::MAX)), estimate(f32::NAN, [f32::NAN, 1e30], f32::NAN, Ckd::Uncertain)),
    ];
    // The refusals with the longest words, and one of those with values.
    phases.extend([3, 6].map(|i| Phase::Refused(refusals()[i])));
    phases
}

fn drawn(phase: &Phase, demonstration: bool, size: Size) -> Picture {
    drawn_with(BundleUsed::Installed, phase, demonstration, size)
}

fn drawn_with(bundle: BundleUsed, phase: &Phase, demonstration: bool, size: Size) -> Picture {
    let mut picture = Picture::filled(size.width as usize, size.height as usize, [255, 0, 255]);
    let state = State { bundle, slow_link: Some(5), phase: phase.clone(), ..State::new(demonstration) };
    let Ok(()) = draw(&state, &mut picture);
    picture
}

#[test]
fn given_a_demonstration_expect_the_same_banner_and_frame_on_every_screen() {
    for size in [Size::new(800, 480), Size::new(480, 320)] {
        let grid = Grid::over(size).unwrap();
        let banner = grid.area((0, 0), (800, layout::HEADER));
        let mut bare = Picture::filled(size.width as usize, size.height as usize, [0; 3]);
        let Ok(()) = layout::demonstration_header(&mut bare, grid, BundleUsed::Installed);
        for phase in phases() {
            let (with, without) = (drawn(&phase, true, size), drawn(&phase, false, size));
            let rows = banner.size.height as usize * size.width as usize * 3;
            assert!(with.as_rgb()[..rows] == bare.as_rgb()[..rows], "{size:?}: no banner on {phase:?}");
            let changed = |p: &Point| {
                let at = |picture: &Picture| picture.frame().rgb(p.x as usize, p.y as usize);
                at(&with) != at(&without)
            };
            let rim = Rectangle::new(Point::zero(), size).points().filter(|p| p.x < 4 || p.y + 4 >= size.height as i32);
            assert!(rim.into_iter().all(|p| changed(&p)), "{size:?}: no frame on {phase:?}");
        }
    }
}

#[test]
fn given_the_previous_bundle_expect_the_same_header_on_every_screen_and_nothing_else_changed() {
    for (size, demonstration) in [800, 480].into_iter().flat_map(|w| [(w, false), (w, true)]) {
        let size = Size::new(size, size * 3 / 5);
        let header = Grid::over(size).unwrap().y(layout::HEADER) as usize * size.width as usize * 3;
        let split = |bundle, phase: &Phase| {
            let mut top = drawn_with(bundle, phase, demonstration, size).as_rgb().to_vec();
            let below = top.split_off(header);
            (top, below)
        };
        let (told, _) = split(BundleUsed::Previous, &Phase::Live);
        for phase in phases() {
            let (with, without) = (split(BundleUsed::Previous, &phase), split(BundleUsed::Installed, &phase));
            assert!(with.0 == told && told != without.0, "{size:?}: not told on {phase:?}");
            assert!(with.1 == without.1, "{size:?}: something else changed on {phase:?}");
        }
    }
}

#[test]
fn given_any_size_expect_every_pixel_set_and_no_panic() {
    let sizes = [(1, 1), (1, 200), (300, 1), (3, 7), (17, 9), (128, 64), (480, 800), (1280, 720)];
    for (width, height) in sizes {
        for (i, phase) in phases().iter().enumerate() {
            let picture = drawn(phase, i % 2 == 0, Size::new(width, height));
            let unset = picture.as_rgb().chunks_exact(3).filter(|p| *p == [255, 0, 255]).count();
            assert_eq!(unset, 0, "{width} x {height}: {phase:?}");
        }
    }
}

#[test]
fn given_no_pixels_expect_nothing_drawn() {
    assert!(Grid::over(Size::new(0, 480)).is_none());
    assert!(Grid::over(Size::new(800, 0)).is_none());
}

#[test]
fn given_each_category_expect_screens_that_differ_without_colour() {
    let grey = |ckd| {
        let level = [Spot { x: 0.0, y: 112.0 }, Spot { x: 223.0, y: 112.0 }];
        let estimate = estimate(60.0, [40.0, 80.0], 0.5, ckd);
        let phase = Phase::Result { subject: subject(level, None), estimate, accepted: false };
        let picture = drawn(&phase, false, Size::new(800, 480));
        let frame = picture.frame();
        // The box's left part: the symbol alone, without the words.
        let part = (90..160).flat_map(|y| (32..110).map(move |x| (x, y)));
        part.map(|(x, y)| frame.luma(x, y) > 128).collect::<Vec<_>>()
    };
    let [likely, uncertain, unlikely] = [Ckd::Likely, Ckd::Uncertain, Ckd::Unlikely].map(grey);
    let apart = |a: &[bool], b: &[bool]| a.iter().zip(b).filter(|(a, b)| a != b).count();
    assert!(apart(&likely, &unlikely) > 500 && apart(&likely, &uncertain) > 500 && apart(&uncertain, &unlikely) > 500);
}
