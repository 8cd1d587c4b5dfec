//! Bundle -> runnable members, by the int8 engine within tract.
//!
//! A network that the engine does not cover runs through tract alone, and its member says why. Always holds: a member gives one eGFR and as many features as its bundle says, checked when it is loaded. Deliberately
//! absent: threads. `app` spreads the members over the cores, because only it knows how many there are.

use crate::{
    bundle::{
        Bundle,
        manifest::{Input, Manifest, OUTPUTS},
    },
    engine::{
        kernel::{Kernel, KernelError},
        net::Shape,
        op::{self, Shared},
        plan::Plan,
        sound::{self, Unsound},
    },
    estimate::MemberOutput,
    frame::{Picture, RGB_BYTES},
    likeness::Likeness,
    packed::{self, Packed, PackedError},
    trees::Trees,
    units::{Centimetres, Egfr},
};
use std::{io::Cursor, sync::Arc};
use tract_onnx::{pb::ModelProto, prelude::*};

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
    /// The network is not what the bundle says, or means nothing.
    #[error("member {member}: its network {why}; build the bundle again")]
    Unsound {
        /// The member's number, from 0.
        member: usize,
        /// What is wrong with it.
        why: Unsound,
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
    /// Its packed form cannot be used.
    #[error("member {member}: {source}")]
    Packed {
        /// The member's number, from 0.
        member: usize,
        /// Why.
        source: PackedError,
    },
    /// The kernel that was asked for is not there.
    #[error(transparent)]
    Kernel(#[from] KernelError),
}

/// What runs a member's network.
pub enum Runner {
    /// The int8 engine, by this plan; tract only what follows the trunk.
    Engine(Arc<Plan>),
    /// tract alone, for this reason, of which a packed form keeps the words.
    Tract(String),
}

/// A picture as the networks take it.
#[derive(Clone, Debug)]
pub struct NetworkInput {
    /// *Shape*: `[1, 3, size, size]` f32, red, green, blue planes, normalised.
    crop: Arc<Tensor>,
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
        let crop = Tensor::from_shape(&shape, &planes).expect("the planes have the shape's length");
        Self { crop: crop.into(), length }
    }
}

/// One bagged model, ready to run.
pub struct Member {
    index: usize,
    network: Arc<TypedRunnableModel>,
    runner: Runner,
    trees: Trees,
    likeness: Option<Likeness>,
    features: usize,
}

impl Member {
    /// Loads member `index` of a bundle for the best kernel here and checks what it gives. *Errors*: [`MemberError`].
    pub fn load(bundle: &Bundle, index: usize) -> Result<Self, MemberError> {
        Self::load_for(Kernel::best()?, &Shared::default(), bundle, index)
    }

    /// The same for a kernel that this core can run, sharing with other members what a run needs. *Errors*: [`MemberError`].
    pub fn load_for(
        kernel: &'static Kernel,
        shared: &Shared,
        bundle: &Bundle,
        index: usize,
    ) -> Result<Self, MemberError> {
        let input = &bundle.manifest().input;
        let failed = |source| MemberError::Network { member: index, source };
        let read = || tract_onnx::onnx().proto_model_for_read(&mut Cursor::new(bundle.network(index))).map_err(failed);
        let (model, shape) = (read()?, Shape::square(RGB_BYTES, input.size));
        sound::check(&model, input.names(), shape).map_err(|why| MemberError::Unsound { member: index, why })?;
        let (network, runner) = match op::graft(model, shape, &OUTPUTS, kernel, shared) {
            Ok((network, plan)) => (network, Runner::Engine(plan)),
            Err(why) => (by_tract(&read()?, input).map_err(failed)?, Runner::Tract(why.to_string())),
        };
        Self::new(index, network, runner, bundle.trees(index), bundle.manifest())
    }

    /// Loads member `index` of a packed form. *Errors*: [`MemberError`].
    pub fn load_packed(packed: &Packed, shared: &Shared, index: usize) -> Result<Self, MemberError> {
        let unpacked = |source| MemberError::Packed { member: index, source };
        let input = &packed.manifest().input;
        let (network, runner) = match packed.network(index, shared).map_err(unpacked)? {
            packed::Network::Engine(network, plan) => (network, Runner::Engine(plan)),
            packed::Network::Tract(model, why) => {
                let network =
                    by_tract(&model, input).map_err(|source| MemberError::Network { member: index, source })?;
                (network, Runner::Tract(why))
            }
        };
        let trees = packed.trees(index).map_err(unpacked)?;
        Self::new(index, network, runner, trees, packed.manifest())
    }

    fn new(
        index: usize,
        network: TypedModel,
        runner: Runner,
        trees: Trees,
        manifest: &Manifest,
    ) -> Result<Self, MemberError> {
        let (features, names) = (manifest.feature_count, manifest.input.names());
        if network.inputs.len() != names.len() {
            return Err(MemberError::Unsound { member: index, why: Unsound::Inputs { names } });
        }
        let network = network.into_optimized().and_then(TypedModel::into_runnable);
        let network = network.map_err(|source| MemberError::Network { member: index, source })?;
        let likeness = manifest.members[index].likeness.clone();
        let member = Self { index, network, runner, trees, likeness, features };
        let shapes = member.output_shapes();
        if shapes != Some([vec![1, 1], vec![1, features]]) {
            return Err(MemberError::Outputs { member: index, features });
        }
        Ok(member)
    }

    /// What runs its network.
    pub fn runner(&self) -> &Runner {
        &self.runner
    }

    /// Multiplications and additions of its trunk. None where tract runs it.
    pub fn macs(&self) -> Option<u64> {
        match &self.runner {
            Runner::Engine(plan) => Some(plan.macs()),
            Runner::Tract(_) => None,
        }
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
        let mut inputs = tvec!(TValue::from_const(Arc::clone(&input.crop)));
        inputs.extend(input.length.map(|length| tensor2(&[[length.0]]).into()));
        let outputs = self.network.run(inputs).map_err(failed)?;
        let egfr = plain(&outputs[0]).map_err(failed)?;
        let features = plain(&outputs[1]).map_err(failed)?;
        let (&[egfr], true) = (egfr, features.len() == self.features) else {
            return Err(MemberError::Outputs { member: self.index, features: self.features });
        };
        // Trees were grown on the features followed by the length.
        let known: Vec<f32> = features.iter().copied().chain(input.length.map(|length| length.0)).collect();
        let distance = self.likeness.as_ref().map(|likeness| likeness.distance(features));
        Ok(MemberOutput { egfr: Egfr(egfr), p_ckd: self.trees.predict(&known), distance })
    }
}

/// The network as tract runs all of it.
fn by_tract(model: &ModelProto, input: &Input) -> TractResult<TypedModel> {
    let crop = f32::fact([1, RGB_BYTES, input.size, input.size]).into();
    let mut model = tract_onnx::onnx().model_for_proto_model(model)?.with_input_fact(0, crop)?;
    if input.length {
        model.set_input_fact(1, f32::fact([1, 1]).into())?;
    }
    model.with_outputs_by_name(OUTPUTS)?.into_typed()
}

fn plain(output: &TValue) -> TractResult<&[f32]> {
    output.try_as_plain_ram()?.as_slice::<f32>()
}
