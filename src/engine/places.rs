//! Where each tensor lies in one memory: tensors that are never alive together share it.
//!
//! A sum is written over what was added, pixel by pixel: what a block of layers then works in is a third smaller and stays in a
//! core's own cache.

use super::net::{Conv, Net, Node, Tensor};
use std::ops::Range;

/// Where buffers begin: a cache line, and the widest vector. *Units*: bytes.
pub const ALIGNMENT: usize = 64;

/// The tensor in whose place a node's is written: what is added to it, if nothing reads that afterwards or at other pixels.
fn in_place(node: &Node, index: usize, last: &[usize]) -> Option<Tensor> {
    let Node::Conv(Conv { input, residual: Some(residual), .. }) = node else { return None };
    let tensor = residual.tensor;
    (tensor != *input && tensor != 0 && last[tensor] == index + 1).then_some(tensor)
}

/// Gives every tensor of so many bytes the lowest place that is free for as long as it is read.
pub fn place(net: &Net, bytes: impl Fn(Tensor) -> usize) -> Vec<Range<usize>> {
    let mut last = vec![0; net.output() + 1];
    for (index, node) in net.nodes().iter().enumerate() {
        match node {
            Node::Conv(conv) => {
                last[conv.input] = index + 1;
                if let Some(residual) = conv.residual {
                    last[residual.tensor] = index + 1;
                }
            }
            Node::MaxPool(pool) => last[pool.input] = index + 1,
        }
    }
    last[net.output()] = usize::MAX;
    let mut places: Vec<Range<usize>> = Vec::new();
    for tensor in 0..=net.output() {
        let before = tensor.checked_sub(1).and_then(|index| in_place(&net.nodes()[index], index, &last));
        if let Some(before) = before {
            places.push(places[before].clone());
            continue;
        }
        let mut alive: Vec<_> =
            (0..tensor).filter(|&other| last[other] >= tensor).map(|other| &places[other]).collect();
        alive.sort_by_key(|place| place.start);
        let mut start: usize = 0;
        for other in alive {
            if start + bytes(tensor) <= other.start {
                break;
            }
            start = start.max(other.end.next_multiple_of(ALIGNMENT));
        }
        places.push(start..start + bytes(tensor));
    }
    places
}
