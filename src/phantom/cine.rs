//! An exam as the cart's video output shows it: live sweep, freeze, first caliper, moving second caliper, line and length.

use super::{
    Truth,
    anatomy::Scene,
    cart::{Calipers, Screen},
    echo,
    patient::Patient,
    stream, truth_of,
};
use crate::frame::{Picture, Spot};
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

/// What the sonographer does during one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The probe moves.
    Live,
    /// The picture stands; no caliper yet.
    Frozen,
    /// One caliper is set.
    FirstCaliper,
    /// The second caliper is on its way.
    SecondCaliper,
    /// The length is measured and printed.
    Measured,
}

/// Frames of each moment, in their order.
const MOMENTS: [(Moment, usize); 5] = [
    (Moment::Live, 12),
    (Moment::Frozen, 8),
    (Moment::FirstCaliper, 8),
    (Moment::SecondCaliper, 6),
    (Moment::Measured, 12),
];

/// One exam, from the first live frame to the measured length: an iterator over its frames.
pub struct Exam {
    /// How many frames have been drawn.
    drawn: usize,
    screen: Screen,
    scene: Scene,
    frozen: Picture,
    random: Xoshiro256PlusPlus,
    truth: Truth,
}

impl Exam {
    /// The exam of view 1 of `patient`; it ends in the very picture that [`super::draw`] gives.
    pub fn new(seed: u64, patient: &Patient) -> Self {
        let mut random = stream(seed, patient.index, 2);
        let (screen, scene, ends) = super::set_up(patient, &mut random);
        let mut frozen = screen.blank();
        echo::render(&scene, &screen.sector, 0.0, random.random(), &mut frozen);
        screen.draw_chrome(&mut frozen);
        let truth = truth_of(1, &screen, &scene, ends);
        Self { drawn: 0, screen, scene, frozen, random, truth }
    }

    /// What is known of the exam's last frame.
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    fn frame(&mut self, moment: Moment, i: usize, count: usize) -> Picture {
        let [first, second] = self.truth.ends;
        let calipers = match moment {
            Moment::Live => return self.live(1.0 - (i + 1) as f32 / count as f32),
            Moment::Frozen => Calipers::None,
            Moment::FirstCaliper => Calipers::First(first),
            Moment::SecondCaliper => {
                let t = (i + 1) as f32 / (count + 1) as f32;
                let on_way = |a: f32, b: f32| libm::roundf(a + (b - a) * (0.3 + 0.7 * t));
                let moving = Spot { x: on_way(first.x, second.x), y: on_way(first.y, second.y) };
                Calipers::Second { ends: [first, moving] }
            }
            Moment::Measured => Calipers::Complete { ends: [first, second], printed: self.truth.length_cm },
        };
        let mut picture = self.frozen.clone();
        self.screen.draw_calipers(&calipers, &mut picture);
        picture
    }

    /// A frame of the sweep, the probe `away` (1 to 0) from where the exam ends.
    fn live(&mut self, away: f32) -> Picture {
        let mut picture = self.screen.blank();
        let slide_cm = 2.5 * away;
        echo::render(&self.scene, &self.screen.sector, slide_cm, self.random.random(), &mut picture);
        self.screen.draw_chrome(&mut picture);
        picture
    }
}

impl Iterator for Exam {
    type Item = (Moment, Picture);

    fn next(&mut self) -> Option<Self::Item> {
        let mut first = 0;
        let (moment, i, count) = MOMENTS.into_iter().find_map(|(moment, count)| {
            let i = self.drawn - first;
            first += count;
            (self.drawn < first).then_some((moment, i, count))
        })?;
        self.drawn += 1;
        Some((moment, self.frame(moment, i, count)))
    }
}
