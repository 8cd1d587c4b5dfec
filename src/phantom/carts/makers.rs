//! The styles: what screens of well-known makers look like, from their published screen pictures and manuals.
//!
//! Names say after whom a style is drawn. No maker's logo and no text of theirs but common abbreviations is drawn.

use super::{
    pen::{Face, Pattern},
    style::{Corner, Form, Frame, Label, Numbers, RulerStyle, Shape, Side, Style, Ticks},
};
use embedded_graphics::pixelcolor::Rgb888;

const fn rgb(r: u8, g: u8, b: u8) -> Rgb888 {
    Rgb888::new(r, g, b)
}

const BLACK: Rgb888 = rgb(0, 0, 0);
const WHITE: Rgb888 = rgb(255, 255, 255);
const PALE: Rgb888 = rgb(225, 225, 225);
const GREY: Rgb888 = rgb(200, 204, 210);
const YELLOW: Rgb888 = rgb(255, 255, 0);
const AMBER: Rgb888 = rgb(255, 200, 40);
const ORANGE: Rgb888 = rgb(255, 140, 0);
const GREEN: Rgb888 = rgb(0, 255, 0);
const MINT: Rgb888 = rgb(120, 255, 150);
const CYAN: Rgb888 = rgb(0, 255, 255);
const SKY: Rgb888 = rgb(120, 200, 255);
const MAGENTA: Rgb888 = rgb(255, 90, 255);

/// Every colour that calipers have.
pub(super) const COLOURS: [Rgb888; 10] = [YELLOW, GREEN, CYAN, WHITE, ORANGE, PALE, AMBER, MINT, SKY, MAGENTA];
/// Every shape.
pub(super) const SHAPES: [Shape; 6] =
    [Shape::Plus, Shape::X, Shape::GappedPlus, Shape::BoxedPlus, Shape::Tee, Shape::Arrow];
/// Every line.
pub(super) const LINES: [Option<(Pattern, f32)>; 5] =
    [None, dots(5.0, 1.6), dots(8.0, 2.4), dashes(7.0, 5.0, 1.5), Some((Pattern::Full, 1.0))];
/// Every label.
pub(super) const LABELS: [Label; 5] = [Label::Absent, Label::Touching, Label::Diagonal, Label::BothEnds, Label::OnLine];

const fn dots(every: f32, width: f32) -> Option<(Pattern, f32)> {
    Some((Pattern::Dots { every }, width))
}

const fn dashes(on: f32, off: f32, width: f32) -> Option<(Pattern, f32)> {
    Some((Pattern::Dashes { on, off }, width))
}

const fn ruler(side: Side, ticks: Ticks, minor_cm: f32, major_cm: f32, numbers: Numbers) -> RulerStyle {
    RulerStyle { side, along_top: false, ticks, minor_cm, major_cm, numbers }
}

const LOGIQ: Style = Style {
    name: "logiq",
    echo: [0.03, 0.14, 0.84, 0.93],
    probe: (5.8, 0.565),
    ground: BLACK,
    banner: (rgb(1, 10, 40), 67.0, 0.57),
    footer: (BLACK, 0.0),
    titles: &[
        ("MI 1.2", 0.69, 24.0),
        ("TIs 0.5", 0.78, 24.0),
        ("C1-6", 0.88, 24.0),
        ("PHANTOM", 0.69, 53.0),
        ("Kidney", 0.88, 53.0),
    ],
    column: (0.9, 0.15, 0.1, rgb(50, 50, 50)),
    settings: &["FR ##", "SoS 15#0", "CHI", "Frq #.#", "Gn ##", "S/A #/1", "Map F/0", "D 1#.0", "DR 6#", "AO% 100"],
    face: Face::HelveticaBold,
    cap: 13.0,
    text: rgb(157, 160, 165),
    grey_bar: (0.01, 0.43),
    ruler_at: Some(0.855),
    ruler: RulerStyle { along_top: true, ..ruler(Side::Right, Ticks::Bars, 1.0, 5.0, Numbers::Majors) },
    spacings: &[(1.0, 5.0)],
    ruler_colour: rgb(170, 170, 100),
    shapes: &[Shape::Plus],
    second_shape: None,
    colours: &[YELLOW, PALE],
    arms: (6.0, 8.0),
    strokes: (2.0, 3.0),
    lines: &[dots(5.0, 1.6), None],
    labels: &[Label::Touching, Label::Diagonal],
    forms: &[Form::NumberL],
    corners: &[Corner::BottomLeft, Corner::TopLeft],
    frame: Frame::Bordered(rgb(0, 192, 80)),
};

