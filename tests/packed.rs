//! Packed forms: the same numbers as from the bundle's file; whole, damaged, foreign and old ones.
#![allow(clippy::unwrap_used)]

mod small_bundle;

use prost::Message;
use small_bundle::{SIZE, network};
use sonogfr::{
    app::{
        opened::{Opened, Origin},
        team::Team,
    },
    bundle::{Bundle, manifest::OUTPUTS},
    engine::{kernel::Kernel, net::Shape, op},
    ensemble::{Member, NetworkInput},
    estimate::MemberOutput,
    frame::Picture,
    packed::{self, Packed, PackedError, Source},
};
use std::{
    fs,
    io::Cursor,
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use tract_onnx::{
    pb::{AttributeProto, ModelProto, NodeProto},
    prelude::*,
};

/// A folder with a bundle of two members in it, and a place for its packed form.
struct Desk {
    folder: TempDir,
    bundle: PathBuf,
    packed: PathBuf,
}

impl Desk {
    fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bundle = folder.path().join("small.sonogfr");
        fs::write(&bundle, small_bundle::bundle(&[network(seed, "Relu"), network(seed + 1, "Relu")])).unwrap();
        Self { packed: folder.path().join("small.packed"), folder, bundle }
    }

    fn source(&self) -> Source {
        Source::of(&self.bundle).unwrap()
    }

    fn pack(&self, kernel: &'static Kernel) -> Vec<u8> {
        let bundle = Bundle::open(&self.bundle).unwrap();
        packed::write(&self.packed, &bundle, &self.bundle, self.source(), kernel, || {}).unwrap();
        fs::read(&self.packed).unwrap()
    }

    /// What both members say by the packed form that lies there now.
    fn said(&self, kernel: &'static Kernel) -> Result<Vec<MemberOutput>, PackedError> {
        let packed = Packed::open(&self.packed, &self.source(), kernel)?;
        let members = (0..2).map(|index| match Member::load_packed(&packed, &op::Shared::default(), index) {
            Ok(member) => Ok(member.run(&NetworkInput::new(&crop(), None, &packed.manifest().input)).unwrap()),
            Err(sonogfr::ensemble::MemberError::Packed { source, .. }) => Err(source),
            Err(other) => panic!("{other}"),
        });
        members.collect()
    }

    /// The one file in the folder that [`Desk::open`] names.
    fn cached(&self) -> PathBuf {
        let files: Vec<_> =
            fs::read_dir(self.folder.path().join("cache")).unwrap().map(|file| file.unwrap().path()).collect();
        let [file] = &files[..] else { panic!("one file: {files:?}") };
        file.clone()
    }

    fn open(&self) -> (Team, Origin) {
        Opened::open(&self.bundle, Some(&self.folder.path().join("cache"))).unwrap().load(|| {}).unwrap()
    }
}

fn crop() -> Picture {
    let mut crop = Picture::filled(SIZE, SIZE, [0; 3]);
    for (i, byte) in crop.as_rgb_mut().iter_mut().enumerate() {
        *byte = (i * i / 7 % 256) as u8;
    }
    crop
}

fn from_file(bundle: &Path, kernel: &'static Kernel) -> Vec<MemberOutput> {
    let bundle = Bundle::open(bundle).unwrap();
    let member = |index| Member::load_for(kernel, &op::Shared::default(), &bundle, index).unwrap();
    (0..2)
        .map(|index| member(index).run(&NetworkInput::new(&crop(), None, &bundle.manifest().input)).unwrap())
        .collect()
}

#[test]
fn given_a_packed_form_for_any_kernel_expect_what_the_bundles_file_says() {
    let desk = Desk::new(1);
    for kernel in Kernel::all() {
        desk.pack(kernel);
        assert_eq!(desk.said(kernel).unwrap(), from_file(&desk.bundle, kernel), "{}", kernel.name);
    }
}

#[test]
fn given_one_of_another_kernel_bundle_or_format_expect_refusal() {
    let desk = Desk::new(1);
    let [first, .., last] = Kernel::all().collect::<Vec<_>>()[..] else { panic!("a kernel beside the plain one") };
    let whole = desk.pack(last);
    assert!(matches!(desk.said(first), Err(PackedError::OtherKernel(name)) if name == last.name));
    let other = Desk::new(5);
    fs::write(&other.packed, &whole).unwrap();
    assert!(matches!(other.said(last), Err(PackedError::OtherBundle)));
    fs::write(&desk.bundle, small_bundle::bundle(&[network(3, "Relu"), network(4, "Relu")])).unwrap();
    assert!(matches!(desk.said(last), Err(PackedError::OtherBundle)));
    let mut older = whole;
    older[15] = b'0';
    fs::write(&desk.packed, older).unwrap();
    assert!(matches!(desk.said(last), Err(PackedError::Format)));
}

