//! What a device offers, and which of it is taken.
//!
//! What the board file asks for must be offered. Of what is left, [`choose`] takes, by this ranking:
//! 1. what fits into [`SIZE_MAX`] before what does not: no cart's screen needs more, and each pixel costs;
//! 2. [`ENOUGH`] frames a second before [`SLOW`], and those before fewer: the freeze watch counts frames, see [`crate::freeze`];
//! 3. the largest picture, as a grabber that shrinks the screen makes its letters unreadable; the smallest of those that do not fit;
//! 4. formats in the order of [`FORMATS`];
//! 5. the fewest frames a second that are enough: the freeze watch is made for 30, and each frame costs.
//!
//! Deliberately absent: the device; offers are values.

use crate::config::{Camera, PixelFormat};
use std::{cmp::Reverse, collections::BTreeMap, fmt};

/// The largest width and height taken unasked.
pub const SIZE_MAX: [u32; 2] = [1920, 1200];
/// So many frames a second are enough. PAL has 25.
pub const ENOUGH: f32 = 24.5;
/// So many frames a second are slow, but follow a measurement.
pub const SLOW: f32 = 9.5;
/// The best format first. 4:2:2 keeps the whole luma; RGB takes half as much again on a bus that is often the bottleneck (a CSI
/// bridge with two lanes cannot carry 1080p60 as RGB); 4:2:0 loses more colour; a JPEG costs time and loses strokes.
pub const FORMATS: [PixelFormat; 5] =
    [PixelFormat::Yuyv, PixelFormat::Uyvy, PixelFormat::Rgb3, PixelFormat::Nv12, PixelFormat::Mjpg];
/// A rate is the one asked for if it is off by no more: 59.94 is 60. *Units*: frames a second.
const RATE_SLACK: f32 = 0.5;
/// Sizes tried where a device takes any: those of carts' screens.
const COMMON_SIZES: [[u32; 2]; 12] = [
    [1920, 1200],
    [1920, 1080],
    [1680, 1050],
    [1600, 1200],
    [1280, 1024],
    [1280, 960],
    [1280, 720],
    [1024, 768],
    [800, 600],
    [720, 576],
    [720, 480],
    [640, 480],
];

impl PixelFormat {
    /// The kernel's name.
    pub fn fourcc(self) -> [u8; 4] {
        *match self {
            Self::Rgb3 => b"RGB3",
            Self::Yuyv => b"YUYV",
            Self::Uyvy => b"UYVY",
            Self::Nv12 => b"NV12",
            Self::Mjpg => b"MJPG",
        }
    }

    /// The format of that name, if it can be read.
    pub fn from_fourcc(fourcc: [u8; 4]) -> Option<Self> {
        FORMATS.into_iter().find(|format| format.fourcc() == fourcc)
    }

    fn rank(self) -> Option<usize> {
        FORMATS.iter().position(|&format| format == self)
    }
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&String::from_utf8_lossy(&self.fourcc()))
    }
}

/// The time from one frame to the next, as a fraction of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Above the line.
    pub numerator: u32,
    /// Below it.
    pub denominator: u32,
}

impl Interval {
    /// The interval of a whole number of frames a second.
    pub fn of_rate(frames_per_s: u32) -> Self {
        Self { numerator: 1, denominator: frames_per_s }
    }

    /// Frames a second; endless for an interval of zero.
    pub fn frames_per_s(self) -> f32 {
        self.denominator as f32 / self.numerator as f32
    }
}

impl fmt::Display for Interval {
    /// Frames a second, to a hundredth.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", (self.frames_per_s() * 100.0).round() / 100.0)
    }
}

/// The frame rates of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rates {
    /// The device does not say.
    Unsaid,
    /// One of these.
    Listed(Vec<Interval>),
    /// Anything from the shortest interval to the longest.
    Between(Interval, Interval),
}

/// One thing that a device offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The pixel format.
    pub format: PixelFormat,
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// The frame rates.
    pub rates: Rates,
}

/// What is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// The pixel format.
    pub format: PixelFormat,
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// The frame rate, where the device lets it be chosen or says it.
    pub interval: Option<Interval>,
}

impl fmt::Display for Mode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [width, height] = self.size;
        write!(out, "{} {width}x{height}", self.format)?;
        self.interval.map_or(Ok(()), |interval| write!(out, " at {interval} frames/s"))
    }
}

/// What the board file asks for and the device does not offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotOffered {
    /// The board file's key.
    pub key: &'static str,
    /// What it asks for.
    pub asked: String,
    /// What is offered in its place.
    pub offered: String,
}

/// Sizes that a device takes in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// The least width and height.
    pub least: [u32; 2],
    /// The most.
    pub most: [u32; 2],
    /// The steps between; 0 where there is one size.
    pub step: [u32; 2],
}

impl Steps {
    fn takes(&self, size: [u32; 2]) -> bool {
        (0..2).all(|axis| {
            let (least, most) = (self.least[axis], self.most[axis]);
            (least..=most).contains(&size[axis]) && (size[axis] - least).is_multiple_of(self.step[axis].max(1))
        })
    }

    /// The sizes worth trying: the one wanted, those of carts' screens, and the largest where it takes none of these.
    pub fn sizes(&self, wanted: Option<[u32; 2]>) -> Vec<[u32; 2]> {
        let mut sizes: Vec<_> = COMMON_SIZES.into_iter().chain(wanted).filter(|&size| self.takes(size)).collect();
        if sizes.is_empty() {
            sizes.push(self.most);
        }
        sizes
    }
}