const PHILIPS: Style = Style {
    name: "philips",
    echo: [0.16, 0.10, 0.90, 0.95],
    probe: (4.6, 0.60),
    ground: BLACK,
    banner: (rgb(22, 22, 26), 34.0, 0.0),
    footer: (BLACK, 0.0),
    titles: &[("PHANTOM", 0.03, 23.0), ("Abd Renal", 0.45, 23.0), ("TIS0.#  MI 1.#", 0.84, 23.0)],
    column: (0.01, 0.13, 0.0, BLACK),
    settings: &["C5-1", "##Hz", "RS", "", "2D", " ##%", " Dyn R 5#", " P Low", " HGen", "+/- #"],
    face: Face::Universal,
    cap: 10.0,
    text: GREY,
    grey_bar: (0.965, 0.13),
    ruler_at: Some(0.925),
    ruler: ruler(Side::Right, Ticks::Dots, 1.0, 5.0, Numbers::None),
    spacings: &[(1.0, 5.0), (0.5, 1.0)],
    ruler_colour: rgb(215, 215, 215),
    shapes: &[Shape::Plus],
    second_shape: Some(Shape::X),
    colours: &[CYAN, YELLOW, WHITE],
    arms: (5.0, 7.0),
    strokes: (1.0, 2.0),
    lines: &[dots(7.0, 1.4), dots(4.0, 1.0), None],
    labels: &[Label::Absent],
    forms: &[Form::PlusDist, Form::Dist],
    corners: &[Corner::BottomLeft, Corner::TopRight, Corner::BottomRight],
    frame: Frame::Bare,
};

const SIEMENS: Style = Style {
    name: "siemens",
    echo: [0.05, 0.12, 0.80, 0.92],
    probe: (4.2, 0.62),
    ground: rgb(10, 12, 16),
    banner: (rgb(38, 50, 66), 50.0, 0.0),
    footer: (rgb(38, 50, 66), 22.0),
    titles: &[("PHANTOM", 0.08, 31.0), ("6C1 HD", 0.48, 31.0), ("TIB: 0.#  MI: 1.#", 0.78, 31.0)],
    column: (0.85, 0.16, 0.14, rgb(22, 28, 36)),
    settings: &["General", "H#.00 MHz", "## fps", "# dB / DR 6#", "SC 3 DTCE M", "Map E/ST 0", "AMPR +#", "##.# cm"],
    face: Face::Helvetica,
    cap: 11.0,
    text: rgb(190, 205, 225),
    grey_bar: (0.83, 0.12),
    ruler_at: None,
    ruler: ruler(Side::Right, Ticks::Bars, 1.0, 5.0, Numbers::Majors),
    spacings: &[(1.0, 5.0), (1.0, 2.0)],
    ruler_colour: rgb(190, 190, 200),
    shapes: &[Shape::Plus, Shape::X],
    second_shape: Some(Shape::X),
    colours: &[ORANGE, YELLOW, WHITE],
    arms: (6.0, 9.0),
    strokes: (1.0, 2.0),
    lines: &[dashes(6.0, 4.0, 1.0), dots(5.0, 1.0), None],
    labels: &[Label::Diagonal, Label::Touching],
    forms: &[Form::DMillimetres, Form::NumberD],
    corners: &[Corner::MiddleRight, Corner::BottomRight, Corner::BottomLeft],
    frame: Frame::Filled(rgb(24, 34, 48)),
};

