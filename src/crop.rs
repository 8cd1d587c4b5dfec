//! The tailored crop: the square of side d centred between two markers d apart, resized to the network's input.
//!
//! *Source*: Kuo et al. 2019, npj Digital Medicine 2:29, methods, "image preprocessing"; the resize is OpenCV's
//! `INTER_LINEAR` on 8-bit pictures, without antialiasing, because the published networks were trained with it.
//!
//! Always holds: this is the only preprocessing there is; training reads crops cut here. What lies outside the
//! picture is black: the crop then shows, like the cart's own screen, that nothing was seen there.

use crate::frame::{Frame, Picture, RGB_BYTES, Spot};
use alloc::{vec, vec::Vec};

/// Pictures that are stretched by more than this are corrected. Below, the whole pixels of the square are as coarse, and the
/// crop stays byte for byte that of the published method.
const STRETCH_MIN: f32 = 0.01;

/// A square of the patient in whole pixels of a picture, which it may exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CropSquare {
    /// Left edge: the first column inside.
    pub left: i32,
    /// Top edge: the first row inside.
    pub top: i32,
    /// Width and height, at least 1; equal unless the picture is stretched.
    pub sides: [u32; 2],
}

/// The largest side: no picture is this large, so a larger one can only come from broken markers.
const SIDE_MAX: f32 = 32_768.0;

impl CropSquare {
    /// The square of side d centred between `ends`, d being their distance, to the nearest whole pixel.
    ///
    /// Returns none where d rounds to zero or an end is not a finite place near a picture.
    pub fn between(ends: [Spot; 2]) -> Option<Self> {
        Self::on_stretched(ends, 1.0)
    }

    /// The same on a picture that shows things `stretch` times as wide as high: what is a square in the patient, which
    /// [`Self::cut`] makes one again.
    pub fn on_stretched(ends: [Spot; 2], stretch: f32) -> Option<Self> {
        let stretch = if (stretch - 1.0).abs() > STRETCH_MIN { stretch } else { 1.0 };
        let [a, b] = ends.map(|end| Spot { x: end.x / stretch, y: end.y });
        let d = a.distance(b);
        let sides = [d * stretch, d].map(libm::roundf);
        let inside = |v: f32| v.abs() < SIDE_MAX;
        let is_size = |side: &f32| (1.0..SIDE_MAX).contains(side);
        if !sides.iter().all(is_size) || !ends.iter().all(|e| inside(e.x) && inside(e.y)) {
            return None;
        }
        // A square of side d whose first pixel is `left` has its middle at left + (d - 1) / 2.
        let corner = |a: f32, b: f32, side: f32| libm::roundf((a + b) / 2.0 - (side - 1.0) / 2.0) as i32;
        let [left, top] = [corner(ends[0].x, ends[1].x, sides[0]), corner(ends[0].y, ends[1].y, sides[1])];
        Some(Self { left, top, sides: sides.map(|side| side as u32) })
    }

    /// Cuts the square out of `frame` and resizes it to `size` x `size` pixels.
    ///
    /// # Panics
    /// If `size` is zero.
    pub fn cut(&self, frame: Frame<'_>, size: usize) -> Picture {
        let [width, height] = self.sides.map(|side| side as usize);
        let mut square = Picture::filled(width, height, [0; 3]);
        for (y, row) in square.as_rgb_mut().chunks_exact_mut(width * RGB_BYTES).enumerate() {
            let source_y = i64::from(self.top) + y as i64;
            if (0..frame.height() as i64).contains(&source_y) {
                copy_row(frame.row(source_y as usize), self.left, row);
            }
        }
        resize(square.frame(), size, size)
    }

    /// Where a place on the picture lies on the crop of `size` pixels.
    pub fn onto_crop(&self, spot: Spot, size: usize) -> Spot {
        let along = |v: f32, first: i32, side: u32| (v - first as f32 + 0.5) * (size as f32 / side as f32) - 0.5;
        Spot { x: along(spot.x, self.left, self.sides[0]), y: along(spot.y, self.top, self.sides[1]) }
    }
}

