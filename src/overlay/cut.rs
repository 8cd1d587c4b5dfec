//! Arms of markers that the picture's edge cuts off, and markers where the echo ends, of which something may be cut off.

use super::{Outline, Pair, echo::Echo, marker::Marker, tone::Tones};
use crate::frame::Spot;

/// A marker this near to the sector's border may be cut by it, in pixels: half an arm of most.
const BORDER: f32 = 8.0;
/// The same by the echo's cells of 16 pixels, of which there is one more all around it.
const BY_CELLS: f32 = 33.0;

/// The ways in from the picture's edges: right, left, down, up.
const INWARDS: [(i32, i32); 4] = [(1, 0), (-1, 0), (0, 1), (0, -1)];

/// Whether the tip of an arm of a marker like `marker` reaches in from the picture's edge.
pub(super) fn has_cut_arm(tones: &Tones, marker: &Marker) -> bool {
    INWARDS.into_iter().any(|(dx, dy)| {
        // (dx, dy) leads inwards; the edge runs across it.
        let (length, depth) = if dx != 0 { (tones.height(), tones.width()) } else { (tones.width(), tones.height()) };
        let at = |along: i32, deep: i32| {
            let deep = if dx + dy < 0 { depth - 1 - deep } else { deep };
            if dx != 0 { tones.get(deep, along) } else { tones.get(along, deep) }
        };
        let on = |along: i32, deep: i32| at(along, deep).is_some_and(|t| t.gap(marker.tone) <= marker.tolerance());
        (2..length - 2).any(|along| is_cut_arm(&on, marker, along))
    })
}

/// Whether a stroke of the marker's width comes in from the edge at `along` and ends within an arm's length.
///
/// It is looked for three pixels in, where a crossing stroke right at the edge no longer widens it.
fn is_cut_arm(on: &impl Fn(i32, i32) -> bool, marker: &Marker, along: i32) -> bool {
    const DEPTH: i32 = 3;
    if !on(along, DEPTH) || on(along - 1, DEPTH) {
        return false;
    }
    let width = (1..).take_while(|i| on(along + i, DEPTH)).count() as i32 + 1;
    if (width as f32 - marker.stroke).abs() > 1.0 {
        return false;
    }
    let middle = along + (width - 1) / 2;
    let reach = libm::ceilf(marker.size() / 2.0) as i32;
    if !(0..DEPTH).all(|deep| on(middle, deep)) {
        return false;
    }
    let length = (0..).take_while(|&deep| on(middle, deep)).count() as i32;
    let beside = || (DEPTH..length).flat_map(|deep| [(along - 2, deep), (along + width + 1, deep)]);
    let clear = beside().filter(|&(along, deep)| !on(along, deep)).count();
    let ends = !on(middle, length + 1);
    length > DEPTH + 1 && length <= reach && ends && 5 * clear >= 4 * beside().count()
}

/// Whether an end lies at the sector's border, or beyond it, or where the echo ends before that, as on a picture that was cut and
/// framed: what is cut off may look like a whole marker.
pub(super) fn is_at_border(pair: &Pair, outline: Option<&Outline>, echo: Option<&Echo>) -> bool {
    let has_room = |end: Spot| outline.is_none_or(|outline| outline.has_room(end, BORDER));
    let is_inside = |end: Spot| {
        let around = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| [dx, dy].map(|d| BY_CELLS * d as f32)));
        // What lies beyond the border of a sector that is known needs no echo.
        let is_beyond = |at: Spot| outline.is_some_and(|outline| !outline.has_room(at, 0.0));
        let mut around = around.into_iter().map(|[dx, dy]| Spot { x: end.x + dx, y: end.y + dy });
        echo.is_none_or(|echo| around.all(|at| echo.holds(at.x, at.y) || is_beyond(at)))
    };
    !pair.ends.into_iter().all(|end| has_room(end) && is_inside(end))
}
