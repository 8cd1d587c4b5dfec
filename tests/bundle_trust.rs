//! Bundles signed, damaged, installed, and taken or refused by a device: whatever goes wrong, what was installed stays.
#![allow(clippy::unwrap_used)]

mod small_bundle;

use minisign::KeyPair;
use sonogfr::bundle::{
    Bundle,
    signature::{Key, Signature, trust},
};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// A folder with a key, a board that trusts it, and a place for a bundle.
struct Clinic {
    folder: tempfile::TempDir,
    public: String,
}

fn write_keys(folder: &Path, name: &str) -> String {
    let pair = KeyPair::generate_unencrypted_keypair().unwrap();
    fs::write(folder.join(format!("{name}.key")), pair.sk.to_box(None).unwrap().to_string()).unwrap();
    let public = pair.pk.to_box().unwrap().to_string();
    fs::write(folder.join(format!("{name}.pub")), &public).unwrap();
    public
}

impl Clinic {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let public = write_keys(folder.path(), "own");
        let clinic = Self { folder, public };
        fs::create_dir(clinic.at("device")).unwrap();
        clinic.write_board(Some(&clinic.public));
        clinic
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.at(name).to_str().unwrap().to_owned()
    }

    fn write_board(&self, public: Option<&str>) {
        let key = public.map_or_else(String::new, |public| {
            format!("[bundle]\nkey = \"{}\"\n", public.trim().lines().last().unwrap())
        });
        let board = format!(
            "name = \"x\"\n[files]\njournal = \"{}\"\nbundle = \"{}\"\n{key}\
             [capture]\nsource = \"phantom\"\nseed = 1\nframes_per_s = 30\n\
             [panel]\ndriver = \"png\"\npath = \"{}\"\nsize = [240, 160]\n",
            self.text("journal"),
            self.text("device/bundle.sonogfr"),
            self.text("panel.png")
        );
        fs::write(self.at("board.toml"), board).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_sonogfr")).current_dir(self.folder.path()).args(arguments).output().unwrap()
    }

    /// What the command says, which must succeed.
    fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Given this command, expect exit code 2 and one line with all of `words`.
    fn check_error(&self, arguments: &[&str], words: &[&str]) {
        check_failed(&self.run(arguments), words);
    }

    /// A small clinical bundle in a file, signed by the key of this name.
    fn write_signed(&self, name: &str, key: &str) {
        self.write_unsigned(name);
        self.done(&["bundle", "sign", name, "--key", &format!("{key}.key")]);
    }

    fn write_unsigned(&self, name: &str) {
        fs::write(self.at(name), small_bundle::named(&[small_bundle::network(1, "Relu")], name, false)).unwrap();
    }

    fn install(&self, name: &str) -> String {
        self.done(&["bundle", "install", name, "--board", "board.toml"])
    }

    /// The names in the bundle's folder and what each holds.
    fn installed(&self) -> Vec<(String, Vec<u8>)> {
        let files = fs::read_dir(self.at("device")).unwrap().map(|file| file.unwrap().path());
        let mut all: Vec<_> = files
            .map(|file| (file.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&file).unwrap()))
            .collect();
        all.sort();
        all
    }

    /// Starts the device and gives its log up to the line on the members loaded, or all of it where it ends before.
    fn start(&self) -> (bool, String) {
        let mut device = Command::new(env!("CARGO_BIN_EXE_sonogfr"))
            .args(["run", "--board", &self.text("board.toml")])
            .env("CACHE_DIRECTORY", self.at("cache"))
            .env_remove("SONOGFR_LOG")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = String::new();
        let mut lines = BufReader::new(device.stderr.take().unwrap()).lines().map_while(Result::ok);
        let loaded = lines.any(|line| {
            log.push_str(&line);
            log.push('\n');
            line.contains("loaded bundle=")
        });
        let _ended = device.kill();
        device.wait().unwrap();
        (loaded, log)
    }
}

