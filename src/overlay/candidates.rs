//! Pixels -> caliper markers: '+' shapes of one colour whose two strokes cross in their middles.
//!
//! A marker is told from echo by being exact: its strokes keep one colour (within their own noise, measured on the
//! spot), and what lies two pixels beside them does not have it. It is told from print by its symmetry and by having no
//! glyph on its line. No colour and no size is assumed. Where tissue is as bright as the marker some of its outline
//! cannot be seen; such a marker is kept as [`Proof::Weak`] and counts only as the partner of a clear one.

use super::{
    cross::{Cross, NOISE_EXACT, TONE_STEP, TONE_TOLERANCE, tolerance},
    echo::Echo,
    gauge, glyph,
    ink::Ink,
    seeds::{self, Seed, Shape},
    star::Star,
    tone::{Tone, Tones},
};
use crate::frame::Spot;
use alloc::vec::Vec;

/// How far from the centre the first look is taken: beyond a stroke's half width and within an arm's length.
const LOOK: i32 = 3;
/// On pictures of at least this height strokes may be so wide that a second, farther look is needed.
const TALL: i32 = 800;
const FAR_LOOK: i32 = 6;
/// How much farther than from its sides a centre's colour is from two of its corners, where the picture is not exact.
const SEED_STEP: u8 = 20;
/// Darker grey is no overlay. *Source*: the dimmest marker on the real screens has 225.
const LUMA_MIN: u8 = 100;
/// Of so many shapes faint copies are looked for; a screen has one or two kinds of markers.
const MODELS_MAX: usize = 3;

/// How well a marker is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Its outline is seen nearly all around.
    Clear,
    /// Only a part of its outline stands out from what lies behind it.
    Weak,
    /// The picture's edge cuts an arm off.
    Cut,
}

/// A caliper marker.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Marker {
    /// Its shape.
    pub shape: Shape,
    /// The direction to its partner, where its shape shows it.
    pub axis: Option<(f32, f32)>,
    /// Where the strokes cross, to a part of a pixel.
    pub at: Spot,
    /// The arms' length from the centre, without the centre's pixel: sideways and upright.
    pub reach: [f32; 2],
    /// The strokes' width.
    pub stroke: f32,
    /// Its colour.
    pub tone: Tone,
    /// How far its pixels leave that colour, root mean square.
    pub noise: f32,
    /// How well it is seen.
    pub proof: Proof,
    /// How much of its outline is seen; only to compare.
    pub outline: f32,
}

/// The least outline of a clear marker, less a hundredth for each level of noise.
const CLEAR_MIN: f32 = 0.42;
/// How far from its seed a marker's centre may be, in pixels: three rounds of measuring move it 2.5 pixels each at most.
const OFF_SEED: f32 = 8.0;
/// How far such a place may be from where it was measured.
const OFF_GRID_MAX: f32 = 0.2;
/// The cosine of the most by which a tee or arrow may look past its partner.
const FACING: f32 = 0.97;
/// How near the sizes, colours and evenness of two markers must be that nothing but likeness joins: speckle forms crosses too.
const TWIN_SIZE: f32 = 0.5;
const TWIN_PART: f32 = 0.04;
const TWIN_NOISE: f32 = 14.0;
const TWIN_TONE: u8 = 12;
const TWIN_OUTLINE: f32 = 0.8;
/// How far the colours of two markers may differ where strokes are smeared.
const SMEARED: u8 = 44;

