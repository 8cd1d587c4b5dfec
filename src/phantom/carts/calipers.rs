//! Caliper markers, the line between two, their label, and where a sonographer sets them.

use super::{
    dice::Dice,
    makers,
    pen::{self, Edge, Pattern, Print, Stroke},
    style::{Label, Shape, Style},
};
use crate::frame::{Picture, Spot};
use embedded_graphics::pixelcolor::Rgb888;

/// How often a style shows a feature of another maker: versions and settings differ.
const FOREIGN: f32 = 0.2;
/// Arms and strokes that carts draw, in pixels.
const ARM: (f32, f32) = (5.0, 20.0);
const STROKE: (f32, f32) = (1.0, 5.0);
/// Samples along each axis of a pixel, for the part of it that a marker covers.
const SAMPLES: i32 = 4;

/// How a cart draws calipers in one exam.
#[derive(Clone, Copy)]
pub(super) struct Hand {
    /// The shape of the first pair, and of every second one.
    pub shapes: [Shape; 2],
    /// The colour of the first pair, and of the others.
    pub colours: [Rgb888; 2],
    /// The arms' length beyond the strokes' crossing, in whole pixels.
    pub arm: f32,
    /// The strokes' width, in whole pixels.
    pub stroke: f32,
    pub edge: Edge,
    pub line: Option<(Pattern, f32)>,
    pub label: Label,
    pub print: Print,
}

impl Hand {
    /// Draws the look of a style's calipers on a screen whose pixels are `unit` times as many as on one 720 high.
    pub fn draw(style: &Style, unit: f32, dice: &mut Dice) -> Self {
        let shape = if dice.happens(FOREIGN) { dice.pick(&makers::SHAPES) } else { dice.pick(style.shapes) };
        let second = style.second_shape.filter(|_| matches!(shape, Shape::Plus)).unwrap_or(shape);
        let colour = if dice.happens(FOREIGN) { dice.pick(&makers::COLOURS) } else { dice.pick(style.colours) };
        let other = if dice.happens(0.25) { dice.pick(style.colours) } else { colour };
        let whole = |v: f32, (low, high): (f32, f32)| libm::roundf(v * unit).clamp(low, high);
        let (arms, strokes) =
            if dice.happens(FOREIGN) { ((5.0, 14.0), (1.0, 4.0)) } else { (style.arms, style.strokes) };
        let stroke = whole(dice.within(strokes.0, strokes.1), STROKE);
        let arm = whole(dice.within(arms.0, arms.1), ARM).max(stroke + 3.0);
        let line = if dice.happens(FOREIGN) { dice.pick(&makers::LINES) } else { dice.pick(style.lines) };
        let label = if dice.happens(FOREIGN) { dice.pick(&makers::LABELS) } else { dice.pick(style.labels) };
        let soft = style.face.is_smooth() && dice.happens(0.6);
        Self {
            shapes: [shape, second],
            colours: [colour, other],
            arm,
            stroke,
            edge: if soft { Edge::Soft } else { Edge::Hard },
            line: line.map(|(pattern, width)| (pattern.scaled(unit), libm::roundf(width * unit).max(1.0))),
            label,
            print: Print { face: style.face, cap: style.cap * unit, colour },
        }
    }

    /// From a marker's centre to its outermost pixel.
    pub fn reach(&self) -> f32 {
        let boxed = self.shapes.contains(&Shape::BoxedPlus);
        self.arm + self.stroke * if boxed { 2.5 } else { 0.5 } + if boxed { 1.0 } else { 0.0 }
    }

    /// How near two markers may come, with their labels.
    pub fn elbow_room(&self) -> f32 {
        2.0 * self.reach() + 2.2 * self.print.cap + 6.0
    }

    /// The shape of pair number `number`, from 1.
    pub fn shape(&self, number: usize) -> Shape {
        self.shapes[usize::from(number.is_multiple_of(2))]
    }

    pub fn colour(&self, number: usize) -> Rgb888 {
        self.colours[usize::from(number > 1)]
    }

    /// The nearest spot that a marker can be centred on: whole pixels, halves where strokes have an even width.
    pub fn settle(&self, spot: Spot) -> Spot {
        let part = if self.stroke as i32 % 2 == 0 { 0.5 } else { 0.0 };
        Spot { x: libm::roundf(spot.x - part) + part, y: libm::roundf(spot.y - part) + part }
    }

