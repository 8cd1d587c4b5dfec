//! What cable and grabber do to every frame: levels, noise, chroma subsampling, JPEG.

use crate::chance::Dice;
use sonogfr::{edge::pictures, frame::Picture};

/// The damage of one sequence.
pub struct Damage {
    levels: Vec<u8>,
    noise: Vec<i16>,
    /// Standard deviation of the noise, in grey levels.
    sigma: f32,
    halved_chroma: bool,
    quality: u8,
}

impl Damage {
    pub fn draw(dice: &mut Dice) -> Self {
        let gamma = if dice.happens(0.4) { dice.within(0.75, 1.33) } else { 1.0 };
        let (black, white) = if dice.happens(0.3) { (16.0, 235.0) } else { (0.0, 255.0) };
        let level = |v: i32| (black + (white - black) * (v as f32 / 255.0).powf(gamma)).round() as u8;
        let sigma = dice.within(1.0, 3.0);
        Self {
            levels: (0..256).map(level).collect(),
            noise: dice.noise(sigma),
            sigma,
            halved_chroma: dice.happens(0.6),
            quality: dice.whole(60, 95) as u8,
        }
    }

    /// In words.
    pub fn describe(&self) -> String {
        let chroma = if self.halved_chroma { "4:2:0" } else { "4:4:4" };
        format!("noise {:.1}, {chroma}, JPEG {}", self.sigma, self.quality)
    }

    pub fn happen(&self, mut picture: Picture, dice: &mut Dice) -> Picture {
        for value in picture.as_rgb_mut() {
            *value = self.levels[usize::from(*value)];
        }
        dice.add_noise(picture.as_rgb_mut(), &self.noise);
        if self.halved_chroma {
            halve_chroma(&mut picture);
        }
        pictures::through_jpeg(&picture, self.quality)
    }
}

/// Keeps one colour for each square of four pixels, and the brightness of each.
fn halve_chroma(picture: &mut Picture) {
    let (width, height) = (picture.width(), picture.height());
    let rgb = picture.as_rgb_mut();
    let luma = |[r, g, b]: [i32; 3]| (77 * r + 150 * g + 29 * b) >> 8;
    for (y, x) in (0..height - 1).step_by(2).flat_map(|y| (0..width - 1).step_by(2).map(move |x| (y, x))) {
        let places = [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)].map(|(x, y)| 3 * (y * width + x));
        let pixel = |at: usize| [0, 1, 2].map(|c| i32::from(rgb[at + c]));
        let pixels = places.map(pixel);
        let mean = [0, 1, 2].map(|c| pixels.iter().map(|pixel| pixel[c]).sum::<i32>() / 4);
        for (at, own) in places.into_iter().zip(pixels) {
            let lift = luma(own) - luma(mean);
            (0..3).for_each(|c| rgb[at + c] = (mean[c] + lift).clamp(0, 255) as u8);
        }
    }
}