const CANON: Style = Style {
    name: "canon",
    echo: [0.18, 0.08, 0.90, 0.96],
    probe: (5.0, 0.55),
    ground: BLACK,
    banner: (BLACK, 30.0, 0.0),
    footer: (BLACK, 0.0),
    titles: &[("PHANTOM", 0.22, 22.0), ("RENAL", 0.5, 22.0), ("MI:1.#", 0.86, 22.0)],
    column: (0.02, 0.1, 0.0, BLACK),
    settings: &["Precision+", "APure+", "6C1", "diffT5.0", "## fps", "Qscan", "##", "DR 6#", "G:8#"],
    face: Face::Lucida,
    cap: 11.0,
    text: rgb(210, 210, 190),
    grey_bar: (0.12, 0.62),
    ruler_at: None,
    ruler: ruler(Side::Left, Ticks::Bars, 1.0, 5.0, Numbers::Majors),
    spacings: &[(1.0, 5.0), (1.0, 10.0)],
    ruler_colour: rgb(220, 220, 220),
    shapes: &[Shape::GappedPlus, Shape::Plus],
    second_shape: None,
    colours: &[GREEN, MINT, AMBER],
    arms: (8.0, 12.0),
    strokes: (1.0, 2.0),
    lines: &[dots(6.0, 1.0), None, dashes(3.0, 5.0, 1.0)],
    labels: &[Label::Diagonal, Label::BothEnds],
    forms: &[Form::Letter, Form::DMillimetres, Form::Dist],
    corners: &[Corner::BottomLeft, Corner::BottomRight],
    frame: Frame::Bare,
};

const SAMSUNG: Style = Style {
    name: "samsung",
    echo: [0.08, 0.13, 0.92, 0.90],
    probe: (5.2, 0.60),
    ground: rgb(6, 6, 8),
    banner: (rgb(52, 55, 62), 56.0, 0.0),
    footer: (rgb(30, 32, 36), 30.0),
    titles: &[
        ("PHANTOM", 0.1, 24.0),
        ("CA1-7A / Renal", 0.1, 46.0),
        ("MI 1.#  TIs 0.#", 0.8, 24.0),
        ("#2 Hz / 1#.0cm", 0.8, 46.0),
    ],
    column: (0.012, 0.14, 0.0, BLACK),
    settings: &["[2D] Gen", "Gn ##", "DR 1##", "FA 3", "P 9#%"],
    face: Face::UniversalBold,
    cap: 10.0,
    text: rgb(205, 208, 214),
    grey_bar: (0.975, 0.15),
    ruler_at: Some(0.94),
    ruler: ruler(Side::Right, Ticks::Bars, 0.5, 1.0, Numbers::None),
    spacings: &[(0.5, 1.0), (1.0, 5.0), (0.5, 5.0)],
    ruler_colour: rgb(170, 175, 185),
    shapes: &[Shape::Plus, Shape::BoxedPlus],
    second_shape: None,
    colours: &[YELLOW, GREEN, ORANGE, SKY],
    arms: (6.0, 9.0),
    strokes: (2.0, 2.6),
    lines: &[dots(5.0, 1.6), Some((Pattern::Full, 1.0)), None],
    labels: &[Label::Diagonal, Label::Touching, Label::OnLine],
    forms: &[Form::NumberD, Form::NumberLength],
    corners: &[Corner::BottomRight, Corner::BottomLeft, Corner::TopLeft],
    frame: Frame::Filled(rgb(34, 36, 42)),
};

