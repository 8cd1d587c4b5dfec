use super::*;
use crate::frame::Picture;
use alloc::{format, string::String, vec::Vec};

/// Pixels of the pictures below: forty cells by sixty.
const SIZE: (usize, usize) = (640, 480);
/// Left, top, right and bottom of their echo.
const ECHO: (usize, usize, usize, usize) = (160, 80, 480, 400);

/// A coarse hash: the same numbers on every machine.
fn hash(a: usize, b: usize) -> u8 {
    let mixed = (a as u32).wrapping_mul(0x9e37_79b9) ^ (b as u32).wrapping_mul(0x85eb_ca6b);
    ((mixed ^ (mixed >> 13)).wrapping_mul(0xc2b2_ae35) >> 24) as u8
}

/// A cart's screen whose echo is that of moment `moment`.
fn screen(moment: usize) -> Picture {
    with_echo(|x, y| 40 + hash(x / 3 + 1000 * (y / 3), moment) / 2)
}

fn with_echo(level: impl Fn(usize, usize) -> u8) -> Picture {
    let mut picture = Picture::filled(SIZE.0, SIZE.1, [40; 3]);
    for y in ECHO.1..ECHO.3 {
        for x in ECHO.0..ECHO.2 {
            let at = (y * SIZE.0 + x) * 3;
            picture.as_rgb_mut()[at..at + 3].fill(level(x, y));
        }
    }
    picture
}

/// `picture` with a block of `size` in `colour` at (x, y).
fn with_block(picture: Picture, at: (usize, usize), size: usize, colour: [u8; 3]) -> Picture {
    with_bar(picture, at, (size, size), colour)
}

fn with_bar(mut picture: Picture, (x, y): (usize, usize), (width, height): (usize, usize), colour: [u8; 3]) -> Picture {
    for row in y..y + height {
        for pixel in picture.as_rgb_mut()[(row * SIZE.0 + x) * 3..][..width * 3].chunks_exact_mut(3) {
            pixel.copy_from_slice(&colour);
        }
    }
    picture
}

const YELLOW: [u8; 3] = [255, 255, 0];

/// A cross whose left end is at `x`.
fn with_marker(picture: Picture, x: usize) -> Picture {
    with_bar(with_bar(picture, (x, 204), (11, 3), YELLOW), (x + 4, 200), (3, 11), YELLOW)
}

/// A seven, or its mirror, in print.
fn with_digit(picture: Picture, (x, y): (usize, usize), mirrored: bool) -> Picture {
    let stroke = if mirrored { x } else { x + 6 };
    with_bar(with_bar(picture, (x, y), (8, 2), [200; 3]), (stroke, y), (2, 14), [200; 3])
}

/// A text cursor that is on and off for `half_period` frames each.
fn with_cursor(picture: Picture, i: usize, half_period: usize) -> Picture {
    let is_on = (i / half_period).is_multiple_of(2);
    if is_on { with_bar(picture, (300, 162), (2, 14), [255; 3]) } else { picture }
}

/// A clock: a digit beside the echo that is another every `every` frames.
fn with_clock(picture: Picture, at: usize, every: usize) -> Picture {
    let second = at / every % 7;
    with_block(picture, (16 + 3 * second, 20 + second), 10, [200; 3])
}

/// What a watch says of frames: 'L' live, 's' standing, 'X' settled, as often as it says so.
fn watch(frames: impl IntoIterator<Item = Picture>) -> String {
    let mut watch = Watch::default();
    let letters = frames.into_iter().map(|picture| match watch.push(picture.frame()) {
        Seen::Live => 'L',
        Seen::Standing => 's',
        Seen::Settled => 'X',
    });
    letters.collect()
}

/// The runs of `seen`, as "12L 3s X".
fn runs(seen: &str) -> String {
    let mut runs: Vec<(char, usize)> = Vec::new();
    for letter in seen.chars() {
        match runs.last_mut() {
            Some((last, count)) if *last == letter => *count += 1,
            _ => runs.push((letter, 1)),
        }
    }
    let words: Vec<String> = runs
        .into_iter()
        .map(|(letter, count)| if count == 1 { String::from(letter) } else { format!("{count}{letter}") })
        .collect();
    words.join(" ")
}

