//! Somebody who wants an endpoint, or wants it gone, and calls the tools until it is so, through
//! processes that die.

use std::{future::pending, sync::Arc, time::Duration};

use longhaul::{
    context::Context,
    fault::{Fault, FaultCode},
    follow::{Ending, Follower, News, Watch, follow},
    operation::{Operation, Running},
    tool::{LongTool, QuickTool},
};
use sagemaker_mcp::{
    Config,
    operation::EndpointResult,
    tools::{
        cleanup_leftovers::{Cleaned, Cleanup, CleanupLeftovers},
        delete_sagemaker_endpoint::{Delete, DeleteSageMakerEndpoint},
        deploy_jumpstart_model::{Deploy, DeployJumpStartModel},
    },
};
use tokio::{
    task::AbortHandle,
    time::{Instant, sleep},
};

use crate::world::{Truth, World};

/// More calls than anybody needs.
const PATIENCE: u32 = 150;

/// What a call of a long tool came to.
#[derive(Debug)]
pub(crate) enum Told {
    Succeeded(Box<EndpointResult>),
    Failed(Box<Fault>),
    /// It goes on, or that is not known.
    Open,
    /// There was nobody left to tell.
    Died,
}

/// How an errand ended.
#[derive(Debug)]
pub(crate) enum Settled {
    Succeeded,
    Failed(Box<Fault>),
    /// Not within [`PATIENCE`] calls.
    Never,
}

impl Settled {
    pub(crate) fn failed_with(&self, code: FaultCode) -> bool {
        matches!(self, Self::Failed(fault) if fault.code == code)
    }

    /// Whether the fault names this tool as the one that helps.
    pub(crate) fn advises(&self, tool: &str) -> bool {
        matches!(self, Self::Failed(fault) if fault.next.as_ref().is_some_and(|next| next.tool == tool))
    }
}

/// A server process: its tools, and the work that outlives the calls that began it.
struct Process {
    world: World,
    deploy: Arc<Deploy<World>>,
    delete: Arc<Delete<World>>,
    cleanup: Arc<Cleanup<World>>,
    work: Vec<AbortHandle>,
}

impl Process {
    fn start(world: &World, config: &Config) -> Self {
        let world = world.life();
        let api = Arc::new(world.clone());
        Self {
            deploy: Arc::new(Deploy::new(api.clone(), config.clone())),
            delete: Arc::new(Delete::new(api.clone(), config)),
            cleanup: Arc::new(Cleanup::new(api)),
            work: Vec::new(),
            world,
        }
    }

    /// A call of a long tool, as the dispatcher makes it: what begins and what changes runs as a
    /// task of its own, and the caller may leave it.
    async fn long<T>(&mut self, tool: Arc<T>, args: T::Args, wait: Duration) -> Told
    where
        T: LongTool,
        T::Operation: Operation<Output = EndpointResult>,
    {
        let until = Instant::now() + wait;
        let cx = Context::local();
        let mut begun = tokio::spawn({
            let (tool, cx) = (tool.clone(), cx.clone());
            async move { tool.begin(&cx, args).await }
        });
        self.work.push(begun.abort_handle());
        let handle = tokio::select! {
            biased;
            () = self.world.died() => return Told::Died,
            begun = &mut begun => match begun.expect("a start does not panic") {
                Ok(handle) => handle,
                Err(fault) => return Told::Failed(fault.into()),
            },
            () = sleep(wait.max(Duration::from_secs(4))) => return Told::Open,
        };
        let watch = Watch { pace: tool.terms().pace, until: Some(until) };
        let mut steps = Steps { tool: tool.clone(), cx: cx.clone(), handle: handle.clone(), work: &mut self.work };
        let followed = tokio::select! {
            biased;
            () = self.world.died() => return Told::Died,
            followed = follow(tool.operation(), &cx, &handle, watch, pending(), &mut steps) => followed,
        };
        match followed.ending {
            Ending::Succeeded(result) => Told::Succeeded(Box::new(result)),
            Ending::Failed(fault) => Told::Failed(fault.into()),
            Ending::Running(_) | Ending::Unknown(_) => Told::Open,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.work.iter().for_each(AbortHandle::abort);
    }
}

struct Steps<'a, T: LongTool> {
    tool: Arc<T>,
    cx: Context,
    handle: <T::Operation as Operation>::Handle,
    work: &'a mut Vec<AbortHandle>,
}

impl<T: LongTool> Follower for Steps<'_, T> {
    fn hear(&mut self, _: News<'_>) {}

    async fn advance(&mut self, running: &Running) -> Result<bool, Fault> {
        if !T::STEPWISE {
            return Ok(false);
        }
        let (tool, cx, handle, running) = (self.tool.clone(), self.cx.clone(), self.handle.clone(), running.clone());
        let step = tokio::spawn(async move { tool.advance(&cx, &handle, &running).await });
        self.work.push(step.abort_handle());
        step.await.expect("a step does not panic")
    }
}

/// Calls tools until what is wanted is so.
pub(crate) struct Operator {
    world: World,
    config: Config,
    process: Process,
    rng: fastrand::Rng,
    /// The mutant: a fresh name at every call.
    pub(crate) fresh_names: bool,
    /// Removals that reported success while something that was there all the time stayed there.
    pub(crate) untruths: Vec<String>,
}

impl Operator {
    pub(crate) fn new(world: &World, seed: u64, config: Config) -> Self {
        let process = Process::start(world, &config);
        let rng = fastrand::Rng::with_seed(seed);
        Self { world: world.clone(), config, process, rng, fresh_names: false, untruths: Vec::new() }
    }

    /// A new process after the old one has died.
    fn restart(&mut self) {
        self.process = Process::start(&self.world, &self.config);
    }

