//! A line of print -> its text, by PP-OCR's recognition network through tract.
//!
//! *Source*: PP-OCRv4 mobile recognition, shipped in models/text with its licence; its README tells input and output.

use crate::{
    crop,
    frame::{Picture, RGB_BYTES},
};
use std::{io::Cursor, path::Path, sync::Arc};
use tract_onnx::prelude::*;

/// The network's input height, and the one width that it is made ready for: a length fits.
const HEIGHT: usize = 48;
const WIDTH: usize = 320;
/// A line whose letters are less sure than this on average is not taken.
const CONFIDENCE_MIN: f32 = 0.8;

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
    network: Arc<TypedRunnableModel>,
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
        let make = || -> TractResult<Arc<TypedRunnableModel>> {
            let fact = f32::fact([1, RGB_BYTES, HEIGHT, WIDTH]);
            let model = framework.model_for_proto_model(&proto)?.with_input_fact(0, fact.into())?;
            model.into_optimized()?.into_runnable()
        };
        Ok(Self { network: make().map_err(RecogniserError::Network)?, characters })
    }

    /// The text of a line; none where the network is not sure of it, or the line is too long for a length.
    ///
    /// *Errors*: [`RecogniserError::Network`].
    pub fn read(&self, line: &Picture) -> Result<Option<String>, RecogniserError> {
        let width = (line.width() * HEIGHT).div_ceil(line.height());
        if width > WIDTH {
            return Ok(None);
        }
        let outputs = self.network.run(tvec!(input(line, width).into())).map_err(RecogniserError::Network)?;
        let steps = outputs[0].to_plain_array_view::<f32>().map_err(RecogniserError::Network)?;
        let classes = self.characters.len() + 1;
        let Some(steps) = steps.as_slice().filter(|steps| steps.len() % classes == 0) else {
            return Err(RecogniserError::Characters);
        };
        Ok(self.decode(steps.chunks_exact(classes)))
    }

    /// CTC's greedy decoding: the likeliest class of each step, repeats and blanks dropped.
    fn decode<'a>(&self, steps: impl Iterator<Item = &'a [f32]>) -> Option<String> {
        let (mut text, mut sure, mut last) = (String::new(), 0.0, 0);
        let mut letters = 0;
        for step in steps {
            let best = |a: &(usize, &f32), b: &(usize, &f32)| a.1.total_cmp(b.1);
            let (class, &probability) = step.iter().enumerate().max_by(best)?;
            if class != 0 && class != last {
                text.push(self.characters[class - 1]);
                sure += probability;
                letters += 1;
            }
            last = class;
        }
        (letters > 0 && sure / letters as f32 >= CONFIDENCE_MIN).then_some(text)
    }
}

/// The line as the network takes it: `width` columns of it, the rest of the input in the middle of the range.
fn input(line: &Picture, width: usize) -> Tensor {
    let resized = crop::resize(line.frame(), width.max(1), HEIGHT);
    let mut planes = vec![0.0_f32; RGB_BYTES * HEIGHT * WIDTH];
    for (i, pixel) in resized.as_rgb().chunks_exact(RGB_BYTES).enumerate() {
        let (x, y) = (i % resized.width(), i / resized.width());
        for channel in 0..RGB_BYTES {
            // Blue comes first.
            let value = f32::from(pixel[RGB_BYTES - 1 - channel]);
            planes[(channel * HEIGHT + y) * WIDTH + x] = (value / 255.0 - 0.5) / 0.5;
        }
    }
    Tensor::from_shape(&[1, RGB_BYTES, HEIGHT, WIDTH], &planes).expect("the planes have the shape's length")
}
