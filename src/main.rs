//! Arguments and exit code, nothing else.

use clap::{Args, Parser, Subcommand};
use sonogfr::app::{self, bench, bundles, carts, demo, devices, evaluate, phantom, profiles, read, run};
use sonogfr::edge::output;
use sonogfr::evaluate::Settings;
use std::{num::NonZeroUsize, path::PathBuf, process::ExitCode, time::SystemTime};
use tracing_subscriber::filter::{EnvFilter, LevelFilter};

/// Reads a kidney measurement off an ultrasound cart's screen and shows eGFR and CKD status
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show what is seen on pictures: calipers, ruler, length
    Inspect {
        #[command(flatten)]
        pictures: Pictures,
        /// Draw all that was seen into the one picture, as a PNG
        #[arg(long, value_name = "OUT.png")]
        explain: Option<PathBuf>,
        /// Also write the crop of each picture that is measured into this folder, named by its place: 000000.png and so on
        #[arg(long, value_name = "DIR")]
        crops: Option<PathBuf>,
        /// Width and height of the crops, in pixels
        #[arg(long, requires = "crops", default_value_t = 224, value_parser = clap::value_parser!(u16).range(1..=2048))]
        size: u16,
    },
    /// Read pictures: what is seen, and the estimate
    Read {
        #[command(flatten)]
        pictures: Pictures,
        /// The bundle; without it the demonstration bundle
        #[arg(long, value_name = "FILE")]
        bundle: Option<PathBuf>,
        /// Draw the panel of the one picture as a PNG
        #[arg(long, value_name = "FILE.png")]
        panel: Option<PathBuf>,
    },
    /// Write the crop that the networks see
    Crop {
        /// A PNG or JPEG of the cart's screen
        picture: PathBuf,
        /// The crop, a PNG
        #[arg(short, long, value_name = "OUT.png")]
        out: PathBuf,
        /// Width and height of the crop, in pixels
        #[arg(long, default_value_t = 224, value_parser = clap::value_parser!(u16).range(1..=2048))]
        size: u16,
    },
    /// Draw phantom kidneys on phantom carts, with their truth in truth.jsonl
    Phantom(PhantomArguments),
    /// Draw screens of many makers' carts, good and damaged, with their truth in truth.jsonl
    Carts {
        /// How many screens
        #[arg(long)]
        count: usize,
        /// Which population
        #[arg(long)]
        seed: u64,
        /// The folder to write to
        #[arg(short, long, value_name = "DIR")]
        out: PathBuf,
        /// Write no screens but the places where markers may be, to train the judge of markers on
        #[arg(long)]
        marks: bool,
        /// Only those of screens with tees or arrows, which are rare
        #[arg(long, requires = "marks")]
        turned: bool,
    },
    /// Build, sign, check, describe and install bundles
    #[command(subcommand)]
    Bundle(BundleCommand),
    /// Say which carts are known, or forget them
    #[command(subcommand)]
    Profiles(ProfilesCommand),
    /// List grabbers, displays and inputs, and what is wrong with each
    Devices,
    /// Run the device that a board file describes
    Run {
        /// The board file, one of board/*.toml or your own
        #[arg(long, value_name = "FILE.toml")]
        board: PathBuf,
    },
    /// Time one network, or all members of a bundle on one crop, after a warm-up
    Bench {
        /// An ONNX file (*.onnx) with outputs "egfr" and "features", or a bundle
        #[arg(value_name = "MODEL.onnx|BUNDLE")]
        model: PathBuf,
        /// What runs it
        #[arg(long, value_enum, default_value_t = bench::Engine::Int8)]
        engine: bench::Engine,
        /// How many threads share a run (else 1; tract has one), or how many cores a bundle has (else all)
        #[arg(long)]
        threads: Option<NonZeroUsize>,
        /// How many runs
        #[arg(long, default_value = "30")]
        reps: NonZeroUsize,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Say how good estimates were, from a table of them beside the truth
    Evaluate(EvaluateArguments),
    /// Play a phantom exam through the pipeline of the device
    Demo {
        /// Which phantom
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The bundle; without it the demonstration bundle
        #[arg(long, value_name = "FILE")]
        bundle: Option<PathBuf>,
        /// The carts known, to which new ones are added
        #[arg(long, value_name = "FILE")]
        profiles: Option<PathBuf>,
        /// Where panel pictures, animation and journal go
        #[arg(short, long, value_name = "DIR", default_value = "target/demo")]
        out: PathBuf,
    },
}

