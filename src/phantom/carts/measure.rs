//! What is measured on a screen: where the pairs are, how they are drawn, and what is cut off.

use super::{
    Cart, CartPair, MARGIN,
    calipers::{Hand, are_apart},
    chrome::{printed, touches},
    dice::Dice,
    negative::Negative,
    rgb,
    style::{Label, Shape},
};
use crate::{
    frame::{Frame, Picture, RGB_BYTES, Spot},
    phantom::{
        anatomy::{Place, Scene},
        echo::Sector,
    },
    units::Centimetres,
};
use alloc::{string::String, vec::Vec};

/// How often another measurement is tried until it is clear of those before it.
const TRIES: u32 = 40;
/// No other measurement is longer than this part of the kidney's.
const OTHERS_MAX: f32 = 0.8;
/// Two measurements closer than this in length leave open which of them is the kidney's.
const EQUAL: f32 = 0.015;

/// What the sonographer measured, the kidney's length first.
pub(super) type Plan = Vec<[Spot; 2]>;

impl Cart {
    /// Sets the calipers.
    pub(super) fn plan(&self, scene: &Scene, reason: Option<Negative>, dice: &mut Dice) -> Plan {
        let mut plan = Vec::new();
        match reason {
            None => {
                plan.push(self.length(scene, dice));
                self.add_others(scene, &mut plan, dice);
            }
            Some(Negative::OneMarker | Negative::CutByPicture) => plan.push(self.length(scene, dice)),
            Some(Negative::CutByEcho) => {
                let kidney = self.length(scene, dice);
                let partner = self.on_border(dice);
                let far = |end: &Spot| end.distance(partner);
                let near = if far(&kidney[0]) > far(&kidney[1]) { kidney[0] } else { kidney[1] };
                plan.push(self.in_order([near, partner]));
            }
            Some(Negative::EqualPairs) => self.add_equals(scene, &mut plan, dice),
            Some(_) => {}
        }
        plan
    }

    fn in_order(&self, [a, b]: [Spot; 2]) -> [Spot; 2] {
        if a.x <= b.x { [a, b] } else { [b, a] }
    }

    /// The kidney's length, a little off its poles.
    fn length(&self, scene: &Scene, dice: &mut Dice) -> [Spot; 2] {
        let kidney = &scene.kidney;
        let mut end = |pole: f32| {
            let along = pole * kidney.reach(pole) * dice.within(0.985, 1.015);
            self.hand.settle(self.sector.to_screen(kidney.place(along, dice.within(-0.08, 0.08))))
        };
        self.in_order([end(-1.0), end(1.0)])
    }

    /// The rectangle around the echo: left, top, right, bottom.
    fn border(&self) -> [f32; 4] {
        let Sector { face, scale, radius, half_angle, depth, .. } = self.sector;
        let half_width = (radius + depth) * libm::sinf(half_angle) * scale.0;
        let rise = radius * (1.0 - libm::cosf(half_angle)) * scale.0;
        [face.x - half_width, face.y - rise, face.x + half_width, face.y + depth * scale.0]
    }

    /// A marker's place where the echo's border cuts it: at a lower corner of the sector, or at its bottom.
    fn on_border(&self, dice: &mut Dice) -> Spot {
        let Sector { face, scale, radius, half_angle, depth, .. } = self.sector;
        let [left, top, right, bottom] = self.border();
        let corner_y = face.y + ((radius + depth) * libm::cosf(half_angle) - radius) * scale.0;
        let beyond = dice.within(-0.4, 0.8) * self.hand.arm;
        let up = dice.within(0.0, 0.1) * (bottom - top);
        self.hand.settle(match dice.whole(0, 2) {
            0 => Spot { x: left - beyond, y: corner_y - up },
            1 => Spot { x: right + beyond, y: corner_y - up },
            _ => Spot { x: face.x + dice.within(-0.1, 0.1) * (right - left), y: bottom + beyond },
        })
    }