    async fn pause(&mut self) {
        sleep(Duration::from_millis(self.rng.u64(500..60_000))).await;
    }

    /// How long a client waits for an answer.
    fn wait(&mut self) -> Duration {
        Duration::from_secs(*self.rng.choice(&[0, 50, 50, 240, 1800]).expect("a choice"))
    }

    /// Calls `deploy_jumpstart_model` up to `calls` times, until it is settled.
    pub(crate) async fn deploy_calls(&mut self, args: &DeployJumpStartModel, calls: u32) -> Settled {
        for _ in 0..calls {
            let mut args = args.clone();
            if self.fresh_names {
                args.endpoint_name = Some(format!("oak-{:08x}", self.rng.u32(..)));
            }
            let wait = self.wait();
            self.process.world.note(|| format!("deploy {:?}, waiting {wait:?}", args.endpoint_name));
            let told = self.process.long(self.process.deploy.clone(), args, wait).await;
            if let Some(settled) = self.hear(told).await {
                return settled;
            }
        }
        Settled::Never
    }

    pub(crate) async fn deploy(&mut self, args: &DeployJumpStartModel) -> Settled {
        self.deploy_calls(args, PATIENCE).await
    }

    /// Calls `delete_sagemaker_endpoint` up to `calls` times, until it is settled.
    pub(crate) async fn delete_calls(&mut self, name: &str, calls: u32) -> Settled {
        for _ in 0..calls {
            let wait = self.wait();
            self.process.world.note(|| format!("delete {name}, waiting {wait:?}"));
            let before = self.world.look(Truth::everything);
            let args = DeleteSageMakerEndpoint { endpoint_name: name.to_owned(), dry_run: false };
            let told = self.process.long(self.process.delete.clone(), args, wait).await;
            if let Told::Succeeded(result) = &told {
                self.check_gone(name, result, before);
            }
            if let Some(settled) = self.hear(told).await {
                return settled;
            }
        }
        Settled::Never
    }

    /// A removal has succeeded: what was there before and all the time is not there any more.
    fn check_gone(&mut self, name: &str, result: &EndpointResult, before: Vec<(String, Instant)>) {
        if self.world.look(|truth| truth.in_view_for(name, Duration::from_secs(5))) {
            self.untruths.push(format!("endpoint {name}"));
        }
        let still = self.world.look(Truth::everything);
        let kept = before.into_iter().filter(|thing| still.contains(thing) && made_for(&thing.0, name));
        if result.message.contains("Nothing") {
            self.untruths.extend(kept.map(|(thing, _)| thing));
        }
    }

    pub(crate) async fn delete(&mut self, name: &str) -> Settled {
        self.delete_calls(name, PATIENCE).await
    }

    async fn hear(&mut self, told: Told) -> Option<Settled> {
        self.process.world.note(|| match &told {
            Told::Succeeded(result) => format!("-> {}", result.message),
            // Without the wall's time, so that a replay says the same.
            Told::Failed(fault) => {
                format!("-> {}: {}", fault.code.as_str(), fault.message.split(" at 2").next().unwrap_or_default())
            }
            Told::Open => "-> open".to_owned(),
            Told::Died => "-> died".to_owned(),
        });
        match told {
            Told::Succeeded(_) => return Some(Settled::Succeeded),
            Told::Failed(fault) if !fault.retryable => return Some(Settled::Failed(fault)),
            Told::Failed(_) | Told::Open => {}
            Told::Died => self.restart(),
        }
        self.pause().await;
        None
    }

    /// Calls `cleanup_leftovers`: lists, then removes what is old enough; the `rash` do not always
    /// look how old it is.
    pub(crate) async fn clean(&mut self, rash: bool) -> Option<Cleaned> {
        let found = self.cleanup(CleanupLeftovers { dry_run: true, names: Vec::new() }).await?;
        let all = rash && self.rng.bool();
        let chosen = found.leftovers.iter().filter(|left| all || !left.young);
        let names: Vec<String> = chosen.map(|left| left.name.clone()).collect();
        if names.is_empty() {
            return Some(found);
        }
        self.pause().await;
        self.cleanup(CleanupLeftovers { dry_run: false, names }).await
    }

    /// What `cleanup_leftovers` lists.
    pub(crate) async fn leftovers(&mut self) -> Option<Cleaned> {
        self.cleanup(CleanupLeftovers { dry_run: true, names: Vec::new() }).await
    }

    async fn cleanup(&mut self, args: CleanupLeftovers) -> Option<Cleaned> {
        self.process.world.note(|| format!("cleanup {:?}", args.names));
        let tool = self.process.cleanup.clone();
        let mut call = tokio::spawn(async move { tool.call(&Context::local(), args).await });
        self.process.work.push(call.abort_handle());
        let told = tokio::select! {
            biased;
            () = self.process.world.died() => None,
            told = &mut call => Some(told.expect("a clean-up does not panic")),
        };
        match told {
            Some(told) => {
                self.process.world.note(|| format!("-> {told:?}"));
                told.ok()
            }
            None => {
                self.restart();
                None
            }
        }
    }

    pub(crate) async fn rest(&mut self, seconds: std::ops::Range<u64>) {
        sleep(Duration::from_secs(self.rng.u64(seconds))).await;
    }

    pub(crate) fn times(&mut self, range: std::ops::RangeInclusive<u32>) -> u32 {
        self.rng.u32(range)
    }
}

/// Whether a thing of [`World::everything`] is the endpoint called `name` or stands behind it.
pub(crate) fn made_for(thing: &str, name: &str) -> bool {
    let of = thing.split_once(' ').map_or(thing, |(_, of)| of);
    of == name || of.strip_prefix(name).is_some_and(|rest| rest.starts_with("-lh-"))
}
