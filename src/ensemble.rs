//! Bundle -> runnable members, through tract.
//!
//! Always holds: a member gives one eGFR and as many features as its bundle says, checked when it is loaded. Deliberately
//! absent: threads. `app` spreads the members over the cores, because only it knows how many there are.

use crate::{
    bundle::{Bundle, manifest::Input},
    estimate::MemberOutput,
    frame::{Picture, RGB_BYTES},
    trees::Trees,
    units::{Centimetres, Egfr},
};
use std::{io::Cursor, sync::Arc};
use tract_onnx::prelude::*;

/// Why a member cannot be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// tract cannot read or run the network.
    #[error("member {member}: its network cannot be run ({}); build the bundle again", .source.root_cause())]
    Network {
        /// The member's number, from 0.
        member: usize,
        /// tract's own words.
        source: TractError,
    },
    /// The network's inputs are not those of the contract.
    #[error("member {member}: its network must take {}; build the bundle again", input_names(*.length).join(" and "))]
    Inputs {
        /// The member's number, from 0.
        member: usize,
        /// Whether the bundle says that it takes the length.
        length: bool,
    },
    /// The network's outputs are not those of the contract.
    #[error(
        "member {member}: its network must give \"egfr\" [1,1] and \"features\" [1,{features}]; build the bundle again"
    )]
    Outputs {
        /// The member's number, from 0.
        member: usize,
        /// How many features the bundle says.
        features: usize,
    },
}

/// The names of a network's inputs, in order.
fn input_names(length: bool) -> &'static [&'static str] {
    if length { &["crop", "length_cm"] } else { &["crop"] }
}

/// A picture as the networks take it.
#[derive(Clone, Debug)]
pub struct NetworkInput {
    /// *Shape*: `[1, 3, size, size]` f32, red, green, blue planes, normalised.
    crop: Tensor,
    length: Option<Centimetres>,
}

impl NetworkInput {
    /// Normalises a crop as its bundle says; `length` is what [`crate::estimate::Rules::length`] of the bundle gave.
    ///
    /// # Panics
    /// If the crop is not of the bundle's size, or the length is missing or too much.
    pub fn new(crop: &Picture, length: Option<Centimetres>, input: &Input) -> Self {
        assert_eq!(length.is_some(), input.length, "the bundle's rules give a length where its networks take one");
        assert_eq!((crop.width(), crop.height()), (input.size, input.size), "crops are cut to the bundle's input size");
        let pixels = input.size * input.size;
        let mut planes = vec![0.0_f32; RGB_BYTES * pixels];
        for (i, pixel) in crop.as_rgb().chunks_exact(RGB_BYTES).enumerate() {
            for channel in 0..RGB_BYTES {
                let scaled = f32::from(pixel[channel]) / 255.0;
                planes[channel * pixels + i] = (scaled - input.mean[channel]) / input.std[channel];
            }
        }
        let shape = [1, RGB_BYTES, input.size, input.size];
        Self { crop: Tensor::from_shape(&shape, &planes).expect("the planes have the shape's length"), length }
    }
}

/// One bagged model, ready to run.
pub struct Member {
    index: usize,
    network: Arc<TypedRunnableModel>,
    trees: Trees,
    features: usize,
}

impl Member {
    /// Loads member `index` of a bundle and checks what it gives. *Errors*: [`MemberError`].
    pub fn load(bundle: &Bundle, index: usize) -> Result<Self, MemberError> {
        let features = bundle.manifest().feature_count;
        let input = bundle.manifest().input;
        let failed = |source| MemberError::Network { member: index, source };
        let network = load_network(bundle.network(index), &input).map_err(failed)?;
        let network = network.ok_or(MemberError::Inputs { member: index, length: input.length })?;
        let member = Self { index, network, trees: bundle.trees(index), features };
        let shapes = member.output_shapes();
        if shapes != Some([vec![1, 1], vec![1, features]]) {
            return Err(MemberError::Outputs { member: index, features });
        }
        Ok(member)
    }

    fn output_shapes(&self) -> Option<[Vec<usize>; 2]> {
        let model = self.network.model();
        let shape = |i: usize| model.output_fact(i).ok()?.shape.as_concrete().map(<[usize]>::to_vec);
        (model.output_outlets().ok()?.len() == 2).then_some(())?;
        Some([shape(0)?, shape(1)?])
    }

    /// What the member says of a crop. *Errors*: [`MemberError`].
    pub fn run(&self, input: &NetworkInput) -> Result<MemberOutput, MemberError> {
        let failed = |source| MemberError::Network { member: self.index, source };
        let mut inputs = tvec!(input.crop.clone().into());
        inputs.extend(input.length.map(|length| tensor2(&[[length.0]]).into()));
        let outputs = self.network.run(inputs).map_err(failed)?;
        let egfr = plain(&outputs[0]).map_err(failed)?;
        let features = plain(&outputs[1]).map_err(failed)?;
        let (&[egfr], true) = (egfr, features.len() == self.features) else {
            return Err(MemberError::Outputs { member: self.index, features: self.features });
        };
        // Trees were grown on the features followed by the length.
        let known: Vec<f32> = features.iter().copied().chain(input.length.map(|length| length.0)).collect();
        Ok(MemberOutput { egfr: Egfr(egfr), p_ckd: self.trees.predict(&known) })
    }
}

/// The network, ready to run; none if its inputs are not those of the contract.
fn load_network(onnx: &[u8], input: &Input) -> TractResult<Option<Arc<TypedRunnableModel>>> {
    let model = tract_onnx::onnx().model_for_read(&mut Cursor::new(onnx))?;
    let names: Vec<&str> = model.input_outlets()?.iter().map(|outlet| model.node(outlet.node).name.as_str()).collect();
    if names != input_names(input.length) {
        return Ok(None);
    }
    let mut model = model.with_input_fact(0, f32::fact([1, RGB_BYTES, input.size, input.size]).into())?;
    if input.length {
        model.set_input_fact(1, f32::fact([1, 1]).into())?;
    }
    Ok(Some(model.with_outputs_by_name(["egfr", "features"])?.into_optimized()?.into_runnable()?))
}

fn plain(output: &TValue) -> TractResult<&[f32]> {
    output.try_as_plain_ram()?.as_slice::<f32>()
}
