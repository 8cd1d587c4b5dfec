//! A plan as one operator of tract's, in place of the quantised trunk of its network.
//!
//! The trunk is cut out of the file before tract reads it, so its weights exist once, packed. What follows it stays tract's.

use super::{
    import::{self, ImportError},
    kernel::Kernel,
    net::{Shape, Weights},
    plan::{PackedWeights, Plan, Scratch},
};
use prost::Message;
use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tract_onnx::{pb::ModelProto, prelude::*, tract_hir::internal::*};

/// Why a network is not run as integers.
#[derive(Debug, thiserror::Error)]
pub enum GraftError {
    /// The trunk is not covered.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// tract cannot take what follows the trunk.
    #[error("what follows the trunk cannot be run ({})", .0.root_cause())]
    Tract(TractError),
}

/// What trunks share: memory to work in, as much as run at once, and how many threads each run gets.
#[derive(Clone, Default)]
pub struct Shared(Arc<Room>);

#[derive(Default)]
struct Room {
    /// Of each run beside the first.
    more_threads: AtomicUsize,
    /// Each run takes one and gives it back.
    scratches: Mutex<Vec<Scratch>>,
}

impl Shared {
    /// Gives each run that begins from now on so many threads; at first it is one.
    pub fn set_threads(&self, threads: NonZeroUsize) {
        self.0.more_threads.store(threads.get() - 1, Ordering::Relaxed);
    }

    fn threads(&self) -> NonZeroUsize {
        NonZeroUsize::MIN.saturating_add(self.0.more_threads.load(Ordering::Relaxed))
    }

