//! What all screens share: the grid, the colours, the header and the pieces that recur.
//!
//! Screens are laid out on a grid of 800 x 480 and scaled to the display: places by each axis, sizes by the smaller of the two.
//! Always holds: the header of a demonstration is the same on every screen, and no screen draws it itself.

use super::{
    stencil::Paint,
    text::{self, Anchor},
};
use crate::machine::BundleUsed;
use embedded_graphics::{
    Pixel,
    pixelcolor::Rgb888,
    prelude::*,
    primitives::{PrimitiveStyle, Rectangle},
};

/// The grid's size.
const GRID: (i32, i32) = (800, 480);

/// No display is larger; it keeps the grid's arithmetic far from its limits.
const SIDE_MAX: u32 = 16_384;

/// The background: nearly black, so that the display does not light a dim room.
pub const GROUND: Rgb888 = Rgb888::new(9, 14, 22);
/// Areas set off from the background.
pub const RAISED: Rgb888 = Rgb888::new(26, 36, 50);
/// Lines that structure, and what is still empty; more than 3:1 against the background.
pub const RULE: Rgb888 = Rgb888::new(100, 120, 144);
/// The main text.
pub const TEXT: Rgb888 = Rgb888::new(244, 247, 250);
/// Text that explains other text; more than 7:1 against the background.
pub const CAPTION: Rgb888 = Rgb888::new(168, 184, 202);
/// What the device does or asks for.
pub const ACCENT: Rgb888 = Rgb888::new(86, 204, 242);
/// What deserves caution.
pub const CAUTION: Rgb888 = Rgb888::new(255, 176, 32);
/// Text on [`CAUTION`].
pub const ON_CAUTION: Rgb888 = Rgb888::new(20, 14, 0);

/// The size of captions, the smallest text there is.
pub const CAPTION_CAP: i32 = 17;
/// The left and right edges of everything below the header.
pub const LEFT: i32 = 28;
/// See [`LEFT`].
pub const RIGHT: i32 = 772;
/// The lower edge of everything.
pub const BOTTOM: i32 = 456;
/// The lower edge of the header.
pub const HEADER: i32 = 52;

/// What the device is for.
const PURPOSE: &str = "eGFR from kidney ultrasound";
/// What a demonstration says on every screen.
const DEMONSTRATION: &str = "DEMONSTRATION - not for patients";
/// What every screen says of a device whose installed bundle cannot be used.
const PREVIOUS_BUNDLE: &str = "Bundle unusable: previous in use";

/// Text drawn on the background.
pub fn on_ground(ink: Rgb888) -> Paint {
    Paint { ink, ground: GROUND }
}

/// The grid laid over a display.
#[derive(Clone, Copy)]
pub struct Grid {
    width: i32,
    height: i32,
}

impl Grid {
    /// The grid over a display of `size`; none where the display has no pixels.
    pub fn over(size: Size) -> Option<Self> {
        let side = |v: u32| v.min(SIDE_MAX) as i32;
        (size.width > 0 && size.height > 0).then(|| Self { width: side(size.width), height: side(size.height) })
    }

    /// The display's column at `x` of the grid.
    pub fn x(self, x: i32) -> i32 {
        x * self.width / GRID.0
    }

    /// The display's row at `y` of the grid.
    pub fn y(self, y: i32) -> i32 {
        y * self.height / GRID.1
    }

    /// A size of the grid in the display's pixels, at least 1.
    pub fn size(self, size: i32) -> i32 {
        (size * self.width / GRID.0).min(size * self.height / GRID.1).max(1)
    }

    /// The display's pixel at a place of the grid.
    pub fn point(self, x: i32, y: i32) -> Point {
        Point::new(self.x(x), self.y(y))
    }

    /// The display's pixels from one corner of the grid up to the other.
    pub fn area(self, (left, top): (i32, i32), (right, bottom): (i32, i32)) -> Rectangle {
        let (from, to) = (self.point(left, top), self.point(right, bottom));
        Rectangle::new(from, Size::new((to.x - from.x).max(0) as u32, (to.y - from.y).max(0) as u32))
    }

    /// The whole display.
    fn all(self) -> Rectangle {
        self.area((0, 0), GRID)
    }
}

/// Fills `area`.
pub fn fill<D: DrawTarget<Color = Rgb888>>(target: &mut D, area: Rectangle, colour: Rgb888) -> Result<(), D::Error> {
    area.into_styled(PrimitiveStyle::with_fill(colour)).draw(target)
}

/// Draws an area's outline, `thickness` pixels wide, within the area.
pub fn outline<D: DrawTarget<Color = Rgb888>>(
    target: &mut D,
    area: Rectangle,
    thickness: i32,
    colour: Rgb888,
) -> Result<(), D::Error> {
    let Size { width, height } = area.size;
    let across = (thickness.max(0) as u32).min(width);
    let down = (thickness.max(0) as u32).min(height);
    let (right, bottom) = (Point::new((width - across) as i32, 0), Point::new(0, (height - down) as i32));
    for (offset, size) in [
        (Point::zero(), Size::new(width, down)),
        (bottom, Size::new(width, down)),
        (Point::zero(), Size::new(across, height)),
        (right, Size::new(across, height)),
    ] {
        fill(target, Rectangle::new(area.top_left + offset, size), colour)?;
    }
    Ok(())
}

