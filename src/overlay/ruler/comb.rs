//! Bars -> those that stand in line at even steps.
//!
//! Ticks share one edge or their middle. Of each such column every pair of near neighbours proposes a step, and the proposal
//! that explains most of the column is kept. Always holds: a comb has no two bars in one place, hardly any place between
//! its ends is empty, and hardly any bar of its column stands between two places.

use super::bars::Bar;
use alloc::{vec, vec::Vec};

/// The fewest ticks of a ruler, and the most bars of one column; more are texture.
pub(super) const TICKS_MIN: usize = 6;
const COLUMN_MAX: usize = 90;
/// Edges in line differ by so many pixels.
const EDGE_OFF: i32 = 2;
/// The nearest neighbours that propose a step.
const NEIGHBOURS: usize = 5;
/// The smallest step, in pixels. *Source*: half centimetres, 18 cm deep, on 480 lines scaled down by a quarter.
const STEP_MIN: f32 = 6.5;
/// A tick lies this near to its place: so many pixels and this part of the step. Carts draw on whole pixels, and grabbers
/// scale those up.
const OFF: (f32, f32) = (1.25, 0.01);
/// Places left out in a row at most, and the part of all places that is filled.
const GAP_MAX: i32 = 3;
const FILLED_MIN: f32 = 0.7;
/// Bars between places, as part of the ticks.
const STRAY_MAX: f32 = 0.35;
/// A ruler is at least this part of the picture's side long, and so many pixels: on fewer its scale would be too coarse.
const SPAN_MIN: f32 = 0.22;
const SPAN_MIN_PX: f32 = 100.0;

/// Large ticks in a line of their own lie this near, in lengths of the small ones; the fewest of them that count.
const ASIDE_MAX: i32 = 3;
const BESIDE_MIN: usize = 2;

/// A bar in its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tick {
    pub bar: Bar,
    /// Counted from the first tick found.
    pub place: i32,
}

/// Bars at even steps.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Comb {
    pub ticks: Vec<Tick>,
    /// Pixels from one place to the next, roughly.
    pub step: f32,
    /// How much it looks like a ruler; only to compare.
    pub score: f32,
}

impl Comb {
    /// The places from the first tick to the last.
    pub fn reach(&self) -> i32 {
        self.ticks.last().map_or(0, |tick| tick.place)
    }

    /// The same with the bars that stand beside its column in most of its empty places, in a line of their own: on some
    /// carts large ticks begin where small ones end.
    pub fn filled(mut self, bars: &[Bar]) -> Self {
        let Some(&Tick { bar: origin, .. }) = self.ticks.first() else { return self };
        let is_empty = |place: i32| self.ticks.iter().all(|tick| tick.place != place);
        let empty = (0..=self.reach()).filter(|&place| is_empty(place)).count();
        let aside = ASIDE_MAX * (origin.last - origin.first + 1);
        let beside: Vec<Tick> = bars
            .iter()
            .filter(|bar| bar.last >= origin.first - aside && bar.first <= origin.last + aside)
            .map(|&bar| Tick { bar, place: libm::roundf((bar.at - origin.at) / self.step) as i32 })
            .filter(|tick| (tick.bar.at - origin.at - tick.place as f32 * self.step).abs() <= OFF.0 + OFF.1 * self.step)
            .filter(|tick| (0..=self.reach()).contains(&tick.place) && is_empty(tick.place))
            .collect();
        let in_line = |with: &Tick| -> Vec<Tick> {
            let off = |tick: &&Tick| {
                (tick.bar.first - with.bar.first).abs().max((tick.bar.last - with.bar.last).abs()) <= EDGE_OFF
            };
            beside.iter().filter(off).copied().collect()
        };
        let Some(mut line) = beside.iter().map(in_line).max_by_key(Vec::len) else { return self };
        line.sort_by_key(|tick| tick.place);
        line.dedup_by_key(|tick| tick.place);
        if line.len() >= BESIDE_MIN && 2 * line.len() > empty {
            self.ticks.extend(line);
            self.ticks.sort_by_key(|tick| tick.place);
        }
        self
    }
}

/// Rulers' candidates among the bars of a picture whose side along the ruler is `side` long, the best first.
pub(super) fn combs(bars: &[Bar], side: i32) -> Vec<Comb> {
    let mut found: Vec<Comb> = Vec::new();
    let mut sorted = bars.to_vec();
    // Twice the middle, so that halves are whole.
    for (edge, off) in [(first as fn(&Bar) -> i32, EDGE_OFF), (last, EDGE_OFF), (twice_middle, 2 * EDGE_OFF - 1)] {
        sorted.sort_by(|a, b| edge(a).cmp(&edge(b)).then(a.at.total_cmp(&b.at)));
        let mut end = 0;
        for start in 0..sorted.len() {
            if start > 0 && edge(&sorted[start - 1]) == edge(&sorted[start]) {
                continue;
            }
            let reach = edge(&sorted[start]) + off;
            let next = start + sorted[start..].iter().take_while(|bar| edge(bar) <= reach).count();
            // Where the column gains nothing, it is part of the one before.
            if next == end || !(TICKS_MIN..=COLUMN_MAX).contains(&(next - start)) {
                continue;
            }
            end = next;
            let mut column = sorted[start..end].to_vec();
            column.sort_by(|a, b| a.at.total_cmp(&b.at));
            found.extend(rake(&column, (side as f32 * SPAN_MIN).max(SPAN_MIN_PX)));
        }
    }
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    found
}