/// The best mode; the ranking stands in the module's header.
///
/// *Errors*: [`NotOffered`] for the first key that cannot be had, with what is offered beside the keys before it.
pub fn choose(offers: &[Offer], wanted: &Camera) -> Result<Mode, NotOffered> {
    let mut left: Vec<&Offer> = offers.iter().collect();
    if let Some(format) = wanted.format {
        left = kept(left, "capture.format", &format, |offer| offer.format == format)?;
    }
    if let Some(size) = wanted.size {
        let asked = format!("{}x{}", size[0], size[1]);
        left = kept(left, "capture.size", &asked, |offer| offer.size == size)?;
    }
    if let Some(rate) = wanted.frames_per_s {
        left = kept(left, "capture.frames_per_s", &rate, |offer| offer.interval(Some(rate)).is_some())?;
    }
    let modes = left.into_iter().map(|offer| Mode {
        format: offer.format,
        size: offer.size,
        interval: offer.interval(wanted.frames_per_s),
    });
    let nothing = || NotOffered { key: "capture.format", asked: "any that can be read".into(), offered: "none".into() };
    modes.max_by_key(rank).ok_or_else(nothing)
}

/// Those of `offers` that `fit`. *Errors*: there is none.
fn kept<'a>(
    offers: Vec<&'a Offer>,
    key: &'static str,
    asked: &dyn fmt::Display,
    fit: impl Fn(&Offer) -> bool,
) -> Result<Vec<&'a Offer>, NotOffered> {
    let (fitting, others): (Vec<_>, Vec<_>) = offers.into_iter().partition(|offer| fit(offer));
    if fitting.is_empty() {
        return Err(NotOffered { key, asked: asked.to_string(), offered: describe(others) });
    }
    Ok(fitting)
}

impl Offer {
    /// The interval to ask for: that of the `wanted` rate, else the longest that is enough, else the shortest. None where there
    /// is no such rate, or none is wanted and none is said.
    fn interval(&self, wanted: Option<u32>) -> Option<Interval> {
        match (&self.rates, wanted) {
            (Rates::Unsaid, wanted) => wanted.map(Interval::of_rate),
            (Rates::Listed(intervals), Some(rate)) => {
                let off = |interval: &Interval| (interval.frames_per_s() - rate as f32).abs();
                intervals.iter().copied().filter(|i| off(i) <= RATE_SLACK).min_by(|a, b| off(a).total_cmp(&off(b)))
            }
            (Rates::Listed(intervals), None) => {
                let enough = intervals.iter().filter(|interval| interval.frames_per_s() >= ENOUGH);
                let slower = |a: &&Interval, b: &&Interval| a.frames_per_s().total_cmp(&b.frames_per_s());
                enough.min_by(slower).or_else(|| intervals.iter().max_by(slower)).copied()
            }
            (Rates::Between(shortest, longest), Some(rate)) => {
                let rates = longest.frames_per_s() - RATE_SLACK..=shortest.frames_per_s() + RATE_SLACK;
                rates.contains(&(rate as f32)).then(|| Interval::of_rate(rate))
            }
            (Rates::Between(shortest, longest), None) => {
                const USUAL: Interval = Interval { numerator: 1, denominator: 30 };
                let usual = (longest.frames_per_s()..=shortest.frames_per_s()).contains(&USUAL.frames_per_s());
                let slow = shortest.frames_per_s() < USUAL.frames_per_s();
                Some(if usual {
                    USUAL
                } else if slow {
                    *shortest
                } else {
                    *longest
                })
            }
        }
    }
}

/// How good a mode is: the greatest is the best.
fn rank(mode: &Mode) -> impl Ord + use<> {
    let [width, height] = mode.size;
    let fits = width <= SIZE_MAX[0] && height <= SIZE_MAX[1];
    // A rate that nobody says is mostly that of the signal.
    let rate = mode.interval.map_or(ENOUGH, Interval::frames_per_s);
    let speed = u8::from(rate >= ENOUGH) + u8::from(rate >= SLOW);
    let area = i64::from(width) * i64::from(height);
    let centirate = (rate * 100.0) as i64;
    (
        fits,
        speed,
        if fits { area } else { -area },
        Reverse(mode.format.rank()),
        if speed == 2 { -centirate } else { centirate },
    )
}

/// What is offered, in one line: `YUYV 1280x720 (10), 640x480 (30); MJPG 1920x1080 (30, 25)`.
pub fn describe<'a>(offers: impl IntoIterator<Item = &'a Offer>) -> String {
    let mut by_format: BTreeMap<Option<usize>, Vec<&Offer>> = BTreeMap::new();
    for offer in offers {
        by_format.entry(offer.format.rank()).or_default().push(offer);
    }
    let lines = by_format.into_values().map(|offers| {
        let sizes: Vec<_> =
            offers.iter().map(|offer| format!("{}x{}{}", offer.size[0], offer.size[1], offer.rates)).collect();
        format!("{} {}", offers[0].format, sizes.join(", "))
    });
    let line = lines.collect::<Vec<_>>().join("; ");
    if line.is_empty() { "nothing that can be read".into() } else { line }
}

impl fmt::Display for Rates {
    /// In brackets after a space, or nothing.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsaid => Ok(()),
            Self::Listed(intervals) => {
                let rates: Vec<_> = intervals.iter().map(Interval::to_string).collect();
                write!(out, " ({})", rates.join(", "))
            }
            Self::Between(shortest, longest) => write!(out, " ({longest} to {shortest})"),
        }
    }
}

#[cfg(test)]
mod tests;