#[track_caller]
fn check(frames: impl IntoIterator<Item = Picture>, expected: &str) {
    assert_eq!(runs(&watch(frames)), expected);
}

fn live(count: usize) -> impl Iterator<Item = Picture> {
    (1..=count).map(screen)
}

fn frozen(count: usize) -> impl Iterator<Item = Picture> {
    (0..count).map(|_| screen(0))
}

#[test]
fn given_a_moving_echo_that_freezes_expect_it_to_stand_at_the_sixth_frame_and_to_settle_once() {
    check(live(10).chain(frozen(20)).chain(live(3)), "15L 3s X 11s 3L");
}

#[test]
fn given_a_live_frame_sent_twice_now_and_then_expect_it_live() {
    let frames = (0..60).map(|i| screen(i - usize::from(i % 4 == 3)));
    check(frames, "60L");
    let slow = (0..60).map(|i| screen(i / 5));
    check(slow, "60L");
}

#[test]
fn given_calipers_drawn_one_after_the_other_expect_each_rest_settled_once() {
    let first = (0..12).map(|_| with_marker(screen(0), 240));
    let second = (0..12).map(|_| with_marker(with_marker(screen(0), 240), 380));
    check(live(10).chain(frozen(10)).chain(first).chain(second), "15L 3s X 9s X 11s X 3s");
}

#[test]
fn given_a_marker_that_moves_with_short_pauses_expect_nothing_settled_until_it_rests() {
    let moving = (0..60).map(|i| with_marker(screen(0), 200 + 2 * (i / 6)));
    let resting = (0..10).map(|_| with_marker(screen(0), 220));
    check(live(10).chain(frozen(10)).chain(moving).chain(resting), "15L 3s X 69s X s");
}

#[test]
fn given_a_marker_that_creeps_expect_it_seen() {
    // Half a pixel a frame is hardly seen from frame to frame, but against what was there before.
    let creeping = (0..60).map(|i| with_marker(screen(0), 200 + i / 2));
    check(live(10).chain(frozen(10)).chain(creeping), "15L 3s X 61s");
}

#[test]
fn given_something_that_appears_and_goes_expect_the_settled_picture_not_read_again() {
    let flash = (0..3).map(|_| with_marker(screen(0), 300));
    check(live(10).chain(frozen(12)).chain(flash).chain(frozen(20)), "15L 3s X 26s");
}

#[test]
fn given_an_edited_digit_beside_the_echo_expect_it_read_again() {
    let edited = |mirrored: bool| (0..12).map(move |_| with_digit(screen(0), (20, 440), mirrored));
    check(live(10).chain(frozen(10)).chain(edited(false)).chain(edited(true)), "15L 3s X 9s X 11s X 3s");
}

#[test]
fn given_a_clock_that_was_seen_to_tick_while_live_expect_one_settled_picture() {
    let frames = (0..160).map(|i| with_clock(if i < 100 { screen(i + 1) } else { screen(0) }, i, 20));
    check(frames, "105L 3s X 51s");
}

#[test]
fn given_a_clock_whose_minute_turns_and_a_cursor_that_blinks_once_expect_one_settled_picture() {
    // Sequence 11 of the population 302 of tests/freeze_sequences: what had changed beside a heart line was news when a cursor was back.
    let frames = (0..180).map(|i| {
        let picture = with_clock(if i < 100 { screen(i + 1) } else { screen(0) }, i, 20);
        let picture = if i < 120 { picture } else { with_digit(picture, (96, 20), false) };
        if (126..136).contains(&i) { with_cursor(picture, 0, 1) } else { picture }
    });
    check(frames, "105L 3s X 71s");
}

