//! What a cart draws over the echo: calipers as far as they have come, and what goes on by itself.

use crate::{
    chance::Dice,
    scene::{HEIGHT, WIDTH},
};
use embedded_graphics::{
    mono_font::{MonoFont, MonoTextStyle, ascii},
    pixelcolor::Rgb888,
    prelude::*,
    primitives::{Line, PrimitiveStyle, Rectangle},
    text::Text,
};
use sonogfr::frame::{Picture, Spot};

/// How a cart draws calipers.
#[derive(Clone, Copy)]
pub struct Hand {
    colour: Rgb888,
    diagonal: bool,
    arm: i32,
    stroke: u32,
    /// Pixels from dot to dot of the line; 0 for a full line, none for no line.
    line: Option<i32>,
    /// Whether the line follows the moving caliper.
    rubber_band: bool,
    box_at: (i32, i32),
    font: &'static MonoFont<'static>,
}

/// How far a measurement has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calipers {
    pub first: Option<Spot>,
    pub second: Option<Spot>,
    pub done: bool,
    pub note: String,
}

impl Hand {
    pub fn draw(dice: &mut Dice) -> Self {
        let colours = [(255, 255, 0), (225, 225, 225), (255, 255, 255), (0, 255, 90), (90, 220, 255), (255, 170, 0)];
        let (r, g, b) = dice.pick(&colours);
        Self {
            colour: Rgb888::new(r, g, b),
            diagonal: dice.happens(0.3),
            arm: dice.whole(5, 10),
            stroke: dice.whole(1, 3) as u32,
            line: dice.pick(&[None, Some(0), Some(4), Some(5)]),
            rubber_band: dice.happens(0.5),
            box_at: dice.pick(&[(4, 440), (6, 300), (500, 400)]),
            font: dice.pick(&[&ascii::FONT_6X12, &ascii::FONT_8X13, &ascii::FONT_9X15_BOLD, &ascii::FONT_10X20]),
        }
    }

    /// Draws `calipers` on a screen of which a centimetre is `scale` pixels.
    pub fn draw_calipers(&self, picture: &mut Picture, calipers: &Calipers, scale: f32) {
        if let (Some(a), Some(b)) = (calipers.first, calipers.second) {
            if calipers.done || self.rubber_band {
                self.draw_line(picture, a, b);
            }
            let Ok(()) = Rectangle::new(Point::new(self.box_at.0, self.box_at.1), Size::new(130, 24))
                .into_styled(PrimitiveStyle::with_fill(Rgb888::new(0, 3, 26)))
                .draw(picture);
            let text = format!("1 L {:.2} cm", a.distance(b) / scale);
            self.write(picture, &text, (self.box_at.0 + 4, self.box_at.1 + 17));
        }
        for spot in [calipers.first, calipers.second].into_iter().flatten() {
            self.draw_marker(picture, spot);
        }
        if let (Some(spot), true) = (calipers.first, calipers.done) {
            self.write(picture, "1", (spot.x as i32 - self.arm - 12, spot.y as i32 - self.arm));
        }
        self.write(picture, &calipers.note, (200, 120));
    }

    fn draw_marker(&self, picture: &mut Picture, spot: Spot) {
        let (x, y, arm) = (spot.x as i32, spot.y as i32, self.arm);
        let strokes = if self.diagonal {
            [[(x - arm, y - arm), (x + arm, y + arm)], [(x - arm, y + arm), (x + arm, y - arm)]]
        } else {
            [[(x - arm, y), (x + arm, y)], [(x, y - arm), (x, y + arm)]]
        };
        for [a, b] in strokes {
            let style = PrimitiveStyle::with_stroke(self.colour, self.stroke);
            let Ok(()) = Line::new(Point::new(a.0, a.1), Point::new(b.0, b.1)).into_styled(style).draw(picture);
        }
    }

    fn draw_line(&self, picture: &mut Picture, a: Spot, b: Spot) {
        let Some(every) = self.line else { return };
        let at = |spot: Spot| Point::new(spot.x as i32, spot.y as i32);
        if every == 0 {
            let style = PrimitiveStyle::with_stroke(self.colour, 1);
            let Ok(()) = Line::new(at(a), at(b)).into_styled(style).draw(picture);
            return;
        }
        let count = (a.distance(b) / every as f32) as i32;
        for i in 1..count {
            let t = i as f32 / count as f32;
            let dot = Spot { x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t };
            let Ok(()) = picture.fill_solid(&Rectangle::new(at(dot), Size::new(2, 2)), self.colour);
        }
    }

    fn write(&self, picture: &mut Picture, text: &str, at: (i32, i32)) {
        write(picture, text, at, self.font, self.colour);
    }
}

