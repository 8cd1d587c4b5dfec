//! Where the echo is: the convex hull of the cells that stir while the picture moves.
//!
//! A sector, a trapezoid and a rectangle are convex; a dark part of the echo lies within the hull of the rest.

use alloc::{vec, vec::Vec};

/// From here on a cell's stir says that it is echo. That of a clock or a heart line stays below.
const STIR_ECHO: u8 = 16;
/// Cells around it, of eight, that must be echo too.
const NEIGHBOURS_MIN: usize = 3;

/// Marks the cells within the echo's outline, with so many cells beside, above and below it. *Shape*: `stirs` and `echo` are
/// `[rows, columns]`.
pub(super) fn draw(stirs: &[u8], columns: usize, [beside, above, below]: [usize; 3], echo: &mut [bool]) {
    let rows = stirs.len() / columns;
    // The first and last cell of each row, with the margin.
    let mut spans: Vec<Option<(f32, f32)>> = vec![None; rows];
    for y in 0..rows {
        let Some((first, last)) = span(stirs, columns, y) else { continue };
        let (first, last) = (first as f32 - beside as f32, last as f32 + beside as f32);
        for row in &mut spans[y.saturating_sub(above)..(y + below + 1).min(rows)] {
            let (left, right) = row.unwrap_or((first, last));
            *row = Some((left.min(first), right.max(last)));
        }
    }
    let edge = |pick: fn((f32, f32)) -> f32| {
        let points = spans.iter().enumerate().filter_map(|(y, span)| span.map(|span| (y as f32, pick(span))));
        hull(points)
    };
    // The right edge is hollow where the left one is: it is drawn in the mirror.
    let (left, right) = (edge(|(left, _)| left), edge(|(_, right)| -right));
    echo.fill(false);
    for (y, row) in echo.chunks_exact_mut(columns).enumerate() {
        let (Some(first), Some(last)) = (at(&left, y as f32), at(&right, y as f32)) else { continue };
        let end = ((1.0 - last).max(0.0) as usize).min(columns);
        row[(first.max(0.0) as usize).min(end)..end].fill(true);
    }
}

/// The first and the last cell of a row that stir with their neighbours.
fn span(stirs: &[u8], columns: usize, y: usize) -> Option<(usize, usize)> {
    let rows = stirs.len() / columns;
    let stirs_with_others = |x: &usize| {
        let stirred = |x: usize, y: usize| stirs[y * columns + x] >= STIR_ECHO;
        let around = (y.saturating_sub(1)..(y + 2).min(rows))
            .flat_map(|y| (x.saturating_sub(1)..(x + 2).min(columns)).map(move |x| (x, y)));
        stirred(*x, y) && around.filter(|&(x, y)| stirred(x, y)).count() > NEIGHBOURS_MIN
    };
    let first = (0..columns).find(stirs_with_others)?;
    Some((first, (first..columns).rev().find(stirs_with_others).unwrap_or(first)))
}

/// The corners of the lower convex hull of points in the order of their first coordinate.
fn hull(points: impl Iterator<Item = (f32, f32)>) -> Vec<(f32, f32)> {
    let mut corners: Vec<(f32, f32)> = Vec::new();
    for c in points {
        while let [.., a, b] = corners[..]
            && (b.1 - a.1) * (c.0 - a.0) >= (c.1 - a.1) * (b.0 - a.0)
        {
            corners.pop();
        }
        corners.push(c);
    }
    corners
}

/// The hull's second coordinate at `y`; none beyond its ends.
fn at(corners: &[(f32, f32)], y: f32) -> Option<f32> {
    if let [(only, value)] = corners {
        return (*only == y).then_some(*value);
    }
    let between = corners.windows(2).find(|pair| (pair[0].0..=pair[1].0).contains(&y))?;
    let t = (y - between[0].0) / (between[1].0 - between[0].0);
    Some(between[0].1 + (between[1].1 - between[0].1) * t)
}
