//! `sonogfr bench`: times one network, or all members of a bundle, on this machine.

use super::{
    opened::{self, Opened, Origin},
    read::Form,
    team::Team,
};
use crate::{
    bundle::manifest::OUTPUTS,
    engine::{import, kernel::Kernel, op, plan::Plan},
    frame::Picture,
};
use anyhow::{Context, Result, bail};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value, json};
use std::{
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tract_onnx::prelude::*;

/// Runs before the clock starts: the first fills caches and gets memory.
const WARM_UPS: usize = 3;
/// What an ONNX file's name ends in; other files are bundles.
const ONNX: &str = "onnx";

/// What runs a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Engine {
    /// Our integer kernels for the quantised trunk.
    Int8,
    /// tract for all of it.
    Tract,
}

/// What to time.
pub struct Order {
    /// The ONNX file, or the bundle.
    pub model: PathBuf,
    /// What runs it.
    pub engine: Engine,
    /// Threads that share a run. None: one for a network, one a core for a bundle.
    pub threads: Option<NonZeroUsize>,
    /// How often.
    pub reps: NonZeroUsize,
}

/// Times of one piece of work, in ms.
struct Times {
    wall: f64,
    cpu: f64,
}

/// What is printed of a subject, beside the times.
struct Subject {
    kernel: String,
    /// How the work lies on the threads.
    arrangement: String,
    threads: usize,
    /// None where tract runs something of it.
    macs: Option<u64>,
    peak_gmacs: Option<f64>,
    load: Times,
    loaded_from: &'static str,
}

/// Times a network or a bundle and prints what came out. *Errors*: a file that cannot be read, or not be run by this engine.
pub fn run(order: &Order, form: Form) -> Result<()> {
    let in_file = || order.model.display().to_string();
    if order.model.extension().is_some_and(|ending| ending == ONNX) {
        let (subject, network) = load_network(order).with_context(in_file)?;
        let shape = network.model().input_fact(0)?.shape.as_concrete().context("an input of unknown size")?.to_vec();
        let input = Arc::new(Tensor::zero::<f32>(&shape)?);
        let run = || network.run(tvec!(TValue::from_const(Arc::clone(&input)))).map(drop);
        report(order, form, &subject, times(order, run)?);
    } else {
        let (subject, team) = load_bundle(order).with_context(in_file)?;
        let crop = Picture::filled(team.crop_size(), team.crop_size(), [0; 3]);
        let run = || Ok(team.judge(&crop, team.typical_length(), || {}).map(drop)?);
        report(order, form, &subject, times(order, run)?);
    }
    Ok(())
}

fn load_network(order: &Order) -> Result<(Subject, Arc<TypedRunnableModel>)> {
    let threads = order.threads.unwrap_or(NonZeroUsize::MIN);
    let (load, (network, plan)) = time(|| network(&order.model, order.engine, threads))?;
    let kernel = plan.as_ref().map(|plan| plan.kernel());
    let subject = Subject {
        kernel: kernel.map_or("tract", |kernel| kernel.name).into(),
        arrangement: format!("{threads} threads share a run"),
        threads: threads.get(),
        macs: plan.as_ref().map(|plan| plan.macs()),
        peak_gmacs: kernel.and_then(Kernel::peak_gmacs),
        load,
        loaded_from: "file",
    };
    Ok((subject, network))
}

fn network(path: &Path, engine: Engine, threads: NonZeroUsize) -> Result<(Arc<TypedRunnableModel>, Option<Arc<Plan>>)> {
    let onnx = tract_onnx::onnx();
    let model = onnx.proto_model_for_path(path)?;
    let shape = import::input_shape(&model).context("the picture's size is not in the file")?;
    let (network, plan) = match engine {
        Engine::Int8 => {
            let shared = op::Shared::default();
            shared.set_threads(threads);
            let (network, plan) = op::graft(model, shape, &OUTPUTS, Kernel::best()?, &shared)?;
            (network, Some(plan))
        }
        Engine::Tract => {
            let input = f32::fact([1, shape.channels, shape.height, shape.width]);
            let network = onnx.model_for_proto_model(&model)?.with_input_fact(0, input.into())?;
            (network.with_outputs_by_name(OUTPUTS)?.into_typed()?, None)
        }
    };
    Ok((network.into_optimized()?.into_runnable()?, plan))
}

