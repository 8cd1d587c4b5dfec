//! The kidney's shape and inside: capsule, cortex, pyramids, sinus.
//!
//! A bent ellipse with an irregular outline. Places inside are known by their depth below the capsule and their bearing, so
//! that cortex has an even thickness, pyramids point to the sinus, and the sinus fills what is left, raggedly.

use super::{
    anatomy::{Place, bump, ramp},
    echo::Sector,
    noise::Field,
    patient::Factors,
};
use core::f32::consts::{PI, TAU};
use rand::RngExt;

/// The most pyramids in a plane.
const PYRAMIDS: usize = 10;
/// How often a kidney is placed anew before it is laid flat in the middle of the sector.
const PLACINGS_MAX: u32 = 40;

#[derive(Clone, Copy)]
struct Pyramid {
    bearing: f32,
    half_width: f32,
    /// How dark it is, against the mean of all.
    strength: f32,
}

/// A kidney lying in the scanned plane.
pub struct Kidney {
    /// Its middle.
    pub centre: Place,
    /// Its long axis against the horizontal, in radians, positive where the right end is deeper.
    pub angle: f32,
    half_length: f32,
    half_width: f32,
    bend: f32,
    cortex: f32,
    cortex_db: f32,
    differentiation: f32,
    sinus_db: f32,
    hilum: f32,
    pyramids: [Pyramid; PYRAMIDS],
    pyramid_count: usize,
    field: Field,
}

/// A place in the kidney's own terms.
pub struct Inside {
    /// Depth below the capsule; negative outside.
    pub within: f32,
    /// Along the long axis, and across it.
    along: f32,
    across: f32,
    /// Bearing from the middle, on the ellipse made round.
    bearing: f32,
    /// From the middle to the capsule at this bearing.
    radius: f32,
}

impl Kidney {
    /// Draws a kidney of these factors, wholly in the sector and below the abdominal wall.
    pub fn draw(factors: &Factors, sector: &Sector, wall: f32, random: &mut impl RngExt) -> Self {
        let half_length = factors.length_cm.0 / 2.0;
        let mut within = |low: f32, high: f32| low + (high - low) * random.random::<f32>();
        let half_width = half_length * within(0.40, 0.48);
        let (mut centre, mut angle) = (Place { x: 0.0, z: 0.0 }, 0.0);
        for attempt in 0..=PLACINGS_MAX {
            let last = attempt == PLACINGS_MAX;
            angle = if last { 0.0 } else { within(-0.45, 0.45) };
            let shallowest = wall + half_width + 0.4 + half_length * libm::sinf(angle).abs();
            let deepest = (sector.depth - half_width - 1.0).max(shallowest + 0.1);
            centre.z = if last { deepest } else { within(shallowest, deepest.min(shallowest + 3.5)) };
            centre.x = if last { 0.0 } else { within(-1.2, 1.2) };
            let pole = |side: f32| Place {
                x: centre.x + side * half_length * libm::cosf(angle),
                z: centre.z + side * half_length * libm::sinf(angle),
            };
            if sector.holds(pole(-1.0), 0.35) && sector.holds(pole(1.0), 0.35) {
                break;
            }
        }
        let count = within(6.0, PYRAMIDS as f32 + 0.99) as usize;
        let first = within(0.0, TAU);
        let pyramids = core::array::from_fn(|i| Pyramid {
            bearing: first + (i as f32 + within(-0.28, 0.28)) * TAU / count as f32,
            half_width: PI / count as f32 * within(0.5, 0.85),
            strength: within(0.5, 1.3),
        });
        Self {
            centre,
            angle,
            half_length,
            half_width,
            bend: half_width * within(-0.14, 0.14),
            cortex: factors.cortex_mm / 10.0,
            cortex_db: -2.2 + 2.8 * factors.echogenicity,
            differentiation: factors.differentiation,
            sinus_db: within(6.0, 10.0),
            hilum: if within(0.0, 1.0) < 0.4 { within(0.8, 2.3) } else { f32::INFINITY },
            pyramids,
            pyramid_count: count,
            field: Field::draw(random),
        }
    }

    /// The place `along` the long axis (in half-lengths) and `across` it (in centimetres).
    pub fn place(&self, along: f32, across: f32) -> Place {
        let (sin, cos) = (libm::sinf(self.angle), libm::cosf(self.angle));
        let along = along * self.half_length;
        Place { x: self.centre.x + along * cos - across * sin, z: self.centre.z + along * sin + across * cos }
    }

    /// The length from pole to pole, in centimetres.
    pub fn length(&self) -> f32 {
        2.0 * self.half_length
    }

    /// How far the outline reaches at the pole `side` (-1 or 1), in half-lengths.
    pub fn reach(&self, side: f32) -> f32 {
        self.unevenness(side, 0.0)
    }

    /// The irregular outline against the ellipse, by direction from the middle.
    fn unevenness(&self, cos: f32, sin: f32) -> f32 {
        // The poles stay put, so that the length is the factor's.
        let off_pole = 1.0 - 0.75 * cos * cos;
        let slow = 0.16 * self.field.at(1.3 * cos + 5.0, 1.3 * sin + 5.0);
        let lobes = 0.085 * self.field.at(3.6 * cos + 20.0, 3.6 * sin + 20.0);
        1.0 + off_pole * (slow + lobes)
    }

