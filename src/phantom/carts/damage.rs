//! What cables and grabbers do to a screen: scaling, chroma subsampling, levels, gamma, tears.
//!
//! JPEG is only drawn here and done by whoever has an encoder; it comes last, as in a grabber.

use super::dice::Dice;
use crate::frame::{Picture, RGB_BYTES, Spot};
use alloc::{vec, vec::Vec};
use serde::Serialize;

/// The largest picture that a grabber gives.
const LARGEST: (f32, f32) = (1920.0, 1200.0);
/// The scalings that are drawn.
const SCALES: (f32, f32) = (0.75, 1.5);
/// The part of all pictures that stay as the cart drew them.
const UNDAMAGED: f32 = 0.35;

/// One thing that happened to a screen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Damage {
    /// The echo below `row` is that of another moment, seen `shift` pixels beside.
    Tear {
        /// The first row of the other moment, on the cart's screen.
        row: usize,
        /// Pixels to the right.
        shift: i32,
    },
    /// Values raised to this power.
    Gamma {
        /// The exponent.
        exponent: f32,
    },
    /// 0 to 255 pressed into 16 to 235.
    LimitedRange,
    /// Scaled bilinearly, by these factors.
    Scaled {
        /// Of the width.
        x: f32,
        /// Of the height.
        y: f32,
    },
    /// Black bars around the picture.
    Letterbox {
        /// Pixels at the left, and as many or one more at the right.
        left: usize,
        /// Pixels at the top, and as many or one more at the bottom.
        top: usize,
    },
    /// Colour kept once for two pixels side by side.
    Chroma422,
    /// Colour kept once for a square of four pixels.
    Chroma420,
    /// A JPEG round trip, at this quality; not done here.
    Jpeg {
        /// From 60 to 95.
        quality: u8,
    },
}

/// Draws what happens to a screen of this size, in the order in which it happens.
pub(super) fn draw(width: usize, height: usize, dice: &mut Dice) -> Vec<Damage> {
    let mut all = Vec::new();
    if dice.happens(UNDAMAGED) {
        return all;
    }
    if dice.happens(0.15) {
        let row = (dice.within(0.25, 0.85) * height as f32) as usize;
        let shift = dice.whole(4, 24) * dice.pick(&[-1, 1]);
        all.push(Damage::Tear { row, shift });
    }
    if dice.happens(0.25) {
        all.push(Damage::Gamma { exponent: dice.within(0.75, 1.33) });
    }
    if dice.happens(0.2) {
        all.push(Damage::LimitedRange);
    }
    if dice.happens(0.4) {
        scale(width as f32, height as f32, dice, &mut all);
    }
    if dice.happens(0.5) {
        all.push(dice.pick(&[Damage::Chroma422, Damage::Chroma420]));
    }
    if dice.happens(0.55) {
        all.push(Damage::Jpeg { quality: dice.whole(60, 95) as u8 });
    }
    all
}

fn scale(width: f32, height: f32, dice: &mut Dice, all: &mut Vec<Damage>) {
    let most = SCALES.1.min(LARGEST.0 / width).min(LARGEST.1 / height).max(SCALES.0);
    let x = dice.within(SCALES.0, most);
    // A third of the scaled ones is stretched, as 5:4 on a 16:9 grabber or 720 x 576 with pixels that are not square.
    let y = if dice.happens(0.33) { (x * dice.within(0.86, 1.14)).clamp(SCALES.0, most) } else { x };
    // Whole pixels make the factors exact.
    let whole = [libm::roundf(x * width), libm::roundf(y * height)];
    all.push(Damage::Scaled { x: whole[0] / width, y: whole[1] / height });
    if dice.happens(0.5) {
        let room = |largest: f32, size: f32| ((largest - size) / 2.0).max(0.0);
        let bars = [room(LARGEST.0, whole[0]).min(160.0), room(LARGEST.1, whole[1]).min(90.0)];
        let mut bar = |most: f32| if dice.happens(0.5) { dice.within(0.0, most) as usize } else { 0 };
        all.push(Damage::Letterbox { left: bar(bars[0]), top: bar(bars[1]) });
    }
}

