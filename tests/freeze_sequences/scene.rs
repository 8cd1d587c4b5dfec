//! What a cart shows below the overlay: live pictures, the frozen one, a probe in air.

use crate::chance::Dice;
use rand::RngExt;
use sonogfr::{
    crop,
    frame::{Picture, Spot},
    phantom::{
        self,
        anatomy::Scene,
        carts,
        cine::Exam,
        echo::{self, Sector},
    },
    units::PixelsPerCm,
};

pub const WIDTH: usize = 640;
pub const HEIGHT: usize = 480;
/// Live pictures drawn for a sequence; they are shown over and over in random order.
const LIVE_COUNT: usize = 7;

/// The pictures of one exam.
pub struct Exposure {
    pub live: Vec<Picture>,
    pub frozen: Picture,
    pub sector: Sector,
    /// The pixels of the echo, and how deep each lies, in centimetres.
    depths: Vec<(usize, f32)>,
}

impl Exposure {
    /// Half of the exams are cines, half are on other makers' carts.
    pub fn draw(seed: u64, index: u64, dice: &mut Dice) -> Self {
        if index.is_multiple_of(2) { Self::of_cine(seed, index) } else { Self::of_cart(seed, index, dice) }
    }

    fn of_cine(seed: u64, index: u64) -> Self {
        let patient = phantom::patient(seed, index);
        let mut exam = Exam::new(seed, &patient);
        let small = |(_, picture): (_, Picture)| crop::resize(picture.frame(), WIDTH, HEIGHT);
        // The cine's twelve live pictures, then its first frozen one.
        let mut pictures: Vec<Picture> = exam.by_ref().skip(12 - LIVE_COUNT).take(LIVE_COUNT + 1).map(small).collect();
        let frozen = pictures.pop().unwrap();
        // The screen of the phantoms' cart, at two thirds of its size.
        let face = Spot { x: 428.0 / 1.5, y: 133.0 / 1.5 };
        let sector =
            Sector { face, scale: PixelsPerCm(354.0 / 15.0), radius: 5.8, half_angle: 0.565, depth: 15.0, focus: 8.0 };
        Self { live: pictures, frozen, depths: depths(&sector), sector }
    }

    fn of_cart(seed: u64, index: u64, dice: &mut Dice) -> Self {
        // Every thirtieth screen, from the third, is one without calipers.
        let around = carts::draw(seed, 30 * index + 2).screen;
        let around = crop::resize(around.frame(), WIDTH, HEIGHT);
        let depth = dice.within(13.0, 18.0);
        let face = Spot { x: dice.within(290.0, 340.0), y: dice.within(66.0, 80.0) };
        let sector = Sector {
            face,
            scale: PixelsPerCm(dice.within(335.0, 352.0) / depth),
            radius: dice.within(4.0, 6.5),
            half_angle: dice.within(0.5, 0.62),
            depth,
            focus: 8.0,
        };
        let scene = Scene::draw(&phantom::patient(seed, index).factors, &sector, &mut dice.0);
        let mut shot = |slide_cm: f32| {
            let mut picture = around.clone();
            echo::render(&scene, &sector, slide_cm, dice.0.random(), &mut picture);
            picture
        };
        let live = (0..LIVE_COUNT).map(|i| shot(0.3 * i as f32 - 1.0)).collect();
        Self { live, frozen: shot(0.0), depths: depths(&sector), sector }
    }

    /// A still probe in air: reverberations near it stand, and the amplifier's noise grows with depth.
    ///
    /// `noise`: the largest change of a grain of noise, in grey levels.
    pub fn in_air(&self, noise: f32, dice: &mut Dice) -> Picture {
        let mut picture = self.frozen.clone();
        let grains = grains(dice);
        for &(i, depth) in &self.depths {
            let ring = 220.0 * (-depth / 1.5).exp() * (0.6 + 0.4 * (depth * 9.0).cos());
            let level = ring + 8.0 + grain(&grains, i) * noise * (0.5 + 0.5 * depth / self.sector.depth);
            picture.as_rgb_mut()[3 * i..3 * i + 3].fill(level.clamp(0.0, 255.0) as u8);
        }
        picture
    }

    /// A still probe on the patient: the frozen picture, of which each grain of speckle is a little brighter or darker.
    pub fn held_still(&self, change: f32, dice: &mut Dice) -> Picture {
        let mut picture = self.frozen.clone();
        let grains = grains(dice);
        for &(i, _) in &self.depths {
            for value in &mut picture.as_rgb_mut()[3 * i..3 * i + 3] {
                *value = (f32::from(*value) + grain(&grains, i) * change).clamp(0.0, 255.0) as u8;
            }
        }
        picture
    }
}

fn depths(sector: &Sector) -> Vec<(usize, f32)> {
    let depth = |i: usize| {
        let place = sector.to_place(Spot { x: (i % WIDTH) as f32, y: (i / WIDTH) as f32 });
        let (angle, depth) = sector.beam(place);
        (angle.abs() < sector.half_angle && (0.0..sector.depth).contains(&depth)).then_some((i, depth))
    };
    (0..WIDTH * HEIGHT).filter_map(depth).collect()
}

/// Grains of speckle, three pixels wide and two high, from -1 to 1.
fn grains(dice: &mut Dice) -> Vec<f32> {
    (0..(WIDTH / 3 + 1) * (HEIGHT / 2 + 1)).map(|_| dice.within(-1.0, 1.0)).collect()
}

fn grain(grains: &[f32], pixel: usize) -> f32 {
    let (x, y) = (pixel % WIDTH, pixel / WIDTH);
    grains[y / 2 * (WIDTH / 3 + 1) + x / 3]
}
