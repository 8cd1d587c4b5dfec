//! The crop's resize against OpenCV itself: `fixtures/make_crops.py` made the pictures and tells their format.
#![allow(clippy::unwrap_used)]

use sonogfr::{
    crop::{CropSquare, resize},
    frame::{Picture, RGB_BYTES},
};

const FIXTURE: &[u8] = include_bytes!("fixtures/crops_opencv.bin");

/// The picture that a seed stands for; as in make_crops.py.
fn noise(seed: u64, width: usize, height: usize) -> Picture {
    let mut state = seed;
    let mut byte = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let z = z ^ (z >> 31);
        match (z >> 48) & 3 {
            0 => 0,
            1 => 255,
            _ => (z >> 56) as u8,
        }
    };
    Picture::from_rgb((0..width * height * RGB_BYTES).map(|_| byte()).collect(), width, height).unwrap()
}

/// What our code makes of a case.
fn ours(case: &str) -> Picture {
    let (kind, numbers) = case.split_once(' ').unwrap();
    let numbers: Vec<i32> = numbers.split(' ').map(|n| n.parse().unwrap()).collect();
    let picture = noise(numbers[0] as u64, numbers[1] as usize, numbers[2] as usize);
    match (kind, &numbers[3..]) {
        ("resize", &[width, height]) => resize(picture.frame(), width as usize, height as usize),
        ("cut", &[left, top, side, size]) => {
            CropSquare { left, top, sides: [side as u32; 2] }.cut(picture.frame(), size as usize)
        }
        _ => panic!("unknown case {case}"),
    }
}

#[test]
fn given_noise_expect_opencvs_bytes() {
    let end = FIXTURE.windows(2).position(|pair| pair == b"\n\n").unwrap();
    let text = std::str::from_utf8(&FIXTURE[..end]).unwrap();
    let (opencv, cases) = text.split_once('\n').unwrap();
    let mut rest = &FIXTURE[end + 2..];
    for case in cases.lines() {
        let crop = ours(case);
        let (theirs, after) = rest.split_at(crop.as_rgb().len());
        rest = after;
        let apart = crop.as_rgb().iter().zip(theirs).map(|(a, b)| a.abs_diff(*b));
        let (largest, count) = apart.fold((0, 0), |(largest, count), d| (d.max(largest), count + usize::from(d > 0)));
        // The contract is one grey level; the arithmetic is OpenCV's, so nothing but equality is expected.
        assert_eq!((largest, count), (0, 0), "{case}: largest difference and how many, against {opencv}");
    }
    assert_eq!((rest.len(), cases.lines().count()), (0, 25), "every output was compared");
}
