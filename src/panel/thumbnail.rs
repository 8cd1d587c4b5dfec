//! The crop in small, with the markers ringed as they were seen.

use super::layout::{GROUND, Grid, RULE, outline};
use crate::{crop::resize, frame::Spot, machine::Subject};
use embedded_graphics::{
    image::{Image, ImageRawBE},
    pixelcolor::Rgb888,
    prelude::*,
    primitives::{Circle, PrimitiveStyle, Rectangle},
};

/// The rings' colour: none that tissue or a cart's markers have.
const RING: Rgb888 = Rgb888::new(255, 214, 10);

/// Draws `subject` in the largest square in the middle of `area`, leaving room for rings at its edge.
pub fn draw<D: DrawTarget<Color = Rgb888>>(
    target: &mut D,
    grid: Grid,
    area: Rectangle,
    subject: &Subject,
) -> Result<(), D::Error> {
    let radius = grid.size(13);
    let room = area.size.width.min(area.size.height) as i32;
    // The markers lie on the crop's inscribed circle: a ring around one reaches at most a radius beyond the edge.
    let side = room - 2 * radius;
    if side < 1 {
        return Ok(());
    }
    let corner = area.center() - Point::new_equal(side / 2);
    let small = resize(subject.crop.frame(), side as usize, side as usize);
    Image::new(&ImageRawBE::<Rgb888>::new(small.as_rgb(), side as u32), corner).draw(target)?;
    let edge = grid.size(2);
    let framed = Rectangle::new(corner - Point::new_equal(edge), Size::new_equal((side + 2 * edge) as u32));
    outline(target, framed, edge, RULE)?;
    for end in subject.ends {
        if let Some(centre) = onto_thumbnail(end, [subject.crop.width(), subject.crop.height()], side) {
            ring(target, corner + centre, radius, grid.size(3) as u32)?;
        }
    }
    Ok(())
}

/// Where a place on the crop lies on the thumbnail; none where it is not on the crop.
fn onto_thumbnail(end: Spot, crop: [usize; 2], side: i32) -> Option<Point> {
    let along = |v: f32, size: usize| {
        let share = (v + 0.5) / size as f32;
        (0.0..=1.0).contains(&share).then(|| libm::roundf(share * side as f32 - 0.5) as i32)
    };
    Some(Point::new(along(end.x, crop[0])?, along(end.y, crop[1])?))
}

/// A ring with a dark line on both sides, so that it shows on any tissue.
fn ring<D: DrawTarget<Color = Rgb888>>(
    target: &mut D,
    centre: Point,
    radius: i32,
    thickness: u32,
) -> Result<(), D::Error> {
    let circle = Circle::with_center(centre, (2 * radius - 1).max(1) as u32);
    circle.into_styled(PrimitiveStyle::with_stroke(GROUND, thickness + 2)).draw(target)?;
    circle.into_styled(PrimitiveStyle::with_stroke(RING, thickness)).draw(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_ends_on_and_off_the_crop_expect_only_those_on_it_placed() {
        let at = |x, y| onto_thumbnail(Spot { x, y }, [224, 224], 112);
        assert_eq!(at(0.5, 222.5), Some(Point::new(0, 111)));
        assert_eq!(at(-1.0, 5.0), None);
        assert_eq!(at(5.0, 224.0), None);
        assert_eq!(at(f32::NAN, 5.0), None);
    }
}