    /// Up to three more: the width, and distances elsewhere in the picture.
    fn add_others(&self, scene: &Scene, plan: &mut Plan, dice: &mut Dice) {
        let count = dice.pick(&[0, 0, 0, 1, 1, 2, 3]);
        let longest = OTHERS_MAX * plan[0][0].distance(plan[0][1]);
        for nth in 0..count {
            for _ in 0..TRIES {
                let places = if nth == 0 && dice.happens(0.7) {
                    let (along, half) = (dice.within(-0.25, 0.25), dice.within(0.3, 0.42) * scene.kidney.length());
                    [-1.0, 1.0].map(|side| scene.kidney.place(along, side * half))
                } else {
                    self.anywhere(dice)
                };
                let ends = self.in_order(places.map(|place| self.hand.settle(self.sector.to_screen(place))));
                let length = ends[0].distance(ends[1]);
                let inside = places.iter().all(|&place| self.sector.holds(place, 2.0 * MARGIN));
                let fits = length > 1.5 * self.hand.elbow_room() && length < longest;
                if inside && fits && plan.iter().all(|&other| are_apart(ends, other, &self.hand)) {
                    plan.push(ends);
                    break;
                }
            }
        }
    }

    /// A short distance somewhere in the sector.
    fn anywhere(&self, dice: &mut Dice) -> [Place; 2] {
        let (x, z) = (dice.within(-7.0, 7.0), dice.within(1.0, self.sector.depth - 1.0));
        let (turn, length) = (dice.within(0.0, core::f32::consts::PI), dice.within(1.5, 5.0));
        [-0.5, 0.5]
            .map(|side: f32| Place { x: x + side * length * libm::cosf(turn), z: z + side * length * libm::sinf(turn) })
    }

    /// Two measurements of equal length; shorter ones than the kidney where two as long find no room.
    fn add_equals(&self, scene: &Scene, plan: &mut Plan, dice: &mut Dice) {
        for attempt in 0..20 * TRIES {
            let shrunk = 1.0 - 0.7 * attempt as f32 / (20 * TRIES) as f32;
            let [a, b] = self.length(scene, dice);
            let (middle, half) = (((a.x + b.x) / 2.0, (a.y + b.y) / 2.0), shrunk * a.distance(b) / 2.0);
            let tilt = libm::atan2f(b.y - a.y, b.x - a.x);
            let away = dice.within(-5.0, 5.0) * self.sector.scale.0;
            let pair = |turn: f32, dx: f32, dy: f32, half: f32| {
                let (dx, dy) = (middle.0 + dx, middle.1 + dy);
                let (cos, sin) = (half * libm::cosf(turn), half * libm::sinf(turn));
                let end = |side: f32| self.hand.settle(Spot { x: dx + side * cos, y: dy + side * sin });
                self.in_order([end(-1.0), end(1.0)])
            };
            let one = pair(tilt, 0.0, 0.0, half);
            let other = pair(tilt + dice.within(-1.2, 1.2), dice.within(-1.0, 1.0) * away, away, half);
            let ratio = one[0].distance(one[1]) / other[0].distance(other[1]);
            let all = [one, other];
            let inside = all.iter().flatten().all(|&end| self.sector.holds(self.sector.to_place(end), 2.0 * MARGIN));
            if inside && (ratio - 1.0).abs() < EQUAL && are_apart(one, other, &self.hand) {
                plan.extend(all);
                return;
            }
        }
    }

    /// Draws the plan, or what stands in its place; the pairs that are wholly drawn.
    pub(super) fn draw_plan(
        &self,
        picture: &mut Picture,
        plan: &Plan,
        reason: Option<Negative>,
        has_print: bool,
        dice: &mut Dice,
    ) -> Vec<CartPair> {
        self.draw_distractors(picture, plan, reason, dice);
        let first = plan.first().copied();
        match (reason, first) {
            (Some(Negative::OneMarker), Some([a, b])) => {
                let [at, other] = if dice.happens(0.5) { [a, b] } else { [b, a] };
                self.hand.draw_marker(picture, 1, at, other);
            }
            (Some(Negative::CutByEcho), Some(ends)) => {
                let before = picture.clone();
                self.hand.draw_pairs(picture, &[(1, ends)]);
                restore_outside(picture, &before, self.border());
            }
            (Some(Negative::CutByPicture), Some(ends)) => self.hand.draw_pairs(picture, &[(1, ends)]),
            (None | Some(Negative::EqualPairs), Some(_)) => {
                return self.draw_pairs(picture, plan, reason, has_print, dice);
            }
            _ => {}
        }
        Vec::new()
    }

