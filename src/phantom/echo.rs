//! Scene -> ultrasound picture: scatterers, point spread, envelope, log compression, sector scan conversion.
//!
//! A curved array sends beams that fan out from behind its face; the picture is made on the grid of beams and depths and then
//! converted to the screen. *Units*: centimetres and radians unless named otherwise.

use super::anatomy::{Place, Scene};
use crate::{
    frame::{Picture, RGB_BYTES, Spot},
    units::PixelsPerCm,
};
use alloc::{vec, vec::Vec};
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Beams over the sector.
const BEAMS: usize = 240;
/// Samples along a beam.
const SAMPLES: usize = 560;
/// Decibels from black to white.
const DYNAMIC_RANGE_DB: f32 = 48.0;
/// The level of liver above black, in decibels.
const LIVER_DB: f32 = 19.5;

/// Where the sector lies, on the screen and in the patient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sector {
    /// The middle of the probe's face on the screen.
    pub face: Spot,
    /// The screen's scale.
    pub scale: PixelsPerCm,
    /// Radius of the probe's face.
    pub radius: f32,
    /// Half of the sector's opening.
    pub half_angle: f32,
    /// Depth of the picture below the face.
    pub depth: f32,
    /// Depth of the transmit focus.
    pub focus: f32,
}

impl Sector {
    /// Where a place in the patient appears.
    pub fn to_screen(&self, place: Place) -> Spot {
        Spot { x: self.face.x + place.x * self.scale.0, y: self.face.y + place.z * self.scale.0 }
    }

    /// What place appears at a spot.
    pub fn to_place(&self, spot: Spot) -> Place {
        Place { x: (spot.x - self.face.x) / self.scale.0, z: (spot.y - self.face.y) / self.scale.0 }
    }

    /// The beam's angle and the depth along it of a place.
    pub fn beam(&self, place: Place) -> (f32, f32) {
        let below_apex = place.z + self.radius;
        (libm::atan2f(place.x, below_apex), libm::hypotf(place.x, below_apex) - self.radius)
    }

    /// Whether a place is in the picture, at least `margin` from its border.
    pub fn holds(&self, place: Place, margin: f32) -> bool {
        let (angle, depth) = self.beam(place);
        let margin_angle = margin / (depth + self.radius).max(0.1);
        angle.abs() + margin_angle <= self.half_angle && depth >= margin && depth + margin <= self.depth
    }

    fn place(&self, angle: f32, depth: f32) -> Place {
        let reach = depth + self.radius;
        Place { x: reach * libm::sinf(angle), z: reach * libm::cosf(angle) - self.radius }
    }
}

/// Draws the scene's echo into `picture`; pixels outside the sector stay as they are.
///
/// The probe has slid `slide_cm` sideways from where the scene was set up. Equal `speckle` gives equal speckle.
pub fn render(scene: &Scene, sector: &Sector, slide_cm: f32, speckle: u64, picture: &mut Picture) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(speckle);
    let mut power = vec![0.0; BEAMS * SAMPLES];
    let amplitudes = amplitudes(scene, sector, slide_cm);
    for _quadrature in 0..2 {
        let field: Vec<f32> = amplitudes
            .iter()
            .map(|amplitude| {
                let normal: f32 = StandardNormal.sample(&mut random);
                amplitude * normal
            })
            .collect();
        let field = blur_down(&blur_across(&field, |row| lateral_kernel(sector, row)), &[0.13, 0.6, 1.0, 0.6, 0.13]);
        for (power, field) in power.iter_mut().zip(&field) {
            *power += field * field;
        }
    }
    // Spatial compounding: a cart averages looks from several directions, which calms the speckle.
    let power = blur_down(&blur_across(&power, |_| [0.25, 0.8, 1.0, 0.8, 0.25]), &[0.12, 0.6, 1.0, 0.6, 0.12]);
    let grey: Vec<f32> = power.iter().map(|&p| compress(p)).collect();
    convert(&grey, sector, picture);
}

fn depth_of(row: usize, sector: &Sector) -> f32 {
    (row as f32 + 0.5) / SAMPLES as f32 * sector.depth
}

fn amplitudes(scene: &Scene, sector: &Sector, slide_cm: f32) -> Vec<f32> {
    let angles: Vec<(f32, f32, f32)> = (0..BEAMS)
        .map(|beam| ((beam as f32 + 0.5) / BEAMS as f32 * 2.0 - 1.0) * sector.half_angle)
        .map(|angle| (angle, libm::sinf(angle), libm::cosf(angle)))
        .collect();
    let mut out = Vec::with_capacity(BEAMS * SAMPLES);
    for row in 0..SAMPLES {
        let depth = depth_of(row, sector);
        let reach = depth + sector.radius;
        for &(angle, sin, cos) in &angles {
            let place = Place { x: reach * sin + slide_cm, z: reach * cos - sector.radius };
            let level_db = scene.level_db(place, angle, depth);
            // 10^(dB / 20) as a power of two.
            out.push(libm::exp2f(level_db * 0.166_096_4));
        }
    }
    out
}

