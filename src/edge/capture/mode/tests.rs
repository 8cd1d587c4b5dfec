//! Modes chosen of what real devices offer.

use super::*;
use PixelFormat::{Mjpg, Nv12, Rgb3, Uyvy, Yuyv};

fn offer(format: PixelFormat, width: u32, height: u32, rates: &[u32]) -> Offer {
    let listed = rates.iter().map(|&rate| Interval::of_rate(rate)).collect();
    let rates = if rates.is_empty() { Rates::Unsaid } else { Rates::Listed(listed) };
    Offer { format, size: [width, height], rates }
}

/// A grabber on USB 2: the bus carries little that is not compressed.
fn usb2() -> Vec<Offer> {
    vec![
        offer(Mjpg, 1920, 1080, &[60, 50, 30, 25]),
        offer(Mjpg, 1280, 720, &[60, 50, 30]),
        offer(Mjpg, 640, 480, &[60, 30]),
        offer(Yuyv, 1920, 1080, &[5]),
        offer(Yuyv, 1280, 720, &[10]),
        offer(Yuyv, 640, 480, &[30, 20, 10]),
    ]
}

/// A grabber on USB 3.
fn usb3() -> Vec<Offer> {
    vec![
        offer(Mjpg, 3840, 2160, &[30]),
        offer(Mjpg, 1920, 1080, &[60, 30]),
        offer(Nv12, 1920, 1080, &[60, 30]),
        offer(Yuyv, 1920, 1080, &[60, 50, 30, 10]),
        offer(Yuyv, 1280, 720, &[60]),
    ]
}

/// A bridge from HDMI to CSI: the signal says size and rate. 59.94 frames a second.
fn tc358743() -> Vec<Offer> {
    let rates = Rates::Listed(vec![Interval { numerator: 1001, denominator: 60_000 }]);
    [Rgb3, Uyvy].map(|format| Offer { format, size: [1280, 1024], rates: rates.clone() }).into()
}

/// The kernel's virtual video driver as a webcam, as it lists itself, without rates that are no whole numbers.
fn vivid() -> Vec<Offer> {
    let rates = [1, 2, 4, 5, 10, 12, 15, 25, 30, 40, 50, 60];
    let sizes = [(320, 180, 12), (640, 360, 10), (640, 480, 8), (1280, 720, 6), (1920, 1080, 4), (3840, 2160, 2)];
    let of = |format| sizes.map(|(width, height, most)| offer(format, width, height, &rates[..most]));
    [Yuyv, Uyvy, Rgb3, Nv12].into_iter().flat_map(of).collect()
}

/// A device that takes any rate.
fn any_rate() -> Vec<Offer> {
    let (shortest, longest) = (Interval::of_rate(120), Interval::of_rate(1));
    vec![Offer { format: Yuyv, size: [1920, 1080], rates: Rates::Between(shortest, longest) }]
}

struct Wish(Option<PixelFormat>, Option<[u32; 2]>, Option<u32>);

const ANY: Wish = Wish(None, None, None);

fn check(offers: Vec<Offer>, Wish(format, size, frames_per_s): Wish, expected: &str) {
    let wanted = Camera { device: "/dev/video0".into(), format, size, frames_per_s };
    let chosen = match choose(&offers, &wanted) {
        Ok(mode) => mode.to_string(),
        Err(NotOffered { key, asked, offered }) => format!("{key} = {asked}: {offered}"),
    };
    assert_eq!(chosen, expected);
}

#[test]
fn given_real_devices_expect_the_best_mode() {
    check(usb2(), ANY, "MJPG 1920x1080 at 25 frames/s");
    check(usb3(), ANY, "YUYV 1920x1080 at 30 frames/s");
    check(tc358743(), ANY, "UYVY 1280x1024 at 59.94 frames/s");
    check(vivid(), ANY, "YUYV 640x480 at 25 frames/s");
    check(any_rate(), ANY, "YUYV 1920x1080 at 30 frames/s");
    // The bus of the first without its compressed formats: none is fast enough at a readable size, so the fast one is taken.
    check(usb2().split_off(3), ANY, "YUYV 640x480 at 30 frames/s");
    // Slow, but the larger of those that are as slow.
    check(vec![offer(Yuyv, 640, 480, &[15]), offer(Yuyv, 1280, 720, &[10])], ANY, "YUYV 1280x720 at 10 frames/s");
    check(vec![offer(Mjpg, 3840, 2160, &[30]), offer(Mjpg, 2560, 1440, &[30])], ANY, "MJPG 2560x1440 at 30 frames/s");
    check(vec![offer(Rgb3, 800, 600, &[])], ANY, "RGB3 800x600");
}

#[test]
fn given_a_board_file_that_asks_expect_that_or_the_key_and_what_is_offered() {
    check(usb2(), Wish(Some(Yuyv), None, None), "YUYV 640x480 at 30 frames/s");
    check(usb2(), Wish(Some(Yuyv), Some([1920, 1080]), None), "YUYV 1920x1080 at 5 frames/s");
    check(usb2(), Wish(None, None, Some(60)), "MJPG 1920x1080 at 60 frames/s");
    check(tc358743(), Wish(Some(Rgb3), None, Some(60)), "RGB3 1280x1024 at 59.94 frames/s");
    check(any_rate(), Wish(None, None, Some(50)), "YUYV 1920x1080 at 50 frames/s");
    check(vec![offer(Rgb3, 800, 600, &[])], Wish(None, None, Some(30)), "RGB3 800x600 at 30 frames/s");
    check(
        usb3(),
        Wish(Some(Rgb3), None, None),
        "capture.format = RGB3: YUYV 1920x1080 (60, 50, 30, 10), 1280x720 (60); NV12 1920x1080 (60, 30); \
         MJPG 3840x2160 (30), 1920x1080 (60, 30)",
    );
    check(
        usb2(),
        Wish(Some(Yuyv), Some([1600, 1200]), None),
        "capture.size = 1600x1200: YUYV 1920x1080 (5), 1280x720 (10), 640x480 (30, 20, 10)",
    );
    check(usb2(), Wish(Some(Yuyv), Some([1920, 1080]), Some(30)), "capture.frames_per_s = 30: YUYV 1920x1080 (5)");
    check(any_rate(), Wish(None, None, Some(240)), "capture.frames_per_s = 240: YUYV 1920x1080 (1 to 120)");
    check(Vec::new(), ANY, "capture.format = any that can be read: none");
}

#[test]
fn given_sizes_in_steps_expect_those_of_screens_and_the_one_wanted() {
    let steps = Steps { least: [16, 16], most: [1440, 900], step: [2, 2] };
    let sizes = steps.sizes(Some([1440, 900]));
    assert_eq!(sizes.first(), Some(&[1280, 720]));
    assert_eq!(sizes.last(), Some(&[1440, 900]));
    assert!(!steps.sizes(Some([1441, 900])).contains(&[1441, 900]));
    let odd = Steps { least: [100, 100], most: [300, 300], step: [0, 0] };
    assert_eq!(odd.sizes(None), [[300, 300]]);
}