#[derive(Args)]
struct Pictures {
    /// PNG or JPEG files of the cart's screen, or folders of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
    /// The carts known, to which new ones are added; reading goes faster with them
    #[arg(long, value_name = "FILE")]
    profiles: Option<PathBuf>,
}

impl Pictures {
    fn form(&self) -> read::Form {
        form(self.json)
    }
}

fn form(json: bool) -> read::Form {
    if json { read::Form::Json } else { read::Form::Human }
}

#[derive(Args)]
struct EvaluateArguments {
    /// A table with columns true_egfr, pred_egfr, and where there p_ckd, lo, hi, patient
    #[arg(value_name = "FILE.csv")]
    table: PathBuf,
    /// The folder for a page with charts, evaluation.html
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Also tell the predictive values where this share has eGFR < 60, 0 to 1
    #[arg(long, value_name = "SHARE", value_parser = share)]
    prevalence: Option<f64>,
    /// From this p_ckd on eGFR < 60 is said, 0 to 1
    #[arg(long, value_name = "P", default_value = "0.5", value_parser = share)]
    ckd_threshold: f64,
    /// How often patients are drawn anew for the intervals
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(100..=100_000))]
    resamples: u32,
    /// Which draws
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl From<EvaluateArguments> for evaluate::Order {
    fn from(arguments: EvaluateArguments) -> Self {
        let EvaluateArguments { table, out, json, prevalence, ckd_threshold, resamples, seed } = arguments;
        let settings = Settings { ckd_threshold, prevalence, resamples: resamples as usize, seed };
        Self { table, folder: out, form: form(json), settings }
    }
}

/// A share, 0 to 1.
fn share(text: &str) -> Result<f64, &'static str> {
    text.parse().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or("it must lie within 0 to 1")
}

#[derive(Args)]
struct PhantomArguments {
    /// How many pictures
    #[arg(long)]
    count: usize,
    /// Which population
    #[arg(long)]
    seed: u64,
    /// The folder to write to
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// Also write the crops that the networks would see
    #[arg(long)]
    crops: bool,
    /// Write the crops alone, for training
    #[arg(long, conflicts_with = "crops")]
    crops_only: bool,
    /// Draw the screens as they are before anybody measures: no markers, no line, no printed length
    #[arg(long, conflicts_with_all = ["crops", "crops_only"])]
    no_calipers: bool,
    /// Width and height of the crops, in pixels
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u16).range(1..=2048))]
    size: u16,
}

impl From<PhantomArguments> for phantom::Order {
    fn from(arguments: PhantomArguments) -> Self {
        let PhantomArguments { crops, crops_only, no_calipers, .. } = arguments;
        let output = match (no_calipers, crops_only, crops) {
            (true, ..) => phantom::Output::ScreensWithoutCalipers,
            (false, true, _) => phantom::Output::Crops,
            (false, false, true) => phantom::Output::ScreensAndCrops,
            (false, false, false) => phantom::Output::Screens,
        };
        let PhantomArguments { count, seed, out: folder, size, .. } = arguments;
        Self { count, seed, folder, output, crop_size: size.into() }
    }
}

