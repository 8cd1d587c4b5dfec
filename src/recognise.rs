//! A line of print -> its text, by PP-OCR's recognition network through tract.
//!
//! *Source*: PP-OCRv4 mobile recognition, shipped in models/text with its licence; its README tells input and output.

use crate::{
    frame::{Frame, Picture, RGB_BYTES},
    overlay::{
        Print, PrintedLength,
        print::{self, Line},
        text::{self, Letter, Said},
    },
};
use std::{io::Cursor, path::Path, sync::Arc};
use tract_onnx::prelude::*;

/// The network's input height, and the widths that it is made ready for; time goes with the width.
const HEIGHT: usize = 48;
const WIDTHS: [usize; 4] = [144, 192, 240, 320];
/// A line wider than the widest plan is pressed together to this part of its width at most; letters still stand apart.
const PRESSED_MIN: f32 = 0.7;
/// Without a length among so many lines, only likely ones are still read.
const WITHOUT_LENGTH_MAX: usize = 4;
/// Input columns for one step of the output.
const STEP: usize = 8;

/// Why the recogniser cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecogniserError {
    /// The network's file cannot be read.
    #[error("{file} cannot be read ({source}); check the path and its permissions")]
    Read {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is not the network expected, or tract cannot run it.
    #[error("the text recogniser cannot be run ({}); install the program again", .0.root_cause())]
    Network(TractError),
    /// The network does not say which characters it knows.
    #[error("the text recogniser names no characters; install the program again")]
    Characters,
}

/// The recogniser, ready to read.
pub struct Recogniser {
    /// The network for each of [`WIDTHS`].
    plans: Vec<Arc<TypedRunnableModel>>,
    /// The character of each class but the first, which is CTC's blank.
    characters: Vec<char>,
}

impl Recogniser {
    /// Loads the network at `path`. *Errors*: [`RecogniserError`].
    pub fn open(path: &Path) -> Result<Self, RecogniserError> {
        let unread = |source| RecogniserError::Read { file: path.display().to_string(), source };
        Self::load(&std::fs::read(path).map_err(unread)?)
    }

    fn load(onnx: &[u8]) -> Result<Self, RecogniserError> {
        let framework = tract_onnx::onnx();
        let proto = framework.proto_model_for_read(&mut Cursor::new(onnx)).map_err(RecogniserError::Network)?;
        let listed = proto.metadata_props.iter().find(|entry| entry.key == "character");
        let listed = listed.ok_or(RecogniserError::Characters)?;
        // The space is the class after the listed ones.
        let characters: Vec<char> =
            listed.value.lines().map(|c| c.chars().next().unwrap_or(' ')).chain([' ']).collect();
        let make = |width: usize| -> TractResult<Arc<TypedRunnableModel>> {
            let fact = f32::fact([1, RGB_BYTES, HEIGHT, width]);
            let model = framework.model_for_proto_model(&proto)?.with_input_fact(0, fact.into())?;
            model.into_optimized()?.into_runnable()
        };
        let plans: TractResult<Vec<_>> = WIDTHS.into_iter().map(make).collect();
        Ok(Self { plans: plans.map_err(RecogniserError::Network)?, characters })
    }

