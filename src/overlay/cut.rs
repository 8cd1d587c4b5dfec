//! Arms of markers that the picture's edge cuts off.

use super::{marker::Marker, tone::Tones};

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
