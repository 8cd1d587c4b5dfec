//! What it costs to make RGB of a grabber's frame of 1920 x 1080 pixels, by format.
//!
//! At 30 frames a second, live, a core may be busy for 15 % of the time from YUYV (5 ms a frame) and for 35 % from MJPEG (11.6 ms),
//! with the freeze watch (benches/freeze.rs). The JPEG here has its colours at full resolution, which takes longer than the half
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

fn decode(criterion: &mut Criterion) {
    let screen = carts::draw(CART.0, CART.1).screen;
    assert_eq!([screen.width(), screen.height()], SIZE.map(|side| side as usize), "carts have changed: pick another");
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY)
        .encode(screen.as_rgb(), SIZE[0], SIZE[1], ExtendedColorType::Rgb8)
        .expect("memory takes it");
    let mut group = criterion.benchmark_group("decode");
    for format in FORMATS {
        let layout = layout(format);
        // What the pixels are makes no difference to the formats that are not compressed.
        let bytes = if format == PixelFormat::Mjpg { &jpeg[..] } else { &screen.as_rgb()[..layout.bytes()] };
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

criterion_group!(benches, decode);
criterion_main!(benches);
