//! Whether the straight path between two markers stands out from its neighbours: a line that is full, dashed or worn.
//!
//! Nothing is asked of single dots. All along the path its pixels are nearer to the markers' colour than those beside it, by
//! little or much; the mean of that over a path as long as a kidney is told from speckle where no dot is. The same on paths
//! beside it, a few pixels aside, says what speckle gives. Where markers have a colour, which speckle has not, the colour alone
//! tells lines that are fainter by far. Deliberately absent: how the line is drawn; see [`line`](super::line).

use super::{
    marker::Marker,
    tone::{Tone, Tones},
};
use crate::frame::Spot;

/// The shortest path that is looked at, in pixels.
const LENGTH_MIN: f32 = 20.0;
/// A path keeps off the markers by this, in pixels.
const MARGIN: f32 = 2.0;
/// Where the ground beside a line is looked at, in pixels from its middle.
const BESIDE: f32 = 3.5;
/// One pixel counts at most so much: a label or another line must not decide.
const MOST: i16 = 40;
/// The paths that are compared with, in pixels to either side: each must keep off the line, and a third of them may
/// meet other lines.
const ASIDE: [f32; 14] = [7.0, -7.0, 9.0, -9.0, 11.0, -11.0, 13.0, -13.0, 15.0, -15.0, 17.0, -17.0, 19.0, -19.0];
/// The least mean that is a line, above the usual of the compared; how many of their deviations it must lie above them; and the
/// part of it that each third of the path must have. *Source*: `sonogfr carts` of seed 63, 300 carts: with 0.3 and with 0.5 for
/// the thirds 251 and 248 of 286 measuring lines, and of 1,100 paths between markers that none of those joins only such as a
/// region's box or one of two equal measurements draws.
const MEAN_MIN: f32 = 5.0;
const SURE: f32 = 3.0;
const THIRD_MIN: f32 = 0.35;
/// A path of so many pixels may lie among other lines, which make the compared differ more: it may instead have this mean and be
/// so sure. *Source*: three such lines of seeds 52 and 63; none more of the 1,100 paths.
const LONG: usize = 180;
const LONG_MEAN_MIN: f32 = 8.0;
const LONG_SURE: f32 = 2.3;
/// A path is looked at for colour in so many parts. The least part of the marker's colour that a line has, how many deviations of the
/// compared that must be, and what their deviation is at least.
const PARTS: usize = 5;
const COLOUR_MIN: f32 = 0.012;
const COLOUR_SURE: f32 = 4.0;
const COLOUR_NOISE_MIN: f32 = 0.002;
/// The part of its mean that each part of such a line must have. *Source*: `sonogfr carts` of six seeds, 38 paths that were not
/// seen otherwise: the weakest part of 24 lines has 0.73 and more, that of 14 paths that only cross lines or labels none.
const EVEN_MIN: f32 = 0.55;
/// What the deviation of the compared is at least, and what makes a standard deviation of a median one.
const NOISE_MIN: f32 = 0.5;
const MEDIAN_TO_STANDARD: f32 = 1.48;

/// Whether the path from `from` to `to` stands out.
pub(super) fn stands_out(tones: &Tones, from: &Marker, to: &Marker) -> bool {
    let Some(path) = Path::between(tones, from, to) else { return false };
    path.is_brighter() || from.tone.is_coloured() && path.is_coloured()
}

impl Path<'_> {
    /// Whether it is nearer to the markers' colour than paths aside.
    fn is_brighter(&self) -> bool {
        let own = self.thirds(0.0);
        // Where there is no line the mean is usually below zero: most paths are done with here.
        if mean(&own) < 0.0 {
            return false;
        }
        let (usual, noise) = usual(|aside| mean(&self.thirds(aside)));
        let above = mean(&own) - usual;
        let is_sure = |least: f32, sure: f32| above >= least && above >= sure * (noise + NOISE_MIN);
        (is_sure(MEAN_MIN, SURE) || self.steps >= LONG && is_sure(LONG_MEAN_MIN, LONG_SURE))
            && own.iter().all(|third| third - usual >= THIRD_MIN * above)
    }

    /// Whether it has more of the markers' colour than paths aside, all the way.
    fn is_coloured(&self) -> bool {
        let own = self.colours(0.0);
        if mean(&own) < COLOUR_MIN {
            return false;
        }
        let (usual, noise) = usual(|aside| mean(&self.colours(aside)));
        let above = mean(&own) - usual;
        above >= COLOUR_MIN.max(COLOUR_SURE * (noise + COLOUR_NOISE_MIN))
            && own.iter().all(|part| part - usual >= EVEN_MIN * above)
    }
}

