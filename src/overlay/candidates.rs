//! Pixels -> caliper markers: '+' shapes of one colour whose two strokes cross in their middles.
//!
//! A marker is told from echo by being exact: its strokes keep one colour (within their own noise, measured on the
//! spot), and what lies two pixels beside them does not have it. It is told from print by its symmetry and by having no
//! glyph on its line. No colour and no size is assumed. Where tissue is as bright as the marker some of its outline
//! cannot be seen; such a marker is kept as [`Proof::Weak`] and counts only as the partner of a clear one.

use super::{
    cross::{Cross, NOISE_EXACT, TONE_STEP, TONE_TOLERANCE, tolerance},
    glyph,
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

impl Marker {
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
        let near = |a: f32, b: f32| (a - b).abs() <= 0.75;
        let alike = self.is_alike(other) && self.tone.gap(other.tone) <= TONE_STEP;
        let exact = self.is_exact() && other.is_exact();
        let close = near(self.reach[0], other.reach[0]) && near(self.reach[1], other.reach[1]);
        alike && (exact || close && near(self.stroke, other.stroke))
    }

    /// Whether both were drawn by the same hand: same size, stroke and colour.
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        let near = |a: f32, b: f32| (a - b).abs() <= 1.0 + a.max(b) / 12.0;
        near(self.reach[0], other.reach[0])
            && near(self.reach[1], other.reach[1])
            && (self.stroke - other.stroke).abs() <= 1.0
            && self.tone.gap(other.tone) <= 4 + self.noise.max(other.noise) as u8
    }
}

/// Finds every marker on the picture, the clearest first.
pub(crate) fn find(tones: &Tones) -> Vec<Marker> {
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
    let mut markers: Vec<Marker> = found.into_iter().map(|(_, marker)| marker).collect();
    markers.retain(|marker| !glyph::stands_in_print(tones, marker));
    markers.sort_by(|a, b| b.outline.total_cmp(&a.outline));
    markers
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