    /// Whether the marker covers the place (dx, dy) from its centre; `towards` is the direction to its partner.
    pub fn covers(&self, shape: Shape, (dx, dy): (f32, f32), towards: (f32, f32)) -> bool {
        let (half, reach) = (self.stroke / 2.0, self.arm + self.stroke / 2.0);
        let (near, far) = (dx.abs().min(dy.abs()), dx.abs().max(dy.abs()));
        let plus = near < half && far < reach;
        let along = dx * towards.0 + dy * towards.1;
        let across = (dx * towards.1 - dy * towards.0).abs();
        match shape {
            Shape::Plus => plus,
            // A diagonal stroke of this width.
            Shape::X => far - near < self.stroke * core::f32::consts::FRAC_1_SQRT_2 && far < reach * 0.85,
            Shape::GappedPlus => plus && far > (0.3 * self.arm).max(half + 1.0),
            Shape::BoxedPlus => {
                let outer = reach + 1.0 + 2.0 * self.stroke;
                plus || far < outer && far > outer - self.stroke
            }
            Shape::Tee => along.abs() < half && across < reach || across < half && (0.0..0.7 * reach).contains(&along),
            Shape::Arrow => {
                let edge = along * 0.55;
                (0.0..reach).contains(&along) && across < edge + half && across > edge - 1.2 * half - 0.3
            }
        }
    }

    /// Draws the marker of pair `number` at `at`, whose partner is at `partner`.
    pub fn draw_marker(&self, picture: &mut Picture, number: usize, at: Spot, partner: Spot) {
        let length = at.distance(partner).max(1.0);
        let towards = ((partner.x - at.x) / length, (partner.y - at.y) / length);
        let (shape, colour) = (self.shape(number), self.colour(number));
        let reach = self.reach() as i32 + 2;
        let sub = |i: i32| (i as f32 + 0.5) / SAMPLES as f32 - 0.5;
        for y in at.y as i32 - reach..=at.y as i32 + reach {
            for x in at.x as i32 - reach..=at.x as i32 + reach {
                let inside = (0..SAMPLES * SAMPLES).filter(|i| {
                    let (dx, dy) = (x as f32 + sub(i % SAMPLES) - at.x, y as f32 + sub(i / SAMPLES) - at.y);
                    self.covers(shape, (dx, dy), towards)
                });
                let part = inside.count() as f32 / (SAMPLES * SAMPLES) as f32;
                pen::mix(picture, (x, y), colour, self.edge.coverage(part));
            }
        }
    }

    /// Draws whole measurements with their numbers; no line and no label hides a marker.
    pub fn draw_pairs(&self, picture: &mut Picture, pairs: &[(usize, [Spot; 2])]) {
        for &(number, ends) in pairs {
            if let Some((pattern, width)) = self.line {
                let stroke = Stroke { pattern, width, colour: self.colour(number), edge: self.edge };
                pen::line(picture, ends[0], ends[1], &stroke);
            }
            self.draw_label(picture, number, ends);
        }
        for &(number, [a, b]) in pairs {
            self.draw_marker(picture, number, a, b);
            self.draw_marker(picture, number, b, a);
        }
    }

    fn draw_label(&self, picture: &mut Picture, number: usize, ends: [Spot; 2]) {
        let mut bytes = [0; 4];
        let text: &str = char::from(b'0' + number as u8).encode_utf8(&mut bytes);
        let print = Print { colour: self.colour(number), ..self.print };
        let (width, cap, reach) = (print.width(text), print.cap, self.reach());
        let diagonal = |end: Spot| (end.x - 0.7 * reach - 2.0 - width, end.y - 0.7 * reach - 2.0);
        match self.label {
            Label::Absent => {}
            // A boxed marker leaves no room at its arms.
            Label::Touching if self.shape(number) != Shape::BoxedPlus => {
                print.write(picture, text, (ends[0].x - width - self.stroke, ends[0].y - self.stroke));
            }
            Label::Touching | Label::Diagonal => print.write(picture, text, diagonal(ends[0])),
            Label::BothEnds => {
                print.write(picture, text, diagonal(ends[0]));
                print.write(picture, text, diagonal(ends[1]));
            }
            Label::OnLine => {
                let middle = ((ends[0].x + ends[1].x) / 2.0, (ends[0].y + ends[1].y) / 2.0);
                print.write(picture, text, (middle.0 + 0.3 * cap, middle.1 - 0.5 * cap));
            }
        }
    }
}

/// Whether `spot` is at least `room` away from every point of the line between `ends`.
pub(super) fn is_clear_of(spot: Spot, ends: [Spot; 2], room: f32) -> bool {
    let [a, b] = ends;
    let (dx, dy) = (b.x - a.x, b.y - a.y);
    let t = ((spot.x - a.x) * dx + (spot.y - a.y) * dy) / (dx * dx + dy * dy).max(1.0);
    let t = t.clamp(0.0, 1.0);
    spot.distance(Spot { x: a.x + t * dx, y: a.y + t * dy }) >= room
}

/// Whether two measurements leave each other's markers free.
pub(super) fn are_apart(one: [Spot; 2], other: [Spot; 2], hand: &Hand) -> bool {
    let room = hand.elbow_room();
    let ends_apart = one.iter().all(|a| other.iter().all(|b| a.distance(*b) >= room));
    let clear = |spots: [Spot; 2], line| spots.iter().all(|&spot| is_clear_of(spot, line, hand.reach() + 3.0));
    ends_apart && clear(one, other) && clear(other, one)
}
