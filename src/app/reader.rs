//! The overlay reader with its recogniser: one picture in, all that is seen on it out.

use super::{report, shipped};
use crate::{
    edge::profiles::{Profiles, ProfilesError},
    frame::Picture,
    overlay::{self, Print, Profile, Sight},
    recognise::{Recogniser, RecogniserError},
};
use anyhow::{Context, Result};
use std::{path::Path, sync::Mutex};

/// Where the recogniser's network lies in the project.
const NETWORK: &str = "models/text/ch_PP-OCRv4_rec_infer.onnx";

/// Reads pictures.
pub struct Reader {
    recogniser: Option<Recogniser>,
    profiles: Option<Mutex<Profiles>>,
}

impl Reader {
    /// Loads the recogniser. Where its network is missing, printed lengths are not read, which is said once.
    ///
    /// *Errors*: a network that is there and cannot be used.
    pub fn open() -> Result<Self> {
        let Some(path) = shipped(NETWORK) else {
            eprintln!("sonogfr: printed lengths are not read: {NETWORK} is not here; install the program again");
            return Ok(Self { recogniser: None, profiles: None });
        };
        let recogniser = Recogniser::open(&path).with_context(|| path.display().to_string())?;
        Ok(Self { recogniser: Some(recogniser), profiles: None })
    }

    /// The same with the carts known in `file`, to which it adds. A store that cannot be used is reported and begun anew.
    pub fn with_profiles(self, file: Option<&Path>) -> Self {
        let open = |file| {
            let (profiles, fault) = Profiles::open(file);
            if let Some(fault) = fault {
                report(&fault.into());
            }
            Mutex::new(profiles)
        };
        Self { profiles: file.map(open), ..self }
    }

    /// All that is seen on a picture. *Errors*: a recogniser that fails.
    ///
    /// A profile only shortens the way to a measured sight: whatever is refused with it is looked at again without. It is dropped
    /// when the whole search measures what it did not, and the cart is learnt anew from that.
    pub fn see(&self, picture: &Picture) -> Result<Sight, RecogniserError> {
        let frame = picture.frame();
        let known = self.with_store(|store| store.carts().iter().find(|cart| cart.suits(frame)).cloned()).flatten();
        if let Some(sight) = known.as_ref().and_then(|cart| overlay::see_with(frame, cart)) {
            let sight = self.read_print(picture, sight)?;
            if sight.chosen().is_some() {
                return Ok(sight);
            }
        }
        let sight = self.read_print(picture, overlay::see(frame))?;
        let kept = self.with_store(|store| learn(store, known.as_ref(), picture, &sight));
        if let Some(Err(fault)) = kept {
            tracing::warn!(%fault, "profiles");
        }
        Ok(sight)
    }

    /// What `work` gives on the profiles, where there are any.
    fn with_store<T>(&self, work: impl FnOnce(&mut Profiles) -> T) -> Option<T> {
        self.profiles
            .as_ref()
            .map(|store| work(&mut store.lock().expect("no thread panics while it holds the profiles")))
    }

    fn read_print(&self, picture: &Picture, sight: Sight) -> Result<Sight, RecogniserError> {
        match &self.recogniser {
            Some(recogniser) if sight.needs_print() => {
                let sight = read_numbers(recogniser, picture, sight)?;
                Ok(sight.with_print(&recogniser.lengths(picture.frame())?))
            }
            Some(_) => Ok(sight),
            // Without print what only print could confirm is refused.
            None => Ok(sight.with_print(&Print::default())),
        }
    }
}

/// Learns a cart from a picture that was measured, in place of the profile that did not lead there.
fn learn(store: &mut Profiles, known: Option<&Profile>, picture: &Picture, sight: &Sight) -> Result<(), ProfilesError> {
    let learnt = Profile::learn(picture.frame(), sight);
    if learnt.as_ref() == known {
        return Ok(());
    }
    if let Some(misled) = known.filter(|_| sight.chosen().is_some()) {
        store.forget(misled)?;
    }
    learnt.map_or(Ok(()), |profile| store.keep(profile))
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
