//! [`Fleet`]: several resources of one kind as one operation.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    context::Context,
    fault::{Fault, FaultCode},
    operation::{Observation, Operation, Running, Subject, look},
    report::{Next, State},
};

/// So many members are looked at at the same time.
const AT_ONCE: usize = 8;

/// A member's look that takes longer has failed, so that one that hangs does not hide the others:
/// the fleet's own look is bounded by its pace.
const MEMBER_LIMIT: Duration = Duration::from_secs(3);

/// Forty machines are one operation whose handle is forty handles.
#[derive(Clone, Debug)]
pub struct Fleet<O>(pub O);

/// The handle of a fleet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Members<H> {
    /// One each, in the caller's order.
    pub members: Vec<Member<H>>,
    /// The call that goes on watching all of them.
    pub resume: Next,
}

/// One of a fleet.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Member<H> {
    /// It was started, or found.
    Started(H),
    /// It did not start; its fault is part of the answer.
    Refused {
        /// Name of the resource.
        resource: String,
        /// Why not.
        fault: Box<Fault>,
    },
}

/// What a fleet brings: how each member stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FleetOutput<T> {
    /// One each, in the caller's order.
    pub members: Vec<MemberReport<T>>,
}

/// How one member stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberReport<T> {
    /// Name of the resource.
    pub resource: String,
    /// How it stands.
    pub state: State,
    /// The vendor's word for the phase.
    pub phase: String,
    /// What came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<T>,
    /// Why it failed, or could not be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Fault>,
    /// From 0 to 1; whoever is over counts as 1.
    #[serde(skip)]
    fraction: f64,
}

impl<O: Operation> Operation for Fleet<O> {
    const KIND: &'static str = O::KIND;
    type Handle = Members<O::Handle>;
    type Output = FleetOutput<O::Output>;

    fn subject(&self, fleet: &Self::Handle) -> Subject {
        let subjects: Vec<Subject> = fleet
            .members
            .iter()
            .filter_map(|member| match member {
                Member::Started(handle) => Some(self.0.subject(handle)),
                Member::Refused { .. } => None,
            })
            .collect();
        Subject {
            target: subjects.first().map(|subject| subject.target.clone()).unwrap_or_default(),
            resource: format!("{} resources", fleet.members.len()),
            since: subjects.iter().filter_map(|subject| subject.since).min(),
            resume: fleet.resume.clone(),
        }
    }

    async fn observe(&self, cx: &Context, fleet: &Self::Handle) -> Result<Observation<Self::Output>, Fault> {
        let mut looks = Vec::with_capacity(fleet.members.len());
        for member in &fleet.members {
            looks.push(self.look_at(cx, member));
        }
        let looks = stream::iter(looks).buffered(AT_ONCE);
        let (reports, misses): (Vec<_>, Vec<_>) = looks.collect::<Vec<_>>().await.into_iter().unzip();
        let started = fleet.members.iter().filter(|member| matches!(member, Member::Started(_))).count();
        let mut misses: Vec<Fault> = misses.into_iter().flatten().collect();
        // Some members could be looked at: that is news of the fleet. None: it is a failed look.
        if started > 0 && misses.len() == started {
            return Err(misses.swap_remove(0));
        }
        Ok(together(reports))
    }

    async fn abort(&self, cx: &Context, fleet: &Self::Handle) -> Result<(), Fault> {
        let mut aborts = Vec::with_capacity(fleet.members.len());
        for member in &fleet.members {
            if let Member::Started(handle) = member {
                aborts.push(self.0.abort(cx, handle));
            }
        }
        // All are asked before the first refusal is told.
        let outcomes: Vec<Result<(), Fault>> = stream::iter(aborts).buffered(AT_ONCE).collect().await;
        outcomes.into_iter().collect()
    }
}

impl<O: Operation> Fleet<O> {
    async fn look_at(&self, cx: &Context, member: &Member<O::Handle>) -> (MemberReport<O::Output>, Option<Fault>) {
        match member {
            Member::Refused { resource, fault } => {
                (MemberReport::failed(resource.clone(), fault.as_ref().clone()), None)
            }
            Member::Started(handle) => {
                let resource = self.0.subject(handle).resource;
                match look(&self.0, cx, handle, MEMBER_LIMIT).await {
                    Ok(observation) => (MemberReport::of(resource, observation), None),
                    Err(fault) => (MemberReport::missed(resource, fault.clone()), Some(fault)),
                }
            }
        }
    }
}