    fn draw_pairs(
        &self,
        picture: &mut Picture,
        plan: &Plan,
        reason: Option<Negative>,
        has_print: bool,
        dice: &mut Dice,
    ) -> Vec<CartPair> {
        // Operators measure in any order.
        let shift = dice.whole(0, plan.len() as i32 - 1) as usize;
        let numbered: Vec<(usize, [Spot; 2])> =
            plan.iter().enumerate().map(|(i, &ends)| ((i + shift) % plan.len() + 1, ends)).collect();
        let says = |number: usize, ends: [Spot; 2]| {
            let mark = if self.hand.shape(number) == Shape::X { 'x' } else { '+' };
            let length = Centimetres(ends[0].distance(ends[1]) / self.sector.scale.0);
            printed(self.form, number, plan.len(), length, mark)
        };
        let mut lines: Vec<(usize, String)> = numbered.iter().map(|&(n, ends)| (n, says(n, ends).0)).collect();
        lines.sort();
        let lines: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
        let spots: Vec<Spot> = plan.iter().flatten().copied().collect();
        let is_printed = has_print && self.draw_box(picture, &lines, &spots, dice).is_some();
        self.hand.draw_pairs(picture, &numbered);
        let record = |(i, &(number, ends)): (usize, &(usize, [Spot; 2]))| {
            let said = is_printed.then(|| says(number, ends));
            let (line, length) = said.unzip();
            CartPair {
                label: (self.hand.label != Label::Absent).then_some(number as u8),
                ends,
                shape: self.hand.shape(number),
                colour: rgb(self.hand.colour(number)),
                chosen: i == 0 && reason.is_none(),
                printed: line,
                printed_cm: length,
            }
        };
        numbered.iter().enumerate().map(record).collect()
    }

    /// What stands on the screen besides measurements: what the negative asks for, and a little of it at random.
    fn draw_distractors(&self, picture: &mut Picture, plan: &Plan, reason: Option<Negative>, dice: &mut Dice) {
        let colour = self.hand.colours[0];
        let size = 80.0 * self.unit;
        let corners =
            [(self.echo[0] + 10.0, self.echo[3] - size - 8.0), (self.echo[2] - size - 10.0, self.echo[3] - size - 8.0)];
        let wanted = if reason == Some(Negative::BodyMarks) { 2 } else { i32::from(dice.happens(0.45)) };
        for _ in 0..wanted {
            let at = dice.pick(&corners);
            let area = [at.0, at.1, size, size];
            if !plan.iter().flatten().any(|&spot| touches(area, spot, self.hand.elbow_room())) {
                let colour = if dice.happens(0.6) { colour } else { self.style.text };
                self.draw_body_mark(picture, at, size, colour);
            }
        }
        if dice.happens(0.12) && plan.iter().flatten().all(|spot| spot.y < self.echo[3] - 60.0 * self.unit) {
            self.draw_heart_line(picture, colour);
        }
        match reason {
            Some(Negative::PlusInText) => self.draw_plus_text(picture, dice),
            Some(Negative::RoiBox) => self.draw_region(picture, dice),
            Some(Negative::BiopsyGuide) => self.draw_guide(picture, dice),
            Some(Negative::Doppler) => self.draw_doppler(picture, dice),
            _ => {}
        }
    }
}

/// Undoes what was drawn outside the area (left, top, right, bottom).
fn restore_outside(picture: &mut Picture, before: &Picture, [left, top, right, bottom]: [f32; 4]) {
    let width = picture.width();
    let pixels = picture.as_rgb_mut().chunks_exact_mut(RGB_BYTES).zip(before.as_rgb().chunks_exact(RGB_BYTES));
    for (i, (pixel, before)) in pixels.enumerate() {
        let (x, y) = ((i % width) as f32, (i / width) as f32);
        if x < left || x > right || y < top || y > bottom {
            pixel.copy_from_slice(before);
        }
    }
}

/// Cuts the picture so that one marker of the first measurement is cut off or outside.
pub(super) fn cut(picture: &Picture, plan: &Plan, hand: &Hand, dice: &mut Dice) -> Picture {
    let Some([a, b]) = plan.first() else { return picture.clone() };
    // At most so much of the arm beyond the centre stays that the marker is plainly not whole.
    let beyond = dice.within(-2.5, 0.45) * hand.arm;
    let (first, end) = if dice.happens(0.5) {
        (libm::ceilf(a.x - beyond).max(0.0) as usize, picture.width())
    } else {
        (0, (libm::floorf(b.x + beyond) as usize + 1).min(picture.width()))
    };
    part(picture.frame(), first, end)
}

fn part(frame: Frame<'_>, first: usize, end: usize) -> Picture {
    let rgb: Vec<u8> =
        (0..frame.height()).flat_map(|y| frame.row(y)[first * RGB_BYTES..end * RGB_BYTES].iter().copied()).collect();
    Picture::from_rgb(rgb, end - first, frame.height()).expect("a cut between the markers leaves columns")
}
