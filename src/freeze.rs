//! Frames -> is the cart live, frozen, and has its overlay settled?
//!
//! A live echo flickers everywhere; a frozen one stands, and only small parts of the screen change as calipers are drawn. The
//! watch compares each frame with the one before on a coarse grid. Always holds: a frame is called settled once after each
//! change, and only when the picture has stood for [`SETTLE_FRAMES`]. Deliberately absent: any clock; frames are the time.

use crate::frame::Frame;
use alloc::vec::Vec;

/// Frames without any change after which an overlay is settled.
pub const SETTLE_FRAMES: u32 = 4;
/// Pixels between the places looked at, both ways.
const GRID_STEP: usize = 4;
/// A change of brightness below this is noise of the grabber. *Units*: grey levels.
const NOISE_LEVELS: u8 = 12;
/// More than this share of the places changing means that the echo moves. Calipers and text change less than a hundredth.
const LIVE_SHARE: f32 = 0.03;

/// What a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The echo moves, or nothing is known yet.
    Live,
    /// The echo stands; the overlay may still change, or was settled before.
    Standing,
    /// The picture has just settled: the frame is worth reading.
    Settled,
}

/// Follows a stream of frames.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    last: Vec<u8>,
    size: (usize, usize),
    still_frames: u32,
    frozen: bool,
}

impl Watch {
    /// Takes the next frame of the stream.
    pub fn push(&mut self, frame: Frame<'_>) -> Seen {
        let size = (frame.width(), frame.height());
        let fresh = sample(frame);
        let comparable = self.size == size;
        let changed = if comparable { changed_share(&self.last, &fresh) } else { 1.0 };
        self.last = fresh;
        self.size = size;
        if changed > LIVE_SHARE {
            self.still_frames = 0;
            self.frozen = false;
            return Seen::Live;
        }
        self.still_frames = if changed > 0.0 { 0 } else { self.still_frames.saturating_add(1) };
        self.frozen |= self.still_frames >= SETTLE_FRAMES;
        match (self.frozen, self.still_frames == SETTLE_FRAMES) {
            (false, _) => Seen::Live,
            (true, false) => Seen::Standing,
            (true, true) => Seen::Settled,
        }
    }

    /// Forgets the stream, as after a lost signal.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

fn sample(frame: Frame<'_>) -> Vec<u8> {
    let mut grid = Vec::with_capacity((frame.width() / GRID_STEP + 1) * (frame.height() / GRID_STEP + 1));
    for y in (0..frame.height()).step_by(GRID_STEP) {
        grid.extend((0..frame.width()).step_by(GRID_STEP).map(|x| frame.luma(x, y)));
    }
    grid
}

fn changed_share(before: &[u8], after: &[u8]) -> f32 {
    let changed = before.iter().zip(after).filter(|(a, b)| a.abs_diff(**b) > NOISE_LEVELS).count();
    changed as f32 / after.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Picture;

    /// A 64 x 48 picture whose grid places take brightness from `level`.
    fn picture(level: impl Fn(usize) -> u8) -> Picture {
        let mut picture = Picture::filled(64, 48, [0; 3]);
        for (i, pixel) in picture.as_rgb_mut().chunks_exact_mut(3).enumerate() {
            pixel.fill(level(i));
        }
        picture
    }

    fn check(frames: &[(Picture, usize)], expected: &str) {
        let mut watch = Watch::default();
        let mut seen = alloc::string::String::new();
        for (picture, times) in frames {
            for _ in 0..*times {
                seen.push(match watch.push(picture.frame()) {
                    Seen::Live => 'L',
                    Seen::Standing => 's',
                    Seen::Settled => 'X',
                });
            }
        }
        assert_eq!(seen, expected);
    }

    fn echo(seed: usize) -> Picture {
        picture(|i| ((i * 31 + seed * 97) % 200) as u8)
    }

    fn with_spot(seed: usize, x: usize) -> Picture {
        let mut picture = echo(seed);
        let at = (8 * 64 + x) * 3;
        picture.as_rgb_mut()[at..at + 3].fill(255);
        picture
    }

    #[test]
    fn given_a_moving_echo_that_freezes_expect_one_settled_frame() {
        check(&[(echo(1), 1), (echo(2), 1), (echo(3), 8), (echo(4), 2)], "LLLLLLXsssLL");
    }

    #[test]
    fn given_calipers_drawn_on_a_frozen_picture_expect_it_settled_anew_after_each() {
        check(&[(echo(1), 6), (with_spot(1, 16), 6), (with_spot(1, 32), 5)], "LLLLXsssssXsssssX");
    }

    #[test]
    fn given_an_overlay_that_keeps_moving_expect_it_never_settled() {
        let mut frames = alloc::vec![(echo(1), 6)];
        frames.extend((0..8).map(|i| (with_spot(1, 4 * i), 3)));
        check(&frames, &alloc::format!("LLLLXs{}", "s".repeat(24)));
    }

    #[test]
    fn given_another_size_expect_live() {
        check(&[(echo(1), 6), (Picture::filled(32, 32, [0; 3]), 1)], "LLLLXsL");
    }
}
