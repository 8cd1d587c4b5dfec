//! The overlay reader with its recogniser: one picture in, all that is seen on it out.

use super::shipped;
use crate::{
    frame::Picture,
    overlay::{self, Sight},
    recognise::{Recogniser, RecogniserError},
};
use anyhow::{Context, Result};

/// Where the recogniser's network lies in the project.
const NETWORK: &str = "models/text/ch_PP-OCRv4_rec_infer.onnx";

/// Reads pictures.
pub struct Reader {
    recogniser: Option<Recogniser>,
}

impl Reader {
    /// Loads the recogniser. Where its network is missing, printed lengths are not read, which is said once.
    ///
    /// *Errors*: a network that is there and cannot be used.
    pub fn open() -> Result<Self> {
        let Some(path) = shipped(NETWORK) else {
            eprintln!("sonogfr: printed lengths are not read: {NETWORK} is not here; install the program again");
            return Ok(Self { recogniser: None });
        };
        let recogniser = Recogniser::open(&path).with_context(|| path.display().to_string())?;
        Ok(Self { recogniser: Some(recogniser) })
    }

    /// All that is seen on a picture. *Errors*: a recogniser that fails.
    pub fn see(&self, picture: &Picture) -> Result<Sight, RecogniserError> {
        let sight = overlay::see(picture.frame());
        match &self.recogniser {
            Some(recogniser) if sight.needs_print() => {
                let sight = read_numbers(recogniser, picture, sight)?;
                Ok(sight.with_print(&recogniser.lengths(picture.frame())?))
            }
            _ => Ok(sight),
        }
    }
}

/// The same sight with what the ruler's numbers say of it.
fn read_numbers(recogniser: &Recogniser, picture: &Picture, sight: Sight) -> Result<Sight, RecogniserError> {
    let Some(numbers) = sight.ticks.as_ref().and_then(|ticks| ticks.numbers(picture.frame())) else { return Ok(sight) };
    let text: String = recogniser.read(&numbers.picture)?.iter().map(|letter| letter.character).collect();
    let sight = if text.is_empty() { sight } else { sight.with_numbers(&numbers, &text) };
    // The text itself is not logged: what stands beside the ticks may be other print.
    tracing::debug!(scale = ?sight.ruler.as_ref().map(|ruler| ruler.scale), "ruler's numbers");
    Ok(sight)
}
