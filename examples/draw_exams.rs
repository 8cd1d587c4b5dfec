//! Draws the exams of the virtual board: raw frames one after another in `frames.raw`, what they are in `exams.json`, and the
//! measured picture of each exam as a PNG.
//!
//! usage: `draw_exams FOLDER`
//!
//! The first exam is that of a LOGIQ-like cart on 1280 x 720 with black bars, the second is on another maker's cart on
//! 1920 x 1080. Frames are RGB3, so that what comes out of the cable is the picture, to the bit.

use serde_json::{Value, json};
use sonogfr::{
    edge::pictures,
    frame::Picture,
    phantom::{
        self, carts,
        cine::{Exam, Moment},
    },
};
use std::{
    collections::BTreeMap,
    env,
    error::Error,
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

/// Population and patient of the first exam.
const PATIENT: (u64, u64) = (40, 0);
/// Population and number of the second exam's screen: 1920 x 1080, undamaged, its length printed.
const CART: (u64, u64) = (31, 139);
/// Live pictures of the second exam.
const LIVE_COUNT: usize = 8;
/// The first exam's signal.
const WIDTH: usize = 1280;
const HEIGHT: usize = 720;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Frames of one exam, each with what happens in it.
type Frames = Vec<(&'static str, Picture)>;

fn main() -> Outcome<()> {
    let folder = env::args().nth(1).ok_or("usage: draw_exams FOLDER")?;
    let folder = Path::new(&folder);
    let mut out = BufWriter::new(File::create(folder.join("frames.raw"))?);
    let mut offset = 0;
    let mut exams = Vec::new();
    for (number, frames) in [first(), second()].into_iter().enumerate() {
        let file = format!("exam-{}.png", number + 1);
        let (_, measured) = frames.last().ok_or("an exam has frames")?;
        pictures::save(measured, &folder.join(&file))?;
        exams.push(describe(&frames, offset, &file));
        for (_, picture) in &frames {
            out.write_all(picture.as_rgb())?;
            offset += picture.as_rgb().len();
        }
    }
    out.flush()?;
    serde_json::to_writer(File::create(folder.join("exams.json"))?, &exams)?;
    Ok(())
}

fn describe(frames: &Frames, offset: usize, file: &str) -> Value {
    let mut moments: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, (moment, _)) in frames.iter().enumerate() {
        moments.entry(moment).or_default().push(number);
    }
    let size = frames.first().map(|(_, picture)| [picture.width(), picture.height()]);
    json!({ "size": size, "format": "RGB3", "offset": offset, "moments": moments, "measured": file })
}

fn first() -> Frames {
    let (seed, index) = PATIENT;
    let mut frames = Frames::new();
    for (moment, picture) in Exam::new(seed, &phantom::patient(seed, index)) {
        let name = match moment {
            Moment::Live => "live",
            Moment::Frozen => "frozen",
            Moment::FirstCaliper => "first",
            Moment::SecondCaliper => "second",
            Moment::Measured => "measured",
        };
        let picture = in_black(&picture);
        // A standing picture is kept once: whoever plays it holds it.
        if frames.last().is_none_or(|(_, last)| *last != picture) {
            frames.push((name, picture));
        }
    }
    frames
}

fn second() -> Frames {
    let (seed, index) = CART;
    let carts::Film { live, frozen, measured } = carts::film(seed, index, LIVE_COUNT);
    let live = live.into_iter().map(|picture| ("live", picture));
    live.chain([("frozen", frozen), ("measured", measured.screen)]).collect()
}

/// A cart's screen in the middle of the signal.
fn in_black(screen: &Picture) -> Picture {
    let mut signal = Picture::filled(WIDTH, HEIGHT, [0; 3]);
    let (left, top) = ((WIDTH - screen.width()) / 2, (HEIGHT - screen.height()) / 2);
    for y in 0..screen.height() {
        let row = screen.frame().row(y);
        let start = ((top + y) * WIDTH + left) * 3;
        signal.as_rgb_mut()[start..start + row.len()].copy_from_slice(row);
    }
    signal
}
