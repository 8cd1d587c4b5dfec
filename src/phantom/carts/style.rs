//! How makers' carts differ: what a style fixes, and what an operator or a version changes.

use super::pen::{Face, Pattern};
use embedded_graphics::pixelcolor::Rgb888;
use serde::Serialize;

/// A side of the echo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The left one.
    Left,
    /// The right one.
    Right,
}

/// What ticks are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ticks {
    /// Short lines across the ruler.
    Bars,
    /// Square dots, larger at the majors.
    Dots,
}

/// Which ticks have numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Numbers {
    /// None.
    None,
    /// The major ones.
    Majors,
}

/// A cart's depth ruler, as it was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RulerStyle {
    /// Where it stands.
    pub side: Side,
    /// Whether a second one lies along the top.
    pub along_top: bool,
    /// What its ticks are.
    pub ticks: Ticks,
    /// From one tick to the next, in centimetres.
    pub minor_cm: f32,
    /// From one longer tick to the next, in centimetres; that of the minor ones where all are alike.
    pub major_cm: f32,
    /// Which ticks have numbers.
    pub numbers: Numbers,
}

/// A caliper marker's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// An upright cross.
    Plus,
    /// A diagonal cross.
    X,
    /// An upright cross without its middle.
    GappedPlus,
    /// An upright cross in a square.
    BoxedPlus,
    /// A bar across the distance, with a short stem towards the partner.
    Tee,
    /// An arrow's head that points away from the partner.
    Arrow,
}

impl Shape {
    /// Whether it is turned towards its partner.
    pub fn is_turned(self) -> bool {
        matches!(self, Self::Tee | Self::Arrow)
    }
}

/// A pair's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// None.
    Absent,
    /// It touches the left marker.
    Touching,
    /// Diagonally beside the left marker.
    Diagonal,
    /// Diagonally beside both markers.
    BothEnds,
    /// Beside the middle of the line.
    OnLine,
}

/// The words around a printed length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// "1 L 8.84 cm".
    NumberL,
    /// "1 D 8.84 cm".
    NumberD,
    /// "Dist 10.6 cm", numbered where there are several: "Dist2 5.1 cm".
    Dist,
    /// "D1 106.2 mm".
    DMillimetres,
    /// "+ 10.6cm".
    Plus,
    /// "+ Dist 10.6 cm".
    PlusDist,
    /// "1 Length 10.62 cm".
    NumberLength,
    /// "A: 10.6 cm".
    Letter,
}

/// A corner of the screen where the measurement box may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Corner {
    TopLeft,
    TopRight,
    BottomLeft,
    BottomRight,
    /// Right of the echo, half way down.
    MiddleRight,
}

/// What is around the lines of the measurement box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Frame {
    /// Nothing: print on the picture.
    Bare,
    /// A ground of this colour.
    Filled(Rgb888),
    /// A border of this colour around a black ground.
    Bordered(Rgb888),
}

/// What a maker's carts have in common. Lengths are in pixels of a screen 720 high; places in parts of the screen.
pub(super) struct Style {
    pub name: &'static str,
    /// The echo's place: left, top, right, bottom.
    pub echo: [f32; 4],
    /// The probe's radius in centimetres and half of its opening in radians.
    pub probe: (f32, f32),
    pub ground: Rgb888,
    /// Colour and height of the banner along the top, and where it starts.
    pub banner: (Rgb888, f32, f32),
    /// Colour and height of the bar along the bottom; none at height 0.
    pub footer: (Rgb888, f32),
    /// What the banner says, and where.
    pub titles: &'static [(&'static str, f32, f32)],
    /// The column of settings: left, top, width, and the colour behind it.
    pub column: (f32, f32, f32, Rgb888),
    /// Its lines; '#' is any digit.
    pub settings: &'static [&'static str],
    pub face: Face,
    /// The height of capitals.
    pub cap: f32,
    pub text: Rgb888,
    /// The grey bar: left, top.
    pub grey_bar: (f32, f32),
    /// Where the ruler stands: a part of the width, or beside the echo.
    pub ruler_at: Option<f32>,
    pub ruler: RulerStyle,
    /// Other spacings that the style shows, minor and major.
    pub spacings: &'static [(f32, f32)],
    pub ruler_colour: Rgb888,
    pub shapes: &'static [Shape],
    /// The shape of every second pair, where it is another.
    pub second_shape: Option<Shape>,
    pub colours: &'static [Rgb888],
    /// The arms' length and the stroke's width: least and most.
    pub arms: (f32, f32),
    pub strokes: (f32, f32),
    /// The line between markers and its width; none where none is drawn.
    pub lines: &'static [Option<(Pattern, f32)>],
    pub labels: &'static [Label],
    pub forms: &'static [Form],
    pub corners: &'static [Corner],
    pub frame: Frame,
}

/// What a cart puts out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Mode {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
}

/// The modes of carts' video outputs.
pub const MODES: [Mode; 9] = [
    Mode { width: 640, height: 480 },
    Mode { width: 720, height: 576 },
    Mode { width: 800, height: 600 },
    Mode { width: 1024, height: 768 },
    Mode { width: 1280, height: 720 },
    Mode { width: 1280, height: 1024 },
    Mode { width: 1600, height: 1200 },
    Mode { width: 1920, height: 1080 },
    Mode { width: 1920, height: 1200 },
];
