//! What the freeze watch costs a frame of 1920 x 1080 pixels: live, frozen, and frozen through a noisy grabber.
//!
//! The watch must leave a core free for the reader: half a millisecond a frame is 1.5 % of it at 30 frames a second.

use criterion::{Criterion, criterion_group, criterion_main};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use sonogfr::{
    frame::Picture,
    freeze::{Seen, Watch},
};
use std::hint::black_box;

const SIZE: (usize, usize) = (1920, 1080);
/// Left, top, right and bottom of the echo.
const ECHO: (usize, usize, usize, usize) = (480, 120, 1440, 1000);
/// Pictures shown over and over.
const PICTURES: usize = 8;
/// Frames that a watch has seen before it is timed: the echo is known, and a frozen picture has settled.
const FRAMES_BEFORE: usize = 64;

/// A screen with an echo of `moment`.
fn screen(moment: u64) -> Picture {
    let mut picture = Picture::filled(SIZE.0, SIZE.1, [40; 3]);
    let mut dice = Xoshiro256PlusPlus::seed_from_u64(moment);
    for y in ECHO.1..ECHO.3 {
        let row = &mut picture.as_rgb_mut()[3 * y * SIZE.0..][..3 * SIZE.0];
        for grain in row[3 * ECHO.0..3 * ECHO.2].chunks_exact_mut(9) {
            grain.fill(40 + (dice.next_u64() >> 57) as u8);
        }
    }
    picture
}

/// `picture` with noise of up to five levels each way.
fn with_noise(mut picture: Picture, seed: u64) -> Picture {
    let mut dice = Xoshiro256PlusPlus::seed_from_u64(seed);
    for eight in picture.as_rgb_mut().chunks_mut(8) {
        for (value, byte) in eight.iter_mut().zip(dice.next_u64().to_le_bytes()) {
            *value = value.saturating_add(byte % 11).saturating_sub(5);
        }
    }
    picture
}

fn time(criterion: &mut Criterion, name: &str, pictures: &[Picture], expected: Seen) {
    let mut watch = Watch::default();
    for moment in 0..FRAMES_BEFORE {
        watch.push(screen((moment % PICTURES) as u64).frame());
    }
    for picture in pictures.iter().cycle().take(FRAMES_BEFORE) {
        watch.push(picture.frame());
    }
    let mut frames = pictures.iter().cycle();
    criterion.bench_function(name, |bencher| {
        bencher.iter(|| {
            let picture = frames.next().expect("a cycle has no end");
            assert_eq!(watch.push(black_box(picture.frame())), expected, "{name}");
        });
    });
}

fn freeze(criterion: &mut Criterion) {
    let live: Vec<Picture> = (0..PICTURES as u64).map(screen).collect();
    time(criterion, "freeze watch, 1080p, live", &live, Seen::Live);
    time(criterion, "freeze watch, 1080p, frozen", &[screen(0)], Seen::Standing);
    let noisy: Vec<Picture> = (0..PICTURES as u64).map(|seed| with_noise(screen(0), seed)).collect();
    time(criterion, "freeze watch, 1080p, frozen with noise", &noisy, Seen::Standing);
}

criterion_group!(benches, freeze);
criterion_main!(benches);
