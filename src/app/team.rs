//! All members of a bundle, spread over the cores.

use crate::{
    bundle::{Bundle, manifest::Input},
    ensemble::{Member, MemberError, NetworkInput},
    estimate::{Estimate, MemberOutput, Rules},
    frame::Picture,
    reading::BundleIdentity,
    refusal::Refusal,
    units::Centimetres,
};
use std::{
    num::NonZeroUsize,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// A bundle, loaded and ready to judge crops.
pub struct Team {
    members: Vec<Member>,
    input: Input,
    rules: Rules,
    identity: BundleIdentity,
}

impl Team {
    /// Loads every member; `progress` is called as each is ready. *Errors*: the first member's that cannot be loaded.
    pub fn load(bundle: &Bundle, progress: impl Fn() + Sync) -> Result<Self, MemberError> {
        let manifest = bundle.manifest();
        let members = spread(manifest.members.len(), |index| {
            let member = Member::load(bundle, index);
            progress();
            member
        })?;
        Ok(Self { members, input: manifest.input, rules: manifest.rules.clone(), identity: bundle.identity().clone() })
    }

    /// How many members there are.
    pub fn member_count(&self) -> usize {
        self.members.len()
    }

    /// Width and height of the crops to be judged.
    pub fn crop_size(&self) -> usize {
        self.input.size
    }

    /// The bundle's name and hash.
    pub fn identity(&self) -> &BundleIdentity {
        &self.identity
    }

    /// What the ensemble says of a crop of a kidney of this length; `progress` is called as each member is done.
    ///
    /// *Errors*: the first member's that cannot be run.
    pub fn judge(
        &self,
        crop: &Picture,
        length: Option<Centimetres>,
        progress: impl Fn() + Sync,
    ) -> Result<Result<Estimate, Refusal>, MemberError> {
        let length = match self.rules.length(length) {
            Ok(length) => length,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let input = NetworkInput::new(crop, length, &self.input);
        let outputs: Vec<MemberOutput> = spread(self.members.len(), |index| {
            let output = self.members[index].run(&input);
            progress();
            output
        })?;
        Ok(self.rules.estimate(&outputs.into_iter().collect()))
    }
}

/// Does `count` pieces of work on as many threads as there are cores, and gives their results in order.
fn spread<T: Send, E: Send>(count: usize, work: impl Fn(usize) -> Result<T, E> + Sync) -> Result<Vec<T>, E> {
    let next = AtomicUsize::new(0);
    let take = || -> Vec<(usize, Result<T, E>)> {
        let claim = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&index| index < count);
        std::iter::from_fn(claim).map(|index| (index, work(index))).collect()
    };
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(count);
    let mut results = thread::scope(|scope| {
        let spawn = |i| {
            let named = thread::Builder::new().name(format!("member-{i}"));
            named.spawn_scoped(scope, take).expect("the system can start a thread a core")
        };
        let workers: Vec<_> = (0..threads).map(spawn).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a member does not panic")).collect::<Vec<_>>()
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_work_expect_its_results_in_order_and_its_first_error() {
        assert_eq!(spread(20, |i| Ok::<_, ()>(i * i)).unwrap(), (0..20).map(|i| i * i).collect::<Vec<_>>());
        assert_eq!(spread(20, |i| if i > 6 { Err(i) } else { Ok(i) }), Err(7));
        assert_eq!(spread(0, |_| Err::<(), _>(())), Ok(Vec::new()));
    }
}
