//! Synthetic screens of many makers' carts, with known truth: what the overlay reader is tried on.
//!
//! [`draw`] gives one screen: [`style`] and `makers` say what carts look like, `chrome` draws what stands around the
//! echo, `measure` sets calipers and `calipers` draws them, [`negative`] is what must not be measured, [`damage`] what cable
//! and grabber do. The echo is that of the phantoms next door. Always holds: the same seed and index give the same screen
//! and truth on every machine; a third of all is not measurable. Deliberately absent: JPEG, which needs an encoder (see
//! [`CartTruth::jpeg_quality`]), and screens whose printed length contradicts their ruler.

mod calipers;
mod chrome;
pub mod damage;
mod dice;
mod makers;
mod measure;
pub mod negative;
mod pen;
pub mod style;

#[cfg(test)]
mod tests;

use super::{
    anatomy::Scene,
    echo::{self, Sector},
};
use crate::{
    frame::{Picture, Spot},
    units::{Centimetres, PixelsPerCm},
};
use alloc::{string::String, vec::Vec};
use calipers::Hand;
use damage::Damage;
use dice::Dice;
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use negative::{NEGATIVES, Negative};
use rand::RngExt;
use serde::Serialize;
use style::{Form, Label, MODES, Mode, Numbers, RulerStyle, Shape, Side, Style};

/// Every so many pictures one is not measurable.
const NEGATIVE_EVERY: u64 = 3;
/// The part of the measurable screens on which no ruler, and of those with a ruler on which no length is printed.
const WITHOUT_RULER: f32 = 0.08;
const WITHOUT_PRINT: f32 = 0.08;
/// Scales that differ by more than this part need both rulers to be corrected.
const UNEQUAL: f32 = 0.003;
/// How near the sector's border a marker may be, in centimetres.
const MARGIN: f32 = 0.2;
/// How far the probe slides while an exam is live, in centimetres.
pub const SWEEP_CM: f32 = 2.0;
/// How often a scene is drawn until the kidney's poles lie in the picture.
const SCENES_MAX: u32 = 30;

/// What a reader must do with a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Expectation {
    /// Measure it.
    Measured,
    /// Refuse it.
    Refused,
    /// Measure it rightly or refuse it: it is stretched, and nothing in view says by how much for certain; or there are several
    /// pairs of one look, and nothing says which markers belong together: no line, no print, no number at both ends.
    Either,
}

/// One measurement on a screen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CartPair {
    /// The number that stands beside it, if one does.
    pub label: Option<u8>,
    /// The markers' centres on the final picture.
    pub ends: [Spot; 2],
    /// The markers' shape.
    pub shape: Shape,
    /// Their colour before damage: red, green, blue.
    pub colour: [u8; 3],
    /// Whether it is the kidney's length, which a reader must choose.
    pub chosen: bool,
    /// The line that the cart printed for it.
    pub printed: Option<String>,
    /// The length in that line.
    pub printed_cm: Option<Centimetres>,
}

/// What is known of one screen. Pixels are those of the final picture.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CartTruth {
    /// After whose carts it is drawn.
    pub style: &'static str,
    /// What the cart put out.
    pub mode: Mode,
    /// What a reader must do with it.
    pub expected: Expectation,
    /// Why it is not measurable.
    pub reason: Option<Negative>,
    /// Every measurement that is wholly drawn.
    pub pairs: Vec<CartPair>,
    /// The arms' length, the strokes' width and the colour of the markers, before damage.
    pub marker: MarkerTruth,
    /// The ruler, if one is drawn.
    pub ruler: Option<RulerStyle>,
    /// Horizontal and vertical scale; known whether or not a ruler is drawn.
    pub px_per_cm: [PixelsPerCm; 2],
    /// What happened to the screen, in order.
    pub damage: Vec<Damage>,
}

