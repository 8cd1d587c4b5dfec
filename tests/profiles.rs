//! Cart profiles: the same sight with one as without, no other cart's, and nothing but numbers kept.
#![allow(clippy::unwrap_used)]
#![allow(missing_docs, reason = "a test")]

use sonogfr::{
    edge::profiles::Profiles,
    frame::Picture,
    overlay::{self, Profile},
    phantom::carts,
};
use std::fs;

/// Carts looked at, and further exams of each.
const CARTS: u64 = 40;
const EXAMS: u64 = 3;

fn screen(index: u64, exam: u64) -> Picture {
    carts::draw_exam(47, index, exam).screen
}

fn learnt(screen: &Picture) -> Option<Profile> {
    Profile::learn(screen.frame(), &overlay::see(screen.frame()))
}

#[test]
fn given_other_exams_of_a_cart_expect_the_same_sight_with_its_profile_as_without() {
    let (mut learnt_carts, mut used) = (0, 0);
    // Two of three can be measured; a profile comes of those alone.
    for index in (0..CARTS).filter(|index| index % 3 != 2) {
        let Some(profile) = learnt(&screen(index, 0)) else { continue };
        learnt_carts += 1;
        for exam in 1..=EXAMS {
            let screen = screen(index, exam);
            if let Some(sight) = overlay::see_with(screen.frame(), &profile) {
                used += 1;
                assert_eq!(sight, overlay::see(screen.frame()), "cart {index}, exam {exam}");
            }
        }
    }
    println!("{learnt_carts} carts learnt, profiles used {used} times");
    assert!(learnt_carts >= 8 && used >= learnt_carts, "{learnt_carts} carts learnt, profiles used {used} times");
}

#[test]
fn given_another_cart_expect_its_profile_not_used() {
    let screens: Vec<Picture> = (0..12).map(|index| screen(index, 0)).collect();
    for (i, own) in screens.iter().enumerate() {
        let Some(profile) = learnt(own) else { continue };
        for (j, other) in screens.iter().enumerate().filter(|(j, _)| *j != i) {
            assert_eq!(overlay::see_with(other.frame(), &profile), None, "the profile of {i} on {j}");
        }
    }
}

#[test]
fn given_a_broken_store_expect_it_said_and_begun_anew_and_only_numbers_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("profiles.json");
    for broken in ["", "{", "[]", r#"{"format":9,"carts":[]}"#, r#"{"format":1,"carts":[{"name":"DOE"}]}"#] {
        fs::write(&file, broken).unwrap();
        let (profiles, fault) = Profiles::open(&file);
        assert!(profiles.carts().is_empty() && fault.is_some(), "{broken}");
    }
    let (mut profiles, _) = Profiles::open(&file);
    let profile = (0..CARTS).find_map(|index| learnt(&screen(index, 0))).unwrap();
    profiles.keep(profile.clone()).unwrap();
    let (again, fault) = Profiles::open(&file);
    assert!(again.carts() == [profile] && fault.is_none());
    // Every word in the file is a field's name.
    let text = fs::read_to_string(&file).unwrap();
    let names = ["format", "carts", "size", "cells", "echo", "ruler", "columns", "top", "step", "along_top"];
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    check_numbers(&value, &names);
    assert_eq!(Profiles::wipe(&file).unwrap(), 1);
    assert!(!file.exists() && Profiles::wipe(&file).unwrap() == 0);
}

fn check_numbers(value: &serde_json::Value, names: &[&str]) {
    match value {
        serde_json::Value::String(text) => panic!("text in the store: {text}"),
        serde_json::Value::Array(all) => all.iter().for_each(|value| check_numbers(value, names)),
        serde_json::Value::Object(all) => all.iter().for_each(|(name, value)| {
            assert!(names.contains(&name.as_str()), "{name}");
            check_numbers(value, names);
        }),
        _ => {}
    }
}
