//! A cart's screen after the GE LOGIQ E9: banner, settings, rulers, focus and body marks, calipers, measurement box.
//!
//! Everything is drawn as such a cart draws it: whole pixels, one colour, over the echo. *Source*: sizes and colours were
//! measured on a LOGIQ E9 screen of 960 x 720 pixels. No maker's logo and no person's name is drawn.

use super::echo::Sector;
use crate::{
    frame::{Picture, Spot},
    units::{Centimetres, PixelsPerCm},
};
use embedded_graphics::{
    pixelcolor::Rgb888,
    prelude::*,
    primitives::{Line, PrimitiveStyle, PrimitiveStyleBuilder, Rectangle, StrokeAlignment},
};
use rand::RngExt;
use u8g2_fonts::{
    Content, Font, FontRenderer, fonts,
    types::{FontColor, HorizontalAlignment, VerticalPosition},
};

const WIDTH: usize = 960;
const HEIGHT: usize = 720;
/// Screen pixels from the probe's face to the bottom of the sector.
const SECTOR_HEIGHT: f32 = 531.0;
/// The rulers' lines: the right one's left end, and the top one's upper end.
const RIGHT_RULER_X: i32 = 844;
const TOP_RULER_Y: i32 = 73;

const YELLOW: Rgb888 = Rgb888::new(255, 255, 0);
const GREY: Rgb888 = Rgb888::new(225, 225, 225);
const MAJOR_TICK: Rgb888 = Rgb888::new(170, 170, 100);
const MINOR_TICK: Rgb888 = Rgb888::new(138, 138, 68);
const TEXT: Rgb888 = Rgb888::new(157, 160, 165);
const BANNER: Rgb888 = Rgb888::new(1, 10, 40);
const BOX_BORDER: Rgb888 = Rgb888::new(0, 192, 80);

/// How the cart draws its calipers.
#[derive(Clone, Copy)]
struct Style {
    colour: Rgb888,
    /// Half the marker's width and height, without its middle pixel.
    arms: (i32, i32),
    /// Pixels from dot to dot of the line between markers; none where the cart draws no line.
    dot_every: Option<f32>,
    /// The label's place against the left marker.
    label_at: (i32, i32),
}

/// A cart's screen and its settings in one exam.
pub struct Screen {
    /// Where the echo is.
    pub sector: Sector,
    style: Style,
    gain: u32,
    frequency_tenths: u32,
}

/// How far the measurement has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Calipers {
    /// Nothing is drawn.
    None,
    /// The first marker is set.
    First(Spot),
    /// The second marker moves; the box already shows the length so far.
    Second {
        /// The set marker and the moving one.
        ends: [Spot; 2],
    },
    /// Both are set and the length is printed.
    Complete {
        /// The markers, the left one first.
        ends: [Spot; 2],
        /// The length in the box.
        printed: Centimetres,
    },
}

impl Screen {
    /// Draws an exam's settings: depth, focus, gain and the style of the calipers.
    pub fn draw_settings(random: &mut impl RngExt) -> Self {
        let depth = [13.0, 14.0, 15.0, 16.0, 17.0][random.random_range(0..5_usize)];
        let yellow = random.random::<f32>() < 0.65;
        let arms = [(8, 9), (8, 8), (8, 9), (7, 7)][random.random_range(0..4_usize)];
        let style = Style {
            colour: if yellow { YELLOW } else { GREY },
            arms,
            dot_every: (random.random::<f32>() < 0.85).then_some(5.0),
            label_at: [(-12, -19), (-15, -20), (8, 20)][random.random_range(0..3_usize)],
        };
        let sector = Sector {
            face: Spot { x: 428.0, y: 133.0 },
            scale: PixelsPerCm(SECTOR_HEIGHT / depth),
            radius: 5.8,
            half_angle: 0.565,
            depth,
            focus: depth * (0.4 + 0.3 * random.random::<f32>()),
        };
        Self { sector, style, gain: random.random_range(42..=68), frequency_tenths: random.random_range(25..=50) }
    }

    /// The screen with nothing on it.
    pub fn blank(&self) -> Picture {
        Picture::filled(WIDTH, HEIGHT, [0; 3])
    }