fn check_failed(output: &Output, words: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), stderr.lines().count()), (Some(2), 1), "{stderr}");
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    for word in words {
        assert!(stderr.contains(word), "{word} is not in: {stderr}");
    }
}

#[test]
fn given_a_signed_bundle_expect_its_key_alone_to_fit_and_info_to_show_card_and_signature() {
    let clinic = Clinic::new();
    write_keys(clinic.folder.path(), "other");
    clinic.write_unsigned("a.sonogfr");
    clinic.check_error(&["bundle", "check", "a.sonogfr", "--key", "own.pub"], &["a.sonogfr", "is not signed"]);
    assert!(
        clinic.done(&["bundle", "sign", "a.sonogfr", "--key", "own.key", "-o", "b.sonogfr"]).contains("signed by key")
    );
    assert!(clinic.done(&["bundle", "check", "a.sonogfr"]).contains("not signed"));
    let line = clinic.public.trim().lines().last().unwrap().to_owned();
    for key in ["own.pub", &line] {
        assert!(clinic.done(&["bundle", "check", "b.sonogfr", "--key", key]).contains("bundle:a.sonogfr"));
    }
    clinic.check_error(&["bundle", "check", "b.sonogfr", "--key", "other.pub"], &["b.sonogfr", "is signed by key"]);
    clinic.check_error(&["bundle", "check", "b.sonogfr", "--key", "a.sonogfr"], &["a.sonogfr", "no key"]);
    clinic.check_error(&["bundle", "sign", "a.sonogfr", "--key", "/dev/zero"], &["/dev/zero", "too large"]);
    clinic.check_error(&["bundle", "check", "/dev/zero"], &["/dev/zero", "no file"]);
    let info = clinic.done(&["bundle", "info", "b.sonogfr"]);
    for part in
        ["signature    by key", "Made on 2026-11-27", "8 without a label", "knows nothing", "truth.jsonl", "mae"]
    {
        assert!(info.contains(part), "{part} is not in: {info}");
    }
    // Signed once more it has one signature, the newer one.
    clinic.done(&["bundle", "sign", "b.sonogfr", "--key", "other.key"]);
    assert!(clinic.done(&["bundle", "check", "b.sonogfr", "--key", "other.pub"]).contains("in order"));
}

#[test]
fn given_any_part_of_a_signed_bundle_changed_expect_it_not_to_be_trusted() {
    let clinic = Clinic::new();
    clinic.write_signed("a.sonogfr", "own");
    let (good, key) = (fs::read(clinic.at("a.sonogfr")).unwrap(), Key::parse(&clinic.public).unwrap());
    let trusted = |bytes: Vec<u8>| {
        let bundle = Bundle::from_bytes(bytes)?;
        Ok::<_, sonogfr::bundle::BundleCause>(trust(false, bundle.manifest_json(), bundle.signature(), Some(&key))?)
    };
    assert!(trusted(good.clone()).is_ok());
    // Every 29th byte, which meets headers, entries and what lies between them; then every way to cut it at a block.
    for at in (0..good.len()).step_by(29) {
        let mut flipped = good.clone();
        flipped[at] ^= 1 << (at % 8);
        assert!(trusted(flipped).is_err(), "byte {at} of {}", good.len());
    }
    for length in (0..good.len()).step_by(512) {
        assert!(trusted(good[..length].to_vec()).is_err(), "{length} of {} bytes", good.len());
    }
    assert!(trusted([good.as_slice(), &[0; 512]].concat()).is_err());
}

#[test]
fn given_another_bundles_signature_expect_it_not_to_fit() {
    let clinic = Clinic::new();
    clinic.write_signed("a.sonogfr", "own");
    clinic.write_signed("b.sonogfr", "own");
    let [a, b] = ["a.sonogfr", "b.sonogfr"].map(|name| Bundle::open(&clinic.at(name)).unwrap());
    let mixed = a.signed(&Signature::parse(b.signature().unwrap().as_bytes()).unwrap()).unwrap();
    mixed.write(&clinic.at("mixed.sonogfr")).unwrap();
    clinic.check_error(&["bundle", "check", "mixed.sonogfr", "--key", "own.pub"], &["mixed.sonogfr", "does not fit"]);
}