/// Copies into `to` what of it lies inside the row `from`, `to` starting `left` pixels into it.
fn copy_row(from: &[u8], left: i32, to: &mut [u8]) {
    let (width, side) = ((from.len() / RGB_BYTES) as i64, (to.len() / RGB_BYTES) as i64);
    let (first, end) = (i64::from(left).max(0), (i64::from(left) + side).min(width));
    if first < end {
        let at = (first - i64::from(left)) as usize * RGB_BYTES;
        let part = &from[first as usize * RGB_BYTES..end as usize * RGB_BYTES];
        to[at..at + part.len()].copy_from_slice(part);
    }
}

/// Fractional bits of the weights. *Source*: OpenCV 4, imgproc/resize.cpp, `INTER_RESIZE_COEF_BITS`.
const WEIGHT_BITS: u32 = 11;

/// The two neighbours of one output pixel along an axis and their weights, which add up to `1 << WEIGHT_BITS`.
struct Tap {
    near: usize,
    far: usize,
    near_weight: i32,
    far_weight: i32,
}

fn taps(from: usize, to: usize) -> Vec<Tap> {
    // Not `from / to`: OpenCV divides twice, which may differ in the last bit.
    let scale = 1.0 / (to as f64 / from as f64);
    let last = (from - 1) as i64;
    let tap = |i: usize| {
        let place = ((i as f64 + 0.5) * scale - 0.5) as f32;
        let near = libm::floorf(place);
        let far_weight = libm::rintf((place - near) * (1 << WEIGHT_BITS) as f32) as i32;
        // At an edge both neighbours are the edge's pixel, yet the weights stay: OpenCV rounds each share by itself.
        let [near, far] = [near as i64, near as i64 + 1].map(|at| at.clamp(0, last) as usize);
        Tap { near, far, near_weight: (1 << WEIGHT_BITS) - far_weight, far_weight }
    };
    (0..to).map(tap).collect()
}

/// Bilinear resize of a picture without antialiasing, in the fixed-point arithmetic of OpenCV's `INTER_LINEAR`.
///
/// OpenCV 4.14 and 5.0 give the same bytes, also at exactly 1/2, where they take the mean of four pixels.
///
/// # Panics
/// If `width` or `height` is zero.
pub fn resize(frame: Frame<'_>, width: usize, height: usize) -> Picture {
    let mut picture = Picture::filled(width, height, [0; 3]);
    let (across, down) = (taps(frame.width(), width), taps(frame.height(), height));
    // Two source rows, resized across, kept from one output row to the next.
    let mut rows = [vec![0_i32; width * RGB_BYTES], vec![0_i32; width * RGB_BYTES]];
    let mut held = [usize::MAX; 2];
    for (tap, out) in down.iter().zip(picture.as_rgb_mut().chunks_exact_mut(width * RGB_BYTES)) {
        if held[1] == tap.near {
            rows.swap(0, 1);
            held.swap(0, 1);
        }
        for (slot, y) in [tap.near, tap.far].into_iter().enumerate() {
            if held[slot] != y {
                stretch_row(frame.row(y), &across, &mut rows[slot]);
                held[slot] = y;
            }
        }
        for ((byte, near), far) in out.iter_mut().zip(&rows[0]).zip(&rows[1]) {
            // The two shifts drop the same bits as OpenCV's vertical pass, so that no pixel differs by a rounding.
            let sum = ((tap.near_weight * (near >> 4)) >> 16) + ((tap.far_weight * (far >> 4)) >> 16);
            *byte = ((sum + 2) >> 2).clamp(0, 255) as u8;
        }
    }
    picture
}

