//! How long seeing takes on synthetic 1080p carts: the whole sight without print, and the parts that can be called alone.
#![allow(missing_docs, reason = "criterion makes its own entry")]

use criterion::{Bencher, Criterion, criterion_group, criterion_main};
use sonogfr::{
    frame::Picture,
    overlay::{self, Profile, print, ruler},
    phantom::carts,
};
use std::hint::black_box;

/// The population that the screens are of.
const SEED: u64 = 41;
/// Screens of 1920 x 1080 pixels without damage but what is named.
const SCREENS: [(&str, u64); 8] = [
    ("boxed plus", 12),
    ("gapped plus", 103),
    ("x", 138),
    ("four x, jpeg", 172),
    ("plus", 25),
    ("tee", 319),
    ("four tees", 570),
    ("no markers", 17),
];

fn screen(index: u64) -> Picture {
    let screen = carts::draw(SEED, index).screen;
    assert_eq!((screen.width(), screen.height()), (1920, 1080), "carts have changed: pick other indices");
    screen
}

fn whole(criterion: &mut Criterion) {
    for (name, index) in SCREENS {
        let screen = screen(index);
        criterion.bench_function(&format!("see/{name}"), |b| b.iter(|| overlay::see(black_box(screen.frame()))));
        // Learnt from the same screen, so that it fits; where markers or ruler leave something open nothing is learnt.
        if let Some(cart) = Profile::learn(screen.frame(), &overlay::see(screen.frame())) {
            let with = |b: &mut Bencher<'_>| b.iter(|| overlay::see_with(black_box(screen.frame()), &cart));
            criterion.bench_function(&format!("see_with a profile/{name}"), with);
        }
    }
}

fn parts(criterion: &mut Criterion) {
    let (_, index) = SCREENS[0];
    let screen = screen(index);
    criterion.bench_function("ruler::ticks", |b| b.iter(|| ruler::ticks(black_box(screen.frame()))));
    criterion.bench_function("print::lines", |b| b.iter(|| print::lines(black_box(screen.frame()))));
}

criterion_group!(benches, whole, parts);
criterion_main!(benches);
