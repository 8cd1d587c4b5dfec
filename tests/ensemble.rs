//! The demonstration bundle on phantoms that no training used: the members run, and their words point the right way.
#![allow(clippy::unwrap_used)]

use sonogfr::{
    bundle::{Bundle, manifest::Input},
    crop::CropSquare,
    ensemble::{Member, NetworkInput},
    estimate::{CKD_EGFR, MemberOutput},
    phantom,
};
use std::path::Path;

const SEED: u64 = 71;

fn bundle() -> Bundle {
    Bundle::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models/demo/demo.sonogfr")).unwrap()
}

/// Phantom `index` as the bundle's networks take it.
fn picture(index: u64, input: &Input) -> NetworkInput {
    let phantom = phantom::draw(SEED, &phantom::patient(SEED, index), 1);
    let crop = CropSquare::between(phantom.truth.ends).unwrap().cut(phantom.screen.frame(), input.size);
    NetworkInput::new(&crop, Some(phantom.truth.length_cm), input)
}

#[test]
fn given_sick_and_well_kidneys_expect_the_trees_to_give_the_sick_ones_the_high_probability() {
    let bundle = bundle();
    let input = bundle.manifest().input;
    let member = Member::load(&bundle, 0).unwrap();
    let said = |index| member.run(&picture(index, &input)).unwrap();
    let truth = |index| phantom::egfr(&phantom::patient(SEED, index));
    let (sick, well): (Vec<u64>, Vec<u64>) = (0..40).partition(|&index| truth(index) < CKD_EGFR);
    let mean = |of: fn(MemberOutput) -> f32, indices: &[u64]| {
        indices.iter().map(|&index| of(said(index))).sum::<f32>() / indices.len() as f32
    };
    let p = |output: MemberOutput| output.p_ckd.0;
    let egfr = |output: MemberOutput| output.egfr.0;
    assert!(mean(p, &sick) > mean(p, &well) + 0.15, "{} and {}", mean(p, &sick), mean(p, &well));
    assert!(mean(egfr, &sick) < mean(egfr, &well) - 5.0, "{} and {}", mean(egfr, &sick), mean(egfr, &well));
}

#[test]
fn given_the_same_picture_twice_expect_the_same_output() {
    let bundle = bundle();
    let input = bundle.manifest().input;
    let member = Member::load(&bundle, 3).unwrap();
    let picture = picture(1, &input);
    assert_eq!(member.run(&picture).unwrap(), member.run(&picture).unwrap());
}
