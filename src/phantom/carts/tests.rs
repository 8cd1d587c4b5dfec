use super::*;
use alloc::collections::BTreeSet;

/// The screens of one population on which everything asked for occurs.
const COUNT: u64 = 400;

#[test]
fn given_the_same_seed_expect_the_same_screen_and_another_seed_another() {
    for index in [0, 2, 7, 29] {
        let (a, b, c) = (draw(5, index), draw(5, index), draw(6, index));
        assert!(a.screen == b.screen && a.truth == b.truth, "index {index}");
        assert!(a.screen != c.screen, "index {index}");
    }
}

/// Where a marker's centre was before the damage.
fn undamaged(end: Spot, damage: &[Damage]) -> Spot {
    damage.iter().rev().fold(end, |spot, step| match *step {
        Damage::Scaled { x, y } => Spot { x: (spot.x + 0.5) / x - 0.5, y: (spot.y + 0.5) / y - 0.5 },
        Damage::Letterbox { left, top } => Spot { x: spot.x - left as f32, y: spot.y - top as f32 },
        _ => spot,
    })
}

/// Given the pair of an undamaged screen, expect every pixel that its first marker covers to have the marker's colour.
#[track_caller]
fn check_marker(screen: &Picture, hand: &Hand, pair: &CartPair, number: usize) {
    let [at, partner] = pair.ends;
    let length = at.distance(partner);
    let towards = ((partner.x - at.x) / length, (partner.y - at.y) / length);
    let colour = hand.colour(number).g();
    let (mut covered, mut right) = (0, 0);
    let reach = hand.reach() as i32 + 1;
    for y in at.y as i32 - reach..=at.y as i32 + reach {
        for x in at.x as i32 - reach..=at.x as i32 + reach {
            let part =
                |dx: f32, dy: f32| hand.covers(pair.shape, (x as f32 + dx - at.x, y as f32 + dy - at.y), towards);
            // Wholly covered, so that soft edges do not matter; of a thin diagonal cross only the middle is.
            let steps = [-0.4, 0.0, 0.4];
            if steps.iter().all(|&dx| steps.iter().all(|&dy| part(dx, dy))) {
                covered += 1;
                right += i32::from(screen.frame().rgb(x as usize, y as usize)[1] == colour);
            }
        }
    }
    assert!(covered > 0 && right == covered, "{right} of {covered} pixels of {pair:?} have the colour");
}

#[test]
fn given_many_screens_expect_every_pair_on_the_echo_and_its_markers_drawn_where_the_truth_says() {
    let mut checked = 0;
    for index in 0..COUNT / 4 {
        let CartPhantom { screen, truth } = draw(21, index);
        let cart = Cart::draw(&mut Dice::of(21, index));
        for (i, pair) in truth.pairs.iter().enumerate() {
            for end in pair.ends {
                let place = cart.sector.to_place(undamaged(end, &truth.damage));
                assert!(cart.sector.holds(place, MARGIN), "index {index}: {end:?} is not on the echo");
                assert!(end.x < screen.width() as f32 && end.y < screen.height() as f32, "index {index}");
            }
            let is_numbered = pair.label.is_some() || truth.pairs.len() == 1;
            if truth.damage.is_empty() && is_numbered {
                check_marker(&screen, &cart.hand, pair, pair.label.map_or(i + 1, usize::from));
                checked += 1;
            }
        }
    }
    assert!(checked >= 10, "{checked}");
}

#[test]
fn given_measurable_screens_expect_one_chosen_pair_the_longest_with_its_length_printed() {
    for index in (0..COUNT / 4).filter(|index| index % NEGATIVE_EVERY != NEGATIVE_EVERY - 1) {
        let truth = draw(22, index).truth;
        let length = |pair: &CartPair| {
            let [a, b] = pair.ends;
            let [across, down] = truth.px_per_cm.map(|scale| scale.0);
            libm::hypotf((a.x - b.x) / across, (a.y - b.y) / down)
        };
        let chosen: Vec<&CartPair> = truth.pairs.iter().filter(|pair| pair.chosen).collect();
        assert_eq!(chosen.len(), 1, "index {index}");
        assert!(truth.pairs.iter().all(|pair| pair.chosen || length(pair) < 0.85 * length(chosen[0])), "index {index}");
        for pair in &truth.pairs {
            let printed = pair.printed_cm.map_or(length(pair), |length| length.0);
            assert!((printed - length(pair)).abs() < 0.056, "index {index}: {printed} for {}", length(pair));
        }
        assert!(truth.ruler.is_some() || chosen[0].printed.is_some(), "index {index}: no scale at all");
    }
}

#[test]
fn given_a_population_expect_every_style_mode_shape_negative_and_damage() {
    let mut seen: [BTreeSet<String>; 5] = Default::default();
    for index in 0..COUNT {
        // The pictures themselves are not needed.
        let mut dice = Dice::of(23, index);
        let cart = Cart::draw(&mut dice);
        seen[0].insert(cart.style.name.into());
        seen[1].insert(alloc::format!("{}x{}", cart.mode.width, cart.mode.height));
        seen[2].insert(alloc::format!("{:?}", cart.hand.shapes[0]));
        for damage in damage::draw(cart.mode.width, cart.mode.height, &mut dice) {
            let name = alloc::format!("{damage:?}");
            seen[3].insert(name.split([' ', '{']).next().unwrap().into());
        }
        if let Some(reason) = reason_of(index) {
            seen[4].insert(alloc::format!("{reason:?}"));
        }
    }
    let counts = seen.map(|names| names.len());
    assert_eq!(counts, [makers::STYLES.len(), MODES.len(), makers::SHAPES.len(), 8, NEGATIVES.len()]);
}

#[test]
fn given_two_equal_measurements_expect_lengths_that_leave_it_open() {
    for index in (0..8 * NEGATIVE_EVERY * 10).filter(|&index| reason_of(index) == Some(Negative::EqualPairs)) {
        let truth = draw(24, index).truth;
        let lengths: Vec<f32> = truth
            .pairs
            .iter()
            .map(|pair| {
                let [across, down] = truth.px_per_cm.map(|scale| scale.0);
                libm::hypotf((pair.ends[0].x - pair.ends[1].x) / across, (pair.ends[0].y - pair.ends[1].y) / down)
            })
            .collect();
        assert_eq!(lengths.len(), 2, "index {index}");
        assert!((lengths[0] / lengths[1] - 1.0).abs() < 0.02, "index {index}: {lengths:?}");
    }
}