/// What is usual of the paths aside, and how far they deviate from it.
fn usual(of: impl Fn(f32) -> f32) -> (f32, f32) {
    let mut others = ASIDE.map(of);
    let usual = median(&mut others);
    (usual, MEDIAN_TO_STANDARD * median(&mut others.map(|other| (other - usual).abs())))
}

fn mean(parts: &[f32]) -> f32 {
    parts.iter().sum::<f32>() / parts.len() as f32
}

fn median(values: &mut [f32; ASIDE.len()]) -> f32 {
    values.sort_by(f32::total_cmp);
    (values[ASIDE.len() / 2 - 1] + values[ASIDE.len() / 2]) / 2.0
}

/// The path between two markers' outlines.
struct Path<'a> {
    tones: &'a Tones<'a>,
    from: &'a Marker,
    direction: [f32; 2],
    start: f32,
    steps: usize,
}

impl<'a> Path<'a> {
    fn between(tones: &'a Tones<'a>, from: &'a Marker, to: &Marker) -> Option<Self> {
        let long = from.at.distance(to.at);
        let start = from.size() / 2.0 + MARGIN;
        let length = long - start - to.size() / 2.0 - MARGIN;
        let direction = [(to.at.x - from.at.x) / long, (to.at.y - from.at.y) / long];
        (length >= LENGTH_MIN).then_some(Self { tones, from, direction, start, steps: length as usize })
    }

    /// How far a pixel is from the marker's colour; as far as can be outside the picture.
    fn gap(&self, along: f32, off: f32) -> u8 {
        self.tones.nearest(self.spot(along, off)).map_or(u8::MAX, |tone| tone.gap(self.from.tone))
    }

    /// The colour of a pixel; black outside the picture.
    fn tone(&self, along: f32, off: f32) -> Tone {
        self.tones.nearest(self.spot(along, off)).unwrap_or(Tone::BLACK)
    }

    fn spot(&self, along: f32, off: f32) -> Spot {
        let [dx, dy] = self.direction;
        let at = self.from.at;
        Spot { x: at.x + along * dx - off * dy, y: at.y + along * dy + off * dx }
    }

    /// By how much the path `aside` of this one is nearer to the marker's colour than what lies beside it: the mean of each third.
    fn thirds(&self, aside: f32) -> [f32; 3] {
        let third = self.steps / 3;
        [0, 1, 2].map(|i| {
            let steps = (i * third)..((i + 1) * third);
            let sum: i32 = steps.map(|step| i32::from(self.stands_out_at(self.start + step as f32, aside))).sum();
            sum as f32 / third as f32
        })
    }

    /// How much of the marker's colour the path `aside` of this one has: the mean of each part, 1 for as much as the marker.
    fn colours(&self, aside: f32) -> [f32; PARTS] {
        let part = self.steps / PARTS;
        core::array::from_fn(|i| {
            let places = (i * part..(i + 1) * part).flat_map(|step| [-1.0, 0.0, 1.0].map(|off| (step, off)));
            let colour =
                |(step, off)| self.tone(self.start + step as f32, aside + off).colour_like(self.from.tone).min(1.0);
            places.map(colour).sum::<f32>() / (3 * part) as f32
        })
    }

    fn stands_out_at(&self, along: f32, aside: f32) -> i16 {
        let gap = |off: f32| i16::from(self.gap(along, aside + off));
        // A slanted line lies a pixel off here and there.
        let own = gap(0.0).min(gap(-1.0)).min(gap(1.0));
        (gap(-BESIDE).min(gap(BESIDE)) - own).clamp(-MOST, MOST)
    }
}
