//! A plan as one operator of tract's, in place of the quantised trunk of its network.
//!
//! The trunk is cut out of the file before tract reads it, so its weights exist once, packed. What follows it stays tract's.

use super::{
    import::{self, ImportError},
    kernel::Kernel,
    net::Shape,
    plan::{Plan, Scratch},
};
use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
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

/// A network with its trunk run by the engine on so many threads, with the file's inputs, the picture f32 `[1, C, H, W]`.
///
/// *Errors*: [`GraftError`]; run it by tract then.
pub fn graft(
    mut model: ModelProto,
    input: Shape,
    outputs: &[&str],
    kernel: &'static Kernel,
    threads: NonZeroUsize,
) -> Result<(TypedModel, Arc<Plan>), GraftError> {
    let trunk = import::import(&model, input)?;
    let graph = model.graph.as_mut().ok_or(ImportError::NoGraph)?;
    import::cut(graph, &trunk)?;
    let plan = Arc::new(Plan::new(&trunk.net, kernel).map_err(ImportError::Net)?);
    let model = wire(&model, &trunk.output, outputs, &plan, threads).map_err(GraftError::Tract)?;
    Ok((model, plan))
}

/// Puts a plan in front of what follows it, which reads it as the input `end`.
fn wire(
    rest: &ModelProto,
    end: &str,
    outputs: &[&str],
    plan: &Arc<Plan>,
    threads: NonZeroUsize,
) -> TractResult<TypedModel> {
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
    let trunk = Trunk { plan: Arc::clone(plan), threads, scratches: Arc::default() };
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
    threads: NonZeroUsize,
    /// As many as ran at once; each run takes one and gives it back.
    scratches: Arc<Mutex<Vec<Scratch>>>,
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
        let mut output = vec![0.0; shape.channels * shape.pixels()];
        // What a panic left behind is still memory to work in.
        let locked = || self.scratches.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratch = locked().pop().unwrap_or_default();
        self.plan.run(picture.try_as_plain_ram()?.as_slice::<f32>()?, &mut scratch, self.threads, &mut output);
        locked().push(scratch);
        let output = Tensor::from_shape(&[1, shape.channels, shape.height, shape.width], &output)?;
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