impl<T> MemberReport<T> {
    fn of(resource: String, observation: Observation<T>) -> Self {
        match observation {
            Observation::Running(running) => Self {
                resource,
                state: State::Running,
                phase: running.phase,
                result: None,
                error: None,
                fraction: running.fraction.unwrap_or(0.0),
            },
            Observation::Succeeded(output) => Self {
                resource,
                state: State::Succeeded,
                phase: State::Succeeded.as_str().to_owned(),
                result: Some(output),
                error: None,
                fraction: 1.0,
            },
            Observation::Failed(fault) => Self::failed(resource, fault),
        }
    }

    fn failed(resource: String, fault: Fault) -> Self {
        let phase = fault.status.clone().unwrap_or_else(|| State::Failed.as_str().to_owned());
        Self { resource, state: State::Failed, phase, result: None, error: Some(fault), fraction: 1.0 }
    }

    fn missed(resource: String, fault: Fault) -> Self {
        let phase = State::Unknown.as_str().to_owned();
        Self { resource, state: State::Unknown, phase, result: None, error: Some(fault), fraction: 0.0 }
    }
}

/// What the members' states mean for the fleet: over when all are over, failed when one failed.
fn together<T: Serialize>(members: Vec<MemberReport<T>>) -> Observation<FleetOutput<T>> {
    let all = members.len();
    let count = |state: State| members.iter().filter(|member| member.state == state).count();
    let (running, failed, unknown) = (count(State::Running), count(State::Failed), count(State::Unknown));
    if running + unknown > 0 {
        let over = all - running - unknown;
        let waiting = members.iter().find(|member| matches!(member.state, State::Running | State::Unknown));
        let example = waiting.map(|member| format!("; {}: {}", member.resource, member.phase)).unwrap_or_default();
        let missed = if unknown > 0 { format!(", {unknown} not answering") } else { String::new() };
        let sum: f64 = members.iter().map(|member| member.fraction).sum();
        #[expect(clippy::cast_precision_loss, reason = "a fleet has some dozen members")]
        let fraction = sum / all as f64;
        let detail = format!("{over} of {all} over, {failed} failed{missed}{example}");
        return Observation::Running(Running::new(format!("{over}/{all}"), detail).with_fraction(Some(fraction)));
    }
    if failed == 0 {
        return Observation::Succeeded(FleetOutput { members });
    }
    let first = members.iter().find(|member| member.state == State::Failed);
    let why = first.and_then(|member| Some(format!(": {}: {}", member.resource, member.error.as_ref()?.message)));
    let message = format!("{failed} of {all} failed{}", why.unwrap_or_default());
    let mut fault = Fault::new(FaultCode::OperationFailed, message)
        .with_advice("`result.members` tells each member's own error; the same call retries only those that failed.");
    fault.partial = serde_json::to_value(FleetOutput { members }).ok();
    Observation::Failed(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, observation: Observation<u8>) -> MemberReport<u8> {
        MemberReport::of(name.into(), observation)
    }

    fn broken() -> Observation<u8> {
        Observation::Failed(Fault::new(FaultCode::OperationFailed, "disk"))
    }

    #[test]
    fn a_fleet_is_over_when_all_are_over() {
        let half = Observation::Running(Running::new("Deploying", "").with_fraction(Some(0.5)));
        let fleet = together(vec![member("a", Observation::Succeeded(1)), member("b", half), member("c", broken())]);
        let Observation::Running(running) = fleet else { panic!("{fleet:?}") };
        assert_eq!((running.phase.as_str(), running.detail.as_str()), ("2/3", "2 of 3 over, 1 failed; b: Deploying"));
        assert!((running.fraction.unwrap() - 2.5 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn one_failed_member_fails_the_fleet_and_the_others_results_are_kept() {
        let fleet = together(vec![member("a", Observation::Succeeded(7)), member("b", broken())]);
        let Observation::Failed(fault) = fleet else { panic!("{fleet:?}") };
        assert_eq!(fault.message, "1 of 2 failed: b: disk");
        let partial = fault.partial.unwrap();
        assert_eq!(partial["members"][0]["result"], 7);
        assert_eq!(partial["members"][1]["error"]["code"], "operation_failed");
    }

    #[test]
    fn all_succeeded_is_success() {
        let fleet = together(vec![member("a", Observation::Succeeded(1)), member("b", Observation::Succeeded(2))]);
        assert!(matches!(fleet, Observation::Succeeded(output) if output.members.len() == 2));
    }
}