#[derive(Args)]
struct SignArguments {
    /// The bundle
    file: PathBuf,
    /// The secret key that `minisign -G` made
    #[arg(long, value_name = "FILE", required_unless_present = "signature", conflicts_with = "signature")]
    key: Option<PathBuf>,
    /// A file with the key's password, which is asked for otherwise
    #[arg(long, value_name = "FILE", requires = "key")]
    password_file: Option<PathBuf>,
    /// In place of a key: a signature that minisign made of the bundle's manifest.json elsewhere
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// The signed bundle; without it the bundle itself is replaced
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl From<SignArguments> for bundles::Signing {
    fn from(arguments: SignArguments) -> Self {
        let SignArguments { file, key, password_file: password, signature, out } = arguments;
        let by = match (key, signature) {
            (Some(secret), _) => bundles::SignedBy::Key { secret, password },
            (None, signature) => {
                bundles::SignedBy::Signature(signature.expect("the arguments hold a key or a signature"))
            }
        };
        Self { file, by, out }
    }
}

#[derive(Subcommand)]
enum BundleCommand {
    /// Build a bundle from a folder with a manifest, networks and trees
    Build {
        /// The folder
        folder: PathBuf,
        /// The bundle
        #[arg(short, long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Sign a bundle, as a device takes no other but a demonstration
    Sign(SignArguments),
    /// Check a bundle whole
    Check {
        /// The bundle
        file: PathBuf,
        /// The public key that must have signed it: minisign.pub, or its last line
        #[arg(long, value_name = "FILE|RW...")]
        key: Option<String>,
    },
    /// Put a bundle where a board file says, keeping the last good one
    Install {
        /// The bundle
        file: PathBuf,
        /// The board file, which names the bundle's place and the key that must have signed it
        #[arg(long, value_name = "FILE.toml")]
        board: PathBuf,
        /// Put it into this folder instead, as for an SD card
        #[arg(long, value_name = "DIR")]
        folder: Option<PathBuf>,
    },
    /// Print what a bundle says of itself
    Info {
        /// The bundle
        file: PathBuf,
    },
}

#[derive(Subcommand)]
enum ProfilesCommand {
    /// Print one line for each cart known
    List {
        /// The file with the profiles
        file: PathBuf,
    },
    /// Forget every cart
    Wipe {
        /// The file with the profiles
        file: PathBuf,
    },
}

fn main() -> ExitCode {
    let command = Arguments::parse().command;
    // The device's log is read by its engineer, and the device goes on without; the other commands speak for themselves.
    let is_device = matches!(command, Command::Run { .. });
    let level = if is_device { LevelFilter::INFO } else { LevelFilter::ERROR };
    if !is_device {
        output::end_with_its_reader();
    }
    let filter = EnvFilter::builder().with_env_var("SONOGFR_LOG").with_default_directive(level.into());
    tracing_subscriber::fmt().with_env_filter(filter.from_env_lossy()).with_writer(std::io::stderr).init();
    let done = match command {
        Command::Inspect { pictures, explain, crops, size } => {
            let crops = crops.map(|folder| read::Crops { folder, size: size.into() });
            let (explain, profiles) = (explain.as_deref(), pictures.profiles.as_deref());
            read::inspect(&pictures.paths, explain, crops.as_ref(), profiles, pictures.form())
        }
        Command::Read { pictures, bundle, panel } => {
            let profiles = pictures.profiles.as_deref();
            read::read(&pictures.paths, bundle.as_deref(), panel.as_deref(), profiles, pictures.form())
        }
        Command::Crop { picture, out, size } => read::crop(&picture, &out, size.into()),
        Command::Phantom(arguments) => phantom::write(&arguments.into()),
        Command::Carts { count, seed, out: folder, marks, turned } => {
            let output = match (marks, turned) {
                (false, _) => carts::Output::Screens,
                (true, false) => carts::Output::Marks,
                (true, true) => carts::Output::TurnedMarks,
            };
            carts::write(&carts::Order { count, seed, folder, output })
        }
        Command::Bundle(BundleCommand::Build { folder, out }) => bundles::build(&folder, &out),
        Command::Bundle(BundleCommand::Sign(arguments)) => bundles::sign(&arguments.into(), SystemTime::now()),
        Command::Bundle(BundleCommand::Check { file, key }) => bundles::check(&file, key.as_deref()),
        Command::Bundle(BundleCommand::Install { file, board, folder }) => {
            bundles::install(&file, &board, folder.as_deref())
        }
        Command::Bundle(BundleCommand::Info { file }) => bundles::info(&file),
        Command::Profiles(ProfilesCommand::List { file }) => profiles::list(&file),
        Command::Profiles(ProfilesCommand::Wipe { file }) => profiles::wipe(&file),
        Command::Devices => devices::list(),
        Command::Run { board } => run::run(&board),
        Command::Bench { model, engine, threads, reps, json } => {
            bench::run(&bench::Order { model, engine, threads, reps }, form(json))
        }
        Command::Evaluate(arguments) => evaluate::run(&arguments.into()),
        Command::Demo { seed, bundle, profiles, out } => demo::play(seed, bundle.as_deref(), profiles.as_deref(), &out),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            app::report(&error);
            ExitCode::from(2)
        }
    }
}
