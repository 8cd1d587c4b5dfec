//! The signs on the screens, drawn as stencils.

use super::stencil::{Paint, Stencil};
use embedded_graphics::{
    Pixel,
    pixelcolor::{BinaryColor, Rgb888},
    prelude::*,
    primitives::{Circle, Line, PrimitiveStyle, PrimitiveStyleBuilder, Rectangle, StrokeAlignment},
};

/// The side of the square that signs are drawn on.
const SIDE: i32 = 400;

/// A sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symbol {
    /// A full disc.
    Disc,
    /// A ring with its left half filled.
    HalfDisc,
    /// An empty ring.
    Ring,
    /// An arrow to the right.
    Arrow,
    /// A ring with a bar across: there is no estimate.
    Barred,
    /// A screen with a cross: there is no picture.
    EmptyScreen,
    /// A kidney measured from pole to pole.
    MeasuredKidney,
    /// A tick: something is done.
    Tick,
    /// A diamond.
    Diamond,
    /// A triangle that points to the right: there is more beyond.
    Beyond,
}

/// Draws `symbol` in the square of `side` pixels at `at`.
pub fn draw<D: DrawTarget<Color = Rgb888>>(
    target: &mut D,
    symbol: Symbol,
    at: Point,
    side: i32,
    paint: Paint,
) -> Result<(), D::Error> {
    let mut stencil = Stencil::new(Rectangle::new(Point::zero(), Size::new_equal(SIDE as u32)));
    match symbol.shape(&mut stencil) {
        Ok(()) => stencil.lay(target, at, (SIDE, side), paint),
        Err(never) => match never {},
    }
}

fn stroke(width: u32) -> PrimitiveStyle<BinaryColor> {
    PrimitiveStyleBuilder::new()
        .stroke_color(BinaryColor::On)
        .stroke_width(width)
        .stroke_alignment(StrokeAlignment::Inside)
        .build()
}

fn solid(colour: BinaryColor) -> PrimitiveStyle<BinaryColor> {
    PrimitiveStyle::with_fill(colour)
}

fn bar(from: (i32, i32), to: (i32, i32), width: u32) -> impl Drawable<Color = BinaryColor, Output = ()> {
    let line = Line::new(Point::new(from.0, from.1), Point::new(to.0, to.1));
    line.into_styled(PrimitiveStyle::with_stroke(BinaryColor::On, width))
}

/// Fills the places that `inside` holds for; the library's triangles and ellipses overflow at this size.
fn fill_where(on: &mut Stencil, inside: impl Fn(i32, i32) -> bool) -> Result<(), <Stencil as DrawTarget>::Error> {
    let square = on.bounding_box();
    on.draw_iter(square.points().filter(|p| inside(p.x, p.y)).map(|p| Pixel(p, BinaryColor::On)))
}

impl Symbol {
    fn shape(self, on: &mut Stencil) -> Result<(), <Stencil as DrawTarget>::Error> {
        let circle = Circle::with_center(Point::new_equal(SIDE / 2), SIDE as u32 - 20);
        match self {
            Self::Disc => circle.into_styled(solid(BinaryColor::On)).draw(on),
            Self::Ring => circle.into_styled(stroke(60)).draw(on),
            Self::HalfDisc => {
                circle.into_styled(stroke(44)).draw(on)?;
                let left = Rectangle::new(Point::zero(), Size::new(SIDE as u32 / 2, SIDE as u32));
                circle.into_styled(solid(BinaryColor::On)).draw(&mut on.clipped(&left))
            }
            Self::Arrow => {
                Rectangle::new(Point::new(10, 160), Size::new(230, 80)).into_styled(solid(BinaryColor::On)).draw(on)?;
                fill_where(on, |x, y| x >= 200 && 190 * (y - 200).abs() <= 160 * (390 - x))
            }
            Self::Barred => {
                circle.into_styled(stroke(44)).draw(on)?;
                bar((80, 80), (320, 320), 44).draw(on)
            }
            Self::EmptyScreen => {
                Rectangle::new(Point::new(5, 40), Size::new(390, 250)).into_styled(stroke(24)).draw(on)?;
                bar((145, 110), (255, 220), 24).draw(on)?;
                bar((255, 110), (145, 220), 24).draw(on)?;
                bar((200, 290), (200, 350), 24).draw(on)?;
                bar((110, 352), (290, 352), 24).draw(on)
            }
            Self::MeasuredKidney => measured_kidney(on),
            Self::Tick => {
                bar((50, 210), (160, 320), 60).draw(on)?;
                bar((150, 320), (350, 80), 60).draw(on)
            }
            Self::Diamond => fill_where(on, |x, y| (x - 200).abs() + (y - 200).abs() <= 200),
            Self::Beyond => fill_where(on, |x, y| x < 260 && 260 * (y - 200).abs() <= 200 * (260 - x)),
        }
    }
}

/// A bean with a cross at either pole and a dotted line between them.
fn measured_kidney(on: &mut Stencil) -> Result<(), <Stencil as DrawTarget>::Error> {
    // An ellipse less a disc at the hilum; `wall` pixels further in, the same again.
    let bean = |x: i32, y: i32, wall: i32| {
        let (across, down, notch) = (160 - wall, 112 - wall, 62 + wall);
        let (along, below, hilum) = ((x - 200) * down, (y - 200) * across, y - 340);
        along * along + below * below <= across * down * across * down
            && (x - 200) * (x - 200) + hilum * hilum >= notch * notch
    };
    fill_where(on, |x, y| bean(x, y, 0) && !bean(x, y, 18))?;
    for x in (70..=330).step_by(26) {
        Circle::with_center(Point::new(x, 200), 11).into_styled(solid(BinaryColor::On)).draw(on)?;
    }
    for pole in [40, 360] {
        // The outline makes room for the cross, so that it stands out.
        Circle::with_center(Point::new(pole, 200), 78).into_styled(solid(BinaryColor::Off)).draw(on)?;
        bar((pole - 36, 200), (pole + 36, 200), 18).draw(on)?;
        bar((pole, 164), (pole, 236), 18).draw(on)?;
    }
    Ok(())
}
