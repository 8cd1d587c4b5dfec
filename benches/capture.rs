//! What it costs to make RGB of a grabber's frame of 1920 x 1080 pixels, by format; and to watch it too, as while a cart scans.
//!
//! At 30 frames a second, live, a core may be busy for 15 % of the time from YUYV (5 ms a frame) and for 35 % from MJPEG (11.6 ms).
//! The JPEG here has its colours at full resolution, which takes longer than the half
//! that grabbers give.
#![allow(missing_docs, reason = "criterion makes its own entry")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use image::{ExtendedColorType, codecs::jpeg::JpegEncoder};
use sonogfr::{
    config::PixelFormat,
    edge::capture::{
        decode::Decoder,
        layout::{Layout, Negotiated},
        mode::{FORMATS, Mode},
    },
    frame::Picture,
    freeze::{Seen, Watch},
    phantom::carts,
};
use std::hint::black_box;

const SIZE: [u32; 2] = [1920, 1080];
/// A cart of that size, by its population and number.
const CART: (u64, u64) = (41, 12);
/// What grabbers compress with, about.
const JPEG_QUALITY: u8 = 80;

/// How a device says that its frames lie: rows without padding, sRGB, the rest by default.
fn layout(format: PixelFormat) -> Layout {
    let stride = match format {
        PixelFormat::Rgb3 => 3 * SIZE[0],
        PixelFormat::Yuyv | PixelFormat::Uyvy => 2 * SIZE[0],
        PixelFormat::Nv12 => SIZE[0],
        PixelFormat::Mjpg => 0,
    };
    let [width, height] = SIZE;
    let fourcc = format.fourcc();
    let told = Negotiated { fourcc, width, height, stride, field: 1, colorspace: 8, encoding: 0, quantization: 0 };
    Layout::new(&Mode { format, size: SIZE, interval: None }, &told).expect("a layout that is readable")
}

/// A cart's screen in each format: what the pixels are makes no difference to the formats that are not compressed.
fn screen_bytes(screen: &Picture, format: PixelFormat) -> Vec<u8> {
    if format != PixelFormat::Mjpg {
        return screen.as_rgb()[..layout(format).bytes()].to_vec();
    }
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY)
        .encode(screen.as_rgb(), SIZE[0], SIZE[1], ExtendedColorType::Rgb8)
        .expect("memory takes it");
    jpeg
}

fn screen() -> Picture {
    let screen = carts::draw(CART.0, CART.1).screen;
    assert_eq!([screen.width(), screen.height()], SIZE.map(|side| side as usize), "carts have changed: pick another");
    screen
}

/// Frames decoded and watched; each is the one before upside down, so that the watch finds them live.
fn live(criterion: &mut Criterion) {
    let upright = screen();
    let rows = (0..upright.height()).rev().flat_map(|y| upright.frame().row(y).to_vec()).collect();
    let turned = Picture::from_rgb(rows, upright.width(), upright.height()).expect("as many pixels");
    let mut group = criterion.benchmark_group("live");
    for format in FORMATS {
        let frames = [&upright, &turned].map(|screen| screen_bytes(screen, format));
        let (mut decoder, mut watch, mut number) = (Decoder::new(layout(format)), Watch::default(), 0);
        group.bench_function(format.to_string(), |b| {
            b.iter(|| {
                number += 1;
                let bytes = &frames[number % 2];
                decoder.decode(black_box(bytes)).expect("a whole frame");
                assert_eq!(watch.push(decoder.frame(bytes).expect("it is decoded")), Seen::Live);
            });
        });
    }
    group.finish();
}

fn decode(criterion: &mut Criterion) {
    let screen = screen();
    let mut group = criterion.benchmark_group("decode");
    for format in FORMATS {
        let layout = layout(format);
        let bytes = &screen_bytes(&screen, format)[..];
        let mut decoder = Decoder::new(layout);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(format.to_string(), |b| {
            b.iter(|| {
                decoder.decode(black_box(bytes)).expect("a whole frame");
                black_box(decoder.frame(bytes)).is_some()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decode, live);
criterion_main!(benches);