/// How markers were drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MarkerTruth {
    /// Pixels of an arm beyond the crossing.
    pub arm: f32,
    /// Pixels of a stroke.
    pub stroke: f32,
    /// Red, green, blue.
    pub colour: [u8; 3],
    /// Whether a line joins the markers.
    pub line: bool,
    /// Where the labels are.
    pub label: Label,
}

impl CartTruth {
    /// The quality of the JPEG round trip that the picture has still to go through.
    pub fn jpeg_quality(&self) -> Option<u8> {
        self.damage.iter().find_map(|damage| if let Damage::Jpeg { quality } = damage { Some(*quality) } else { None })
    }
}

fn rgb(colour: Rgb888) -> [u8; 3] {
    [colour.r(), colour.g(), colour.b()]
}

/// One screen with its truth.
pub struct CartPhantom {
    /// The picture that a grabber gives, before JPEG.
    pub screen: Picture,
    /// What is known of it.
    pub truth: CartTruth,
}

/// One exam on a cart, as its video output shows it.
pub struct Film {
    /// The probe on its way, [`SWEEP_CM`] to its place.
    pub live: Vec<Picture>,
    /// The picture stands; nothing is measured yet.
    pub frozen: Picture,
    /// The screen that [`draw`] gives.
    pub measured: CartPhantom,
}

/// A cart in one exam.
struct Cart {
    style: &'static Style,
    mode: Mode,
    /// Pixels for one on a screen 720 high.
    unit: f32,
    /// The echo's place: left, top, right, bottom.
    echo: [f32; 4],
    sector: Sector,
    hand: Hand,
    form: Form,
    ruler: RulerStyle,
    ruler_x: f32,
    /// How blue the grey bar is.
    tint: f32,
}

impl Cart {
    fn draw(dice: &mut Dice) -> Self {
        let (style, mode) = (dice.pick(&makers::STYLES), dice.pick(&MODES));
        let (width, height) = (mode.width as f32, mode.height as f32);
        let unit = (height / 720.0).min(width / 960.0);
        let [left, top, right, bottom] = style.echo;
        let top = (top * height).max((style.banner.1 + 16.0) * unit);
        let bottom = (bottom * height).min(height - (style.footer.1 + 6.0) * unit);
        let echo = [left * width, top, right * width, bottom];
        let sector = fit(echo, style.probe, dice);
        let hand = Hand::draw(style, unit, dice);
        let form = dice.pick(style.forms);
        let (minor_cm, major_cm) = dice.pick(style.spacings);
        let numbers = if dice.happens(0.2) { Numbers::None } else { style.ruler.numbers };
        let side = if dice.happens(0.15) { dice.pick(&[Side::Left, Side::Right]) } else { style.ruler.side };
        let along_top = style.ruler.along_top || dice.happens(0.15);
        let ruler = RulerStyle { side, along_top, minor_cm, major_cm, numbers, ..style.ruler };
        let half_width = (sector.radius + sector.depth) * libm::sinf(sector.half_angle) * sector.scale.0;
        let fixed = style.ruler_at.filter(|_| side == style.ruler.side).map(|part| part * width);
        let beside = match side {
            Side::Left => (sector.face.x - half_width - 6.0 * unit).max(46.0 * unit),
            Side::Right => (sector.face.x + half_width + 6.0 * unit).min(width - 46.0 * unit),
        };
        let ruler_x = libm::roundf(fixed.filter(|_| side == Side::Right).unwrap_or(beside));
        let tint = dice.pick(&[1.0, 1.0, 0.7]);
        Self { style, mode, unit, echo, sector, hand, form, ruler, ruler_x, tint }
    }
}

/// Where the probe is held while a picture is taken; as the scene was set up by default.
#[derive(Clone, Copy, Default)]
struct Probe {
    slide_cm: f32,
    /// Another number gives other speckle.
    speckle: u64,
}