#[test]
fn given_bundles_one_after_another_expect_the_last_good_one_kept_beside_the_newest() {
    let clinic = Clinic::new();
    ["a", "b", "c"].iter().for_each(|name| clinic.write_signed(name, "own"));
    let [a, b, c] = ["a", "b", "c"].map(|name| fs::read(clinic.at(name)).unwrap());
    let (newest, previous) = ("bundle.sonogfr".to_owned(), "bundle.sonogfr.previous".to_owned());
    assert!(clinic.install("a").contains("Start the device anew"));
    assert_eq!(clinic.installed(), [(newest.clone(), a.clone())]);
    assert!(clinic.install("b").contains("a is kept as the last good one"));
    assert_eq!(clinic.installed(), [(newest.clone(), b.clone()), (previous.clone(), a.clone())]);
    assert!(clinic.install("b").contains("nothing was changed"));
    assert_eq!(clinic.installed(), [(newest.clone(), b.clone()), (previous.clone(), a.clone())]);
    // What lies there and is damaged is no good one: the last good one stays.
    fs::write(clinic.at("device/bundle.sonogfr"), &b[..b.len() / 2]).unwrap();
    clinic.install("c");
    assert_eq!(clinic.installed(), [(newest, c), (previous, a)]);
}

#[test]
fn given_a_bundle_that_is_not_to_be_trusted_expect_one_line_and_the_installed_one_untouched() {
    let clinic = Clinic::new();
    write_keys(clinic.folder.path(), "other");
    clinic.write_signed("a", "own");
    clinic.install("a");
    let before = clinic.installed();
    let good = fs::read(clinic.at("a")).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    fs::write(clinic.at("flipped"), flipped).unwrap();
    fs::write(clinic.at("cut"), &good[..good.len() / 2]).unwrap();
    clinic.write_unsigned("unsigned");
    clinic.write_signed("foreign", "other");
    for (name, word) in [
        ("flipped", "does not fit its hash"),
        ("cut", "cut off"),
        ("unsigned", "is not signed"),
        ("foreign", "is signed by key"),
        ("missing", "cannot be read"),
    ] {
        clinic.check_error(&["bundle", "install", name, "--board", "board.toml"], &[name, word]);
        assert_eq!(clinic.installed(), before, "{name}");
    }
    // A demonstration needs no key, and says what it is.
    fs::write(clinic.at("demo"), small_bundle::bundle(&[small_bundle::network(1, "Relu")])).unwrap();
    assert!(clinic.install("demo").contains("DEMONSTRATION"));
    // A board without a key takes nothing else; one without a place takes nothing.
    clinic.write_board(None);
    clinic.check_error(&["bundle", "install", "a", "--board", "board.toml"], &["names no key", "[bundle] key"]);
    let board = fs::read_to_string(clinic.at("board.toml")).unwrap();
    let placeless: Vec<&str> = board.lines().filter(|line| !line.starts_with("bundle =")).collect();
    fs::write(clinic.at("placeless.toml"), placeless.join("\n")).unwrap();
    clinic.check_error(&["bundle", "install", "a", "--board", "placeless.toml"], &["placeless.toml", "files.bundle"]);
}