impl Marker {
    fn of(tones: &Tones, star: &Star) -> Self {
        let spots = star.rays.iter().zip(&star.arms).flat_map(|(&(dx, dy), &arm)| {
            let (from, to) = ((0.4 * arm).max(star.gap + 1.0) as i32, arm as i32);
            (from..to).map(move |r| Spot { x: star.at.x + r as f32 * dx, y: star.at.y + r as f32 * dy })
        });
        let own: Vec<Tone> = spots.filter_map(|spot| tones.nearest(spot)).collect();
        let tone = Tone::mean(own.iter().copied()).unwrap_or(Tone::BLACK);
        let squares = own.iter().map(|t| f32::from(t.gap(tone))).map(|gap| gap * gap).sum::<f32>();
        let noise = libm::sqrtf(squares / own.len().max(1) as f32);
        let slant = if star.shape == Shape::X { core::f32::consts::FRAC_1_SQRT_2 } else { 1.0 };
        let reach = |i: usize| slant * (star.arms[i] + star.arms[i + 1]) / 2.0 - 0.5;
        let reach = [reach(0), if star.arms.len() == 4 { reach(2) } else { reach(0) }];
        let outline = star.quarters.iter().sum::<f32>() / 4.0 - star.rough / (star.level - star.ground);
        let axis = star.axis();
        let at = if axis.is_none() && noise <= NOISE_EXACT { on_grid(star.at) } else { star.at };
        Self { shape: star.shape, axis, at, reach, stroke: star.stroke, tone, noise, proof: Proof::Clear, outline }
    }

    /// The larger of the two reaches.
    pub(crate) fn size(&self) -> f32 {
        2.0 * self.reach[0].max(self.reach[1]) + 1.0
    }

    /// Below this difference a pixel has the marker's colour.
    pub(crate) fn tolerance(&self) -> u8 {
        tolerance(self.noise)
    }

    /// Whether its strokes have one colour exactly, as in a picture that was neither compressed nor scaled.
    pub(crate) fn is_exact(&self) -> bool {
        self.noise <= NOISE_EXACT
    }

    /// Whether both are the same shape so closely that they need no line between them. Where strokes are exact, being
    /// alike is enough: echo does not repeat a colour, and tissue of that colour blurs what is measured of the shape.
    pub(crate) fn is_twin(&self, other: &Self) -> bool {
        let exact = self.is_exact() && other.is_exact();
        let near = |a: f32, b: f32| (a - b).abs() <= TWIN_SIZE + TWIN_PART * a.max(b);
        let close = near(self.reach[0], other.reach[0])
            && near(self.reach[1], other.reach[1])
            && near(self.stroke, other.stroke)
            && self.noise.max(other.noise) <= TWIN_NOISE
            && self.tone.gap(other.tone) <= TWIN_TONE
            && self.outline.min(other.outline) >= TWIN_OUTLINE;
        let clear = self.proof == Proof::Clear && other.proof == Proof::Clear;
        self.is_alike(other) && (exact || clear && close)
    }

    /// Whether both were drawn by the same hand and, where their shape has a direction, look at each other.
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        let looks_at = |from: &Self, to: &Self| {
            let long = from.at.distance(to.at).max(1.0);
            let [dx, dy] = [(to.at.x - from.at.x) / long, (to.at.y - from.at.y) / long];
            from.axis.is_none_or(|(x, y)| x * dx + y * dy >= FACING)
        };
        self.is_drawn_as(other) && looks_at(self, other) && looks_at(other, self)
    }

    /// Whether both have the same shape, size, stroke and colour.
    fn is_drawn_as(&self, other: &Self) -> bool {
        let near = |a: f32, b: f32| (a - b).abs() <= 1.25 + a.max(b) / 10.0;
        let upright = |shape| matches!(shape, Shape::Plus | Shape::BoxedPlus);
        // Smeared strokes keep more or less of their colour, as their pixels fall.
        let tolerance = if self.is_exact() && other.is_exact() { 4 } else { SMEARED };
        (self.shape == other.shape || upright(self.shape) && upright(other.shape))
            && near(self.reach[0], other.reach[0])
            && near(self.reach[1], other.reach[1])
            && (self.stroke - other.stroke).abs() <= 1.0 + self.stroke.max(other.stroke) / 5.0
            && self.tone.gap(other.tone) <= tolerance
    }
}