fn stretch_row(row: &[u8], across: &[Tap], out: &mut [i32]) {
    for (tap, out) in across.iter().zip(out.chunks_exact_mut(RGB_BYTES)) {
        for (channel, value) in out.iter_mut().enumerate() {
            let at = |x: usize| i32::from(row[x * RGB_BYTES + channel]);
            *value = at(tap.near) * tap.near_weight + at(tap.far) * tap.far_weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: usize, height: usize) -> Picture {
        let mut picture = Picture::filled(width, height, [0; 3]);
        for (i, byte) in picture.as_rgb_mut().iter_mut().enumerate() {
            *byte = (i * 7 % 256) as u8;
        }
        picture
    }

    #[test]
    fn given_markers_on_a_level_expect_a_square_between_them() {
        let square = CropSquare::between([Spot { x: 10.0, y: 20.0 }, Spot { x: 14.0, y: 20.0 }]);
        assert_eq!(square, Some(CropSquare { left: 11, top: 19, sides: [4; 2] }));
    }

    #[test]
    fn given_markers_that_span_nothing_expect_no_square() {
        let at = |x, y| Spot { x, y };
        assert_eq!(CropSquare::between([at(3.0, 3.0), at(3.2, 3.0)]), None);
        assert_eq!(CropSquare::between([at(f32::NAN, 3.0), at(9.0, 3.0)]), None);
        assert_eq!(CropSquare::between([at(0.0, 0.0), at(f32::INFINITY, 3.0)]), None);
    }

    #[test]
    fn given_a_crop_of_its_own_size_expect_the_pixels_unchanged_and_black_outside() {
        let picture = ramp(6, 6);
        let crop = CropSquare { left: -2, top: 3, sides: [4; 2] }.cut(picture.frame(), 4);
        let frame = crop.frame();
        for (x, y) in [(0, 0), (1, 2), (2, 3), (3, 3)] {
            assert_eq!(frame.rgb(x, y), [0; 3], "outside at {x},{y}");
        }
        assert_eq!(frame.rgb(2, 0), picture.frame().rgb(0, 3));
        assert_eq!(frame.rgb(3, 2), picture.frame().rgb(1, 5));
    }

    #[test]
    fn given_a_square_far_away_expect_all_black() {
        let crop = CropSquare { left: i32::MAX, top: i32::MIN, sides: [5; 2] }.cut(ramp(4, 4).frame(), 3);
        assert!(crop.as_rgb().iter().all(|&b| b == 0));
    }

    #[test]
    fn given_padded_rows_expect_the_same_crop() {
        let plain = ramp(7, 5);
        let mut padded = Vec::new();
        for y in 0..5 {
            padded.extend_from_slice(plain.frame().row(y));
            padded.extend_from_slice(&[255; 5]);
        }
        let frame = Frame::new(&padded, 7, 5, 26).unwrap();
        let square = CropSquare { left: 1, top: -1, sides: [6; 2] };
        assert_eq!(square.cut(frame, 9), square.cut(plain.frame(), 9));
    }

    #[test]
    fn given_a_stretched_picture_expect_a_square_of_the_patient_and_the_markers_in_their_place() {
        // A pair of 50 upright pixels by 3-4-5, on a picture twice as wide as it should be.
        let ends = [Spot { x: 40.0, y: 20.0 }, Spot { x: 100.0, y: 60.0 }];
        let square = CropSquare::on_stretched(ends, 2.0).unwrap();
        assert_eq!(square, CropSquare { left: 21, top: 16, sides: [100, 50] });
        let [a, b] = ends.map(|end| square.onto_crop(end, 100));
        assert!((a.distance(b) - 100.0).abs() < 1e-3 && (a.x + b.x - 99.0).abs() < 2.0, "{a:?} {b:?}");
        assert_eq!(CropSquare::on_stretched(ends, 1.005), CropSquare::between(ends));
        let crop = square.cut(ramp(120, 80).frame(), 8);
        assert_eq!((crop.width(), crop.height()), (8, 8));
    }

    #[test]
    fn given_the_markers_of_a_square_expect_them_at_their_place_on_the_crop() {
        let square = CropSquare { left: 10, top: 20, sides: [100; 2] };
        assert_eq!(square.onto_crop(Spot { x: 9.5, y: 69.5 }, 50), Spot { x: -0.5, y: 24.5 });
    }
}