impl Damage {
    /// The damaged picture. A tear is no part of it: it happens before the overlay is drawn.
    pub(super) fn happen(self, picture: Picture) -> Picture {
        match self {
            Self::Tear { .. } | Self::Jpeg { .. } => picture,
            Self::Gamma { exponent } => levels(picture, |v| 255.0 * libm::powf(v / 255.0, exponent)),
            Self::LimitedRange => levels(picture, |v| 16.0 + v * 219.0 / 255.0),
            Self::Scaled { x, y } => scaled(&picture, x, y),
            Self::Letterbox { left, top } => boxed(&picture, left, top),
            Self::Chroma422 => subsample(picture, 1),
            Self::Chroma420 => subsample(picture, 2),
        }
    }

    /// Where a point of the undamaged picture is afterwards.
    pub(super) fn moved(self, spot: Spot) -> Spot {
        match self {
            Self::Scaled { x, y } => Spot { x: (spot.x + 0.5) * x - 0.5, y: (spot.y + 0.5) * y - 0.5 },
            Self::Letterbox { left, top } => Spot { x: spot.x + left as f32, y: spot.y + top as f32 },
            _ => spot,
        }
    }

    /// The factors by which lengths grow.
    pub(super) fn stretch(self) -> [f32; 2] {
        match self {
            Self::Scaled { x, y } => [x, y],
            _ => [1.0; 2],
        }
    }
}

/// Tears the echo: what lies from `row` on moves `shift` pixels to the right.
pub(super) fn tear(picture: &mut Picture, row: usize, shift: i32) {
    let width = picture.width();
    for line in picture.as_rgb_mut().chunks_exact_mut(width * RGB_BYTES).skip(row) {
        let by = shift.unsigned_abs() as usize * RGB_BYTES;
        if shift > 0 { line.rotate_right(by) } else { line.rotate_left(by) }
    }
}

fn levels(mut picture: Picture, change: impl Fn(f32) -> f32) -> Picture {
    let table: Vec<u8> = (0..256).map(|v| libm::roundf(change(v as f32)).clamp(0.0, 255.0) as u8).collect();
    for value in picture.as_rgb_mut() {
        *value = table[usize::from(*value)];
    }
    picture
}

/// The two pixels between which each place of a scaled row lies, and the second one's weight of 256.
fn taps(from: usize, to: usize) -> Vec<(usize, usize, u32)> {
    let tap = |i: usize| {
        let at = ((i as f32 + 0.5) * from as f32 / to as f32 - 0.5).clamp(0.0, (from - 1) as f32);
        let first = at as usize;
        (first, (first + 1).min(from - 1), libm::roundf((at - first as f32) * 256.0) as u32)
    };
    (0..to).map(tap).collect()
}

fn scaled(picture: &Picture, x: f32, y: f32) -> Picture {
    let size = |pixels: usize, by: f32| libm::roundf(pixels as f32 * by).max(1.0) as usize;
    let (width, height) = (size(picture.width(), x), size(picture.height(), y));
    let across = taps(picture.width(), width);
    let row_bytes = picture.width() * RGB_BYTES;
    let mut out = Picture::filled(width, height, [0; 3]);
    let mut blended = vec![0_u32; row_bytes];
    let lines = out.as_rgb_mut().chunks_exact_mut(width * RGB_BYTES);
    for (line, (above, below, weight)) in lines.zip(taps(picture.height(), height)) {
        let [above, below] = [above, below].map(|row| &picture.as_rgb()[row * row_bytes..][..row_bytes]);
        for ((blend, &a), &b) in blended.iter_mut().zip(above).zip(below) {
            *blend = u32::from(a) * (256 - weight) + u32::from(b) * weight;
        }
        for (pixel, &(left, right, weight)) in line.chunks_exact_mut(RGB_BYTES).zip(&across) {
            for (c, value) in pixel.iter_mut().enumerate() {
                let (a, b) = (blended[left * RGB_BYTES + c], blended[right * RGB_BYTES + c]);
                *value = ((a * (256 - weight) + b * weight + (1 << 15)) >> 16) as u8;
            }
        }
    }
    out
}

