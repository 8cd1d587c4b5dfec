//! A picture turned by quarters, for a display that is mounted turned.

use crate::{config::Rotation, frame::Picture};
use std::borrow::Cow;

/// `picture` turned clockwise by `rotation`; quarters swap width and height.
pub(super) fn turned(picture: &Picture, rotation: Rotation) -> Cow<'_, Picture> {
    let (width, height) = (picture.width(), picture.height());
    let frame = picture.frame();
    // Where the pixel at (x, y) of the turned picture comes from.
    let from = |x: usize, y: usize| match rotation {
        Rotation::None => (x, y),
        Rotation::Quarter => (y, height - 1 - x),
        Rotation::Half => (width - 1 - x, height - 1 - y),
        Rotation::ThreeQuarters => (width - 1 - y, x),
    };
    let (turned_width, turned_height) = match rotation {
        Rotation::None => return Cow::Borrowed(picture),
        Rotation::Half => (width, height),
        Rotation::Quarter | Rotation::ThreeQuarters => (height, width),
    };
    let spots = (0..turned_height).flat_map(|y| (0..turned_width).map(move |x| (x, y)));
    let rgb = spots.flat_map(|(x, y)| {
        let (x, y) = from(x, y);
        frame.rgb(x, y)
    });
    Cow::Owned(Picture::from_rgb(rgb.collect(), turned_width, turned_height).expect("a turned picture has its pixels"))
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