    /// Draws all that stands around the echo.
    pub fn draw_chrome(&self, picture: &mut Picture) {
        fill(picture, (550, 0), (410, 67), BANNER);
        for (text, x, y) in
            [("MI 1.2", 660, 23), ("TIs 0.5", 740, 23), ("C1-6", 840, 23), ("PHANTOM", 660, 52), ("Kidney", 840, 52)]
        {
            write::<fonts::u8g2_font_helvB18_tf>(picture, text, (x, y), TEXT);
        }
        fill(picture, (855, 135), (105, 19), Rgb888::new(50, 50, 50));
        let number = |value: u32| number_text(f64::from(value), 0);
        let settings = [
            ("FR", number(22)),
            ("SoS", number(1540)),
            ("CHI", heapless::String::new()),
            ("Frq", number_text(f64::from(self.frequency_tenths) / 10.0, 1)),
            ("Gn", number(self.gain)),
            ("Map", heapless::String::try_from("F/0").unwrap_or_default()),
            ("D", number_text(f64::from(self.sector.depth), 1)),
            ("DR", number(63)),
            ("AO%", number(100)),
        ];
        for (row, (name, value)) in settings.iter().enumerate() {
            let y = if row < 2 { 84 + 22 * row as i32 } else { 150 + 22 * (row as i32 - 2) };
            write::<fonts::u8g2_font_helvB14_tf>(picture, name, (857, y), TEXT);
            write_right::<fonts::u8g2_font_helvB14_tf>(picture, value, (957, y), TEXT);
        }
        self.draw_grey_bar(picture);
        self.draw_rulers(picture);
        draw_focus(picture, libm::roundf(self.sector.face.y + self.sector.focus * self.sector.scale.0) as i32);
        draw_body_mark(picture);
    }

    fn draw_grey_bar(&self, picture: &mut Picture) {
        for row in 0..162 {
            let grey = (255 - row * 255 / 161) as u8;
            fill(picture, (10, 309 + row), (26, 1), Rgb888::new(grey, grey, grey));
        }
    }

    /// Ticks each centimetre, longer ones each five: right from the probe's face down, along the top from its middle out.
    fn draw_rulers(&self, picture: &mut Picture) {
        let scale = self.sector.scale.0;
        for cm in 0..=self.sector.depth as i32 {
            let y = libm::roundf(self.sector.face.y + cm as f32 * scale) as i32;
            if cm % 5 == 0 {
                fill(picture, (RIGHT_RULER_X + 1, y - 1), (9, 3), MAJOR_TICK);
                let text = number_text(f64::from(cm), 0);
                write_right::<fonts::u8g2_font_helvB18_tf>(picture, &text, (RIGHT_RULER_X - 2, y + 13), MAJOR_TICK);
            } else {
                fill(picture, (RIGHT_RULER_X, y - 1), (6, 2), MINOR_TICK);
            }
        }
        let reach = (self.sector.face.x / scale) as i32;
        for cm in -reach..=reach {
            let x = libm::roundf(self.sector.face.x + cm as f32 * scale) as i32;
            if cm % 5 == 0 {
                fill(picture, (x - 1, TOP_RULER_Y + 9), (3, 12), MAJOR_TICK);
            } else {
                fill(picture, (x, TOP_RULER_Y), (1, 8), MINOR_TICK);
            }
        }
    }

    /// Draws the measurement as far as it has come.
    pub fn draw_calipers(&self, calipers: &Calipers, picture: &mut Picture) {
        let (set, moving, line) = match calipers {
            Calipers::None => return,
            Calipers::First(spot) => (Some(*spot), None, None),
            Calipers::Second { ends } => (Some(ends[0]), Some(ends[1]), None),
            Calipers::Complete { ends, .. } => (Some(ends[0]), Some(ends[1]), self.style.dot_every),
        };
        for spot in [set, moving].into_iter().flatten() {
            self.draw_marker(spot, picture);
        }
        if let Some(first) = set {
            let (dx, dy) = self.style.label_at;
            let at = (first.x as i32 + dx, first.y as i32 + dy + 12);
            write::<fonts::u8g2_font_helvB18_tf>(picture, "1", at, self.style.colour);
        }
        if let (Some(a), Some(b)) = (set, moving) {
            if let Some(every) = line {
                self.draw_dots(a, b, every, picture);
            }
            let so_far = Centimetres(a.distance(b) / self.sector.scale.0);
            let length = if let Calipers::Complete { printed, .. } = calipers { *printed } else { so_far };
            self.draw_box(length, picture);
        }
    }

    fn draw_marker(&self, spot: Spot, picture: &mut Picture) {
        let (x, y) = (spot.x as i32, spot.y as i32);
        let (across, down) = self.style.arms;
        fill(picture, (x - across, y - 1), (2 * across as u32 + 1, 3), self.style.colour);
        fill(picture, (x - 1, y - down), (3, 2 * down as u32 + 1), self.style.colour);
    }