/// The largest sector of a probe that fits the echo's place.
fn fit([left, top, right, bottom]: [f32; 4], (radius, half_angle): (f32, f32), dice: &mut Dice) -> Sector {
    let depth = dice.pick(&[13.0, 14.0, 15.0, 16.0, 17.0, 18.0]);
    let (radius, half_angle) = (radius * dice.within(0.95, 1.05), half_angle * dice.within(0.97, 1.03));
    // The face bends: its ends lie higher than its middle.
    let rise = radius * (1.0 - libm::cosf(half_angle));
    let wide = 2.0 * (radius + depth) * libm::sinf(half_angle);
    let scale = ((bottom - top) / (depth + rise)).min((right - left) / wide);
    Sector {
        face: Spot { x: libm::roundf((left + right) / 2.0), y: libm::roundf(top + rise * scale) },
        scale: PixelsPerCm(scale),
        radius,
        half_angle,
        depth,
        focus: depth * dice.within(0.4, 0.7),
    }
}

/// Draws screen number `index` of the population `seed`.
pub fn draw(seed: u64, index: u64) -> CartPhantom {
    draw_exam(seed, index, 0)
}

/// Whether the calipers of screen number `index` are tees or arrows, if it has any; known without drawing it.
pub fn has_turned(seed: u64, index: u64) -> bool {
    Cart::draw(&mut Dice::of(seed, index)).hand.shapes.iter().any(|shape| shape.is_turned())
}

/// Draws the cart of screen number `index` in another exam: the same cart, settings and cable, another patient, print and
/// measurement. Exam 0 is [`draw`]'s.
pub fn draw_exam(seed: u64, index: u64, exam: u64) -> CartPhantom {
    let mut dice = Dice::of(seed, index);
    let reason = reason_of(index);
    let cart = Cart::draw(&mut dice);
    let damage = damage::draw(cart.mode.width, cart.mode.height, &mut dice);
    let patients = seed.wrapping_add(exam << 32);
    if exam > 0 {
        dice = Dice::of(patients, index);
    }
    let scene = cart.scene(patients, index, &mut dice);
    let mut picture = cart.background(&scene, &damage, Probe::default(), &mut dice);
    let has_ruler = !dice.happens(WITHOUT_RULER);
    if has_ruler {
        cart.draw_ruler(&mut picture);
    }
    let plan = cart.plan(&scene, reason, &mut dice);
    let has_print = !(has_ruler && dice.happens(WITHOUT_PRINT));
    let mut pairs = cart.draw_plan(&mut picture, &plan, reason, has_print, &mut dice);
    if reason == Some(Negative::CutByPicture) {
        picture = measure::cut(&picture, &plan, &cart.hand, &mut dice);
    }
    for &step in &damage {
        picture = step.happen(picture);
    }
    for end in pairs.iter_mut().flat_map(|pair| &mut pair.ends) {
        *end = damage.iter().fold(*end, |spot, step| step.moved(spot));
    }
    let truth = cart.truth(reason, pairs, has_ruler, damage);
    CartPhantom { screen: picture, truth }
}

/// Draws screen number `index` of the population `seed` with what the cart showed before: `live_count` pictures of the sweep, then
/// the frozen one.
pub fn film(seed: u64, index: u64, live_count: usize) -> Film {
    let measured = draw(seed, index);
    let shot = |slide_cm: f32, speckle: u64| {
        let mut dice = Dice::of(seed, index);
        let cart = Cart::draw(&mut dice);
        let damage = damage::draw(cart.mode.width, cart.mode.height, &mut dice);
        let scene = cart.scene(seed, index, &mut dice);
        let mut picture = cart.background(&scene, &damage, Probe { slide_cm, speckle }, &mut dice);
        if !dice.happens(WITHOUT_RULER) {
            cart.draw_ruler(&mut picture);
        }
        damage.iter().fold(picture, |picture, step| step.happen(picture))
    };
    let away = |i: usize| SWEEP_CM * (1.0 - (i + 1) as f32 / live_count as f32);
    let live = (0..live_count).map(|i| shot(away(i), 1 + i as u64)).collect();
    Film { live, frozen: shot(0.0, 0), measured }
}