    /// The lengths in print on a picture.
    ///
    /// Lines are read from the likeliest on. Once there is a length, only its box and lines that look as much like one
    /// are still read; without one, so many lines that another is not to be expected.
    ///
    /// *Errors*: [`RecogniserError::Network`].
    pub fn lengths(&self, frame: Frame<'_>) -> Result<Print, RecogniserError> {
        let mut said: Vec<(&Line, Said, Vec<PrintedLength>)> = Vec::new();
        let mut boxes = Vec::new();
        let lines = print::lines(frame);
        for (nth, line) in lines.iter().enumerate() {
            let likely = line.likeness >= print::LIKELY || boxes.contains(&line.stack);
            let is_worth = line.likeness >= print::LIKENESS_MIN && boxes.is_empty() && nth < WITHOUT_LENGTH_MAX;
            if !likely && !is_worth {
                continue;
            }
            let (meaning, perhaps) = self.say(line)?;
            if matches!(meaning, Said::Length { .. }) {
                boxes.push(line.stack);
            }
            // Only a length is logged: any other line may be the banner with the patient's name.
            tracing::debug!(?meaning, likeness = line.likeness, "print");
            said.push((line, meaning, perhaps));
        }
        said.sort_by(|a, b| a.0.at.y.total_cmp(&b.0.at.y));
        // A bare number in a box of lengths is one of them; elsewhere it is a depth.
        let is_beside = |one: &Line, other: &Line| {
            let pitch = one.picture.height().max(other.picture.height()) as f32;
            let [aside, down] = [one.at.x - other.at.x, one.at.y - other.at.y].map(f32::abs);
            one.stack == other.stack || aside <= pitch && down <= 1.5 * pitch
        };
        let in_box = |at: &Line| {
            let is_length = |meaning: &Said| matches!(meaning, Said::Length { .. } | Said::Unsure);
            said.iter().any(|(line, meaning, _)| is_beside(line, at) && is_length(meaning))
        };
        let is_unread = |line: &Line, meaning: &Said| match meaning {
            Said::Unsure => true,
            Said::Bare => in_box(line),
            Said::Length { .. } | Said::Other => false,
        };
        let unread = said.iter().filter(|(line, meaning, _)| is_unread(line, meaning));
        let perhaps: Vec<Vec<PrintedLength>> = unread.map(|(_, _, perhaps)| perhaps.clone()).collect();
        let length = |(_, meaning, _)| if let Said::Length { length, .. } = meaning { Some(length) } else { None };
        Ok(Print { unread: perhaps.len(), perhaps, lengths: said.into_iter().filter_map(length).collect() })
    }

    /// What a line says, where that leaves a doubt by a second look at another size, and the lengths that it may say.
    fn say(&self, line: &Line) -> Result<(Said, Vec<PrintedLength>), RecogniserError> {
        let letters = |line: &Line| -> Result<Vec<Letter>, RecogniserError> {
            let mut letters = self.read(&line.picture)?;
            line.set_gaps(&mut letters);
            Ok(letters)
        };
        let first = letters(line)?;
        match text::judge(&first) {
            settled @ (Said::Other | Said::Bare) if !text::is_doubtful(&first) => Ok((settled, text::perhaps(&first))),
            Said::Length { length, sure } if sure >= text::BEYOND_DOUBT => {
                Ok((Said::Length { length, sure }, Vec::new()))
            }
            doubtful => {
                let second = letters(&line.tighter())?;
                let said = text::judge(&second);
                if let (Said::Other | Said::Bare, Said::Other | Said::Bare) = (&doubtful, &said) {
                    return Ok((doubtful, text::perhaps(&first)));
                }
                let mut perhaps = text::perhaps(&first);
                perhaps.extend(text::perhaps(&second));
                perhaps.sort_by(|a, b| a.length.0.total_cmp(&b.length.0));
                perhaps.dedup_by(|a, b| a.length == b.length);
                Ok((text::agreed((&first, doubtful), (&second, said)), perhaps))
            }
        }
    }

    /// The letters of a line, from left to right; none where the line is too long for a length.
    ///
    /// *Errors*: [`RecogniserError::Network`].
    pub fn read(&self, line: &Picture) -> Result<Vec<Letter>, RecogniserError> {
        let wanted = (line.width() * HEIGHT).div_ceil(line.height());
        let fitting = WIDTHS.iter().position(|&width| wanted <= width).unwrap_or(WIDTHS.len() - 1);
        let width = WIDTHS[fitting];
        if width as f32 <= PRESSED_MIN * wanted as f32 {
            return Ok(Vec::new());
        }
        let input = input(line, wanted.min(width), width);
        let outputs = self.plans[fitting].run(tvec!(input.into())).map_err(RecogniserError::Network)?;
        let steps = outputs[0].to_plain_array_view::<f32>().map_err(RecogniserError::Network)?;
        let classes = self.characters.len() + 1;
        let Some(steps) = steps.as_slice().filter(|steps| steps.len() % classes == 0) else {
            return Err(RecogniserError::Characters);
        };
        let per_step = STEP as f32 * line.width() as f32 / wanted.min(width) as f32;
        Ok(self.decode(steps.chunks_exact(classes), per_step))
    }