/// Loads a bundle as the device does, by its packed form where it has one.
fn load_bundle(order: &Order) -> Result<(Subject, Team)> {
    if order.engine == Engine::Tract {
        bail!("a bundle is run as the device runs it; name one of its networks for tract");
    }
    let (load, (team, origin)) = time(|| Opened::open(&order.model, opened::folder().as_deref())?.load(|| {}))?;
    let team = match order.threads {
        Some(cores) => team.with_cores(cores),
        None => team,
    };
    let subject = Subject {
        kernel: team.runners().join("; "),
        arrangement: team.arrangement(),
        threads: team.cores().get(),
        macs: team.macs(),
        peak_gmacs: Kernel::best()?.peak_gmacs(),
        load,
        loaded_from: match origin {
            Origin::Packed => "packed",
            Origin::PackedNow => "file, and packed",
            Origin::File => "file",
        },
    };
    Ok((subject, team))
}

fn times(order: &Order, run: impl Fn() -> Result<()>) -> Result<Vec<Times>> {
    let once = |_| Ok(time(&run)?.0);
    let mut times = (0..WARM_UPS + order.reps.get()).map(once).collect::<Result<Vec<_>>>()?;
    Ok(times.split_off(WARM_UPS))
}

fn report(order: &Order, form: Form, subject: &Subject, mut runs: Vec<Times>) {
    let Subject { kernel, arrangement, threads, macs, peak_gmacs, load, loaded_from } = subject;
    runs.sort_by(|a, b| a.cpu.total_cmp(&b.cpu));
    let cpu_ms_median = runs[runs.len() / 2].cpu;
    runs.sort_by(|a, b| a.wall.total_cmp(&b.wall));
    let (wall_ms_median, wall_ms_min) = (runs[runs.len() / 2].wall, runs[0].wall);
    let gmacs = macs.map(|macs| macs as f64 / wall_ms_median / 1e6);
    // By CPU time: on a machine with others the share is still the program's own.
    let per_core = macs.map(|macs| macs as f64 / cpu_ms_median / 1e6);
    let share = per_core.zip(*peak_gmacs).map(|(gmacs, peak)| gmacs / peak);
    let memory = memory_mib();
    if let Form::Json = form {
        let mut line = json!({
            "model": order.model, "kernel": kernel, "arrangement": arrangement, "threads": threads, "reps": order.reps,
            "cpu_ms_median": cpu_ms_median, "wall_ms_median": wall_ms_median, "wall_ms_min": wall_ms_min,
            "gmac_per_s": gmacs, "peak_gmac_per_s": peak_gmacs, "share_of_peak": share,
            "load_ms": load.wall, "load_cpu_ms": load.cpu, "loaded_from": loaded_from,
        });
        let memory = memory.into_iter().map(|(name, mib)| (format!("{name}_mib"), mib.into()));
        if let Some(line) = line.as_object_mut() {
            line.extend(memory.collect::<Map<String, Value>>());
        }
        println!("{line}");
        return;
    }
    println!("{}: {kernel}; {arrangement}", order.model.display());
    println!("wall     {wall_ms_median:.2} ms median, {wall_ms_min:.2} ms minimum of {}", order.reps);
    println!("cpu      {cpu_ms_median:.2} ms median");
    if let Some(gmacs) = gmacs {
        println!("trunk    {gmacs:.0} GMAC/s");
    }
    if let Some((peak, share)) = peak_gmacs.zip(share) {
        println!("peak     {peak:.0} GMAC/s a core, of which {:.0}% by CPU time", 100.0 * share);
    }
    println!("load     {:.0} ms, of the cores {:.0} ms, from {loaded_from}", load.wall, load.cpu);
    for (name, mib) in memory {
        println!("{name:8} {mib:.0} MiB");
    }
}

/// What some work took, and what it gave.
fn time<T>(work: impl FnOnce() -> Result<T>) -> Result<(Times, T)> {
    let (wall, cpu) = (Instant::now(), cpu());
    let given = work()?;
    let cpu = self::cpu().saturating_sub(cpu);
    Ok((Times { wall: milliseconds(wall.elapsed()), cpu: milliseconds(cpu) }, given))
}

/// What all threads of this process have used of the cores.
fn cpu() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

fn milliseconds(duration: Duration) -> f64 {
    1000.0 * duration.as_secs_f64()
}

/// Memory that this process holds now: all of it, and the part that is mapped files. Nothing where the system does not say.
fn memory_mib() -> Vec<(&'static str, f64)> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mib = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? / 1024.0)
    };
    [("rss", "VmRSS:"), ("mapped", "RssFile:"), ("rss_peak", "VmHWM:")]
        .into_iter()
        .filter_map(|(name, key)| Some((name, mib(key)?)))
        .collect()
}