#[test]
fn given_a_clock_that_begins_while_frozen_expect_it_known_after_six_ticks() {
    let frames = (0..360).map(|i| with_clock(if i < 60 { screen(i + 1) } else { screen(0) }, i.max(60), 30));
    let seen = watch(frames);
    // The first freeze and the ticks at frames 90 to 210 are read; that at 240 is known.
    assert_eq!((seen[..260].matches('X').count(), seen[260..].matches('X').count()), (6, 0), "{}", runs(&seen));
}

#[test]
fn given_a_marker_nudged_at_the_pace_of_a_clock_expect_each_nudge_read() {
    let frames = (0..300).map(|i| if i < 60 { screen(i + 1) } else { with_marker(screen(0), 240 + 4 * (i / 30 % 5)) });
    assert_eq!(watch(frames).matches('X').count(), 8);
}

#[test]
fn given_a_known_clock_whose_place_is_drawn_in_for_a_while_expect_nothing_settled_until_it_rests() {
    let frames = (0..190).map(|i| {
        let picture = with_clock(if i < 100 { screen(i + 1) } else { screen(0) }, i, 20);
        let drawn = if (120..150).contains(&i) {
            i - 120
        } else if i < 120 {
            0
        } else {
            29
        };
        with_block(picture, (16 + drawn, 18), 12, [255, 0, 255 - drawn as u8])
    });
    let seen = watch(frames);
    assert!(!seen[126..157].contains('X') && seen[157..165].contains('X'), "{}", runs(&seen));
}

#[test]
fn given_a_cursor_that_blinks_on_the_echo_expect_it_known_and_a_marker_there_seen() {
    let cursor = |picture: Picture, i: usize| {
        if (i / 15).is_multiple_of(2) { with_block(picture, (300, 200), 8, [255; 3]) } else { picture }
    };
    let frames = (0..260).map(|i| {
        let picture = if i < 30 { screen(i + 1) } else { screen(0) };
        if i < 200 { cursor(picture, i) } else { cursor(with_marker(picture, 301), i) }
    });
    let seen = watch(frames);
    assert!(!seen[40..200].contains('X') && seen[200..230].contains('X'), "{}", runs(&seen));
}

#[test]
fn given_a_cursor_not_known_when_the_picture_freezes_expect_one_settled_picture() {
    // Sequence 48 of the population 300 of tests/freeze_sequences, where the cursor's first blink was read; and the slowest.
    for half_period in [12, 18] {
        let blinking = (0..80).map(|i| with_cursor(screen(0), i, half_period));
        check(live(10).chain(blinking), "15L 3s X 71s");
    }
}

#[test]
fn given_a_bar_that_comes_and_stays_expect_it_read_once_it_is_no_cursor() {
    let stays = (0..30).map(|_| with_cursor(screen(0), 0, 1));
    check(live(10).chain(frozen(10)).chain(stays), "15L 3s X 21s X 9s");
}

#[test]
fn given_a_thin_cross_whose_arm_lies_between_the_lines_looked_at_expect_it_not_taken_for_a_cursor() {
    let white = [255; 3];
    let cross = (0..12).map(|_| with_bar(with_bar(screen(0), (300, 195), (1, 17), white), (292, 203), (17, 1), white));
    check(live(10).chain(frozen(10)).chain(cross), "15L 3s X 10s X 2s");
}

#[test]
fn given_a_digit_edited_beside_a_blinking_cursor_expect_it_read_without_delay() {
    // The cursor changes at frames 28 and 46, the digit at frame 32.
    let edited = (0..40).map(|i| with_digit(with_cursor(screen(0), i, 18), (20, 440), i < 22));
    check(live(10).chain(edited), "15L 3s X 21s X 9s");
}

#[test]
fn given_a_still_probe_whose_speckle_changes_weakly_expect_live() {
    let weak = (1..60).map(|moment| {
        with_echo(|x, y| 40 + hash(x / 3 + 1000 * (y / 3), 0) / 2 + hash(x / 3 + 1000 * (y / 3), moment) / 16)
    });
    check(live(40).chain(weak), "99L");
}

