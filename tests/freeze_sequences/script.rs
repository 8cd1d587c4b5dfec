//! What happens in one sequence, frame by frame, and what is true of each frame.

use crate::{
    chance::Dice,
    damage::{Coding, Damage},
    overlay::{Calipers, Goings, Hand},
    scene::Exposure,
};
use sonogfr::frame::{Picture, Spot};

/// What is true of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// The echo moves or flickers: nothing may be read.
    Live,
    /// The picture stands and somebody is at work on the overlay: nothing may be read.
    AtWork,
    /// The picture stands and the overlay rests, for the so-manieth time.
    Resting(usize),
}

/// The picture below the overlay.
#[derive(Clone, Copy)]
enum Below {
    Live(usize),
    Frozen,
    /// A still probe in air, or on the patient; how strong the noise is.
    Air(f32),
    Held(f32),
}

struct Shot {
    below: Below,
    calipers: Calipers,
    truth: Truth,
}

/// A sequence: its frames are drawn one by one.
pub struct Script {
    exposure: Exposure,
    hand: Hand,
    goings: Goings,
    damage: Damage,
    shots: Vec<Shot>,
    rests: usize,
    calipers: Calipers,
    dice: Dice,
}

/// Every so many sequences go through a whole JPEG encoder.
const WHOLE_EVERY: u64 = 8;
/// The longest pause of somebody who is at work on the overlay, in frames. Who pauses for longer has it read.
const PAUSE_MAX: usize = 6;

impl Script {
    pub fn new(seed: u64, index: u64) -> Self {
        let mut dice = Dice::of(seed, index);
        let coding = if index.is_multiple_of(WHOLE_EVERY) { Coding::Whole } else { Coding::LossAlone };
        let exposure = Exposure::draw(seed, index, &mut dice);
        let (hand, goings, damage) =
            (Hand::draw(&mut dice), Goings::draw(1000, &mut dice), Damage::draw(coding, &mut dice));
        let calipers = Calipers::default();
        let mut script = Self { exposure, hand, goings, damage, shots: Vec::new(), rests: 0, calipers, dice };
        script.write();
        script
    }

    /// In words, to find what went wrong.
    pub fn describe(&self) -> String {
        format!("{}; {}", self.damage.describe(), self.goings.describe())
    }

    fn write(&mut self) {
        let known_after = self.goings.frames_to_know();
        let sweep = known_after + self.dice.count(0, 20);
        self.live(sweep);
        if self.dice.happens(0.4) {
            let (count, noise) = (self.dice.count(16, 30), self.dice.within(12.0, 24.0));
            self.show(Below::Air(noise), count, Truth::Live);
        }
        if self.dice.happens(0.4) {
            let (count, change) = (self.dice.count(16, 30), self.dice.within(12.0, 24.0));
            self.show(Below::Held(change), count, Truth::Live);
        }
        let count = self.dice.count(3, 8);
        self.live(count);
        self.rest(16, 22);
        if self.dice.happens(0.3) {
            self.step_cine();
        }
        let ends = self.ends();
        self.set_first(ends[0]);
        self.set_second(ends);
        self.rest(16, 22);
        self.edit(ends);
        self.rest(16, 22);
        self.calipers = Calipers::default();
        let count = self.dice.count(8, 16);
        self.live(count);
    }

    fn show(&mut self, below: Below, count: usize, truth: Truth) {
        for _ in 0..count {
            self.shots.push(Shot { below, calipers: self.calipers.clone(), truth });
        }
    }

    /// The sweep; a slow cart gives a new picture only with every second frame.
    fn live(&mut self, count: usize) {
        let slow = self.dice.happens(0.3);
        let mut picture = 0;
        for i in 0..count {
            if !(slow && i % 2 == 1) {
                picture = (picture + self.dice.count(1, self.exposure.live.len() - 1)) % self.exposure.live.len();
            }
            self.show(Below::Live(picture), 1, Truth::Live);
        }
    }

    fn rest(&mut self, low: usize, high: usize) {
        let count = self.dice.count(low, high);
        let truth = Truth::Resting(self.rests);
        self.show(Below::Frozen, count, truth);
        self.rests += 1;
    }

    /// The operator turns back through the cine loop, picture by picture.
    fn step_cine(&mut self) {
        for picture in 0..self.dice.count(2, 5) {
            let count = self.dice.count(2, PAUSE_MAX);
            self.show(Below::Live(picture), count, Truth::AtWork);
        }
        self.rest(16, 20);
    }

    fn ends(&mut self) -> [Spot; 2] {
        let (face, scale) = (self.exposure.sector.face, self.exposure.sector.scale.0);
        let mut end = |x: f32| Spot {
            x: (face.x + x * scale + self.dice.within(-20.0, 20.0)).round(),
            y: (face.y + self.dice.within(0.3, 0.65) * self.exposure.sector.depth * scale).round(),
        };
        [end(-4.0), end(4.0)]
    }

