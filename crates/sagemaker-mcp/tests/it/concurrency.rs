//! Many callers at the same moment: one endpoint, one answer.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use longhaul::{
    context::Context,
    fault::{Fault, FaultCode},
    operation::{Observation, Operation},
    tool::LongTool,
};
use sagemaker_mcp::{
    Config,
    operation::{EndpointHandle, Goal},
    tools::deploy_jumpstart_model::{Deploy, DeployJumpStartModel},
};

use crate::{
    schedules::{Operator, Settled, arguments},
    world::{Plan, World},
};

const ROUNDS: u64 = 100;
const CALLERS: usize = 100;

/// A world in which requests take their time and new things are invisible for up to `unseen`.
fn world(seed: u64, unseen: Duration, trouble: f64) -> World {
    let world = World::new(seed);
    world.set_plan(Plan { trouble, latency_ms: 300, ..Plan::default() });
    world.set_unseen(unseen);
    world
}

/// Starts what each of `wanted` asks for, all at the same time, spread over four processes.
async fn start_all(world: &World, wanted: Vec<DeployJumpStartModel>) -> Vec<Result<EndpointHandle, Fault>> {
    let processes: Vec<Arc<Deploy<World>>> =
        (0..4).map(|_| Arc::new(Deploy::new(world.life().into(), Config::default()))).collect();
    let calls = wanted.into_iter().enumerate().map(|(caller, args)| {
        let deploy = processes[caller % processes.len()].clone();
        tokio::spawn(async move { deploy.begin(&Context::local(), args).await })
    });
    join_all(calls).await.into_iter().map(|begun| begun.unwrap()).collect()
}

fn config(handle: &EndpointHandle) -> &str {
    match &handle.goal {
        Goal::InService(serving) => &serving.config,
        Goal::Gone { .. } | Goal::Shown { .. } => "",
    }
}

/// All handles are of one endpoint. One that was not visible yet has no time of creation.
fn assert_one(handles: &[&EndpointHandle]) {
    let first = handles[0];
    assert!(handles.iter().all(|handle| handle.name == first.name && config(handle) == config(first)), "{handles:?}");
    let creators =
        handles.iter().filter(|handle| matches!(&handle.goal, Goal::InService(serving) if serving.created_here));
    assert!(creators.count() <= 1, "at most one has created it: {handles:?}");
    let mut created: Vec<u64> = handles.iter().filter_map(|handle| handle.created_ms).collect();
    created.dedup();
    assert!(created.len() <= 1, "{handles:?}");
}

#[tokio::test(start_paused = true)]
async fn a_hundred_identical_starts_create_one_endpoint_and_all_get_it() {
    for round in 0..ROUNDS {
        let world = world(round, Duration::from_secs(round % 4), 0.0);
        let name = (round % 2 == 0).then_some("oak");
        let begun = start_all(&world, vec![arguments(name); CALLERS]).await;
        let handles: Vec<_> = begun.iter().map(|begun| begun.as_ref().unwrap()).collect();
        assert_one(&handles);
        let counts = world.counts();
        assert_eq!((counts.endpoints_created, counts.parts_created), (1, 2), "round {round}");
    }
}

#[tokio::test(start_paused = true)]
async fn in_bad_weather_too_and_whoever_gets_a_handle_gets_the_same() {
    for round in 0..ROUNDS / 4 {
        let world = world(round, Duration::from_secs(4), 0.19);
        let begun = start_all(&world, vec![arguments(Some("oak")); CALLERS]).await;
        let handles: Vec<_> = begun.iter().filter_map(|begun| begun.as_ref().ok()).collect();
        assert_one(&handles);
        assert!(begun.iter().filter_map(|begun| begun.as_ref().err()).all(|fault| fault.retryable), "{begun:?}");
        assert_eq!(world.counts().endpoints_created, 1, "round {round}");
    }
}

/// Three ways to want an endpoint called `oak`.
fn three_ways() -> [DeployJumpStartModel; 3] {
    let plain = arguments(Some("oak"));
    let bigger = DeployJumpStartModel { instance_type: Some("ml.c5.xlarge".into()), ..plain.clone() };
    let more = DeployJumpStartModel { initial_instance_count: 2, ..plain.clone() };
    [plain, bigger, more]
}

#[tokio::test(start_paused = true)]
async fn one_name_asked_for_in_three_ways_is_had_by_one_and_a_conflict_for_the_others() {
    for round in 0..ROUNDS {
        let world = world(round, Duration::ZERO, 0.0);
        let ways = three_ways();
        let begun = start_all(&world, (0..CALLERS).map(|caller| ways[caller % 3].clone()).collect()).await;
        let of = |way: usize| begun.iter().skip(way).step_by(3);
        let won: Vec<usize> = (0..3).filter(|way| of(*way).all(Result::is_ok)).collect();
        assert_eq!((won.len(), world.counts().endpoints_created), (1, 1), "round {round}: {begun:?}");
        let conflict = |begun: &Result<EndpointHandle, Fault>| {
            begun.as_ref().is_err_and(|fault| fault.code == FaultCode::Conflict)
        };
        assert!((0..3).filter(|way| *way != won[0]).all(|way| of(way).all(conflict)), "round {round}: {begun:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_could_not_see_that_the_name_was_taken_hears_of_it_later() {
    for round in 0..ROUNDS / 4 {
        let world = world(round, Duration::from_secs(20), 0.0);
        let ways = three_ways();
        let begun = start_all(&world, (0..30).map(|caller| ways[caller % 3].clone()).collect()).await;
        tokio::time::sleep(Duration::from_secs(600)).await;
        let tool = Deploy::new(world.clone().into(), Config::default());
        let served = world.look(|truth| truth.endpoints["oak"].config.clone());
        for handle in begun.iter().flatten() {
            let seen = tool.operation().observe(&Context::local(), handle).await.unwrap();
            let mine = matches!(&handle.goal, Goal::InService(serving) if serving.config == served);
            assert_eq!(matches!(seen, Observation::Succeeded(_)), mine, "round {round}: {handle:?} {seen:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn fifty_removals_at_once_remove_it_once_and_all_hear_that_it_is_gone() {
    for round in 0..ROUNDS / 4 {
        let world = world(round, Duration::from_secs(2), 0.0);
        let mut operator = Operator::new(&world, round, Config::default());
        assert!(matches!(operator.deploy(&arguments(Some("oak"))).await, Settled::Succeeded));
        let mut operators: Vec<_> = (0..50).map(|seed| Operator::new(&world, seed, Config::default())).collect();
        let removals = join_all(operators.iter_mut().map(|operator| operator.delete("oak"))).await;
        assert!(removals.iter().all(|settled| matches!(settled, Settled::Succeeded)), "round {round}: {removals:?}");
        assert_eq!((world.counts().endpoints_deleted, world.everything()), (1, vec![]), "round {round}");
    }
}