/// Finds every marker on the picture, the clearest first.
pub(crate) fn find(tones: &Tones, ink: &Ink, echo: Option<&Echo>) -> Vec<Marker> {
    let is_drawn = |marker: &Marker| {
        let on_echo = echo.is_none_or(|echo| echo.holds(marker.at.x, marker.at.y));
        on_echo && !glyph::stands_in_print(tones, marker)
    };
    let mut markers = stars(tones, ink, on_echo(seeds::crossings(ink), echo));
    markers.retain(&is_drawn);
    if markers.is_empty() || markers.iter().any(|marker| has_no_partner(marker, &markers)) {
        // Where tissue is as bright as a marker, only its colour tells it.
        let near = |a: &Marker, b: &Marker| a.at.distance(b.at) <= (a.size() + b.size()) / 4.0;
        let mut hidden = crosses(tones);
        hidden.retain(|cross| is_drawn(cross) && !markers.iter().any(|marker| near(cross, marker)));
        for cross in hidden.iter_mut().filter(|cross| !cross.is_exact() && cross.proof == Proof::Clear) {
            cross.proof = Proof::Weak;
        }
        markers.append(&mut hidden);
    }
    if !markers.iter().any(|marker| marker.proof == Proof::Clear) {
        markers = stars(tones, ink, on_echo(seeds::junctions(ink), echo));
        markers.retain(&is_drawn);
        facing(&mut markers);
    }
    markers.sort_by(|a, b| b.outline.total_cmp(&a.outline));
    markers
}

/// The seeds on the echo or so near it that a marker's centre may be.
fn on_echo(mut seeds: Vec<Seed>, echo: Option<&Echo>) -> Vec<Seed> {
    let near = |at: Spot, echo: &Echo| {
        let around = [(0.0, 0.0), (-OFF_SEED, 0.0), (OFF_SEED, 0.0), (0.0, -OFF_SEED), (0.0, OFF_SEED)];
        around.iter().any(|(dx, dy)| echo.holds(at.x + dx, at.y + dy))
    };
    seeds.retain(|seed| echo.is_none_or(|echo| near(seed.at, echo)));
    seeds
}

/// The place on whole or half pixels where a marker is whose pixels have one colour: there strokes cover whole pixels.
fn on_grid(at: Spot) -> Spot {
    let near = |value: f32| {
        let whole = libm::roundf(2.0 * value) / 2.0;
        if (whole - value).abs() <= OFF_GRID_MAX { whole } else { value }
    };
    Spot { x: near(at.x), y: near(at.y) }
}

/// Whether an odd number of markers is drawn like `marker`, itself among them.
fn has_no_partner(marker: &Marker, markers: &[Marker]) -> bool {
    markers.iter().filter(|other| marker.is_alike(other)).count() % 2 == 1
}

/// Markers of any shape, measured between pixels.
pub(crate) fn stars(tones: &Tones, ink: &Ink, seeds: Vec<Seed>) -> Vec<Marker> {
    let mut found: Vec<Marker> = Vec::new();
    for seed in seeds {
        let Some(star) = gauge::measure(ink, &seed) else { continue };
        if !star.is_clear() {
            continue;
        }
        let marker = Marker::of(tones, &star);
        if marker.outline - marker.noise / 100.0 < CLEAR_MIN {
            continue;
        }
        match found.iter_mut().find(|known| known.at.distance(marker.at) <= known.size() / 2.0) {
            Some(known) if known.outline >= marker.outline => {}
            Some(known) => *known = marker,
            None => found.push(marker),
        }
    }
    found
}

/// Leaves the tees and arrows that look at one like them, and those drawn like them that look at none.
fn facing(markers: &mut Vec<Marker>) {
    let paired: Vec<Marker> = markers.iter().filter(|a| markers.iter().any(|b| a.is_alike(b))).cloned().collect();
    markers.retain(|marker| paired.iter().any(|other| other.at == marker.at || marker.is_drawn_as(other)));
}

