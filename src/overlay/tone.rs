//! The picture in the terms that tell overlay from echo: brightness and two colour differences a pixel.
//!
//! Overlay is drawn in one colour and echo is grey, so distances between colours decide everything here. Chroma counts
//! a quarter of luma, because 4:2:0 and JPEG keep a thin stroke's brightness but smear its colour.

use crate::{
    frame::{Frame, RGB_BYTES, Spot, luma},
    wide::wide,
};
use alloc::vec::Vec;
use core::ops::Range;

/// Chroma this far from grey is colour, not echo with a tint.
const COLOURED_GAP: u8 = 16;

/// A pixel's colour: brightness, then blue and red against brightness, each a quarter as strong and around 128.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tone([u8; 4]);

impl Tone {
    /// No light.
    pub(crate) const BLACK: Self = Self([0, 128, 128, 0]);

    #[inline(always)]
    fn of(rgb: [u8; 3]) -> Self {
        let y = luma(rgb);
        let against = |channel: u8| ((512 + i16::from(channel) - i16::from(y)) >> 2) as u8;
        // The fourth byte only makes the size a power of two.
        Self([y, against(rgb[2]), against(rgb[0]), 0])
    }

    /// How far apart two colours look, 0 to 255.
    #[inline(always)]
    pub(crate) fn gap(self, other: Self) -> u8 {
        let [a, b] = [self.0, other.0];
        a[0].abs_diff(b[0]).max(a[1].abs_diff(b[1])).max(a[2].abs_diff(b[2]))
    }

    /// Brightness, 0 to 255.
    pub(crate) fn luma(self) -> u8 {
        self.0[0]
    }

    /// About how much it looks like overlay: brightness, and colour of any kind; only to compare.
    pub(crate) fn ink(self) -> u16 {
        let colour = self.0[1].abs_diff(128).max(self.0[2].abs_diff(128));
        u16::from(self.0[0]) + 2 * u16::from(colour)
    }

    /// How far from grey it is the way that `other` is, as a part of that one's way; 0 where that one is grey.
    pub(crate) fn colour_like(self, other: Self) -> f32 {
        let from_grey = |tone: Self| [tone.0[1], tone.0[2]].map(|part| f32::from(part) - 128.0);
        let ([a, b], [c, d]) = (from_grey(self), from_grey(other));
        let long = c * c + d * d;
        if long > 0.0 { (a * c + b * d) / long } else { 0.0 }
    }

    /// Whether the pixel has a colour, which echo has not.
    pub(crate) fn is_coloured(self) -> bool {
        self.0[1].abs_diff(128).max(self.0[2].abs_diff(128)) >= COLOURED_GAP
    }

    /// The mean of some colours; none if there are none.
    pub(crate) fn mean(tones: impl Iterator<Item = Self>) -> Option<Self> {
        let (mut sums, mut count) = ([0u32; 3], 0u32);
        for Self(tone) in tones {
            for (sum, &part) in sums.iter_mut().zip(&tone) {
                *sum += u32::from(part);
            }
            count += 1;
        }
        let part = |sum: u32| sum.checked_add(count / 2)?.checked_div(count).map(|mean| mean as u8);
        Some(Self([part(sums[0])?, part(sums[1])?, part(sums[2])?, 0]))
    }
}

wide! {
    /// The brightness of each pixel.
    fn lumas(pixels: &[u8], out: &mut [u8]) {
        for (out, p) in out.iter_mut().zip(pixels.as_chunks::<RGB_BYTES>().0) {
            *out = luma(*p);
        }
    }

    /// How far each pixel's colour is from `tone`.
    fn gaps(pixels: &[u8], tone: Tone, out: &mut [u8]) {
        for (out, p) in out.iter_mut().zip(pixels.as_chunks::<RGB_BYTES>().0) {
            *out = Tone::of(*p).gap(tone);
        }
    }
}

/// A whole picture of tones. Points outside have none.
///
/// Tones are translated when they are asked for: most searches look at few places.
pub(crate) struct Tones<'a> {
    frame: Frame<'a>,
    width: i32,
    height: i32,
}

impl<'a> Tones<'a> {
    /// Translates `frame`.
    ///
    /// # Panics
    /// If a side is longer than `i32` holds; no picture that fits in memory is.
    pub(crate) fn of(frame: Frame<'a>) -> Self {
        let side = |length: usize| i32::try_from(length).expect("no side of a picture in memory outgrows i32");
        Self { frame, width: side(frame.width()), height: side(frame.height()) }
    }

    /// Appends the brightness of the pixels `columns` of row `y`.
    ///
    /// # Panics
    /// If they are outside the picture.
    pub(crate) fn brightness(&self, y: usize, columns: Range<usize>, to: &mut Vec<u8>) {
        let pixels = &self.frame.row(y)[columns.start * RGB_BYTES..columns.end * RGB_BYTES];
        let start = to.len();
        to.resize(start + columns.len(), 0);
        lumas(pixels, &mut to[start..]);
    }

    /// How far the pixels of row `y` from column `first` on are from `tone`; as far as can be outside the picture.
    pub(crate) fn gaps(&self, y: i32, first: i32, tone: Tone, out: &mut [u8]) {
        out.fill(u8::MAX);
        let start = first.clamp(0, self.width);
        let end = first.saturating_add(out.len() as i32).clamp(start, self.width);
        if (0..self.height).contains(&y) && start < end {
            let pixels = &self.frame.row(y as usize)[start as usize * RGB_BYTES..end as usize * RGB_BYTES];
            gaps(pixels, tone, &mut out[(start - first) as usize..(end - first) as usize]);
        }
    }

    pub(crate) fn width(&self) -> i32 {
        self.width
    }

    pub(crate) fn height(&self) -> i32 {
        self.height
    }

    /// The tone of pixel (x, y), if it is on the picture.
    pub(crate) fn get(&self, x: i32, y: i32) -> Option<Tone> {
        let inside = (0..self.width).contains(&x) && (0..self.height).contains(&y);
        inside.then(|| Tone::of(self.frame.rgb(x as usize, y as usize)))
    }

    /// The tone of the pixel nearest to `spot`, if that is on the picture.
    pub(crate) fn nearest(&self, spot: Spot) -> Option<Tone> {
        // Rounding by a cast, which is many times as fast; what it cuts to zero is outside or the first pixel.
        let near = |v: f32| if v < -0.5 { -1 } else { (v + 0.5) as i32 };
        self.get(near(spot.x), near(spot.y))
    }
}