const MINDRAY: Style = Style {
    name: "mindray",
    echo: [0.14, 0.13, 0.84, 0.91],
    probe: (5.0, 0.58),
    ground: rgb(16, 18, 20),
    banner: (rgb(70, 76, 84), 48.0, 0.0),
    footer: (rgb(70, 76, 84), 24.0),
    titles: &[("PHANTOM", 0.16, 31.0), ("SC6-1U", 0.52, 31.0), ("MI 1.# TIS 0.#", 0.76, 31.0)],
    column: (0.015, 0.15, 0.11, rgb(26, 28, 32)),
    settings: &["B", "F H#.0", "D 1#.#", "G ##", "FR ##", "DR 1#5", "iClear +#", "iBeam 2"],
    face: Face::Universal,
    cap: 9.5,
    text: rgb(196, 206, 214),
    grey_bar: (0.955, 0.17),
    ruler_at: None,
    ruler: ruler(Side::Right, Ticks::Bars, 1.0, 5.0, Numbers::Majors),
    spacings: &[(1.0, 5.0), (0.5, 1.0), (1.0, 2.0)],
    ruler_colour: rgb(200, 200, 200),
    shapes: &[Shape::Plus, Shape::X],
    second_shape: Some(Shape::X),
    colours: &[CYAN, GREEN, YELLOW],
    arms: (6.0, 8.0),
    strokes: (1.0, 2.0),
    lines: &[dots(4.0, 1.0), dashes(5.0, 3.0, 1.0), None],
    labels: &[Label::Diagonal, Label::Absent],
    forms: &[Form::PlusDist, Form::NumberLength, Form::Dist],
    corners: &[Corner::TopLeft, Corner::BottomRight, Corner::BottomLeft],
    frame: Frame::Bare,
};

const HITACHI: Style = Style {
    name: "hitachi",
    echo: [0.10, 0.10, 0.82, 0.94],
    probe: (5.0, 0.53),
    ground: BLACK,
    banner: (BLACK, 40.0, 0.0),
    footer: (BLACK, 0.0),
    titles: &[("PHANTOM", 0.3, 26.0), ("EUP-C715", 0.84, 26.0), ("MI 0.#", 0.02, 26.0)],
    column: (0.86, 0.12, 0.0, BLACK),
    settings: &["FR:##", "BG:##", "BD:6#", "R13.0", "#.0MHz", "P:100%", "HI REZ+"],
    face: Face::Lucida,
    cap: 10.0,
    text: rgb(180, 220, 180),
    grey_bar: (0.02, 0.2),
    ruler_at: None,
    ruler: ruler(Side::Right, Ticks::Dots, 1.0, 5.0, Numbers::Majors),
    spacings: &[(1.0, 5.0), (1.0, 1.0)],
    ruler_colour: rgb(230, 230, 230),
    shapes: &[Shape::BoxedPlus, Shape::Plus, Shape::X],
    second_shape: None,
    colours: &[WHITE, GREEN, PALE],
    arms: (5.0, 8.0),
    strokes: (1.0, 1.4),
    lines: &[dots(8.0, 1.0), None],
    labels: &[Label::Absent, Label::Diagonal],
    forms: &[Form::Plus, Form::DMillimetres],
    corners: &[Corner::BottomRight, Corner::MiddleRight, Corner::BottomLeft],
    frame: Frame::Bare,
};

const ESAOTE: Style = Style {
    name: "esaote",
    echo: [0.05, 0.11, 0.78, 0.90],
    probe: (4.5, 0.58),
    ground: BLACK,
    banner: (rgb(24, 24, 60), 44.0, 0.0),
    footer: (rgb(24, 24, 60), 18.0),
    titles: &[("PHANTOM", 0.04, 29.0), ("AC2541", 0.5, 29.0), ("MI 1.# TIS 0.#", 0.8, 29.0)],
    column: (0.86, 0.14, 0.0, BLACK),
    settings: &["RES-A", "GEN", "D 1## mm", "XV 2", "PRC 10-3-H", "PRS 4", "PST 2", "C 1", "G ##%"],
    face: Face::Helvetica,
    cap: 11.0,
    text: rgb(230, 230, 140),
    grey_bar: (0.955, 0.6),
    ruler_at: Some(0.82),
    ruler: ruler(Side::Right, Ticks::Bars, 0.5, 1.0, Numbers::None),
    spacings: &[(0.5, 1.0), (1.0, 5.0)],
    ruler_colour: rgb(200, 200, 120),
    shapes: &[Shape::Plus, Shape::GappedPlus],
    second_shape: None,
    colours: &[GREEN, AMBER, PALE],
    arms: (9.0, 13.0),
    strokes: (1.0, 1.6),
    lines: &[Some((Pattern::Full, 1.0)), dots(5.0, 1.0), None],
    labels: &[Label::Touching, Label::OnLine],
    forms: &[Form::DMillimetres, Form::Dist],
    corners: &[Corner::BottomRight, Corner::MiddleRight],
    frame: Frame::Filled(rgb(20, 20, 44)),
};

