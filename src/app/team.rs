//! All members of a bundle, spread over the cores: one a core, and what is left over shares them.

use crate::{
    bundle::{
        Bundle,
        manifest::{Input, Manifest},
    },
    engine::{
        kernel::{Kernel, pages},
        op::Shared,
    },
    ensemble::{Member, MemberError, NetworkInput, Runner},
    estimate::{Estimate, MemberOutput, Rules},
    frame::Picture,
    packed::Packed,
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
    shared: Shared,
    cores: NonZeroUsize,
    input: Input,
    rules: Rules,
    identity: BundleIdentity,
}

impl Team {
    /// Loads every member; `progress` is called as each is ready. *Errors*: the first member's that cannot be loaded.
    pub fn load(bundle: &Bundle, progress: impl Fn() + Sync) -> Result<Self, MemberError> {
        let kernel = Kernel::best()?;
        let member = |shared: &Shared, index| Member::load_for(kernel, shared, bundle, index);
        Self::gather(bundle.manifest(), bundle.identity(), progress, member)
    }

    /// The same from a bundle's packed form.
    pub fn load_packed(packed: &Packed, progress: impl Fn() + Sync) -> Result<Self, MemberError> {
        let member = |shared: &Shared, index| Member::load_packed(packed, shared, index);
        Self::gather(packed.manifest(), packed.identity(), progress, member)
    }

    fn gather(
        manifest: &Manifest,
        identity: &BundleIdentity,
        progress: impl Fn() + Sync,
        load: impl Fn(&Shared, usize) -> Result<Member, MemberError> + Sync,
    ) -> Result<Self, MemberError> {
        let shared = Shared::default();
        let members = spread(manifest.members.len(), cores(), |index| {
            let member = load(&shared, index);
            progress();
            member
        })?;
        pages::give_back();
        let (input, rules) = (manifest.input, manifest.rules.clone());
        Ok(Self { members, shared, cores: cores(), input, rules, identity: identity.clone() })
    }

    /// The same on so many cores instead of all.
    pub fn with_cores(self, cores: NonZeroUsize) -> Self {
        Self { cores, ..self }
    }

    /// How many cores it uses.
    pub fn cores(&self) -> NonZeroUsize {
        self.cores
    }

    /// How the members lie on the cores, in words.
    pub fn arrangement(&self) -> String {
        let left = self.members.len() % self.cores;
        let even = self.members.len() - left;
        let shared = self.cores.get().checked_div(left).unwrap_or_default();
        let alone = format!("{} cores, {even} members one a core", self.cores);
        if left == 0 { alone } else { format!("{alone}, {left} by {shared} threads each") }
    }

    /// Multiplications and additions of all trunks. None where tract runs one.
    pub fn macs(&self) -> Option<u64> {
        self.members.iter().map(Member::macs).sum()
    }

    /// How many members there are.
    pub fn member_count(&self) -> usize {
        self.members.len()
    }

    /// What runs the networks: a line for the engine, and one for each reason why members run through tract.
    pub fn runners(&self) -> Vec<String> {
        let mut lines: Vec<(String, Vec<String>)> = Vec::new();
        for (index, member) in self.members.iter().enumerate() {
            let line = match member.runner() {
                Runner::Engine(plan) => format!("int8 by {}", plan.kernel().name),
                Runner::Tract(why) => format!("tract, as {why}"),
            };
            match lines.iter_mut().find(|(known, _)| *known == line) {
                Some((_, members)) => members.push(index.to_string()),
                None => lines.push((line, vec![index.to_string()])),
            }
        }
        let all = lines.len() == 1;
        let said = |(line, members): (String, Vec<String>)| match all {
            true => line,
            false => format!("members {}: {line}", members.join(", ")),
        };
        lines.into_iter().map(said).collect()
    }

    /// Width and height of the crops to be judged.
    pub fn crop_size(&self) -> usize {
        self.input.size
    }

    /// The bundle's name and hash.
    pub fn identity(&self) -> &BundleIdentity {
        &self.identity
    }

    /// A length in the middle of what the bundle was proven for, where its networks take one: for whoever has no kidney at hand.
    pub fn typical_length(&self) -> Option<Centimetres> {
        self.rules.length_cm.map(|[low, high]| Centimetres((low.0 + high.0) / 2.0))
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
        let run = |index: usize| {
            let output = self.members[index].run(&input);
            progress();
            output
        };
        // A core with a member of its own waits for nobody; members too few for a round of all cores share them.
        let left = self.members.len() % self.cores;
        let even = self.members.len() - left;
        self.shared.set_threads(NonZeroUsize::MIN);
        let mut outputs: Vec<MemberOutput> = spread(even, self.cores, run)?;
        if let Some(threads) = self.cores.get().checked_div(left).and_then(NonZeroUsize::new) {
            self.shared.set_threads(threads);
            outputs.extend(spread(left, self.cores, |index| run(even + index))?);
        }
        Ok(self.rules.estimate(&outputs.into_iter().collect()))
    }
}

fn cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Does `count` pieces of work on as many threads as `cores` says, and gives their results in order.
fn spread<T: Send, E: Send>(
    count: usize,
    cores: NonZeroUsize,
    work: impl Fn(usize) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let next = AtomicUsize::new(0);
    let take = || -> Vec<(usize, Result<T, E>)> {
        let claim = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&index| index < count);
        std::iter::from_fn(claim).map(|index| (index, work(index))).collect()
    };
    let threads = cores.get().min(count);
    let mut results = thread::scope(|scope| {
        let spawn = |i| {
            let named = thread::Builder::new().name(format!("member-{i}"));
            named.spawn_scoped(scope, take).expect("the system can start a thread a core")
        };
        // The caller is one of them.
        let workers: Vec<_> = (1..threads).map(spawn).collect();
        let own = take();
        let others = workers.into_iter().flat_map(|worker| worker.join().expect("a member does not panic"));
        own.into_iter().chain(others).collect::<Vec<_>>()
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_work_expect_its_results_in_order_and_its_first_error() {
        assert_eq!(spread(20, cores(), |i| Ok::<_, ()>(i * i)).unwrap(), (0..20).map(|i| i * i).collect::<Vec<_>>());
        assert_eq!(spread(20, cores(), |i| if i > 6 { Err(i) } else { Ok(i) }), Err(7));
        assert_eq!(spread(0, cores(), |_| Err::<(), _>(())), Ok(Vec::new()));
    }
}
