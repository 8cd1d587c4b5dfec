//! `sonogfr bundle`: builds, signs, checks, describes and installs bundles; and finds the one to use where none is named.

use super::{
    installed::{self, Installed},
    opened::{self, Opened},
    shipped,
    team::Team,
};
use crate::{
    bundle::{
        self, Bundle, BundleError,
        signature::{self, Key, Signature, SignatureError},
    },
    config::Board,
};
use anyhow::{Context, Result, ensure};
use console::Term;
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// The largest file taken for a key, a password or a signature, in bytes.
const KEY_BYTES_MAX: u64 = 16 << 10;
/// Where the demonstration bundle lies in the project.
const DEMO_BUNDLE: &str = "models/demo/demo.sonogfr";

/// Builds a bundle from a folder and says what it holds. One whose members do not load is not written.
pub fn build(folder: &Path, out: &Path) -> Result<()> {
    let bundle = bundle::build(folder)?;
    load(&bundle)?;
    bundle.write(out)?;
    println!("{}: {} members, sha256 {}", out.display(), bundle.manifest().members.len(), bundle.identity().sha256);
    Ok(())
}

/// How a bundle is signed.
pub struct Signing {
    /// The bundle.
    pub file: PathBuf,
    /// The secret key's file, or a signature that the minisign tool made of the bundle's manifest.
    pub by: SignedBy,
    /// Where the signed bundle goes; into its own place where none is named.
    pub out: Option<PathBuf>,
}

/// What makes the signature.
pub enum SignedBy {
    /// A secret key, and a file with its password where it has one that shall not be asked for.
    Key {
        /// The key's file.
        secret: PathBuf,
        /// The password's file.
        password: Option<PathBuf>,
    },
    /// A signature's file.
    Signature(PathBuf),
}

/// Signs a bundle, or puts a signature into it.
pub fn sign(order: &Signing, now: SystemTime) -> Result<()> {
    let bundle = Bundle::open(&order.file)?;
    let signature = match &order.by {
        SignedBy::Signature(file) => {
            Signature::of_tool(read_small(file)?.as_bytes()).with_context(|| format!("signature {}", file.display()))?
        }
        SignedBy::Key { secret, password } => {
            let password = password.as_deref().map(read_small).transpose()?;
            let password = password.map(|text| text.trim_end_matches(['\r', '\n']).to_owned());
            let key = read_small(secret)?;
            signature::sign(bundle.manifest_json(), &bundle.manifest().name, &key, password, now)
                .with_context(|| format!("key {}", secret.display()))?
        }
    };
    let signed = bundle.signed(&signature).map_err(|cause| BundleError { path: order.file.clone(), cause })?;
    let out = order.out.as_deref().unwrap_or(&order.file);
    signed.write(out)?;
    println!("{}: signed by key {}, sha256 {}", out.display(), signature.key(), signed.identity().sha256);
    Ok(())
}

/// A file of a few lines, such as a key.
fn read_small(path: &Path) -> Result<String> {
    let unread = || format!("{}: cannot be read; check the path and its permissions", path.display());
    let mut bytes = Vec::new();
    // One more tells that it goes on: of a device file no size is known.
    File::open(path).and_then(|file| file.take(KEY_BYTES_MAX + 1).read_to_end(&mut bytes)).with_context(unread)?;
    ensure!(bytes.len() as u64 <= KEY_BYTES_MAX, "{}: is no key or signature: it is too large", path.display());
    String::from_utf8(bytes).with_context(|| format!("{}: is no text and so no key or signature", path.display()))
}

/// A public key: the text itself, or the file that holds it. *Errors*: neither.
fn public_key(key: &str) -> Result<Key> {
    if let Ok(key) = Key::parse(key) {
        return Ok(key);
    }
    let text = read_small(Path::new(key))?;
    Key::parse(&text).with_context(|| key.to_owned())
}

/// Checks a bundle whole: its entries, its rules, that every member runs, and that `key` signed it where one is given.
pub fn check(path: &Path, key: Option<&str>) -> Result<()> {
    let bundle = Bundle::open(path)?;
    let signed = match (bundle.signature(), key.map(public_key).transpose()?) {
        (None, None) => String::from("not signed"),
        (Some(signature), None) => format!("says it is signed by key {}, which --key would check", signature.key()),
        (signature, Some(key)) => {
            let checked = signature.ok_or(SignatureError::Unsigned).and_then(|signature| {
                signature.check(bundle.manifest_json(), &key)?;
                Ok(signature.comment())
            });
            let comment = checked.map_err(|why| BundleError { path: path.into(), cause: why.into() })?;
            format!("signed by key {} ({comment})", key.id())
        }
    };
    let team = load(&bundle)?;
    println!("{}: in order, {} members, {signed}", path.display(), team.member_count());
    Ok(())
}

/// Puts a bundle where the board file says, or into `folder` under that name. *Errors*: see [`installed::install`].
pub fn install(path: &Path, board_file: &Path, folder: Option<&Path>) -> Result<()> {
    let board = Board::open(board_file)?;
    let place = board.files.bundle.as_deref().with_context(|| {
        format!(
            "board file {}: names no files.bundle; add bundle = \"/var/lib/sonogfr/bundle.sonogfr\" below [files]",
            board_file.display()
        )
    })?;
    let place = folder.map_or_else(|| place.to_path_buf(), |folder| folder.join(place.file_name().unwrap_or_default()));
    let (identity, done) = installed::install(path, &place, board.bundle.key.as_ref())?;
    let mark = if identity.demonstration { " (DEMONSTRATION - not for patients)" } else { "" };
    println!("{}: {}{mark}, sha256 {}", place.display(), identity.name, identity.sha256);
    match done {
        Installed::Already => println!("It was there already; nothing was changed."),
        Installed::New => println!("Start the device anew to use it."),
        Installed::Replaced(old) => println!(
            "Start the device anew to use it. {} is kept as the last good one, {}.",
            old.name,
            installed::previous(&place).display()
        ),
    }
    Ok(())
}