#[test]
fn given_a_flat_screen_that_flickers_beside_a_frozen_echo_expect_it_frozen() {
    // A JPEG's rounding turns the whole of a flat part a level darker and back.
    let flickering = (0..30).map(|i| {
        let mut picture = screen(0);
        let at = |x: usize, y: usize| (ECHO.0..ECHO.2).contains(&x) && (ECHO.1..ECHO.3).contains(&y);
        for (i_pixel, pixel) in picture.as_rgb_mut().chunks_exact_mut(3).enumerate() {
            if !at(i_pixel % SIZE.0, i_pixel / SIZE.0) {
                pixel.fill(40 - (i % 2) as u8);
            }
        }
        picture
    });
    check(live(40).chain(flickering), "45L 3s X 21s");
}

#[test]
fn given_a_tinted_echo_whose_blocks_turn_bluer_and_back_expect_it_frozen() {
    let tinted = (0..30).map(|i| {
        let mut picture = screen(0);
        for (pixel_at, pixel) in picture.as_rgb_mut().chunks_exact_mut(3).enumerate() {
            let bluer = (pixel_at % SIZE.0 / 16 + pixel_at / SIZE.0 / 16 + i).is_multiple_of(2);
            pixel[2] += if bluer { 4 } else { 0 };
        }
        picture
    });
    check(live(40).chain(tinted), "45L 3s X 21s");
}

#[test]
fn given_a_stroke_that_a_jpeg_rounds_now_up_now_down_expect_it_settled_once() {
    // Weak changes that do not stay: each is gone with the next frame.
    let rounded = (0..40).map(|i| with_block(screen(0), (304, 200), 4, [if i % 3 == 2 { 150 } else { 110 }; 3]));
    let seen = watch(live(40).chain(rounded));
    assert_eq!(seen.matches('X').count(), 1, "{}", runs(&seen));
}

#[test]
fn given_letters_too_weak_to_be_a_change_expect_nothing_settled_until_the_last_has_rested() {
    // Each is brighter than its ground by what noise may be; the last one comes with the thirtieth frame.
    let typed = (0..50).map(|i| {
        (1..=i.min(30) / 5)
            .fold(screen(0), |picture, letter| with_bar(picture, (200 + 16 * letter, 40), (10, 14), [64; 3]))
    });
    check(live(10).chain(typed), "15L 32s X 12s");
}

#[test]
fn given_a_cine_loop_turned_picture_by_picture_expect_each_read_when_it_rests() {
    let steps =
        [(1, 4), (2, 6), (3, 12)].into_iter().flat_map(|(moment, count)| (0..count).map(move |_| screen(moment)));
    check(live(10).chain(frozen(12)).chain(steps), "15L 3s X 3s 9L s 5L 3s X 3s");
}

#[test]
fn given_another_size_or_a_forgotten_stream_expect_live() {
    check(live(10).chain(frozen(10)).chain([Picture::filled(64, 48, [0; 3])]), "15L 3s X s L");
    let mut watch = Watch::default();
    frozen(12).for_each(|picture| {
        watch.push(picture.frame());
    });
    watch.reset();
    assert_eq!(watch.push(screen(0).frame()), Seen::Live);
}

#[test]
fn given_any_size_and_any_padding_expect_an_answer_and_the_same_one() {
    for (width, height) in [(1, 1), (3, 2), (17, 9), (1, 700), (2000, 1), (97, 301)] {
        let stride = 3 * width + 5;
        let (mut bare, mut padded) = (Watch::default(), Watch::default());
        for moment in 0..20_usize {
            let bytes: Vec<u8> = (0..stride * height).map(|i| hash(i, moment.min(8))).collect();
            let picture: Vec<u8> = bytes.chunks_exact(stride).flat_map(|row| &row[..3 * width]).copied().collect();
            let picture = Picture::from_rgb(picture, width, height).unwrap();
            let frame = Frame::new(&bytes, width, height, stride).unwrap();
            assert_eq!(bare.push(picture.frame()), padded.push(frame), "{width} x {height}, frame {moment}");
        }
    }
}
