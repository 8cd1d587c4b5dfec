//! `sonogfr run`: the device that a board file describes.

use super::{
    bundles,
    device::{self, Equipment, health::Health},
    installed,
    opened::{self, Opened, Origin},
    read,
    reader::Reader,
    screen::Screen,
    slot::Slot,
    sources::{Exams, Pictures},
    team::Team,
};
use crate::{
    bundle::signature::Key,
    config::{Board, Capture, Controls},
    edge::{
        capture::{CaptureError, FrameSource, camera::Camera},
        controls::{Inputs, Lights},
        journal::Journal,
        service,
    },
    machine::{BundleUsed, Phase, State},
};
use anyhow::{Context, Result};
use std::{
    path::Path,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::channel,
    },
    thread,
};

/// Runs the device until the system asks it to end.
///
/// *Errors*: a board file, bundle, display or input that cannot be used, or a thread that failed; each names what and what to do.
pub fn run(file: &Path) -> Result<()> {
    let board = Board::open(file)?;
    tracing::info!(board = board.name, version = env!("CARGO_PKG_VERSION"), "starting");
    with_panel(&board).with_context(|| format!("board file {}", file.display()))
}

/// Opens the display, and gives it a thread for as long as the device works.
fn with_panel(board: &Board) -> Result<()> {
    let (states, health) = (&Slot::new(), &Health::default());
    let lights = Lights::open(&board.controls)?;
    let (opened, on_opened) = channel();
    thread::scope(|scope| {
        let show = move || -> Result<()> {
            // Opened on its own thread: a window belongs to the thread that made it.
            let screen = Screen::open(&board.panel, lights)?;
            opened.send(()).expect("it is waited for");
            health.panel.through(|| Ok(screen.run(states, &health.panel)?))
        };
        let panel = thread::Builder::new().name(String::from("panel")).spawn_scoped(scope, show);
        let panel = panel.expect("the system can start a thread");
        // Without a display there is nothing to begin with; the thread then has the reason.
        let ran = on_opened.recv().map_or(Ok(()), |()| with_bundle(board, states, health));
        states.close();
        let shown = panel.join();
        ran?;
        shown.map_err(|_| anyhow::anyhow!("the panel thread panicked; see the message before this line"))?
    })
}

/// Loads what the device judges with, and gets to work.
fn with_bundle(board: &Board, states: &Slot<State>, health: &Health) -> Result<()> {
    let (team, origin, bundle) = load(board, |state| drop(states.put(state)))?;
    tracing::info!(bundle = team.identity().name, sha256 = team.identity().sha256, ?origin, used = ?bundle, "loaded");
    for runs in team.runners() {
        tracing::info!(bundle = team.identity().name, runs, "networks");
    }
    let reader = Reader::open()?.with_profiles(board.files.profiles.as_deref());
    let journal = Journal::open(&board.files.journal)?;
    let inputs = (board.controls != Controls::default()).then(|| Inputs::open(&board.controls)).transpose()?;
    let show = |state: &State| drop(states.put(state.clone()));
    service::ready();
    let (reader, team) = (&reader, &team);
    match &board.capture {
        Capture::Camera(camera) => {
            // One that is plugged in later is waited for, and the panel says so.
            let source = match Camera::open(camera) {
                Err(CaptureError::NotThere { .. }) => Camera::awaited(camera),
                opened => opened?,
            };
            work(Equipment { source, reader, team, bundle, journal, inputs, health }, show)
        }
        Capture::Pictures { path, frames_per_s, repeat } => {
            let paths = read::pictures_of(std::slice::from_ref(path))?;
            let source = Pictures::new(paths, *frames_per_s, *repeat);
            work(Equipment { source, reader, team, bundle, journal, inputs, health }, show)
        }
        Capture::Phantom { seed, frames_per_s } => {
            let source = Exams::new(*seed, *frames_per_s);
            work(Equipment { source, reader, team, bundle, journal, inputs, health }, show)
        }
    }
}

/// The members of the bundle that the board file names; where that one cannot be used, of the last good one beside it.
fn load(board: &Board, show: impl Fn(State) + Sync) -> Result<(Team, Origin, BundleUsed)> {
    let named = board.files.bundle.as_deref();
    let path = bundles::path(named)?;
    let folder = opened::folder();
    if folder.is_none() {
        tracing::warn!(
            "no folder for packed networks (CACHE_DIRECTORY, XDG_CACHE_HOME or HOME): every start takes longer"
        );
    }
    let key = board.bundle.key.as_ref();
    let why = match load_one((&path, BundleUsed::Installed), key, folder.as_deref(), &show) {
        Err(why) => why,
        loaded => return loaded,
    };
    let previous = installed::previous(&path);
    if named.is_none() || !previous.exists() {
        return Err(why);
    }
    tracing::error!("{why:#}; the last good bundle, {}, is used in its place", previous.display());
    load_one((&previous, BundleUsed::Previous), key, folder.as_deref(), &show)
        .with_context(|| format!("{why:#}; nor can the last good one be used"))
}

/// The members of one bundle that the device may run; `show` is given the state as each is loaded.
fn load_one(
    (path, used): (&Path, BundleUsed),
    key: Option<&Key>,
    folder: Option<&Path>,
    show: &(impl Fn(State) + Sync),
) -> Result<(Team, Origin, BundleUsed)> {
    let in_bundle = || format!("bundle {}", path.display());
    let bundle = Opened::open(path, folder)?;
    bundle.trust(key)?;
    let ready = State { bundle: used, ..State::new(bundle.identity().demonstration) };
    let (loaded, members) = (AtomicUsize::new(0), bundle.manifest().members.len());
    let starting = |loaded| show(State { phase: Phase::Starting { loaded, members }, ..ready.clone() });
    starting(0);
    // Where packing them fails, members are counted again.
    let count = || starting((loaded.fetch_add(1, Ordering::Relaxed) + 1).min(members));
    let (team, origin) = bundle.load(count).with_context(in_bundle)?;
    Ok((team, origin, used))
}

fn work<S: FrameSource>(equipment: Equipment<'_, S>, show: impl FnMut(&State)) -> Result<()> {
    device::run(equipment, show, service::alive)?;
    service::stopping();
    tracing::info!("ended because it was asked to");
    Ok(())
}