    fn scratches(&self) -> std::sync::MutexGuard<'_, Vec<Scratch>> {
        // What a panic left behind is still memory to work in.
        self.0.scratches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A network with its trunk run by the engine, with the file's inputs, the picture f32 `[1, C, H, W]`.
///
/// *Errors*: [`GraftError`]; run it by tract then.
pub fn graft(
    mut model: ModelProto,
    input: Shape,
    outputs: &[&str],
    kernel: &'static Kernel,
    shared: &Shared,
) -> Result<(TypedModel, Arc<Plan>), GraftError> {
    let trunk = import::import(&model, input)?;
    import::cut(model.graph.as_mut().ok_or(ImportError::NoGraph)?, &trunk)?;
    let plan = Arc::new(Plan::new(&trunk.net, kernel).map_err(ImportError::Net)?);
    let model = wire(&model, &trunk.output, outputs, &plan, shared).map_err(GraftError::Tract)?;
    Ok((model, plan))
}

/// A network in two: its file without the trunk's weights, and those as a kernel reads them.
pub struct PackedNetwork<W> {
    /// The file, ONNX.
    pub onnx: W,
    /// The biases of all layers, i32, little-endian.
    pub biases: W,
    /// The weights of all layers.
    pub weights: PackedWeights,
}

/// Packs a network. *Errors*: those of [`graft`], so that what is packed can be run.
pub fn pack(
    mut model: ModelProto,
    input: Shape,
    outputs: &[&str],
    kernel: &'static Kernel,
) -> Result<PackedNetwork<Vec<u8>>, GraftError> {
    let trunk = import::import(&model, input)?;
    let plan = Plan::new(&trunk.net, kernel).map_err(ImportError::Net)?;
    import::strip(model.graph.as_mut().ok_or(ImportError::NoGraph)?, &trunk);
    let onnx = model.encode_to_vec();
    import::cut(model.graph.as_mut().ok_or(ImportError::NoGraph)?, &trunk)?;
    let plan = Arc::new(plan);
    wire(&model, &trunk.output, outputs, &plan, &Shared::default()).map_err(GraftError::Tract)?;
    let plan = Arc::into_inner(plan).expect("what was wired has been dropped");
    let biases = plan.biases().flat_map(i32::to_le_bytes).collect();
    Ok(PackedNetwork { onnx, biases, weights: plan.into_weights() })
}

/// The same as [`graft`] of a network that [`pack`] gave for this kernel and shape. *Errors*: [`GraftError`], where it is
/// none.
pub fn graft_packed(
    packed: PackedNetwork<&[u8]>,
    input: Shape,
    outputs: &[&str],
    kernel: &'static Kernel,
    shared: &Shared,
) -> Result<(TypedModel, Arc<Plan>), GraftError> {
    let mut model = ModelProto::decode(packed.onnx).map_err(|error| GraftError::Tract(error.into()))?;
    let trunk = import::import_with(&model, input, Weights::Packed)?;
    import::cut(model.graph.as_mut().ok_or(ImportError::NoGraph)?, &trunk)?;
    let biases: Vec<i32> = packed.biases.as_chunks().0.iter().map(|&bytes| i32::from_le_bytes(bytes)).collect();
    let plan = Plan::from_packed(&trunk.net, kernel, packed.weights, &biases).map_err(ImportError::Net)?;
    let plan = Arc::new(plan);
    let model = wire(&model, &trunk.output, outputs, &plan, shared).map_err(GraftError::Tract)?;
    Ok((model, plan))
}

/// Puts a plan in front of what follows it, which reads it as the input `end`.
fn wire(rest: &ModelProto, end: &str, outputs: &[&str], plan: &Arc<Plan>, shared: &Shared) -> TractResult<TypedModel> {
    let model = tract_onnx::onnx().model_for_proto_model(rest)?;
    let name = |outlet: &OutletId| &*model.node(outlet.node).name == end;
    let at = model.input_outlets()?.iter().position(name).context("what follows the trunk does not read it")?;
    let mut model = model
        .with_input_fact(at, fact(plan.output_shape()).into())?
        .with_outputs_by_name(outputs.iter().copied())?
        .into_typed()?;
    let mut inputs = model.input_outlets()?.to_vec();
    let picture = model.add_source("picture", fact(plan.input_shape()))?;
    let mut patch = TypedModelPatch::default();
    let tap = patch.tap_model(&model, picture)?;
    let trunk = Trunk { plan: Arc::clone(plan), shared: shared.clone() };
    let given = patch.wire_node("trunk", trunk, &[tap])?;
    patch.shunt_outside(&model, inputs[at], given[0])?;
    patch.apply(&mut model)?;
    inputs[at] = picture;
    model.set_input_outlets(&inputs)?;
    model.compact()?;
    Ok(model)
}

fn fact(shape: Shape) -> TypedFact {
    f32::fact([1, shape.channels, shape.height, shape.width])
}

/// The operator.
#[derive(Clone)]
struct Trunk {
    plan: Arc<Plan>,
    shared: Shared,
}

impl std::fmt::Debug for Trunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Trunk({})", self.plan.kernel().name)
    }
}

impl PartialEq for Trunk {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.plan, &other.plan)
    }
}

impl Eq for Trunk {}

impl Op for Trunk {
    fn name(&self) -> StaticName {
        "Trunk".into()
    }

    fn info(&self) -> TractResult<Vec<String>> {
        Ok(vec![format!("{}, {} MMAC", self.plan.kernel().name, self.plan.macs() / 1_000_000)])
    }

    op_as_typed_op!();
}

impl EvalOp for Trunk {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let picture = args_1!(inputs);
        let shape = self.plan.output_shape();
        let mut output = Tensor::zero::<f32>(&[1, shape.channels, shape.height, shape.width])?;
        let mut scratch = self.shared.scratches().pop().unwrap_or_default();
        let picture = picture.try_as_plain_ram()?.as_slice::<f32>()?;
        let mut numbers = output.try_as_plain_ram_mut()?;
        self.plan.run(picture, &mut scratch, self.shared.threads(), numbers.as_slice_mut::<f32>()?);
        self.shared.scratches().push(scratch);
        Ok(tvec!(output.into_tvalue()))
    }
}

impl TypedOp for Trunk {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        ensure!(*inputs[0] == fact(self.plan.input_shape()), "the trunk's picture has another shape");
        Ok(tvec!(fact(self.plan.output_shape())))
    }

    as_op!();
}
