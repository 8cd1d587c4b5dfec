//! `sonogfr bench`: times one network on this machine.

use super::read::Form;
use crate::engine::{import, kernel::Kernel, op, plan::Plan};
use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use std::{
    fs,
    num::NonZeroUsize,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tract_onnx::prelude::*;

/// Runs before the clock starts: the first fills caches and gets memory.
const WARM_UPS: usize = 3;

/// What runs a network.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Engine {
    /// Our integer kernels for the quantised trunk.
    Int8,
    /// tract for all of it.
    Tract,
}

/// What to time.
pub struct Order {
    /// The ONNX file.
    pub model: PathBuf,
    /// What runs it.
    pub engine: Engine,
    /// Threads that share a run.
    pub threads: NonZeroUsize,
    /// How often.
    pub reps: NonZeroUsize,
}

/// Times of one run, in ms.
struct Times {
    wall: f64,
    cpu: f64,
}

/// Times a network and prints what came out. *Errors*: a file that cannot be read, or not be run by this engine.
pub fn run(order: &Order, form: Form) -> Result<()> {
    let began = Instant::now();
    let (network, plan) = load(order).with_context(|| order.model.display().to_string())?;
    let load_ms = milliseconds(began.elapsed());
    let shape = network.model().input_fact(0)?.shape.as_concrete().context("an input of unknown size")?.to_vec();
    let input = Tensor::zero::<f32>(&shape)?;
    let mut runs = (0..WARM_UPS + order.reps.get()).map(|_| time(&network, &input)).collect::<TractResult<Vec<_>>>()?;
    let runs = &mut runs[WARM_UPS..];
    runs.sort_by(|a, b| a.cpu.total_cmp(&b.cpu));
    let cpu_ms_median = runs[runs.len() / 2].cpu;
    runs.sort_by(|a, b| a.wall.total_cmp(&b.wall));
    let (wall_ms_median, wall_ms_min) = (runs[runs.len() / 2].wall, runs[0].wall);
    let gmacs = plan.as_ref().map(|plan| plan.macs() as f64 / wall_ms_median / 1e6);
    let peak_gmacs = plan.as_ref().and_then(|plan| plan.kernel().peak_gmacs());
    let share = gmacs.zip(peak_gmacs).map(|(gmacs, peak)| gmacs / (peak * order.threads.get() as f64));
    let kernel = plan.as_ref().map_or("tract", |plan| plan.kernel().name);
    let rss_mib = resident_mib();
    match form {
        Form::Json => println!(
            "{}",
            json!({
                "model": order.model, "kernel": kernel, "threads": order.threads, "reps": order.reps,
                "cpu_ms_median": cpu_ms_median, "wall_ms_median": wall_ms_median, "wall_ms_min": wall_ms_min,
                "gmac_per_s": gmacs, "peak_gmac_per_s": peak_gmacs, "share_of_peak": share,
                "load_ms": load_ms, "rss_mib": rss_mib,
            })
        ),
        Form::Human => {
            println!("{}: {kernel}, {} threads", order.model.display(), order.threads);
            println!("wall     {wall_ms_median:.2} ms median, {wall_ms_min:.2} ms minimum of {}", order.reps);
            println!("cpu      {cpu_ms_median:.2} ms median");
            if let Some(gmacs) = gmacs {
                println!("trunk    {gmacs:.0} GMAC/s");
            }
            if let Some((peak, share)) = peak_gmacs.zip(share) {
                println!("peak     {peak:.0} GMAC/s a core, of which {:.0}%", 100.0 * share);
            }
            println!("load     {load_ms:.0} ms");
            if let Some(rss_mib) = rss_mib {
                println!("memory   {rss_mib:.0} MiB resident");
            }
        }
    }
    Ok(())
}

fn load(order: &Order) -> Result<(Arc<TypedRunnableModel>, Option<Arc<Plan>>)> {
    let onnx = tract_onnx::onnx();
    let model = onnx.proto_model_for_path(&order.model)?;
    let shape = import::input_shape(&model).context("the picture's size is not in the file")?;
    let outputs = ["egfr", "features"];
    let (network, plan) = match order.engine {
        Engine::Int8 => {
            let (network, plan) = op::graft(model, shape, &outputs, Kernel::best()?, order.threads)?;
            (network, Some(plan))
        }
        Engine::Tract => {
            let input = f32::fact([1, shape.channels, shape.height, shape.width]);
            let network = onnx.model_for_proto_model(&model)?.with_input_fact(0, input.into())?;
            (network.with_outputs_by_name(outputs)?.into_typed()?, None)
        }
    };
    Ok((network.into_optimized()?.into_runnable()?, plan))
}

fn time(network: &Arc<TypedRunnableModel>, input: &Tensor) -> TractResult<Times> {
    let input = tvec!(input.clone().into());
    let (wall, cpu) = (Instant::now(), cpu());
    network.run(input)?;
    Ok(Times { wall: milliseconds(wall.elapsed()), cpu: milliseconds(self::cpu().saturating_sub(cpu)) })
}

/// What all threads of this process have used of the cores.
fn cpu() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

fn milliseconds(duration: Duration) -> f64 {
    1000.0 * duration.as_secs_f64()
}

/// Memory that this process holds now. None where the system does not say.
fn resident_mib() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? / 1024.0)
}