#[test]
fn given_a_disk_that_is_full_midway_expect_one_line_and_nothing_half_written() {
    let clinic = Clinic::new();
    clinic.write_signed("a", "own");
    clinic.write_signed("b", "own");
    clinic.install("a");
    let (before, b) = (clinic.installed(), fs::read(clinic.at("b")).unwrap());
    let names = || fs::read_dir(clinic.folder.path()).unwrap().count();
    let count = names();
    // No file may grow beyond some kilobytes; told so by an error, not by a signal.
    let full = |arguments: &[&str]| {
        let limited = "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"";
        let mut command = Command::new("sh");
        command.args(["-c", limited, env!("CARGO_BIN_EXE_sonogfr")]).args(arguments);
        command.current_dir(clinic.folder.path()).output().unwrap()
    };
    check_failed(
        &full(&["bundle", "install", "b", "--board", "board.toml"]),
        &["bundle.sonogfr", "cannot be written", "free space"],
    );
    assert_eq!(clinic.installed(), before);
    check_failed(&full(&["bundle", "sign", "b", "--key", "own.key"]), &["b: cannot be written", "free space"]);
    assert_eq!((fs::read(clinic.at("b")).unwrap() == b, names()), (true, count));
    let parts = clinic.at("parts");
    unpack(&small_bundle::bundle(&[small_bundle::network(1, "Relu")]), &parts);
    check_failed(&full(&["bundle", "build", "parts", "-o", "built"]), &["built: cannot be written", "free space"]);
    assert_eq!(names(), count + 1);
    assert!(clinic.done(&["bundle", "build", "parts", "-o", "built"]).contains("1 members"));
}

/// What `bundle build` makes a bundle from.
fn unpack(bundle: &[u8], folder: &Path) {
    tar::Archive::new(bundle).unpack(folder).unwrap();
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/trees_model.json");
    fs::copy(model, folder.join("0.json")).unwrap();
    let manifest = fs::read_to_string(folder.join("manifest.json")).unwrap();
    fs::write(folder.join("manifest.json"), manifest.replace("\"trees\":\"0.trees\"", "\"trees\":\"0.json\"")).unwrap();
}

#[test]
fn given_a_newest_bundle_that_cannot_be_used_expect_the_device_to_start_with_the_last_good_one() {
    let clinic = Clinic::new();
    write_keys(clinic.folder.path(), "other");
    ["a", "b"].iter().for_each(|name| clinic.write_signed(name, "own"));
    clinic.install("a");
    clinic.install("b");
    let sha256 = |name: &str| Bundle::open(&clinic.at(name)).unwrap().identity().sha256.clone();
    let check = |holds: &str, words: &[&str]| {
        let (loaded, log) = clinic.start();
        assert!(loaded && log.contains(&sha256(holds)), "{log}");
        words.iter().for_each(|word| assert!(log.contains(word), "{word} is not in: {log}"));
    };
    // Once from the file, once from the packed form that the first start made.
    check("b", &["origin=PackedNow", "used=Installed"]);
    check("b", &["origin=Packed"]);
    let place = clinic.at("device/bundle.sonogfr");
    let good = fs::read(&place).unwrap();
    fs::write(&place, &good[..good.len() - 700]).unwrap();
    check("a", &["cut off", "the last good bundle", "bundle.sonogfr.previous", "used=Previous"]);
    clinic.write_signed("foreign", "other");
    fs::copy(clinic.at("foreign"), &place).unwrap();
    check("a", &["is signed by key", "the last good bundle"]);
    fs::remove_file(&place).unwrap();
    check("a", &["cannot be read", "the last good bundle"]);
}

#[test]
fn given_no_bundle_that_is_trusted_expect_the_device_not_to_start_whatever_is_packed() {
    let clinic = Clinic::new();
    let other = write_keys(clinic.folder.path(), "other");
    ["a", "b"].iter().for_each(|name| clinic.write_signed(name, "own"));
    clinic.install("a");
    clinic.install("b");
    assert!(clinic.start().0);
    for (key, word) in [(Some(other.as_str()), "is signed by key"), (None, "names no key")] {
        clinic.write_board(key);
        let (loaded, log) = clinic.start();
        assert!(!loaded && log.contains(word) && log.contains("nor can the last good one be used"), "{log}");
    }
    fs::remove_file(clinic.at("device/bundle.sonogfr.previous")).unwrap();
    let (loaded, log) = clinic.start();
    assert!(!loaded && log.lines().last().unwrap().contains("names no key"), "{log}");
}
