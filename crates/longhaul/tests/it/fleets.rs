//! A fleet is one operation: over when all members are over, and no member hides the others.

use longhaul::{
    context::Context,
    fault::{Fault, FaultCode},
    fleet::{Fleet, Member, Members},
    follow::Ending,
    operation::{Observation, Operation, Subject},
    report::{Next, State},
};
use serde_json::{Value, json};

use crate::remote::{Answer, Made, Remote, Thing, creating, failed, followed, made, missed, secs, watch};

/// Members by name, each a resource of its own.
struct Machines(Vec<(&'static str, Remote)>);

impl Operation for Machines {
    const KIND: &'static str = "fake.machine";
    type Handle = Thing;
    type Output = Made;

    fn subject(&self, thing: &Thing) -> Subject {
        self.0[0].1.subject(thing)
    }

    async fn observe(&self, cx: &Context, thing: &Thing) -> Result<Observation<Made>, Fault> {
        let (_, machine) = self.0.iter().find(|(name, _)| *name == thing.name).unwrap();
        machine.observe(cx, thing).await
    }

    async fn abort(&self, cx: &Context, thing: &Thing) -> Result<(), Fault> {
        let (_, machine) = self.0.iter().find(|(name, _)| *name == thing.name).unwrap();
        machine.abort(cx, thing).await
    }
}

fn handles(machines: &[(&'static str, Remote)]) -> Vec<Member<Thing>> {
    machines.iter().map(|(name, _)| Member::Started(Thing { name: (*name).into() })).collect()
}

/// Follows a fleet for half an hour: how it ended, each member's state, and after how long.
async fn check(machines: Vec<(&'static str, Remote)>, refused: Vec<Member<Thing>>) -> (Ending<Value>, f64) {
    let members = handles(&machines).into_iter().chain(refused).collect();
    let handle = Members { members, resume: Next::new("wait_machines", "Goes on.") };
    let clock = Remote::new(|_| made());
    let ending = match followed(&Fleet(Machines(machines)), handle, watch(1800)).await.ending {
        Ending::Succeeded(output) => Ending::Succeeded(serde_json::to_value(output).unwrap()),
        Ending::Failed(fault) => Ending::Failed(fault),
        Ending::Running(running) => Ending::Running(running),
        Ending::Unknown(fault) => Ending::Unknown(fault),
    };
    (ending, clock.age())
}

#[tokio::test(start_paused = true)]
async fn a_fleet_is_followed_to_a_mixed_end() {
    let broken = Remote::new(|at| if at < 60 { creating() } else { failed(FaultCode::OperationFailed, "disk") });
    let fault = Box::new(Fault::new(FaultCode::Quota, "no machine left"));
    let refused = vec![Member::Refused { resource: "d".into(), fault }];
    let machines = vec![("a", Remote::ready_after(30)), ("b", broken), ("c", Remote::ready_after(600))];
    let (ending, took) = check(machines, refused).await;
    let Ending::Failed(fault) = ending else { panic!("{ending:?}") };
    assert_eq!((fault.message.as_str(), took), ("2 of 4 failed: b: disk", 600.0));
    let states: Vec<Value> =
        fault.partial.unwrap()["members"].as_array().unwrap().iter().map(|m| m["state"].clone()).collect();
    assert_eq!(states, [json!("succeeded"), json!("failed"), json!("succeeded"), json!("failed")]);
}

#[tokio::test(start_paused = true)]
async fn a_member_that_hangs_does_not_hide_the_others() {
    let machines = vec![("a", Remote::new(|_| Answer::Never)), ("b", Remote::ready_after(60))];
    let (ending, took) = check(machines, vec![]).await;
    let Ending::Running(running) = ending else { panic!("{ending:?}") };
    assert_eq!(running.detail, "1 of 2 over, 0 failed, 1 not answering; a: unknown");
    assert!(took < 1805.0, "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_fleet_of_which_nobody_answers_is_unknown() {
    let silent = || Remote::new(|_| missed(FaultCode::Unreachable));
    let (ending, took) = check(vec![("a", silent()), ("b", silent())], vec![]).await;
    assert!(matches!(ending, Ending::Unknown(_)), "{ending:?}");
    assert_eq!(took, 300.0);
}

#[tokio::test(start_paused = true)]
async fn an_empty_fleet_is_over_at_once() {
    let (ending, took) = check(vec![("a", Remote::ready_after(0))], vec![]).await;
    assert!(matches!(ending, Ending::Succeeded(_)) && took == 0.0, "{ending:?}");
    let fleet = Fleet(Machines(vec![]));
    let nobody = Members { members: vec![], resume: Next::new("wait_machines", "Goes on.") };
    assert!(matches!(followed(&fleet, nobody, watch(60)).await.ending, Ending::Succeeded(_)));
}

#[tokio::test(start_paused = true)]
async fn all_members_are_asked_to_end_before_a_refusal_is_told() {
    let refusing = Remote::ready_after(60).refusing_to_abort(Fault::new(FaultCode::Forbidden, "locked"));
    let machines = vec![("a", refusing), ("b", Remote::ready_after(60)), ("c", Remote::ready_after(60))];
    let handle = Members { members: handles(&machines), resume: Next::new("wait_machines", "Goes on.") };
    let fleet = Fleet(Machines(machines));
    let fault = fleet.abort(&Context::local(), &handle).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::Forbidden);
    assert!(fleet.0.0.iter().all(|(name, machine)| machine.asked() == [format!("abort {name}")]));
}

#[tokio::test(start_paused = true)]
async fn forty_machines_are_looked_at_eight_at_a_time() {
    let slow = || Remote::new(|_| Answer::After(secs(1), Ok(Observation::Succeeded(Made::default()))));
    let names: Vec<&'static str> = (0..40).map(|n| &*Box::leak(format!("m{n}").into_boxed_str())).collect();
    let (ending, took) = check(names.into_iter().map(|name| (name, slow())).collect(), vec![]).await;
    let Ending::Succeeded(output) = ending else { panic!("{ending:?}") };
    assert_eq!((output["members"].as_array().unwrap().len(), took), (40, 5.0));
    assert_eq!(output["members"][39]["state"], json!(State::Succeeded.as_str()));
}
