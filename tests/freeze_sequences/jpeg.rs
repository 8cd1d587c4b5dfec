//! The loss of a grabber's JPEG without its entropy coding, which takes most of an encoder's time and loses nothing.
//!
//! *Source*: ITU-T T.81, annex A.3.3 (transform) and annex K.1 (tables), scaled by quality as libjpeg does; colour by JFIF.

use sonogfr::frame::Picture;

const LUMA: [u16; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
    87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
];
const CHROMA: [u16; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99,
];

type Block = [[f32; 8]; 8];

/// How often colour is kept: for every pixel, or once for a square of four.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    Full,
    Halved,
}

/// A JPEG's loss at one quality.
pub struct Loss {
    colour: Colour,
    steps: [Block; 2],
    cosines: Block,
    across: Block,
}

impl Loss {
    /// `quality`: from 50 to 100.
    pub fn new(quality: u8, colour: Colour) -> Self {
        let scale = 200 - 2 * u16::from(quality);
        let steps = |table: [u16; 64]| {
            let step = |row: usize, column: usize| ((table[8 * row + column] * scale + 50) / 100).max(1) as f32;
            std::array::from_fn(|row| std::array::from_fn(|column| step(row, column)))
        };
        let cosine = |u: usize, x: usize| {
            let height = if u == 0 { 0.5_f32.sqrt() } else { 1.0 };
            0.5 * height * ((2 * x + 1) as f32 * u as f32 * std::f32::consts::PI / 16.0).cos()
        };
        let cosines: Block = std::array::from_fn(|u| std::array::from_fn(|x| cosine(u, x)));
        let across = std::array::from_fn(|x| std::array::from_fn(|u| cosines[u][x]));
        Self { colour, steps: [steps(LUMA), steps(CHROMA)], cosines, across }
    }

    /// The picture as it comes back. Its sides must be multiples of 16.
    pub fn happen(&self, picture: &mut Picture) {
        let (width, height) = (picture.width(), picture.height());
        let mut planes: [Vec<f32>; 3] = std::array::from_fn(|_| vec![0.0; width * height]);
        let [lumas, blues, reds] = &mut planes;
        for (((pixel, y), cb), cr) in picture.as_rgb().chunks_exact(3).zip(lumas).zip(blues).zip(reds) {
            let [r, g, b] = [f32::from(pixel[0]), f32::from(pixel[1]), f32::from(pixel[2])];
            *y = 0.299 * r + 0.587 * g + 0.114 * b - 128.0;
            *cb = -0.168_736 * r - 0.331_264 * g + 0.5 * b;
            *cr = 0.5 * r - 0.418_688 * g - 0.081_312 * b;
        }
        self.lose(&mut planes[0], width, 0);
        for plane in &mut planes[1..] {
            match self.colour {
                Colour::Full => self.lose(plane, width, 1),
                Colour::Halved => {
                    let mut half = halved(plane, width);
                    self.lose(&mut half, width / 2, 1);
                    for (rows, half) in plane.chunks_exact_mut(2 * width).zip(half.chunks_exact(width / 2)) {
                        for row in rows.chunks_exact_mut(width) {
                            row.chunks_exact_mut(2).zip(half).for_each(|(pair, value)| pair.fill(*value));
                        }
                    }
                }
            }
        }
        let bytes = |v: f32| (v + 0.5).clamp(0.0, 255.0) as u8;
        let [lumas, blues, reds] = &planes;
        for (((pixel, y), cb), cr) in picture.as_rgb_mut().chunks_exact_mut(3).zip(lumas).zip(blues).zip(reds) {
            let y = y + 128.0;
            pixel[0] = bytes(y + 1.402 * cr);
            pixel[1] = bytes(y - 0.344_136 * cb - 0.714_136 * cr);
            pixel[2] = bytes(y + 1.772 * cb);
        }
    }

    /// Rounds every coefficient of every block to its step.
    fn lose(&self, plane: &mut [f32], width: usize, table: usize) {
        for top in (0..plane.len() / width).step_by(8) {
            for left in (0..width).step_by(8) {
                let at = |row: usize| (top + row) * width + left;
                let block: Block = std::array::from_fn(|row| std::array::from_fn(|x| plane[at(row) + x]));
                let mut found = times(&self.cosines, &times(&block, &self.across));
                for (values, steps) in found.iter_mut().zip(&self.steps[table]) {
                    for (value, step) in values.iter_mut().zip(steps) {
                        // Adding and taking off so large a number rounds to whole ones.
                        const LARGE: f32 = 12_582_912.0;
                        *value = (*value / step + LARGE - LARGE) * step;
                    }
                }
                let back = times(&self.across, &times(&found, &self.cosines));
                for (row, values) in back.iter().enumerate() {
                    plane[at(row)..at(row) + 8].copy_from_slice(values);
                }
            }
        }
    }
}

fn times(a: &Block, b: &Block) -> Block {
    let mut product = [[0.0; 8]; 8];
    for (row, out) in a.iter().zip(&mut product) {
        for (factor, other) in row.iter().zip(b) {
            for (out, value) in out.iter_mut().zip(other) {
                *out += factor * value;
            }
        }
    }
    product
}

/// The mean of each square of four.
fn halved(plane: &[f32], width: usize) -> Vec<f32> {
    let mut half = Vec::with_capacity(plane.len() / 4);
    for rows in plane.chunks_exact(2 * width) {
        let (above, below) = rows.split_at(width);
        let pairs = above.chunks_exact(2).zip(below.chunks_exact(2));
        half.extend(pairs.map(|(a, b)| (a[0] + a[1] + b[0] + b[1]) / 4.0));
    }
    half
}

#[test]
fn given_a_picture_expect_as_much_loss_as_an_encoder_makes() {
    let mut picture = Picture::filled(64, 48, [0; 3]);
    for (i, pixel) in picture.as_rgb_mut().chunks_exact_mut(3).enumerate() {
        let (x, y) = (i % 64, i / 64);
        pixel.fill((60 + (x * 7 + y * 5) % 90 + (x * y) % 60) as u8);
    }
    let mean_loss = |lost: &Picture| {
        let differences = lost.as_rgb().iter().zip(picture.as_rgb()).map(|(a, b)| u32::from(a.abs_diff(*b)));
        differences.sum::<u32>() as f32 / lost.as_rgb().len() as f32
    };
    for quality in [60, 75, 90] {
        let encoded = mean_loss(&sonogfr::edge::pictures::through_jpeg(&picture, quality));
        let mut lost = picture.clone();
        Loss::new(quality, Colour::Full).happen(&mut lost);
        let ours = mean_loss(&lost);
        assert!((ours / encoded - 1.0).abs() < 0.05, "quality {quality}: {ours} against {encoded}");
    }
}