/// Upright crosses whose pixels have one colour.
fn crosses(tones: &Tones) -> Vec<Marker> {
    let mut found: Vec<(Cross, Marker)> = Vec::new();
    for (x, y) in seeds(tones) {
        let beside = |m: &Marker| (m.at.x - x as f32).abs().max((m.at.y - y as f32).abs()) <= 1.0;
        if found.iter().any(|(_, marker)| marker.proof == Proof::Clear && beside(marker)) {
            continue;
        }
        let Some(cross) = Cross::around(tones, x, y) else { continue };
        if let Some(marker) = cross.marker(tones) {
            keep_clearer(&mut found, cross, marker);
        }
    }
    // A picture is exact or it is not: where some markers are exact, what is not is echo.
    let is_exact = |marker: &Marker| marker.is_exact() && marker.proof == Proof::Clear;
    if found.iter().any(|(_, marker)| is_exact(marker)) {
        found.retain(|(_, marker)| marker.is_exact());
        let mut models: Vec<Cross> = Vec::new();
        for (cross, _) in found.iter().filter(|(_, marker)| is_exact(marker)) {
            if models.len() < MODELS_MAX && !models.iter().any(|model| model.is_same_shape(cross)) {
                models.push(cross.clone());
            }
        }
        for copy in models.iter().flat_map(|model| model.copies(tones)) {
            if let Some(marker) = copy.faint_marker(tones) {
                keep_clearer(&mut found, copy, marker);
            }
        }
    }
    found.into_iter().map(|(_, marker)| marker).collect()
}

/// Adds a marker, unless a clearer one is known at its place.
fn keep_clearer(found: &mut Vec<(Cross, Marker)>, cross: Cross, marker: Marker) {
    match found.iter_mut().find(|(_, known)| known.at.distance(marker.at) <= known.size() / 2.0) {
        Some((_, known)) if known.outline >= marker.outline => {}
        Some(known) => *known = (cross, marker),
        None => found.push((cross, marker)),
    }
}

/// The pixels that could be a marker's centre: their colour goes on to all four sides but not to all the corners.
fn seeds(tones: &Tones) -> Vec<(i32, i32)> {
    let looks = if tones.height() < TALL { &[LOOK][..] } else { &[LOOK, FAR_LOOK][..] };
    let mut seeds = Vec::new();
    for &look in looks {
        for y in look..tones.height() - look {
            seeds_of_row(tones, y, look, &mut seeds);
        }
    }
    seeds
}

fn seeds_of_row(tones: &Tones, y: i32, look: i32, seeds: &mut Vec<(i32, i32)>) {
    let width = tones.width() - 2 * look;
    if width <= 0 {
        return;
    }
    // Nine views of equal length, so that one index serves them all: left, middle and right of three rows.
    let view = |dx: i32, dy: i32| &tones.row(y + dy)[(look + dx) as usize..][..width as usize];
    let [left, here, right] = [-look, 0, look].map(|dx| view(dx, 0));
    let [above, below] = [-look, look].map(|dy| view(0, dy));
    let corners = [(-look, -look), (look, -look), (-look, look), (look, look)].map(|(dx, dy)| view(dx, dy));
    for (i, &tone) in here.iter().enumerate() {
        if tone.luma() < LUMA_MIN && !tone.is_coloured() {
            continue;
        }
        let spread = tone.gap(above[i]).max(tone.gap(below[i]));
        if spread > TONE_TOLERANCE {
            continue;
        }
        let spread = spread.max(tone.gap(left[i])).max(tone.gap(right[i]));
        if spread > TONE_TOLERANCE {
            continue;
        }
        let step = if f32::from(spread) <= NOISE_EXACT { TONE_STEP } else { spread.saturating_add(SEED_STEP) };
        if corners.iter().filter(|corner| tone.gap(corner[i]) > step).count() >= 2 {
            seeds.push((i as i32 + look, y));
        }
    }
}