fn first(bar: &Bar) -> i32 {
    bar.first
}

fn last(bar: &Bar) -> i32 {
    bar.last
}

fn twice_middle(bar: &Bar) -> i32 {
    bar.first + bar.last
}

/// The best comb in a column that is sorted along the ruler.
fn rake(column: &[Bar], span_min: f32) -> Option<Comb> {
    let mut best: Option<Comb> = None;
    // Which neighbour has already been in a comb with this one, so that it proposes nothing new.
    let mut joined = vec![usize::MAX; column.len()];
    for i in 0..column.len() {
        for j in i + 1..(i + 1 + NEIGHBOURS).min(column.len()) {
            let step = column[j].at - column[i].at;
            if step < STEP_MIN || joined[i] == j {
                continue;
            }
            // Most proposals find nothing two steps on or back.
            let off = |steps: f32| {
                let at = column[i].at + steps * step;
                nearest(column, at).is_none_or(|k| (column[k].at - at).abs() > OFF.0 + OFF.1 * step)
            };
            if off(2.0) && off(-1.0) && off(3.0) {
                continue;
            }
            let Some(comb) = comb(column, i, step, &mut joined).filter(|comb| {
                let span = comb.ticks.last().map_or(0.0, |t| t.bar.at) - comb.ticks.first().map_or(0.0, |t| t.bar.at);
                span >= span_min
            }) else {
                continue;
            };
            if best.as_ref().is_none_or(|best| comb.score > best.score) {
                best = Some(comb);
            }
        }
    }
    best
}

/// The comb through bar `origin` with steps of about `step`.
fn comb(column: &[Bar], origin: usize, step: f32, joined: &mut [usize]) -> Option<Comb> {
    let mut found: Vec<(usize, i32)> = vec![(origin, 0)];
    // The bars at both ends and their places.
    let mut ends = [(origin, 0); 2];
    let mut fine = step;
    for (way, end) in [(1, 1), (-1, 0)] {
        let (mut place, mut missed) = (0, 0);
        while missed < GAP_MAX {
            place += way;
            let expected = column[origin].at + place as f32 * fine;
            match nearest(column, expected).filter(|&i| (column[i].at - expected).abs() <= OFF.0 + OFF.1 * step) {
                Some(i) if i != ends[end].0 => {
                    missed = 0;
                    found.push((i, place));
                    ends[end] = (i, place);
                    // The farther apart, the surer.
                    let [low, high] = ends;
                    fine = (column[high.0].at - column[low.0].at) / (high.1 - low.1) as f32;
                }
                _ => missed += 1,
            }
            if expected < column[0].at - step || expected > column[column.len() - 1].at + step {
                break;
            }
        }
        // A proposal that finds nothing at its first places is none.
        if way == 1 && found.len() < 2 {
            return None;
        }
    }
    found.sort_by_key(|&(_, place)| place);
    for pair in found.windows(2).filter(|pair| pair[1].1 == pair[0].1 + 1) {
        joined[pair[0].0] = pair[1].0;
    }
    if found.len() < TICKS_MIN {
        return None;
    }
    let (first, last) = (found[0], found[found.len() - 1]);
    let places = last.1 - first.1 + 1;
    let between = last.0 - first.0 + 1;
    let filled = found.len() as f32 / places as f32;
    let stray = (between - found.len()) as f32;
    // By chance six spots of noise lie at even steps, but hardly with no place between them free, and then most are a pixel wide.
    let specks = found.iter().filter(|&&(i, _)| column[i].first == column[i].last).count();
    let few = found.len() == TICKS_MIN && (places > TICKS_MIN as i32 || 2 * specks > TICKS_MIN);
    if few || filled < FILLED_MIN || stray > STRAY_MAX * found.len() as f32 {
        return None;
    }
    let ticks = found.iter().map(|&(i, place)| Tick { bar: column[i], place: place - first.1 }).collect::<Vec<_>>();
    Some(Comb { score: found.len() as f32 * filled - stray, step: fine, ticks })
}

fn nearest(column: &[Bar], at: f32) -> Option<usize> {
    let after = column.partition_point(|bar| bar.at < at);
    let off = |i: &usize| (column[*i].at - at).abs();
    [after.checked_sub(1), Some(after)]
        .into_iter()
        .flatten()
        .filter(|&i| i < column.len())
        .min_by(|a, b| off(a).total_cmp(&off(b)))
}
