//! Distances against printed lengths: whether they agree, and whether pairs have the lengths, or the proportions, that are printed.

use super::{Pair, Print, PrintedLength, Ruler, pairs::Pairing};
use alloc::vec::Vec;

/// Lengths by the ruler and in print may differ by this part: carts print hundredths, and markers lie on whole pixels.
pub(super) const AGREEMENT: f32 = 0.02;
/// As far as lengths are seen wrongly: a ruler's scale by this part, and both ends together by so many pixels.
const SEEN_PART: f32 = 0.003;
const ENDS_OFF: f32 = 1.0;
/// So many lined pairs tell the scale by their proportions, even if more lengths are printed.
const LINED_MIN: usize = 3;
/// A second pair longer than this part of the longest leaves open which of them is the length. A kidney is about half
/// as wide and thick as long.
pub(super) const RIVAL: f32 = 0.9;

/// How many measurements there are by their numbers: where the second is printed there is a first, read or not.
pub(super) fn numbered(print: &Print) -> usize {
    print.lengths.iter().filter_map(|printed| printed.label).max().map_or(0, usize::from)
}

/// Lengths from the longest down.
pub(super) fn sorted(print: &Print) -> Vec<&PrintedLength> {
    let mut lengths: Vec<&PrintedLength> = print.lengths.iter().collect();
    lengths.sort_by(|a, b| b.length.0.total_cmp(&a.length.0));
    lengths
}

/// Whether two printed lengths are so nearly equal that neither is the kidney's for certain.
pub(super) fn has_rivals(print: &Print) -> bool {
    matches!(sorted(print)[..], [longest, second, ..] if second.length.0 > RIVAL * longest.length.0)
}

pub(super) fn agree(cm: f32, printed: &PrintedLength) -> bool {
    (cm - printed.length.0).abs() <= AGREEMENT * printed.length.0
}

/// How far lengths may be from what is printed.
#[derive(Clone, Copy)]
pub(super) enum Slack {
    /// As far as markers and rulers are seen wrongly.
    Seen,
    /// As far as lengths that agree.
    Agreed,
}

impl Slack {
    /// Whether a distance and a printed length fit; carts round, and markers lie on whole pixels.
    pub(super) fn fits(self, cm: f32, cm_per_px: f32, printed: &PrintedLength) -> bool {
        let off = match self {
            Self::Seen => SEEN_PART * printed.length.0 + ENDS_OFF * cm_per_px,
            Self::Agreed => AGREEMENT * printed.length.0,
        };
        (cm - printed.length.0).abs() <= off + printed.step.0 / 2.0
    }
}

/// As [`agree`], for lengths of which any may be short.
pub(super) fn nearly_agree(cm: f32, printed: &PrintedLength) -> bool {
    Slack::Agreed.fits(cm, 0.0, printed)
}

pub(super) fn fits(pairing: &Pairing, ruler: &Ruler, print: &Print, slack: Slack) -> bool {
    let mut distances: Vec<f32> = pairing.pairs.iter().map(|pair| ruler.distance(pair.ends).0).collect();
    distances.sort_by(|a, b| b.total_cmp(a));
    let lengths = sorted(print);
    let cm_per_px = 1.0 / ruler.scale.0.min(ruler.across.0);
    !lengths.is_empty()
        && distances.len() == lengths.len()
        && distances.iter().zip(lengths).all(|(&cm, printed)| slack.fits(cm, cm_per_px, printed))
}

pub(super) fn is_in_proportion(pairs: &[Pair], stretch: Option<f32>, print: &Print, slack: Slack) -> bool {
    let mut distances: Vec<f32> = pairs.iter().map(|pair| pair.unstretched(stretch.unwrap_or(1.0)).0).collect();
    distances.sort_by(|a, b| b.total_cmp(a));
    let lengths = sorted(print);
    if distances.len() != lengths.len() || distances[0] <= 0.0 {
        return false;
    }
    let cm_per_px = lengths[0].length.0 / distances[0];
    distances.iter().zip(lengths).all(|(px, printed)| slack.fits(px * cm_per_px, cm_per_px, printed))
}

/// Whether lined pairs, longest first, have printed lengths in one scale: the longest the longest, each its own, and all of them
/// where there are but two.
pub(super) fn are_in_proportion(lined: &[Pair], stretch: f32, lengths: &[&PrintedLength]) -> bool {
    let enough = lined.len() == lengths.len() && lined.len() >= 2 || lined.len() >= LINED_MIN;
    let Some(cm_per_px) = lined.first().map(|pair| lengths[0].length.0 / pair.unstretched(stretch).0) else {
        return false;
    };
    let mut left = lengths.iter();
    enough
        && lined.iter().all(|pair| {
            let cm = cm_per_px * pair.unstretched(stretch).0;
            left.any(|printed| Slack::Seen.fits(cm, cm_per_px, printed))
        })
}

/// Whether, if `own` is the chosen pair's length, another length is printed and each other one is that of another pair.
pub(super) fn are_borne_out(
    pairs: &[Pair],
    stretch: Option<f32>,
    own: &PrintedLength,
    lengths: &[&PrintedLength],
) -> bool {
    let px = |pair: &Pair| pair.unstretched(stretch.unwrap_or(1.0)).0;
    let Some(chosen) = pairs.iter().find(|pair| pair.chosen) else { return false };
    let cm_per_px = own.length.0 / px(chosen);
    let fits_another = |printed: &PrintedLength| {
        let mut others = pairs.iter().filter(|pair| !pair.chosen);
        others.any(|pair| Slack::Agreed.fits(cm_per_px * px(pair), cm_per_px, printed))
    };
    lengths.len() > 1
        && lengths.iter().filter(|printed| printed.length != own.length).all(|printed| fits_another(printed))
}