const SONOSITE: Style = Style {
    name: "sonosite",
    echo: [0.10, 0.09, 0.86, 0.88],
    probe: (5.8, 0.50),
    ground: BLACK,
    banner: (rgb(30, 30, 30), 30.0, 0.0),
    footer: (rgb(30, 30, 30), 44.0),
    titles: &[("PHANTOM", 0.03, 21.0), ("Abd", 0.6, 21.0), ("MI 0.#  TIS 0.#", 0.82, 21.0)],
    column: (0.015, 0.12, 0.0, BLACK),
    settings: &["Gen", "THI+", "MB", "C60", "2D ##%"],
    face: Face::UniversalBold,
    cap: 11.0,
    text: WHITE,
    grey_bar: (0.955, 0.11),
    ruler_at: None,
    ruler: ruler(Side::Right, Ticks::Dots, 0.5, 1.0, Numbers::None),
    spacings: &[(0.5, 1.0), (1.0, 5.0), (1.0, 1.0)],
    ruler_colour: rgb(235, 235, 235),
    shapes: &[Shape::Plus, Shape::X],
    second_shape: Some(Shape::X),
    colours: &[WHITE, SKY, PALE],
    arms: (7.0, 10.0),
    strokes: (1.6, 2.6),
    lines: &[dots(6.0, 1.6), None],
    labels: &[Label::Diagonal, Label::Absent],
    forms: &[Form::Letter, Form::Plus],
    corners: &[Corner::BottomLeft, Corner::BottomRight, Corner::TopLeft],
    frame: Frame::Bare,
};

const COMPACT: Style = Style {
    name: "compact",
    echo: [0.12, 0.12, 0.88, 0.94],
    probe: (5.0, 0.52),
    ground: rgb(0, 0, 24),
    banner: (rgb(0, 0, 60), 40.0, 0.0),
    footer: (rgb(0, 0, 60), 24.0),
    titles: &[("PHANTOM", 0.02, 27.0), ("C3.5/60", 0.4, 27.0), ("ABDOMEN", 0.8, 27.0)],
    column: (0.015, 0.13, 0.0, BLACK),
    settings: &["B", "FRQ #.5", "GN ##", "D 1##", "FPS ##", "ENH +#"],
    face: Face::HelveticaBold,
    cap: 11.0,
    text: rgb(230, 230, 230),
    grey_bar: (0.95, 0.15),
    ruler_at: Some(0.91),
    ruler: ruler(Side::Left, Ticks::Bars, 1.0, 5.0, Numbers::None),
    spacings: &[(1.0, 5.0), (1.0, 2.0), (1.0, 10.0)],
    ruler_colour: rgb(0, 220, 220),
    shapes: &[Shape::Tee, Shape::Arrow, Shape::X],
    second_shape: None,
    colours: &[YELLOW, MAGENTA, WHITE],
    arms: (5.0, 8.0),
    strokes: (1.0, 2.4),
    lines: &[Some((Pattern::Full, 1.0)), dashes(6.0, 6.0, 1.4), dots(5.0, 1.4)],
    labels: &[Label::OnLine, Label::Diagonal, Label::Absent],
    forms: &[Form::Dist, Form::NumberL, Form::Plus],
    corners: &[Corner::BottomRight, Corner::TopRight, Corner::BottomLeft],
    frame: Frame::Bordered(rgb(120, 120, 200)),
};

/// All styles.
pub(super) const STYLES: [&Style; 10] =
    [&LOGIQ, &PHILIPS, &SIEMENS, &CANON, &SAMSUNG, &MINDRAY, &HITACHI, &ESAOTE, &SONOSITE, &COMPACT];