#[test]
fn given_a_cut_or_flipped_one_expect_refusal_or_the_same_numbers() {
    let desk = Desk::new(1);
    let kernel = Kernel::best().unwrap();
    let whole = desk.pack(kernel);
    let expected = from_file(&desk.bundle, kernel);
    for length in (0..whole.len()).step_by(whole.len() / 40).chain([0, 1, 17, 25, whole.len() - 1]) {
        fs::write(&desk.packed, &whole[..length]).unwrap();
        assert!(desk.said(kernel).is_err(), "cut to {length}");
    }
    let mut refused = 0;
    for at in (0..200).chain((200..whole.len()).step_by(613)) {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        fs::write(&desk.packed, flipped).unwrap();
        match desk.said(kernel) {
            Ok(said) => assert_eq!(said, expected, "byte {at} lies between sections"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 250, "{refused}");
}

#[test]
fn given_sections_where_there_is_no_file_expect_refusal() {
    let desk = Desk::new(1);
    let kernel = Kernel::best().unwrap();
    let whole = desk.pack(kernel);
    let length = u32::from_le_bytes(whole[17..21].try_into().unwrap()) as usize;
    let json: serde_json::Value = serde_json::from_slice(&whole[25..25 + length]).unwrap();
    let check = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut json = json.clone();
        change(&mut json);
        let json = serde_json::to_vec(&json).unwrap();
        let mut bytes = whole.clone();
        bytes[17..21].copy_from_slice(&(json.len() as u32).to_le_bytes());
        bytes[21..25].copy_from_slice(&crc32fast::hash(&json).to_le_bytes());
        bytes[25..25 + json.len()].copy_from_slice(&json);
        fs::write(&desk.packed, bytes).unwrap();
        assert!(desk.said(kernel).is_err());
    };
    for section in ["trees", "onnx", "runner/Engine/biases", "runner/Engine/weights"] {
        let change = |json: &mut serde_json::Value, change: &dyn Fn(&mut serde_json::Value)| {
            change(json.pointer_mut(&format!("/members/1/{section}")).unwrap());
        };
        check(&|json| change(json, &|section| section["start"] = u64::MAX.into()));
        check(&|json| change(json, &|section| section["bytes"] = (1_u64 << 60).into()));
        check(&|json| change(json, &|section| section["bytes"] = 0.into()));
        check(&|json| change(json, &|section| *section = section["crc32"].clone()));
    }
    for [to, from] in [["weights", "biases"], ["biases", "weights"]] {
        check(&|json| {
            let engine = &mut json["members"][0]["runner"]["Engine"];
            engine[to] = engine[from].clone();
        });
    }
    check(&|json| json["members"] = serde_json::json!([]));
    check(&|json| *json = serde_json::json!({}));
}

#[test]
fn given_starts_one_after_another_expect_the_first_to_pack_and_a_damaged_form_made_anew() {
    let desk = Desk::new(1);
    let (team, origin) = desk.open();
    assert_eq!(origin, Origin::PackedNow);
    let expected = team.judge(&crop(), None, || {}).unwrap();
    let check = |origin: Origin| {
        let (team, from) = desk.open();
        assert_eq!((team.judge(&crop(), None, || {}).unwrap(), from), (expected.clone(), origin));
    };
    check(Origin::Packed);
    let file = &desk.cached();
    let whole = fs::read(file).unwrap();
    for damage in [20, whole.len() - 10] {
        let mut bytes = whole.clone();
        bytes[damage] ^= 1;
        // As a file of its own: the first team still has the old one mapped.
        fs::remove_file(file).unwrap();
        fs::write(file, bytes).unwrap();
        check(Origin::PackedNow);
        check(Origin::Packed);
    }
    // The same bundle, touched: told from the one that was packed, so it is read and packed again.
    let bytes = fs::read(&desk.bundle).unwrap();
    fs::remove_file(&desk.bundle).unwrap();
    fs::write(&desk.bundle, bytes).unwrap();
    check(Origin::PackedNow);
}

#[test]
fn given_no_folder_or_one_that_cannot_be_written_expect_the_same_numbers_from_the_bundles_file() {
    let desk = Desk::new(1);
    let expected = desk.open().0.judge(&crop(), None, || {}).unwrap();
    let file = desk.folder.path().join("file");
    fs::write(&file, "no folder").unwrap();
    for folder in [None, Some(&*file)] {
        let (team, origin) = Opened::open(&desk.bundle, folder).unwrap().load(|| {}).unwrap();
        assert_eq!((team.judge(&crop(), None, || {}).unwrap(), origin), (expected.clone(), Origin::File));
    }
}

/// A network whose head adds the picture's mean to eGFR.
fn network_with_the_picture_read_beside_its_trunk(seed: u64) -> Vec<u8> {
    let mut model = ModelProto::decode(&*network(seed, "Relu")).unwrap();
    let graph = model.graph.as_mut().unwrap();
    let head = graph.node.last_mut().unwrap();
    (head.name, head.output[0]) = ("egfr.without".into(), "egfr.without".into());
    let mut node = |operator: &str, inputs: &[&str], output: &str, attribute: Vec<AttributeProto>| {
        let (op_type, input) = (operator.into(), inputs.iter().map(ToString::to_string).collect());
        let (name, output) = (output.into(), vec![output.into()]);
        graph.node.push(NodeProto { op_type, name, input, output, attribute, ..Default::default() });
    };
    let axes = AttributeProto { name: "axes".into(), ints: vec![1, 2, 3], r#type: 7, ..Default::default() };
    let sides = AttributeProto { name: "keepdims".into(), i: 0, r#type: 2, ..Default::default() };
    node("ReduceMean", &["crop"], "brightness", vec![axes, sides]);
    node("Add", &["egfr.without", "brightness"], "egfr", vec![]);
    model.encode_to_vec()
}

#[test]
fn given_a_member_that_the_engine_does_not_cover_expect_it_as_it_is_in_the_packed_form_and_nothing_packed_again() {
    for (uncovered, why) in [
        (network(2, "Sigmoid"), "members 1: tract, as node stem.kept (Sigmoid)"),
        (
            network_with_the_picture_read_beside_its_trunk(2),
            "members 1: tract, as what follows the trunk also reads crop",
        ),
    ] {
        let desk = Desk::new(1);
        fs::write(&desk.bundle, small_bundle::bundle(&[network(1, "Relu"), uncovered])).unwrap();
        let (by_file, _) = Opened::open(&desk.bundle, None).unwrap().load(|| {}).unwrap();
        let check = |expected: Origin| {
            let (team, origin) = desk.open();
            assert_eq!((origin, team.runners()), (expected, by_file.runners()));
            assert!(team.runners()[1].starts_with(why), "{:?}", team.runners());
            assert_eq!(team.judge(&crop(), None, || {}).unwrap(), by_file.judge(&crop(), None, || {}).unwrap());
            Source::of(&desk.cached()).unwrap()
        };
        let packed = check(Origin::PackedNow);
        assert_eq!(check(Origin::Packed), packed, "the same file, untouched");
    }
}

#[test]
fn given_a_network_with_another_input_expect_the_same_words_with_and_without_a_folder_and_nothing_left_behind() {
    let desk = Desk::new(1);
    let mut model = ModelProto::decode(&*network(2, "Relu")).unwrap();
    let graph = model.graph.as_mut().unwrap();
    (graph.input[0].name, graph.node[0].input[0]) = ("picture.png".into(), "picture.png".into());
    fs::write(&desk.bundle, small_bundle::bundle(&[network(1, "Relu"), model.encode_to_vec()])).unwrap();
    let cache = desk.folder.path().join("cache");
    for folder in [None, Some(&*cache)] {
        let error = Opened::open(&desk.bundle, folder).unwrap().load(|| {}).err().expect("it is of no use");
        assert!(
            format!("{error:#}").contains("member 1: its network must take crop; build the bundle again"),
            "{error:#}"
        );
    }
    assert_eq!(fs::read_dir(cache).unwrap().count(), 0);
}

#[test]
fn given_what_processes_left_half_written_expect_that_of_those_that_are_no_more_removed() {
    let desk = Desk::new(1);
    // No process has a number above 4194304. *Source*: proc(5), pid_max.
    let left = [
        "small.4194305-0.partial".into(),
        format!("small.{}-9.partial", std::process::id()),
        "other.4194305-0.partial".into(),
    ];
    let left = left.map(|name: String| desk.folder.path().join(name));
    for file in &left {
        fs::write(file, "half").unwrap();
    }
    desk.pack(Kernel::best().unwrap());
    assert_eq!(left.map(|file| file.exists()), [false, true, true]);
}

/// Where this fails, packed forms of an older program would be taken for ones of this: let the number in `packed`'s magic rise.
#[test]
fn given_a_network_expect_its_weights_in_the_order_of_this_format() {
    let shape = Shape { channels: 3, height: SIZE, width: SIZE };
    let model = tract_onnx::onnx().proto_model_for_read(&mut Cursor::new(network(1, "Relu"))).unwrap();
    for kernel in Kernel::all() {
        let packed = op::pack(model.clone(), shape, &OUTPUTS, kernel).unwrap();
        let weights: Vec<u8> = packed.weights.iter().map(|&weight| weight.cast_unsigned()).collect();
        let found = [crc32fast::hash(&weights), crc32fast::hash(&packed.biases)];
        let expected = match kernel.name {
            "amx" => [0xF628_8223, 0x4A22_3808],
            "avx512vnni" => [0xD772_4F2A, 0xFE38_E23B],
            "avx2" => [0xD5A3_CED9, 0xBB4C_D3A8],
            "plain" => [0xD5A3_CED9, 0xBB4C_D3A8],
            _ => continue,
        };
        assert_eq!(found, expected, "{}", kernel.name);
    }
}
