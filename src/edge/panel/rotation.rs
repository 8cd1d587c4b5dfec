//! A picture turned by quarters, for a display that is mounted turned.

use crate::{
    config::Rotation,
    frame::{Picture, RGB_BYTES},
};
use std::borrow::Cow;

/// `picture` turned clockwise by `rotation`; quarters swap width and height.
pub(super) fn turned(picture: &Picture, rotation: Rotation) -> Cow<'_, Picture> {
    let (width, height) = (picture.width() as isize, picture.height() as isize);
    // Which pixel comes first, and how far it is from there to the next on its right and below, in pixels of the picture as it was.
    let (first, right, down) = match rotation {
        Rotation::None => return Cow::Borrowed(picture),
        Rotation::Quarter => ((height - 1) * width, -width, 1),
        Rotation::Half => (width * height - 1, -1, -width),
        Rotation::ThreeQuarters => (width - 1, width, -1),
    };
    let mut turned = match rotation {
        Rotation::None | Rotation::Half => Picture::filled(picture.width(), picture.height(), [0; 3]),
        Rotation::Quarter | Rotation::ThreeQuarters => Picture::filled(picture.height(), picture.width(), [0; 3]),
    };
    let row_bytes = turned.width() * RGB_BYTES;
    let (rgb, mut row_at) = (picture.as_rgb(), first);
    for row in turned.as_rgb_mut().chunks_exact_mut(row_bytes) {
        let mut at = row_at;
        for pixel in row.chunks_exact_mut(RGB_BYTES) {
            pixel.copy_from_slice(&rgb[at as usize * RGB_BYTES..][..RGB_BYTES]);
            at += right;
        }
        row_at += down;
    }
    Cow::Owned(turned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture whose pixels are numbered in reading order.
    fn numbered(width: usize, height: usize) -> Picture {
        let rgb = (0..width * height).flat_map(|number| [number as u8; 3]).collect();
        Picture::from_rgb(rgb, width, height).unwrap()
    }

    fn check(rotation: Rotation, rows: &[&[u8]]) {
        let picture = numbered(3, 2);
        let turned = turned(&picture, rotation);
        let frame = turned.frame();
        let seen: Vec<Vec<u8>> =
            (0..frame.height()).map(|y| (0..frame.width()).map(|x| frame.rgb(x, y)[0]).collect()).collect();
        assert_eq!(seen, rows, "{rotation:?}");
    }

    #[test]
    fn given_a_quarter_turn_expect_the_left_column_on_top() {
        check(Rotation::None, &[&[0, 1, 2], &[3, 4, 5]]);
        check(Rotation::Quarter, &[&[3, 0], &[4, 1], &[5, 2]]);
        check(Rotation::Half, &[&[5, 4, 3], &[2, 1, 0]]);
        check(Rotation::ThreeQuarters, &[&[2, 5], &[1, 4], &[0, 3]]);
    }
}