fn boxed(picture: &Picture, left: usize, top: usize) -> Picture {
    let row_bytes = picture.width() * RGB_BYTES;
    let mut out = Picture::filled(picture.width() + 2 * left, picture.height() + 2 * top, [0; 3]);
    let out_bytes = out.width() * RGB_BYTES;
    let lines = out.as_rgb_mut().chunks_exact_mut(out_bytes).skip(top);
    for (line, from) in lines.zip(picture.as_rgb().chunks_exact(row_bytes)) {
        line[left * RGB_BYTES..][..row_bytes].copy_from_slice(from);
    }
    out
}

/// Keeps the brightness of each pixel and one colour for two side by side, on `rows` rows.
///
/// *Source*: ITU-R BT.601-7, section 2.5.1, in fixed point of 16 bits. The colour is not interpolated, as in
/// cheap grabbers.
fn subsample(mut picture: Picture, rows: usize) -> Picture {
    let (width, height) = (picture.width(), picture.height());
    let rgb = picture.as_rgb_mut();
    for top in (0..height).step_by(rows) {
        for left in (0..width).step_by(2) {
            let block = || {
                let places = (top..(top + rows).min(height))
                    .flat_map(move |y| (left..(left + 2).min(width)).map(move |x| (x, y)));
                places.map(|(x, y)| (y * width + x) * RGB_BYTES)
            };
            let (mut sum, mut count) = ([0_i32; 3], 0);
            for at in block() {
                (0..3).for_each(|c| sum[c] += i32::from(rgb[at + c]));
                count += 1;
            }
            let [r, g, b] = sum.map(|s| s / count);
            let mean = luma(r, g, b);
            for at in block() {
                let own = luma(i32::from(rgb[at]), i32::from(rgb[at + 1]), i32::from(rgb[at + 2]));
                // Equal colour differences at another brightness: every channel moves by as much.
                for (c, value) in [r, g, b].into_iter().enumerate() {
                    rgb[at + c] = (value + own - mean).clamp(0, 255) as u8;
                }
            }
        }
    }
    picture
}

fn luma(r: i32, g: i32, b: i32) -> i32 {
    (19_595 * r + 38_470 * g + 7_471 * b + 32_768) >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_lone_mark_expect_it_where_the_truth_says_after_scaling() {
        let mut picture = Picture::filled(120, 90, [0; 3]);
        for (x, y) in [(70, 40), (71, 40), (70, 41), (71, 41)] {
            picture.as_rgb_mut()[(y * 120 + x) * RGB_BYTES..][..RGB_BYTES].fill(200);
        }
        let steps = [Damage::Scaled { x: 1.25, y: 0.8 }, Damage::Letterbox { left: 7, top: 3 }];
        let after = steps.into_iter().fold(picture, |picture, damage| damage.happen(picture));
        assert_eq!((after.width(), after.height()), (150 + 14, 72 + 6));
        let truth = steps.into_iter().fold(Spot { x: 70.5, y: 40.5 }, |spot, damage| damage.moved(spot));
        let (mut sum, mut x_sum, mut y_sum) = (0.0, 0.0, 0.0);
        for (i, pixel) in after.as_rgb().chunks_exact(RGB_BYTES).enumerate() {
            let ink = f32::from(pixel[0]);
            (sum, x_sum, y_sum) = (sum + ink, x_sum + ink * (i % 164) as f32, y_sum + ink * (i / 164) as f32);
        }
        let seen = Spot { x: x_sum / sum, y: y_sum / sum };
        assert!(seen.distance(truth) < 0.15, "{seen:?} against {truth:?}");
    }

    #[test]
    fn given_even_grey_expect_chroma_subsampling_to_leave_it() {
        let grey = Picture::filled(7, 5, [90; 3]);
        assert!(subsample(grey.clone(), 2) == grey && subsample(grey.clone(), 1) == grey);
        let levels = Damage::LimitedRange.happen(Picture::filled(1, 1, [255, 0, 255]));
        assert_eq!(levels.as_rgb(), [235, 16, 235]);
    }
}