    fn set_first(&mut self, at: Spot) {
        let from = Spot { x: at.x + self.dice.within(-60.0, 60.0), y: at.y + self.dice.within(-60.0, 60.0) };
        self.travel(from, at, |calipers, spot| calipers.first = Some(spot));
        // The operator looks for a moment, or for longer: then the half-drawn overlay has come to rest.
        if self.dice.happens(0.5) {
            self.rest(16, 20);
        } else {
            let count = self.dice.count(1, PAUSE_MAX - 2);
            self.show(Below::Frozen, count, Truth::AtWork);
        }
    }

    fn set_second(&mut self, [first, second]: [Spot; 2]) {
        let from = Spot { x: first.x + 25.0, y: first.y + 4.0 };
        self.travel(from, second, |calipers, spot| calipers.second = Some(spot));
        let count = self.dice.count(1, PAUSE_MAX - 2);
        self.show(Below::Frozen, count, Truth::AtWork);
        self.calipers.done = true;
    }

    /// Moves a caliper as a trackball does: large steps, then small ones, with pauses shorter than a rest.
    fn travel(&mut self, from: Spot, to: Spot, set: impl Fn(&mut Calipers, Spot)) {
        let mut at = from;
        while at.distance(to) > 1.0 {
            let left = at.distance(to);
            let step =
                if left > 12.0 { (left * self.dice.within(0.1, 0.4)).max(3.0) } else { self.dice.within(1.2, 3.0) };
            let t = (step / left).min(1.0);
            at = Spot { x: at.x + (to.x - at.x) * t, y: at.y + (to.y - at.y) * t };
            let before = self.calipers.clone();
            set(&mut self.calipers, Spot { x: at.x.round(), y: at.y.round() });
            if self.calipers == before {
                continue;
            }
            let pauses = at.distance(to) > 1.0 && self.dice.happens(0.15);
            let hold = if pauses { self.dice.count(3, PAUSE_MAX) } else { self.dice.count(1, 2) };
            self.show(Below::Frozen, hold, Truth::AtWork);
        }
        set(&mut self.calipers, to);
    }

    /// The second caliper is nudged, or a note is typed.
    fn edit(&mut self, [_, second]: [Spot; 2]) {
        if self.dice.happens(0.5) {
            let from = self.calipers.second.unwrap_or(second);
            let to = Spot { x: second.x + self.dice.pick(&[-14.0, -9.0, 8.0, 15.0]), y: second.y + 7.0 };
            self.travel(from, to, |calipers, spot| calipers.second = Some(spot));
        } else {
            for letter in "RK LENGTH".chars() {
                self.calipers.note.push(letter);
                // A blank is no change that anybody sees.
                let hold = if letter == ' ' { 1 } else { self.dice.count(2, 6) };
                self.show(Below::Frozen, hold, Truth::AtWork);
            }
            self.calipers.note.push('.');
        }
    }

    /// The frames that a grabber gives of it: some are lost, some come twice.
    pub fn play(mut self, mut take: impl FnMut(&Picture, Truth)) {
        let shots = std::mem::take(&mut self.shots);
        let mut last: Option<Picture> = None;
        for (at, shot) in shots.iter().enumerate() {
            if self.dice.happens(0.02) && at > 0 {
                continue;
            }
            let goes_on = at > 0 && shot.truth == Truth::Live && shots[at - 1].truth == Truth::Live;
            let twice = last.take().filter(|_| goes_on && self.dice.happens(0.03));
            let picture = twice.unwrap_or_else(|| self.frame(shot, at));
            take(&picture, shot.truth);
            last = Some(picture);
        }
    }

    fn frame(&mut self, shot: &Shot, at: usize) -> Picture {
        let mut picture = match shot.below {
            Below::Live(i) => self.exposure.live[i].clone(),
            Below::Frozen => self.exposure.frozen.clone(),
            Below::Air(noise) => self.exposure.in_air(noise, &mut self.dice),
            Below::Held(change) => self.exposure.held_still(change, &mut self.dice),
        };
        if shot.truth == Truth::Live && self.dice.happens(0.1) {
            self.tear(&mut picture);
        }
        self.hand.draw_calipers(&mut picture, &shot.calipers, self.exposure.sector.scale.0);
        self.goings.draw_on(&mut picture, at);
        self.damage.happen(picture, &mut self.dice)
    }

    /// The lower part is that of another moment.
    fn tear(&mut self, picture: &mut Picture) {
        let other = self.dice.count(0, self.exposure.live.len() - 1);
        let from = self.dice.count(picture.height() / 4, picture.height() - 1) * picture.width() * 3;
        picture.as_rgb_mut()[from..].copy_from_slice(&self.exposure.live[other].as_rgb()[from..]);
    }
}