/// The point spread across beams at the depth of `row`: narrowest at the focus.
fn lateral_kernel(sector: &Sector, row: usize) -> [f32; 5] {
    let off_focus = (depth_of(row, sector) - sector.focus).abs() / sector.depth;
    let sigma = 0.8 + 1.3 * off_focus;
    [2.0, 1.0, 0.0, 1.0, 2.0].map(|k: f32| libm::expf(-k * k / (2.0 * sigma * sigma)))
}

fn normalised(kernel: [f32; 5]) -> [f32; 5] {
    let sum: f32 = kernel.iter().sum();
    kernel.map(|k| k / sum)
}

fn blur_across(field: &[f32], kernel: impl Fn(usize) -> [f32; 5]) -> Vec<f32> {
    let mut out = vec![0.0; field.len()];
    for (row, (from, to)) in field.chunks_exact(BEAMS).zip(out.chunks_exact_mut(BEAMS)).enumerate() {
        let kernel = normalised(kernel(row));
        for (window, to) in from.windows(5).zip(&mut to[2..BEAMS - 2]) {
            *to = (0..5).map(|i| kernel[i] * window[i]).sum();
        }
        for edge in [0, 1, BEAMS - 2, BEAMS - 1] {
            to[edge] = from[edge];
        }
    }
    out
}

fn blur_down(field: &[f32], kernel: &[f32; 5]) -> Vec<f32> {
    let kernel = normalised(*kernel);
    let mut out = vec![0.0; field.len()];
    for (row, to) in out.chunks_exact_mut(BEAMS).enumerate() {
        for (i, weight) in kernel.into_iter().enumerate() {
            let from = (row + i).saturating_sub(2).min(SAMPLES - 1);
            for (to, from) in to.iter_mut().zip(&field[from * BEAMS..][..BEAMS]) {
                *to += weight * from;
            }
        }
    }
    out
}

/// Log compression: echo power to grey, 0 to 255.
fn compress(power: f32) -> f32 {
    // The blurs above leave about a tenth of the scatterers' power; liver comes out at LIVER_DB.
    let level_db = 10.0 * libm::log10f(power * 6.0 + 1e-9) + LIVER_DB;
    (level_db / DYNAMIC_RANGE_DB * 255.0).clamp(0.0, 255.0)
}

fn convert(grey: &[f32], sector: &Sector, picture: &mut Picture) {
    let (width, height) = (picture.width(), picture.height());
    let beams_per_radian = BEAMS as f32 / (2.0 * sector.half_angle);
    let samples_per_cm = SAMPLES as f32 / sector.depth;
    for y in 0..height {
        let row = &mut picture.as_rgb_mut()[y * width * RGB_BYTES..][..width * RGB_BYTES];
        let Some((first, end)) = sector_span(sector, y, width) else { continue };
        for x in first..end {
            let (angle, depth) = sector.beam(sector.to_place(Spot { x: x as f32, y: y as f32 }));
            if angle.abs() > sector.half_angle || !(0.0..=sector.depth).contains(&depth) {
                continue;
            }
            let beam = ((angle + sector.half_angle) * beams_per_radian - 0.5).clamp(0.0, BEAMS as f32 - 1.001);
            let sample = (depth * samples_per_cm - 0.5).clamp(0.0, SAMPLES as f32 - 1.001);
            let value = bilinear(grey, beam, sample) as u8;
            row[x * RGB_BYTES..][..RGB_BYTES].fill(value);
        }
    }
}

/// The columns of row `y` that the sector can reach.
fn sector_span(sector: &Sector, y: usize, width: usize) -> Option<(usize, usize)> {
    let z = sector.to_place(Spot { x: 0.0, y: y as f32 }).z;
    let corner = sector.place(sector.half_angle, 0.0);
    if z < corner.z || z > sector.depth {
        return None;
    }
    let reach = (z + sector.radius) * libm::tanf(sector.half_angle) * sector.scale.0 + 1.0;
    let first = (sector.face.x - reach).max(0.0) as usize;
    Some((first, ((sector.face.x + reach) as usize + 1).min(width)))
}

fn bilinear(grey: &[f32], beam: f32, sample: f32) -> f32 {
    let (b, s) = (beam as usize, sample as usize);
    let (tb, ts) = (beam - b as f32, sample - s as f32);
    let at = s * BEAMS + b;
    let top = grey[at] + (grey[at + 1] - grey[at]) * tb;
    let bottom = grey[at + BEAMS] + (grey[at + BEAMS + 1] - grey[at + BEAMS]) * tb;
    top + (bottom - top) * ts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_place_expect_it_back_from_the_screen_and_from_its_beam() {
        let sector = Sector {
            face: Spot { x: 428.0, y: 133.0 },
            scale: PixelsPerCm(35.47),
            radius: 5.8,
            half_angle: 0.565,
            depth: 15.0,
            focus: 8.0,
        };
        let place = Place { x: -3.0, z: 7.0 };
        let near = |a: Place| (a.x - place.x).abs() < 1e-4 && (a.z - place.z).abs() < 1e-4;
        assert!(near(sector.to_place(sector.to_screen(place))));
        let (angle, depth) = sector.beam(place);
        assert!(near(sector.place(angle, depth)));
        assert!(sector.holds(place, 1.0) && !sector.holds(Place { x: -8.0, z: 2.0 }, 0.0));
    }
}