    fn draw_dots(&self, a: Spot, b: Spot, every: f32, picture: &mut Picture) {
        let length = a.distance(b);
        let mut along = every;
        while along < length {
            let t = along / length;
            let (x, y) = (a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t);
            fill(picture, (libm::roundf(x) as i32, libm::roundf(y) as i32), (2, 2), self.style.colour);
            along += every;
        }
    }

    fn draw_box(&self, length: Centimetres, picture: &mut Picture) {
        let style = PrimitiveStyleBuilder::new()
            .stroke_color(BOX_BORDER)
            .stroke_width(2)
            .stroke_alignment(StrokeAlignment::Inside)
            .fill_color(Rgb888::new(0, 3, 26))
            .build();
        let Ok(()) = Rectangle::new(Point::new(2, 687), Size::new(160, 33)).into_styled(style).draw(picture);
        write::<fonts::u8g2_font_helvB18_tf>(picture, "1", (10, 712), self.style.colour);
        let mut text = heapless::String::<16>::new();
        // Sixteen bytes hold every length that fits a screen; a longer one would be cut, not drawn wrong.
        let _fits = core::fmt::write(&mut text, format_args!("L  {:.2} cm", length.0));
        write::<fonts::u8g2_font_helvB18_tf>(picture, &text, (28, 712), TEXT);
    }
}

fn number_text(value: f64, places: usize) -> heapless::String<8> {
    let mut text = heapless::String::new();
    // A longer number is cut; settings and depths have at most five characters.
    let _fits = core::fmt::write(&mut text, format_args!("{value:.places$}"));
    text
}

fn fill(picture: &mut Picture, (x, y): (i32, i32), (width, height): (u32, u32), colour: Rgb888) {
    let Ok(()) = picture.fill_solid(&Rectangle::new(Point::new(x, y), Size::new(width, height)), colour);
}

fn write<F: Font>(picture: &mut Picture, text: &str, at: (i32, i32), colour: Rgb888) {
    write_aligned::<F>(picture, text, at, colour, HorizontalAlignment::Left);
}

fn write_right<F: Font>(picture: &mut Picture, text: &str, at: (i32, i32), colour: Rgb888) {
    write_aligned::<F>(picture, text, at, colour, HorizontalAlignment::Right);
}

fn write_aligned<F: Font>(
    picture: &mut Picture,
    text: impl Content,
    (x, y): (i32, i32),
    colour: Rgb888,
    align: HorizontalAlignment,
) {
    let (at, colour) = (Point::new(x, y), FontColor::Transparent(colour));
    FontRenderer::new::<F>()
        .render_aligned(text, at, VerticalPosition::Baseline, align, colour, picture)
        .expect("the screen's texts are ASCII, which every font here has");
}

/// The focus mark: two touching hourglasses in the calipers' yellow.
fn draw_focus(picture: &mut Picture, y: i32) {
    fill(picture, (832, y - 9), (22, 2), YELLOW);
    fill(picture, (832, y + 8), (22, 2), YELLOW);
    for row in -8_i32..=8 {
        let half = 1 + row.abs() / 2;
        for middle in [837, 848] {
            fill(picture, (middle - half, y + row), (2 * half as u32 + 1, 1), YELLOW);
        }
    }
}

/// The body mark: a torso's outline with the probe's place on it.
fn draw_body_mark(picture: &mut Picture) {
    let thin = PrimitiveStyle::with_stroke(YELLOW, 1);
    let mut line = |points: &[(i32, i32)], style| {
        for ends in points.windows(2) {
            let at = |(x, y)| Point::new(x, y);
            let Ok(()) = Line::new(at(ends[0]), at(ends[1])).into_styled(style).draw(picture);
        }
    };
    line(&[(774, 530), (784, 535), (797, 537), (810, 535), (821, 530)], thin);
    line(&[(742, 560), (752, 556), (762, 560), (763, 600), (758, 634)], thin);
    line(&[(853, 560), (843, 556), (833, 560), (832, 600), (837, 634)], thin);
    line(&[(768, 593), (780, 591), (790, 576), (797, 570), (805, 576), (815, 591), (828, 593)], thin);
    line(&[(786, 628), (797, 632), (804, 628)], thin);
    line(&[(764, 612), (769, 607), (785, 625)], PrimitiveStyle::with_stroke(Rgb888::WHITE, 2));
}