    /// CTC's greedy decoding: the likeliest class of each step, repeats and blanks dropped.
    fn decode<'a>(&self, steps: impl Iterator<Item = &'a [f32]>, per_step: f32) -> Vec<Letter> {
        let mut letters: Vec<Letter> = Vec::new();
        let mut last = 0;
        for (at, step) in steps.enumerate() {
            let best = |a: &(usize, &f32), b: &(usize, &f32)| a.1.total_cmp(b.1);
            let Some((class, &sure)) = step.iter().enumerate().max_by(best) else { continue };
            let x = (at as f32 + 0.5) * per_step;
            match letters.last_mut() {
                Some(letter) if class != 0 && class == last => letter.sure = letter.sure.max(sure),
                _ if class != 0 => letters.push(Letter { character: self.characters[class - 1], sure, x, gap: -1.0 }),
                _ => {}
            }
            last = class;
        }
        letters
    }
}

/// The line as the network takes it: `wanted` columns of it, the rest of the input in the middle of the range.
fn input(line: &Picture, wanted: usize, width: usize) -> Tensor {
    let mut planes = vec![0.0_f32; RGB_BYTES * HEIGHT * width];
    let resized = resize(line, wanted.max(1), HEIGHT);
    for (i, pixel) in resized.chunks_exact(RGB_BYTES).enumerate() {
        let (x, y) = (i % wanted, i / wanted);
        for channel in 0..RGB_BYTES {
            // Blue comes first.
            let value = pixel[RGB_BYTES - 1 - channel].clamp(0.0, 255.0);
            planes[(channel * HEIGHT + y) * width + x] = (value / 255.0 - 0.5) / 0.5;
        }
    }
    Tensor::from_shape(&[1, RGB_BYTES, HEIGHT, width], &planes).expect("the planes have the shape's length")
}

/// Smooth resizing by cubic convolution. *Shape*: `[height, width, 3]`, not yet clamped to 0 to 255.
///
/// *Source*: Keys 1981, IEEE Trans. ASSP 29:1153, with a = -0.5; the kernel is stretched where the picture shrinks.
fn resize(line: &Picture, width: usize, height: usize) -> Vec<f32> {
    let (across, down) = (taps(line.width(), width), taps(line.height(), height));
    let row_bytes = line.width() * RGB_BYTES;
    let mut out = Vec::with_capacity(width * height * RGB_BYTES);
    for (top, weights) in &down {
        let mut row = vec![0.0_f32; row_bytes];
        for (i, weight) in weights.iter().enumerate() {
            let y = (top + i as i64).clamp(0, line.height() as i64 - 1) as usize;
            for (sum, &byte) in row.iter_mut().zip(&line.as_rgb()[y * row_bytes..][..row_bytes]) {
                *sum += weight * f32::from(byte);
            }
        }
        for (left, weights) in &across {
            for channel in 0..RGB_BYTES {
                let at = |i: usize| (left + i as i64).clamp(0, line.width() as i64 - 1) as usize * RGB_BYTES + channel;
                out.push(weights.iter().enumerate().map(|(i, weight)| weight * row[at(i)]).sum());
            }
        }
    }
    out
}

/// For each place of a resized row, the first pixel that counts and the weights from there on, which add up to one.
fn taps(from: usize, to: usize) -> Vec<(i64, Vec<f32>)> {
    let scale = from as f32 / to as f32;
    let stretch = scale.max(1.0);
    let kernel = |t: f32| match t.abs() {
        t if t < 1.0 => (1.5 * t - 2.5) * t * t + 1.0,
        t if t < 2.0 => ((2.5 - 0.5 * t) * t - 4.0) * t + 2.0,
        _ => 0.0,
    };
    let tap = |i: usize| {
        let place = (i as f32 + 0.5) * scale - 0.5;
        let first = (place - 2.0 * stretch).ceil() as i64;
        let last = (place + 2.0 * stretch).floor() as i64;
        let weights: Vec<f32> = (first..=last).map(|at| kernel((at as f32 - place) / stretch)).collect();
        let sum: f32 = weights.iter().sum();
        (first, weights.into_iter().map(|weight| weight / sum).collect())
    };
    (0..to).map(tap).collect()
}