fn write(picture: &mut Picture, text: &str, at: (i32, i32), font: &MonoFont<'static>, colour: Rgb888) {
    let style = MonoTextStyle::new(font, colour);
    let Ok(_) = Text::new(text, Point::new(at.0, at.1), style).draw(picture);
}

/// What goes on by itself, frozen or not. Each part is there or not.
pub struct Goings {
    clock: Option<(i32, i32, u32)>,
    heart_rate: Option<Vec<(usize, i32)>>,
    cursor: Option<(i32, i32, usize)>,
    /// Pixels a frame.
    heart_line: Option<f32>,
}

impl Goings {
    pub fn draw(frames_max: usize, dice: &mut Dice) -> Self {
        let clock = dice.happens(0.6).then(|| (dice.pick(&[4, 540]), dice.whole(12, 16), dice.whole(0, 86_000) as u32));
        let heart_rate = dice.happens(0.4).then(|| {
            let mut at = 0;
            let mut changes = vec![(0, 72)];
            while at < frames_max {
                at += dice.count(20, 45);
                changes.push((at, dice.whole(58, 104)));
            }
            changes
        });
        // Off the echo or on it.
        let cursor =
            dice.happens(0.5).then(|| (dice.pick(&[8, 150, 320, 590]), dice.whole(90, 380), dice.count(10, 18)));
        let heart_line = dice.happens(0.1).then(|| dice.within(6.0, 9.0));
        Self { clock, heart_rate, cursor, heart_line }
    }

    /// Live frames after which all of them can be known: three changes, or sweeps.
    pub fn frames_to_know(&self) -> usize {
        let heart_line = self.heart_line.map_or(0, |speed| (3.1 * WIDTH as f32 / speed) as usize);
        let clock = if self.clock.is_some() { 125 } else { 0 };
        let heart_rate = self.heart_rate.as_ref().map_or(0, |changes| changes[4.min(changes.len() - 1)].0);
        heart_line.max(clock).max(heart_rate).max(50)
    }

    /// In words.
    pub fn describe(&self) -> String {
        let mut words = Vec::new();
        words.extend(self.clock.map(|(x, y, _)| format!("clock at ({x}, {y})")));
        words.extend(self.heart_rate.as_ref().map(|_| String::from("heart rate")));
        words.extend(self.cursor.map(|(x, y, half_period)| format!("cursor at ({x}, {y}) for {half_period} frames")));
        words.extend(self.heart_line.map(|speed| format!("heart line of {speed:.1} px a frame")));
        words.join(", ")
    }

    /// Draws what they show at frame `at`, 30 of which are a second.
    pub fn draw_on(&self, picture: &mut Picture, at: usize) {
        let green = Rgb888::new(60, 255, 120);
        if let Some((x, y, start)) = self.clock {
            let second = start + (at / 30) as u32;
            let text = format!("{:02}:{:02}:{:02}", second / 3600 % 24, second / 60 % 60, second % 60);
            write(picture, &text, (x, y), &ascii::FONT_10X20, Rgb888::new(200, 200, 200));
        }
        if let Some(changes) = &self.heart_rate {
            let rate = changes.iter().rev().find(|(from, _)| *from <= at).map_or(72, |(_, rate)| *rate);
            write(picture, &format!("HR {rate}"), (8, 240), &ascii::FONT_10X20, green);
        }
        if let Some((x, y, half_period)) = self.cursor
            && (at / half_period).is_multiple_of(2)
        {
            let Ok(()) = picture.fill_solid(&Rectangle::new(Point::new(x, y), Size::new(2, 14)), Rgb888::WHITE);
        }
        if let Some(speed) = self.heart_line {
            draw_heart_line(picture, at as f32 * speed, green);
        }
    }
}

/// A trace that is written from left to right over the one of the sweep before, with a gap before its pen.
fn draw_heart_line(picture: &mut Picture, written: f32, colour: Rgb888) {
    let (pen, sweep) = (written as i32 % WIDTH as i32, written as i32 / WIDTH as i32);
    let level = |x: i32, sweep: i32| {
        let beat = (x + sweep * 37).rem_euclid(95);
        let rise = match beat {
            20..26 => -3,
            34..36 => 3,
            36..39 => -12,
            39..41 => 5,
            55..65 => -4,
            _ => 0,
        };
        HEIGHT as i32 - 8 + rise
    };
    for x in 0..WIDTH as i32 - 1 {
        if (pen..pen + 14).contains(&x) {
            continue;
        }
        let sweep = if x < pen { sweep } else { sweep - 1 };
        let (a, b) = (Point::new(x, level(x, sweep)), Point::new(x + 1, level(x + 1, sweep)));
        let Ok(()) = Line::new(a, b).into_styled(PrimitiveStyle::with_stroke(colour, 1)).draw(picture);
    }
}