/// Why screen number `index` is not measurable; none if it is. Each reason has its turn.
fn reason_of(index: u64) -> Option<Negative> {
    let nth = usize::try_from(index / NEGATIVE_EVERY % NEGATIVES.len() as u64).expect("fewer than the negatives");
    (index % NEGATIVE_EVERY == NEGATIVE_EVERY - 1).then_some(NEGATIVES[nth])
}

impl Cart {
    /// A scene whose kidney lies in the picture from pole to pole.
    fn scene(&self, seed: u64, index: u64, dice: &mut Dice) -> Scene {
        let factors = super::patient(seed, index).factors;
        let mut scene = Scene::draw(&factors, &self.sector, &mut dice.0);
        for _ in 0..SCENES_MAX {
            let pole = |side: f32| scene.kidney.place(side * 1.02 * scene.kidney.reach(side), 0.0);
            if self.sector.holds(pole(-1.0), 2.0 * MARGIN) && self.sector.holds(pole(1.0), 2.0 * MARGIN) {
                break;
            }
            scene = Scene::draw(&factors, &self.sector, &mut dice.0);
        }
        scene
    }

    /// Echo and all that stands around it, without ruler and measurement.
    fn background(&self, scene: &Scene, damage: &[Damage], probe: Probe, dice: &mut Dice) -> Picture {
        let ground = self.style.ground;
        let ground = [ground.r(), ground.g(), ground.b()];
        let mut picture = Picture::filled(self.mode.width, self.mode.height, ground);
        let speckle: u64 = dice.0.random();
        echo::render(scene, &self.sector, probe.slide_cm, speckle.wrapping_add(probe.speckle), &mut picture);
        if let Some(&Damage::Tear { row, shift }) = damage.first() {
            damage::tear(&mut picture, row, shift);
        }
        self.draw_chrome(&mut picture, dice);
        picture
    }

    /// Whether anything in view joins the markers of the kidney's length, if only that no others look like them.
    fn joins(&self, pairs: &[CartPair]) -> bool {
        let drawn = self.hand.line.is_some() || self.hand.label == Label::BothEnds;
        let is_kidneys_twin =
            |pair: &CartPair, kidneys: &CartPair| (pair.shape, pair.colour) == (kidneys.shape, kidneys.colour);
        let kidneys = pairs.iter().find(|pair| pair.chosen);
        let is_alone = kidneys.is_none_or(|own| pairs.iter().filter(|pair| is_kidneys_twin(pair, own)).count() == 1);
        drawn || is_alone || pairs.iter().any(|pair| pair.printed.is_some())
    }

    fn truth(&self, reason: Option<Negative>, pairs: Vec<CartPair>, has_ruler: bool, damage: Vec<Damage>) -> CartTruth {
        let stretch = damage.iter().fold([1.0, 1.0], |[x, y], step| [x * step.stretch()[0], y * step.stretch()[1]]);
        let unequal = (stretch[0] / stretch[1] - 1.0).abs() > UNEQUAL;
        let expected = match reason {
            Some(_) => Expectation::Refused,
            None if unequal && !(has_ruler && self.ruler.along_top) => Expectation::Either,
            None if !self.joins(&pairs) => Expectation::Either,
            None => Expectation::Measured,
        };
        let colour = rgb(self.hand.colours[0]);
        let marker = MarkerTruth {
            arm: self.hand.arm,
            stroke: self.hand.stroke,
            colour,
            line: self.hand.line.is_some(),
            label: self.hand.label,
        };
        CartTruth {
            style: self.style.name,
            mode: self.mode,
            expected,
            reason,
            pairs,
            marker,
            ruler: has_ruler.then_some(self.ruler),
            px_per_cm: stretch.map(|by| PixelsPerCm(self.sector.scale.0 * by)),
            damage,
        }
    }
}
