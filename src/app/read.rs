//! `sonogfr inspect`, `read` and `crop`: pictures from files.

use super::{PANEL_SIZE, bundles, draw_panel, print, reader::Reader, team::Team};
use crate::{
    crop::CropSquare,
    edge::pictures,
    frame::Picture,
    machine::{Phase, State, Subject},
    overlay::{self, Sight},
    reading::{Inspection, Reading},
    refusal::Refusal,
};
use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::{
    ffi::OsStr,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// Where the crops of many pictures go.
pub struct Crops {
    /// The folder, made where it is missing; a crop's name there is its picture's place among all, from 000000.png on.
    pub folder: PathBuf,
    /// Width and height, in pixels.
    pub size: usize,
}

/// Prints what is seen on each picture, draws it into a single one, and cuts the crops of those that are measured. *Errors*: that of
/// the last picture that could not be read; the others are printed.
pub fn inspect(
    paths: &[PathBuf],
    explain: Option<&Path>,
    crops: Option<&Crops>,
    profiles: Option<&Path>,
    form: Form,
) -> Result<()> {
    let paths = pictures_of(paths)?;
    check_single("--explain", explain, &paths)?;
    if let Some(Crops { folder, .. }) = crops {
        let unmade = || format!("{}: cannot be made; check the path and its permissions", folder.display());
        fs::create_dir_all(folder).with_context(unmade)?;
    }
    let reader = Reader::open()?.with_profiles(profiles);
    each(&paths, |place, path| {
        let (seen, inspection) = look(path, &reader)?;
        if let Some(file) = explain {
            pictures::save(&overlay::explain::draw(seen.picture.frame(), &seen.sight), file)?;
        }
        // Written before the line that says it was measured.
        if let Some(Crops { folder, size }) = crops
            && let Ok(subject) = subject_of(&seen.picture, &seen.sight, *size)
        {
            pictures::save(&subject.crop, &folder.join(format!("{place:06}.png")))?;
        }
        show(form, &inspection, print::inspection)
    })
}

/// Prints the reading of each picture, and draws the panel of a single one.
pub fn read(
    paths: &[PathBuf],
    bundle: Option<&Path>,
    panel_file: Option<&Path>,
    profiles: Option<&Path>,
    form: Form,
) -> Result<()> {
    let paths = pictures_of(paths)?;
    check_single("--panel", panel_file, &paths)?;
    let reader = Reader::open()?.with_profiles(profiles);
    let team = bundles::team(bundle)?;
    each(&paths, |_, path| {
        let (reading, state) = read_one(path, &reader, &team)?;
        if let Some(file) = panel_file {
            pictures::save(&draw_panel(&state, PANEL_SIZE), file)?;
        }
        show(form, &reading, print::reading)
    })
}

/// Writes the crop that the networks see.
pub fn crop(path: &Path, out: &Path, size: usize) -> Result<()> {
    let (seen, _) = look(path, &Reader::open()?)?;
    match subject_of(&seen.picture, &seen.sight, size) {
        Ok(subject) => Ok(pictures::save(&subject.crop, out)?),
        Err(refusal) => bail!("{}: {}; {}", path.display(), refusal.reason(), refusal.hint()),
    }
}

/// What the members look at, or why there is nothing.
pub fn subject_of(picture: &Picture, sight: &Sight, crop_size: usize) -> Result<Subject, Refusal> {
    if let Some(refusal) = sight.refusal {
        return Err(refusal);
    }
    let pair = sight.chosen().ok_or(Refusal::NoMarkers)?;
    let square = CropSquare::on_stretched(pair.ends, sight.stretch().unwrap_or(1.0)).ok_or(Refusal::PairTooShort)?;
    let ends = pair.ends.map(|end| square.onto_crop(end, crop_size));
    Ok(Subject { crop: square.cut(picture.frame(), crop_size), ends, length: sight.length() })
}

struct Seen {
    picture: Picture,
    sight: Sight,
}

fn look(path: &Path, reader: &Reader) -> Result<(Seen, Inspection)> {
    let picture = pictures::open(path)?;
    let sight = reader.see(&picture)?;
    let inspection = Inspection::new(Some(path.display().to_string()), &sight);
    Ok((Seen { picture, sight }, inspection))
}

fn read_one(path: &Path, reader: &Reader, team: &Team) -> Result<(Reading, State)> {
    let (seen, inspection) = look(path, reader)?;
    let (outcome, phase) = match subject_of(&seen.picture, &seen.sight, team.crop_size()) {
        Err(refusal) => (Err(refusal), Phase::Refused(refusal)),
        Ok(subject) => {
            let progress = bundles::member_bar("measuring", team.member_count());
            let outcome = team.judge(&subject.crop, subject.length, || progress.inc(1))?;
            progress.finish_and_clear();
            let phase = match &outcome {
                Ok(estimate) => Phase::Result { subject, estimate: estimate.clone(), accepted: false },
                Err(refusal) => Phase::Refused(*refusal),
            };
            (outcome, phase)
        }
    };
    let identity = team.identity().clone();
    let state = State { phase, ..State::new(identity.demonstration) };
    Ok((Reading::new(inspection, outcome, identity), state))
}

/// Whether an option that draws one picture has just one to draw.
fn check_single(option: &str, file: Option<&Path>, paths: &[PathBuf]) -> Result<()> {
    if file.is_some() && paths.len() > 1 {
        bail!("{option} draws one picture, and {} are given; give one", paths.len());
    }
    Ok(())
}

/// The pictures named: files as they are, folders by the pictures in them, in the order of their names. *Errors*: a folder without any.
pub fn pictures_of(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for path in paths {
        if !path.is_dir() {
            all.push(path.clone());
            continue;
        }
        let unread = || format!("{}: cannot be read; check the path and its permissions", path.display());
        let entries: Vec<_> = fs::read_dir(path).and_then(Iterator::collect).with_context(unread)?;
        let mut inside: Vec<PathBuf> =
            entries.iter().map(fs::DirEntry::path).filter(|path| has_picture_name(path)).collect();
        if inside.is_empty() {
            bail!("{}: holds no PNG or JPEG pictures; name a folder that does", path.display());
        }
        inside.sort();
        all.append(&mut inside);
    }
    Ok(all)
}

fn has_picture_name(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
    matches!(extension.as_str(), "png" | "jpg" | "jpeg") && path.is_file()
}

/// Does `work` for each path and its place; a failure is reported and the rest goes on. *Errors*: the last failure, for the caller to
/// report.
fn each(paths: &[PathBuf], work: impl Fn(usize, &Path) -> Result<()>) -> Result<()> {
    let mut last = None;
    for failure in paths.iter().enumerate().filter_map(|(place, path)| work(place, path).err()) {
        if let Some(before) = last.replace(failure) {
            super::report(&before);
        }
    }
    last.map_or(Ok(()), Err)
}

fn show<T: Serialize>(
    form: Form,
    value: &T,
    human: fn(&mut io::StdoutLock<'static>, &T) -> io::Result<()>,
) -> Result<()> {
    let mut out = io::stdout().lock();
    match form {
        Form::Human => human(&mut out, value)?,
        Form::Json => writeln!(out, "{}", serde_json::to_string(value)?)?,
    }
    Ok(())
}
