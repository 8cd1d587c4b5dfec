//! What lies under the probe and how strongly it echoes: abdominal wall, liver, kidney, and what hides them.
//!
//! *Units*: centimetres in the picture's plane, decibels against liver. The kidney's own structure is in `kidney`.

use super::{echo::Sector, noise::Field, patient::Factors};
use rand::RngExt;

use super::kidney::Inside;
pub use super::kidney::Kidney;

/// A place in the patient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// To the right of the probe's middle.
    pub x: f32,
    /// Below the probe's face.
    pub z: f32,
}

/// A sound-stopping thing seen from the probe.
struct Blocker {
    angle: f32,
    half_width: f32,
    depth: f32,
    /// What comes through, in decibels.
    loss_db: f32,
    /// The echo of its surface.
    surface_db: f32,
    /// Reverberation below it: clean behind bone, dirty behind gas.
    dirt_db: f32,
}

/// One scanned plane.
pub struct Scene {
    /// The kidney in it.
    pub kidney: Kidney,
    wall: [f32; 3],
    liver_vessels: [(Place, f32, f32); 5],
    rib: Option<Blocker>,
    gas: Option<Blocker>,
    gain_db: f32,
    depth_gain_db: f32,
    liver_edge: f32,
    texture: Field,
    shading: Field,
}