/// Draws the header of a device in use; a bundle that is not the installed one takes the place of what the device is for.
pub fn header<D: DrawTarget<Color = Rgb888>>(target: &mut D, grid: Grid, bundle: BundleUsed) -> Result<(), D::Error> {
    fill(target, grid.area((0, 0), (GRID.0, HEADER)), RAISED)?;
    let cap = grid.size(CAPTION_CAP);
    let baseline = (grid.y(HEADER) + cap) / 2;
    let paint = |ink| Paint { ink, ground: RAISED };
    text::line(target, "sonogfr", Point::new(grid.x(LEFT), baseline), Anchor::Left, cap, paint(ACCENT))?;
    let (words, ink) = match bundle {
        BundleUsed::Installed => (PURPOSE, CAPTION),
        BundleUsed::Previous => (PREVIOUS_BUNDLE, CAUTION),
    };
    let at = Point::new(grid.x(RIGHT) - text::width(words, cap), baseline);
    text::line(target, words, at, Anchor::Left, cap, paint(ink))
}

/// Draws the header of a demonstration, and a frame around the whole screen.
pub fn demonstration_header<D: DrawTarget<Color = Rgb888>>(
    target: &mut D,
    grid: Grid,
    bundle: BundleUsed,
) -> Result<(), D::Error> {
    let banner = grid.area((0, 0), (GRID.0, HEADER));
    outline(target, grid.all(), grid.size(8), CAUTION)?;
    fill(target, banner, CAUTION)?;
    let room = Size::new(grid.x(GRID.0 - 2 * LEFT).max(0) as u32, banner.size.height);
    let lines: &[(&str, i32)] = match bundle {
        BundleUsed::Installed => &[(DEMONSTRATION, 26)],
        BundleUsed::Previous => &[(DEMONSTRATION, CAPTION_CAP), (PREVIOUS_BUNDLE, CAPTION_CAP)],
    };
    let caps = lines.iter().map(|(words, cap)| text::fit(words, room, 1..=grid.size(*cap)).cap);
    let half = lines.iter().zip(caps.clone()).map(|((words, _), cap)| text::width(words, cap) / 2).max();
    stripes(target, grid, banner, half.unwrap_or(0) + grid.size(20))?;
    // The space above, between and below the lines is the same.
    let gap = (grid.y(HEADER) - caps.clone().sum::<i32>()) / (lines.len() as i32 + 1);
    let (middle, mut baseline) = (grid.x(GRID.0) / 2, 0);
    for ((words, _), cap) in lines.iter().zip(caps) {
        baseline += gap + cap;
        let at = Point::new(middle, baseline);
        text::line(target, words, at, Anchor::Middle, cap, Paint { ink: ON_CAUTION, ground: CAUTION })?;
    }
    Ok(())
}

/// Hatches what of the banner is more than `clear` pixels from its middle.
fn stripes<D: DrawTarget<Color = Rgb888>>(
    target: &mut D,
    grid: Grid,
    banner: Rectangle,
    clear: i32,
) -> Result<(), D::Error> {
    let (middle, step) = (grid.x(GRID.0) / 2, grid.size(14));
    let hatched = |p: &Point| (p.x - middle).abs() > clear && ((p.x + p.y) / step) % 2 == 0;
    target.draw_iter(banner.points().filter(hatched).map(|p| Pixel(p, ON_CAUTION)))
}

/// Draws a caption with its value below; `at` is the caption's top left corner.
pub fn fact<D: DrawTarget<Color = Rgb888>>(
    target: &mut D,
    grid: Grid,
    at: Point,
    caption: &str,
    value: &str,
) -> Result<(), D::Error> {
    let (small, large) = (grid.size(CAPTION_CAP), grid.size(28));
    let below = at + Point::new(0, small);
    text::line(target, caption, below, Anchor::Left, small, on_ground(CAPTION))?;
    text::line(target, value, below + Point::new(0, grid.size(14) + large), Anchor::Left, large, on_ground(TEXT))
}

/// Where the hint's words go.
pub fn hint_area(grid: Grid) -> Rectangle {
    grid.area((LEFT + 92, BOTTOM - 88), (RIGHT - 16, BOTTOM - 10))
}

/// Draws what to do, in a strip at the foot of the screen, behind an arrow.
pub fn hint<D: DrawTarget<Color = Rgb888>>(target: &mut D, grid: Grid, words: &str) -> Result<(), D::Error> {
    let strip = grid.area((LEFT, BOTTOM - 104), (RIGHT, BOTTOM));
    fill(target, strip, RAISED)?;
    fill(target, Rectangle::new(strip.top_left, Size::new(grid.size(8) as u32, strip.size.height)), ACCENT)?;
    let size = grid.size(44);
    let at = Point::new(grid.x(LEFT + 26), strip.center().y - size / 2);
    super::symbol::draw(target, super::symbol::Symbol::Arrow, at, size, Paint { ink: ACCENT, ground: RAISED })?;
    let room = hint_area(grid);
    let caps = grid.size(CAPTION_CAP)..=grid.size(26);
    let fitted = text::fit(words, room.size, caps.clone());
    // One line stands in the strip's middle, several fill it.
    let spare = (room.size.height as i32 - text::height(fitted.lines.len(), fitted.cap)).max(0) / 2;
    let room = Rectangle::new(room.top_left + Point::new(0, spare), room.size);
    text::paragraph(target, words, room, fitted.cap..=fitted.cap, Paint { ink: TEXT, ground: RAISED })?;
    Ok(())
}