    /// A place in the kidney's own terms.
    pub fn outline(&self, place: Place) -> Inside {
        let (sin, cos) = (libm::sinf(self.angle), libm::cosf(self.angle));
        let (dx, dz) = (place.x - self.centre.x, place.z - self.centre.z);
        let (along, straight) = (dx * cos + dz * sin, dz * cos - dx * sin);
        let far = along / self.half_length;
        let across = straight + self.bend * (1.0 - far * far).max(-1.0);
        let (u, v) = (far, across / self.half_width);
        let rho = libm::sqrtf(u * u + v * v).max(1e-4);
        let edge = self.unevenness(u / rho, v / rho);
        let from_middle = libm::sqrtf(along * along + across * across);
        let radius = from_middle / rho * edge;
        Inside { within: radius - from_middle, along, across, bearing: libm::atan2f(v, u), radius }
    }

    /// How much a place belongs to what lies below the kidney, and to the fat around it, each from 0 to 1.
    pub fn relation(&self, place: Place, inside: &Inside) -> (f32, f32) {
        let uneven = self.field.at(inside.along * 0.9 + 3.0, inside.across * 0.9);
        let below = ramp(inside.across - 0.35 * self.half_width, 0.0, 0.8) * ramp(place.z - self.centre.z, -1.5, 1.0);
        let fat = 0.28 + 0.22 * uneven;
        (below, ramp(inside.within, -fat - 0.3, -fat + 0.1))
    }

    /// The echo of the capsule: bright where the beam meets it squarely.
    pub fn capsule_db(&self, inside: &Inside, beam_angle: f32) -> f32 {
        let near = bump(inside.within, 0.075);
        if near == 0.0 {
            return 0.0;
        }
        let (nu, nv) =
            (inside.along / (self.half_length * self.half_length), inside.across / (self.half_width * self.half_width));
        let norm = libm::sqrtf(nu * nu + nv * nv).max(1e-6);
        let (sin, cos) = (libm::sinf(self.angle - beam_angle), libm::cosf(self.angle - beam_angle));
        let squarely = ((nv * cos + nu * sin) / norm).abs();
        let broken = 0.6 + 0.5 * self.field.at(inside.bearing * 3.0, 9.0);
        10.0 * near * squarely * squarely * squarely * broken
    }

    /// How strongly the inside echoes.
    pub fn level_db(&self, inside: &Inside) -> f32 {
        let (x, y) = (inside.along, inside.across);
        let ragged = self.field.rough(x * 1.6, y * 1.6 + 13.0);
        let cortex = self.cortex_db + 1.2 * self.field.at(x * 2.5 + 40.0, y * 2.5);
        // Parenchyma is cortex and pyramids; a thin cortex goes with thin pyramids. It never fills the middle.
        let parenchyma =
            (1.95 * self.cortex * (1.0 + 0.22 * self.field.at(inside.bearing * 1.7, 30.0))).min(inside.radius * 0.72);
        let opening = bump(inside.bearing - self.hilum, 0.45);
        let into_sinus = inside.within - parenchyma * (1.0 - opening) + 0.30 * ragged;
        let medulla = cortex + self.pyramid_db(inside, parenchyma);
        medulla + (self.sinus_level_db(x, y, ragged) - medulla) * ramp(into_sinus, -0.12, 0.16)
    }

    fn pyramid_db(&self, inside: &Inside, parenchyma: f32) -> f32 {
        let wobble = 0.12 * self.field.at(inside.along * 2.2, inside.across * 2.2 + 50.0);
        let outer = inside.within - self.cortex + wobble;
        if outer < -0.15 {
            return 0.0;
        }
        let to_tip = ((parenchyma - inside.within) / (parenchyma - self.cortex).max(0.1)).clamp(0.0, 1.0);
        let mut depth_db = 0.0_f32;
        let mut arcuate = 0.0_f32;
        for pyramid in &self.pyramids[..self.pyramid_count] {
            let turn = libm::remainderf(inside.bearing - pyramid.bearing + 0.35 * wobble, TAU).abs();
            let half_width = pyramid.half_width * (0.35 + 0.65 * to_tip);
            let across = ramp(half_width - turn, -0.09, 0.09);
            depth_db = depth_db.max(pyramid.strength * across);
            arcuate = arcuate.max(across);
        }
        // The arcuate vessels glint at the pyramids' base.
        let glint = 4.0 * bump(outer, 0.09) * arcuate * ramp(self.field.at(inside.bearing * 6.0, 3.0), 0.1, 0.6);
        glint - (2.0 + 9.5 * self.differentiation) * depth_db * ramp(outer, -0.05, 0.12)
    }

    /// Fat, vessels and the collecting system: bright, broken by dark clefts, different at every place.
    fn sinus_level_db(&self, x: f32, y: f32, ragged: f32) -> f32 {
        let clump = self.field.rough(x * 1.1 + 25.0, y * 2.0 + 7.0);
        let cleft = bump(self.field.at(x * 0.9 + 33.0, y * 1.7 + 2.0) + 0.25 * ragged, 0.22);
        let streak = self.field.at(x * 1.8 - y * 1.1, y * 6.0 + 45.0);
        self.sinus_db + 7.0 * clump + 3.5 * streak - 11.0 * cleft
    }
}