/// Between `from` and `to`, eases from 0 to 1.
pub(super) fn ramp(value: f32, from: f32, to: f32) -> f32 {
    let t = ((value - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// A bump of height 1 and half-width `width` around zero.
pub(super) fn bump(value: f32, width: f32) -> f32 {
    let t = value / width;
    if t.abs() >= 1.0 { 0.0 } else { (1.0 - t * t) * (1.0 - t * t) }
}

impl Scene {
    /// Draws a scene with a kidney of these factors, which lies wholly in the sector.
    pub fn draw(factors: &Factors, sector: &Sector, random: &mut impl RngExt) -> Self {
        let mut within = |low: f32, high: f32| low + (high - low) * random.random::<f32>();
        let skin = within(0.2, 0.35);
        let fat = skin + within(0.4, 1.4);
        let muscle = fat + within(0.6, 1.2);
        let vessel = |within: &mut dyn FnMut(f32, f32) -> f32| {
            (Place { x: within(-6.0, 6.0), z: within(3.0, 12.0) }, within(0.12, 0.45), within(-0.9, 0.9))
        };
        let liver_vessels = core::array::from_fn(|_| vessel(&mut within));
        let rib = (within(0.0, 1.0) < 0.35).then(|| Blocker {
            angle: within(-0.5, 0.5),
            half_width: within(0.05, 0.10),
            depth: muscle + within(-0.2, 0.3),
            loss_db: within(4.0, 12.0),
            surface_db: 12.0,
            dirt_db: 1.0,
        });
        let gas = (within(0.0, 1.0) < 0.3).then(|| Blocker {
            angle: sector.half_angle * if within(0.0, 1.0) < 0.5 { -1.0 } else { 1.0 } * within(0.75, 1.0),
            half_width: within(0.08, 0.18),
            depth: muscle + within(0.6, 3.0),
            loss_db: within(4.0, 10.0),
            surface_db: 14.0,
            dirt_db: 6.0,
        });
        let (gain_db, depth_gain_db, liver_edge) = (within(-4.0, 5.0), within(-5.0, 4.0), within(-3.0, 6.0));
        Self {
            kidney: Kidney::draw(factors, sector, muscle, random),
            wall: [skin, fat, muscle],
            liver_vessels,
            rib,
            gas,
            gain_db,
            depth_gain_db,
            liver_edge,
            texture: Field::draw(random),
            shading: Field::draw(random),
        }
    }

    /// Whether a rib's shadow falls on the kidney.
    pub fn shows_rib(&self) -> bool {
        self.rib.is_some()
    }

    /// Whether bowel gas is in the picture.
    pub fn shows_gas(&self) -> bool {
        self.gas.is_some()
    }

    /// How strongly a place echoes, gain and shadows included. `angle` and `depth` are the place's own on its beam.
    pub fn level_db(&self, place: Place, angle: f32, depth: f32) -> f32 {
        let tissue = if depth < self.wall[2] { self.wall_db(place, depth) } else { self.organ_db(place, angle, depth) };
        let patchy =
            4.0 * self.shading.at(angle * 8.0, depth * 0.3) + 1.5 * self.shading.at(angle * 31.0 + 7.0, depth * 0.6);
        let depth_gain = self.depth_gain_db * (depth / 8.0 - 1.0);
        let mut level = tissue + patchy + self.gain_db + depth_gain;
        for blocker in [&self.rib, &self.gas].into_iter().flatten() {
            level += self.blocked_db(blocker, place, angle, depth);
        }
        level
    }

    /// Skin, fat and muscle: layers along the probe's face with fibres in them.
    fn wall_db(&self, place: Place, depth: f32) -> f32 {
        let [skin, fat, muscle] = self.wall;
        let sag = 0.12 * self.texture.at(place.x * 0.8, 3.0);
        let depth = depth + sag;
        let fibres = self.texture.rough(place.x * 0.9, depth * 9.0);
        let lines = 9.0 * bump(depth - fat, 0.07) + 11.0 * bump(depth - muscle, 0.09) + 6.0 * bump(depth - skin, 0.05);
        let layer = if depth < skin {
            9.0 - 4.0 * self.texture.at(place.x * 0.3, depth * 14.0)
        } else if depth < fat {
            9.0 * fibres
        } else {
            -4.0 + 9.0 * fibres
        };
        layer + lines
    }

    fn organ_db(&self, place: Place, angle: f32, depth: f32) -> f32 {
        let inside = self.kidney.outline(place);
        // Soft over half a millimetre, as a boundary cut obliquely is.
        let blend = ramp(inside.within, -0.04, 0.04);
        let around = if blend < 1.0 { self.surroundings_db(place, depth, &inside) } else { 0.0 };
        let kidney = if blend > 0.0 { self.kidney.level_db(&inside) } else { 0.0 };
        around + (kidney - around) * blend + self.kidney.capsule_db(&inside, angle)
    }

    /// Liver or bowel and fat above the kidney, fat around it, muscle and diaphragm below.
    fn surroundings_db(&self, place: Place, depth: f32, inside: &Inside) -> f32 {
        let (below, near) = self.kidney.relation(place, inside);
        // Strands of fat and fascia: mostly level, with glints where they face the beam.
        let strands = self.texture.rough(place.x * 0.7 + place.z * 0.25, place.z * 2.6);
        let glint = ramp(self.texture.at(place.x * 0.9 - place.z * 0.35 + 50.0, place.z * 4.6), 0.35, 0.8);
        let fat = 3.0 + 9.0 * strands + 6.0 * glint;
        let mut level = if below < 1.0 { self.above_db(place, fat) } else { 0.0 };
        if below > 0.0 {
            let rough = self.texture.rough(place.x * 0.5 - place.z * 0.2, place.z * 2.2 + 20.0);
            let from_kidney = depth - self.kidney.centre.z - 4.6 - 0.9 * self.texture.at(place.x * 0.3, 51.0);
            let diaphragm = 12.0 * bump(from_kidney, 0.16) * ramp(self.texture.at(place.x * 0.6, 61.0), -0.2, 0.5);
            let muscle = -2.0 + 9.0 * rough + 7.0 * glint + diaphragm;
            level += (muscle - level) * below;
        }
        level + (fat + 2.0 - level) * near
    }

    /// Liver with its vessels; beyond a wavering edge bowel and fat instead of it.
    fn above_db(&self, place: Place, fat: f32) -> f32 {
        let edge = place.x - self.liver_edge + 1.5 * self.texture.at(place.z * 0.5, 40.0);
        let other = ramp(edge, -0.3, 0.3);
        if other == 1.0 {
            return fat;
        }
        let mut liver = 2.4 * self.texture.at(place.x * 0.8, place.z * 0.8 + 11.0);
        for &(centre, radius, slope) in &self.liver_vessels {
            let (dx, dz) = (place.x - centre.x, place.z - centre.z - slope * (place.x - centre.x));
            let away = libm::sqrtf(0.12 * dx * dx + dz * dz) - radius;
            liver += -9.0 * ramp(-away, -0.06, 0.06) + 4.0 * bump(away - 0.05, 0.08);
        }
        liver + (fat - liver) * other
    }

    fn blocked_db(&self, blocker: &Blocker, place: Place, angle: f32, depth: f32) -> f32 {
        let wobble = self.texture.at(angle * 12.0, depth * 0.5 + 70.0);
        let across = bump(angle - blocker.angle + 0.025 * wobble, blocker.half_width * 1.5);
        if across == 0.0 {
            return 0.0;
        }
        let below = depth - blocker.depth - 0.25 * self.texture.at(angle * 14.0, 80.0);
        let dirt = blocker.dirt_db * self.texture.at(angle * 20.0, place.z * 4.0);
        let shadow = (dirt - blocker.loss_db) * ramp(below, 0.05, 0.8) * ramp(across, 0.0, 0.95);
        shadow + blocker.surface_db * bump(below, 0.12) * across
    }
}
