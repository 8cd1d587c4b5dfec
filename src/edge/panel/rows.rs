//! Which rows of a picture changed, and rows of pixels as displays take them.

use crate::frame::{Picture, RGB_BYTES};
use embedded_graphics::pixelcolor::{Rgb565, Rgb888, raw::ToBytes};
use std::ops::Range;

/// The rows of `now` that differ from `before`, in runs from the top down; all where there is nothing before or its size is another.
pub(super) fn changed(before: Option<&Picture>, now: &Picture) -> Vec<Range<usize>> {
    let whole = 0..now.height();
    let Some(before) = before.filter(|before| (before.width(), before.height()) == (now.width(), now.height())) else {
        return vec![whole];
    };
    let (before, now) = (before.frame(), now.frame());
    let mut runs: Vec<Range<usize>> = Vec::new();
    for y in whole.filter(|&y| before.row(y) != now.row(y)) {
        match runs.last_mut() {
            Some(run) if run.end == y => run.end = y + 1,
            _ => runs.push(y..y + 1),
        }
    }
    runs
}

/// Writes a row as blue, green, red and a byte that nobody reads: the kernel's XRGB8888.
///
/// *Shape*: `rgb` is `[width, 3]`, `out` at least `[width, 4]`.
pub(super) fn to_xrgb8888(rgb: &[u8], out: &mut [u8]) {
    for (pixel, out) in rgb.chunks_exact(RGB_BYTES).zip(out.chunks_exact_mut(4)) {
        out.copy_from_slice(&[pixel[2], pixel[1], pixel[0], 0]);
    }
}

/// Writes a row as 16-bit words, the lower byte first, with red in the upper 5 bits, green in 6, blue in 5: the kernel's RGB565.
///
/// *Shape*: `rgb` is `[width, 3]`, `out` at least `[width, 2]`.
pub(super) fn to_rgb565(rgb: &[u8], out: &mut [u8]) {
    for (pixel, out) in rgb.chunks_exact(RGB_BYTES).zip(out.chunks_exact_mut(2)) {
        out.copy_from_slice(&Rgb565::from(Rgb888::new(pixel[0], pixel[1], pixel[2])).to_le_bytes());
    }
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init)] // One run is what is meant.
mod tests {
    use super::*;

    fn check(before: &[u8], now: &[u8], expected: &[Range<usize>]) {
        let picture = |rows: &[u8]| {
            let rgb = rows.iter().flat_map(|&row| [row; 2 * RGB_BYTES]).collect();
            Picture::from_rgb(rgb, 2, rows.len()).unwrap()
        };
        assert_eq!(changed(Some(&picture(before)), &picture(now)), expected);
    }

    #[test]
    fn given_rows_that_differ_expect_runs_of_them_alone() {
        check(&[1, 2, 3, 4, 5], &[1, 2, 3, 4, 5], &[]);
        check(&[1, 2, 3, 4, 5], &[9, 2, 9, 9, 5], &[0..1, 2..4]);
        check(&[1, 2, 3, 4, 5], &[1, 2, 3, 4, 9], &[4..5]);
        check(&[1, 2, 3, 4, 5], &[9, 9, 9, 9, 9], &[0..5]);
    }

    #[test]
    fn given_no_picture_before_or_one_of_another_size_expect_all_rows() {
        let now = Picture::filled(2, 3, [7; 3]);
        assert_eq!(changed(None, &now), [0..3]);
        assert_eq!(changed(Some(&Picture::filled(3, 3, [7; 3])), &now), [0..3]);
        check(&[1, 2], &[1, 2, 3], &[0..3]);
    }

    #[test]
    fn given_pure_colours_expect_each_channel_in_its_bits() {
        let rgb = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0];
        let mut out = [9; 20];
        to_xrgb8888(&rgb, &mut out);
        assert_eq!(out, [0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0, 255, 255, 255, 0, 0, 0, 0, 0]);
        let mut out = [9; 10];
        to_rgb565(&rgb, &mut out);
        assert_eq!(out, [0x00, 0xf8, 0xe0, 0x07, 0x1f, 0x00, 0xff, 0xff, 0x00, 0x00]);
    }
}
