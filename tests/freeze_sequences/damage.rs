//! What cable and grabber do to every frame: levels, noise, JPEG with full or halved colour.

use crate::{
    chance::Dice,
    jpeg::{Colour, Loss},
};
use sonogfr::{edge::pictures, frame::Picture};

/// Whether an encoder and a decoder do the whole of JPEG, with full colour, or only its loss happens, which is faster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    Whole,
    LossAlone,
}

/// The damage of one sequence.
pub struct Damage {
    levels: Vec<u8>,
    noise: Vec<i16>,
    /// Standard deviation of the noise, in grey levels.
    sigma: f32,
    colour: Colour,
    quality: u8,
    loss: Loss,
    coding: Coding,
}

impl Damage {
    pub fn draw(coding: Coding, dice: &mut Dice) -> Self {
        let gamma = if dice.happens(0.4) { dice.within(0.75, 1.33) } else { 1.0 };
        let (black, white) = if dice.happens(0.3) { (16.0, 235.0) } else { (0.0, 255.0) };
        let level = |v: i32| (black + (white - black) * (v as f32 / 255.0).powf(gamma)).round() as u8;
        let sigma = dice.within(1.0, 3.0);
        let colour = if dice.happens(0.6) { Colour::Halved } else { Colour::Full };
        let quality = dice.whole(60, 95) as u8;
        Self {
            levels: (0..256).map(level).collect(),
            noise: dice.noise(sigma),
            sigma,
            colour,
            quality,
            loss: Loss::new(quality, colour),
            coding,
        }
    }

    /// In words.
    pub fn describe(&self) -> String {
        format!("noise {:.1}, {:?} colour, JPEG {}", self.sigma, self.colour, self.quality)
    }

    pub fn happen(&self, mut picture: Picture, dice: &mut Dice) -> Picture {
        for value in picture.as_rgb_mut() {
            *value = self.levels[usize::from(*value)];
        }
        dice.add_noise(picture.as_rgb_mut(), &self.noise);
        match self.coding {
            Coding::Whole => pictures::through_jpeg(&picture, self.quality),
            Coding::LossAlone => {
                self.loss.happen(&mut picture);
                picture
            }
        }
    }
}