/// Prints what a bundle says of itself.
pub fn info(path: &Path) -> Result<()> {
    let bundle = Bundle::open(path)?;
    let manifest = bundle.manifest();
    println!("name         {}", manifest.name);
    println!("purpose      {}", manifest.purpose);
    if manifest.demonstration {
        println!("             DEMONSTRATION - not for patients");
    }
    println!("sha256       {}", bundle.identity().sha256);
    match bundle.signature() {
        None => println!("signature    none"),
        Some(signature) => {
            println!("signature    by key {}, \"{}\"", signature.key(), signature.comment());
            println!("             believe it once `sonogfr bundle check --key` has");
        }
    }
    println!(
        "members      {}, input {1} x {1}{2}, {3} features",
        manifest.members.len(),
        manifest.input.size,
        if manifest.input.length { " and the kidney's length" } else { "" },
        manifest.feature_count
    );
    if let Some([low, high]) = manifest.rules.length_cm {
        println!("length       {} to {} cm", low.0, high.0);
    }
    let [low, high] = manifest.rules.reportable;
    println!("reportable   eGFR {} to {}", low.0, high.0);
    println!("interval     {:.0}%", 100.0 * manifest.rules.coverage);
    for band in &manifest.rules.intervals {
        println!(
            "  up to {:>5.1}  {:+.1} to {:+.1}  ({} held-out pictures)",
            band.up_to.0, band.below.0, band.above.0, band.count
        );
    }
    println!("eGFR < 60    likely from {}, unlikely to {}", manifest.rules.likely_from.0, manifest.rules.unlikely_to.0);
    if let Some(fit) = manifest.rules.probability {
        println!(
            "             probability made right by {} held-out patients: log-odds x {} {:+}",
            fit.count, fit.slope, fit.intercept
        );
    }
    println!("spread       at most {} mL/min/1.73 m2", manifest.rules.spread_limit.0);
    if let Some(limit) = manifest.rules.distance_limit {
        let counts = manifest.members.iter().filter_map(|member| member.likeness.as_ref().map(|l| l.count));
        println!(
            "likeness     distance at most {limit} from the {} pictures that each member learnt it from",
            counts.min().unwrap_or(0)
        );
    }
    match load(&bundle) {
        Ok(team) => team.runners().iter().for_each(|line| println!("runs         {line}")),
        Err(error) => println!("runs         not: {error:#}"),
    }
    println!("\n{}", fitted(manifest.card.trim_end()));
    if let Some(card) = &manifest.model_card {
        println!("\n{}", fitted(&card.to_string()));
    }
    Ok(())
}

/// Text whose lines fit the terminal; into a file or a pipe it goes as it is.
fn fitted(text: &str) -> String {
    match Term::stdout().size_checked() {
        Some((_, columns)) => text.lines().map(|line| wrapped(line, columns.into()) + "\n").collect(),
        None => text.to_owned(),
    }
}

/// A line broken between words where it is longer than `columns`, all parts as far in as the first.
fn wrapped(line: &str, columns: usize) -> String {
    let width = |text: &str| text.chars().count();
    if width(line) <= columns {
        return line.to_owned();
    }
    let indent = &line[..line.len() - line.trim_start().len()];
    let (mut all, mut used) = (String::new(), columns);
    for word in line.split_whitespace() {
        if used + 1 + width(word) > columns {
            all = format!("{all}{}{indent}", if all.is_empty() { "" } else { "\n" });
            used = width(indent);
        } else {
            all.push(' ');
            used += 1;
        }
        all.push_str(word);
        used += width(word);
    }
    all
}

/// Opens the bundle at `path`, or the demonstration bundle where none is named, and loads its members.
pub fn team(path: Option<&Path>) -> Result<Team> {
    let path = self::path(path)?;
    let opened = Opened::open(&path, opened::folder().as_deref())?;
    let progress = member_bar("loading", opened.manifest().members.len());
    let team = opened.load(|| progress.inc(1)).with_context(|| format!("bundle {}", path.display()))?.0;
    progress.finish_and_clear();
    Ok(team)
}

/// The bundle at `path`, or the demonstration bundle where none is named. *Errors*: there is none.
pub fn path(path: Option<&Path>) -> Result<PathBuf> {
    path.map_or_else(find_demo, |path| Ok(path.to_path_buf()))
}

fn load(bundle: &Bundle) -> Result<Team> {
    let progress = member_bar("loading", bundle.manifest().members.len());
    let team = Team::load(bundle, || progress.inc(1))?;
    progress.finish_and_clear();
    Ok(team)
}

/// A progress bar over members; it shows itself only on a terminal.
pub fn member_bar(doing: &'static str, members: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} members").expect("a fixed template");
    ProgressBar::new(members as u64).with_style(style).with_message(doing)
}

fn find_demo() -> Result<PathBuf> {
    shipped(DEMO_BUNDLE).with_context(|| format!("no bundle: {DEMO_BUNDLE} is not here; name one with --bundle FILE"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_long_lines_expect_them_broken_between_words_as_far_in_as_they_began() {
        assert_eq!(wrapped("  ab cd  ef gh", 8), "  ab cd\n  ef gh");
        assert_eq!(wrapped("a   b", 8), "a   b");
        assert_eq!(wrapped("abcdefghij kl", 4), "abcdefghij\nkl");
        assert_eq!(wrapped("é é é", 3), "é é\né");
        assert_eq!(wrapped("", 3), "");
    }
}
