//! What was learnt of a cart from a picture that was measured, so that its next one is read with fewer searches.
//!
//! A profile says how the screen looks where nothing is written, where the echo lies and where the ruler stands. With it the
//! ruler is looked for in its place alone; markers are searched as without it, because a second shape or colour may appear in any
//! exam. Always holds: what a profile leads to is what it had learnt (same ruler, same place, same step) or nothing, and then
//! the whole search follows; it holds nothing but numbers, none of them from a place with print. Deliberately absent: where
//! profiles are kept, and when they are dropped.

use super::{
    Sight,
    echo::Echo,
    ruler::{self, Place},
    tone::Tones,
};
use crate::frame::Frame;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The screen is looked at in so many cells along its rows and down: coarse enough that no letter shows in them.
const COLUMNS: usize = 32;
const ROWS: usize = 18;
/// Places looked at along each side of a cell, and how far a channel of all of them may be from their middle in an even cell.
const SAMPLES: usize = 6;
const EVEN: u8 = 3;
/// Cells of one screen differ in a channel by less than this: a grabber's noise stays below.
const SAME: u8 = 10;
/// The least part of all cells that must be even on both screens, and the part of those that must have the same colour.
/// Depth and names change some; another maker's ground changes most.
const SHARED_MIN: f32 = 0.2;
const SAME_MIN: f32 = 0.9;
/// The echo may reach so many pixels farther than the learnt one: two of its cells, as its edge is fuzzy.
const ECHO_OFF: usize = 32;

/// What has been learnt of one cart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Width and height of the screen, in pixels.
    size: [u16; 2],
    /// The colour of each cell that is even: without print, ruler or echo. *Shape*: `[ROWS, COLUMNS]`.
    cells: Vec<Option<[u8; 3]>>,
    /// The rectangle around the echo: left, top, right, bottom.
    echo: [u16; 4],
    /// Where the ruler stands.
    ruler: Place,
}

impl Profile {
    /// Learns from a picture that was measured with a ruler; none from any other, nor from a cut-out echo.
    pub fn learn(frame: Frame<'_>, sight: &Sight) -> Option<Self> {
        let ticks = sight.ticks.as_ref().filter(|_| sight.is_screen && sight.ruler.is_some());
        let ticks = ticks.filter(|ticks| sight.chosen().is_some() && ticks.ruler().is_some())?;
        let side = |length: usize| u16::try_from(length).ok();
        let [left, top, right, bottom] = Echo::of(&Tones::of(frame))?.area();
        Some(Self {
            size: [side(frame.width())?, side(frame.height())?],
            cells: cells(frame),
            echo: [side(left)?, side(top)?, side(right)?, side(bottom)?],
            ruler: ticks.place()?,
        })
    }

    /// Width and height of the cart's screen, in pixels.
    pub fn size(&self) -> [u16; 2] {
        self.size
    }

    /// The columns in which the ruler's ticks stand, the first and the last.
    pub fn ruler_columns(&self) -> [u16; 2] {
        self.ruler.columns
    }

    /// Whether the picture may be of this cart, by its size and by how it looks where nothing is written.
    pub fn suits(&self, frame: Frame<'_>) -> bool {
        let is_size = self.size.map(usize::from) == [frame.width(), frame.height()];
        if !is_size || self.cells.len() != COLUMNS * ROWS {
            return false;
        }
        let seen = cells(frame);
        let shared = || self.cells.iter().zip(&seen).filter_map(|(own, seen)| Some((own.as_ref()?, seen.as_ref()?)));
        let same = |(own, seen): &(&[u8; 3], &[u8; 3])| own.iter().zip(*seen).all(|(a, b)| a.abs_diff(*b) < SAME);
        let count = shared().count() as f32;
        count >= SHARED_MIN * seen.len() as f32 && shared().filter(same).count() as f32 >= SAME_MIN * count
    }

    /// Whether the picture's echo lies where the cart's did.
    pub(super) fn has_room_for(&self, echo: &Echo) -> bool {
        let [left, top, right, bottom] = self.echo.map(usize::from);
        let [own_left, own_top, own_right, own_bottom] = echo.area();
        let begins = own_left + ECHO_OFF >= left && own_top + ECHO_OFF >= top;
        begins && own_right <= right + ECHO_OFF && own_bottom <= bottom + ECHO_OFF
    }

    /// The ruler's ticks, if they stand in the learnt place.
    pub(super) fn ticks(&self, tones: &Tones) -> Option<ruler::Ticks> {
        ruler::find_at(tones, &self.ruler)
    }
}

/// The colours of the even cells.
fn cells(frame: Frame<'_>) -> Vec<Option<[u8; 3]>> {
    let at = |of: usize, place: usize, parts: usize| ((2 * place + 1) * of / (2 * parts)).min(of - 1);
    let cell = |row: usize, column: usize| -> Option<[u8; 3]> {
        let mut samples = [[0; SAMPLES * SAMPLES]; 3];
        for i in 0..SAMPLES * SAMPLES {
            let x = at(frame.width(), column * SAMPLES + i % SAMPLES, COLUMNS * SAMPLES);
            let y = at(frame.height(), row * SAMPLES + i / SAMPLES, ROWS * SAMPLES);
            for (channel, value) in samples.iter_mut().zip(frame.rgb(x, y)) {
                channel[i] = value;
            }
        }
        let middles = samples.map(|mut channel| {
            channel.sort_unstable();
            channel[channel.len() / 2]
        });
        let is_even =
            samples.iter().zip(middles).all(|(channel, middle)| channel.iter().all(|v| v.abs_diff(middle) <= EVEN));
        is_even.then_some(middles)
    };
    (0..ROWS)
        .flat_map(|row| (0..COLUMNS).map(move |column| (row, column)))
        .map(|(row, column)| cell(row, column))
        .collect()
}
