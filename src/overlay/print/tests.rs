//! Lines of print on a picture.

use super::*;
use proptest::prelude::*;

proptest! {
    #[test]
    fn given_any_small_picture_expect_no_panic_and_lines_with_letters_at_the_recogniser_s_size(
        width in 1_usize..70,
        height in 1_usize..50,
        bytes in proptest::collection::vec(prop_oneof![Just(0_u8), Just(30), Just(140), Just(255)], 70 * 50),
        x in -5.0_f32..90.0,
    ) {
        // Each value is a block of two rows and three columns, so that there are glyphs in it.
        let mut picture = Picture::filled(width, height, [0; 3]);
        for (i, pixel) in picture.as_rgb_mut().chunks_exact_mut(RGB_BYTES).enumerate() {
            pixel.fill(bytes[i / width / 2 * 70 + i % width / 3]);
        }
        for line in lines(picture.frame()) {
            let tighter = line.tighter();
            prop_assert!(tighter.picture.height() <= line.picture.height());
            prop_assert!(line.cap as usize * 2 >= line.picture.height() - 2);
            let mut letters = [Letter { character: '1', sure: 1.0, x, gap: -1.0 }; 3];
            line.set_gaps(&mut letters);
            tighter.set_gaps(&mut letters);
        }
    }
}

/// Blobs as high as capitals, a point as wide as it is high, of a line whose letters are from `left` on.
fn glyphs_of(text: &str, left: i32, bottom: i32) -> Vec<Area> {
    let mut glyphs = Vec::new();
    let mut x = left;
    for letter in text.chars() {
        let (wide, tall) = match letter {
            ' ' => (3, 0),
            '.' => (1, 1),
            'm' | 'c' => (6, 6),
            _ => (4, 8),
        };
        if tall > 0 {
            glyphs.push(Area { left: x, top: bottom + 1 - tall, right: x + wide - 1, bottom });
        }
        x += wide + 2;
    }
    glyphs
}

fn line_of(text: &str, left: i32, bottom: i32) -> Found {
    judge(&glyphs_of(text, left, bottom)).expect("a line of print")
}

#[test]
fn given_a_rulers_number_far_before_a_length_expect_a_line_of_the_length_alone() {
    let far = [glyphs_of("14", 100, 50), glyphs_of("D3 65.5 mm", 150, 50)].concat();
    let found = judge(&far).expect("a line of print");
    assert_eq!((found.area.left, found.likeness), (150, line_of("D3 65.5 mm", 150, 50).likeness));
    assert!(found.likeness >= LIKELY);
}

#[test]
fn given_lines_with_one_right_edge_expect_a_box_and_all_of_them_worth_a_look() {
    // The mark of the first was not found.
    let mut found = [line_of("2.7 cm", 115, 50), line_of("x 3.3 cm", 106, 62), line_of("D 98 m", 300, 62)].to_vec();
    found[0].likeness = 1;
    let right = found[1].area.right;
    found[0].area.right = right;
    stack(&mut found);
    assert_eq!(found[0].stack, found[1].stack);
    assert_ne!(found[0].stack, found[2].stack);
    weigh_stacks(&mut found);
    assert!(found[0].likeness >= LIKENESS_MIN, "{found:?}");
}

#[test]
fn given_a_line_of_which_the_upper_rows_were_not_found_expect_it_as_high_as_others_of_its_box() {
    let mut found = [line_of("x 3.3 cm", 106, 50), line_of("x 7.5 cm", 106, 62)].to_vec();
    found[1].area.top += 2;
    found[1].likeness = 1;
    stack(&mut found);
    weigh_stacks(&mut found);
    assert_eq!(found[1].area.height(), found[0].area.height());
}
