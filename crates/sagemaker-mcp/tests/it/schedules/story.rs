//! One schedule: who wants what, what goes wrong, and whether it came out right.

use std::time::Duration;

use longhaul::{
    context::Context,
    fault::{Fault, FaultCode},
    tool::{LongTool, QuickTool},
};
use sagemaker_mcp::{
    Config,
    api::PartKind,
    tools::{
        self,
        deploy_jumpstart_model::{Deploy, DeployJumpStartModel},
        list_sagemaker_endpoints::{List, ListSageMakerEndpoints},
    },
};
use tokio::{runtime, time::sleep};

use super::operator::{Operator, Settled};
use crate::world::{Counts, MODEL, Plan, ROLE, World};

/// Who wants what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Plot {
    /// One operator deploys.
    Alone,
    /// One operator deploys, and removes it before it is settled.
    ChangeOfMind,
    /// One operator deploys, begins to remove it, and deploys again.
    Again,
    /// Two operators deploy the same.
    Twins,
    /// Two operators deploy different things under one name.
    Rivals,
    /// One operator deploys while another one removes.
    DeployAgainstDelete,
    /// One operator deploys what an older start has left in part, while another one cleans up.
    DeployAgainstCleanUp,
}

const PLOTS: [Plot; 8] = [
    Plot::Alone,
    Plot::ChangeOfMind,
    Plot::Again,
    Plot::Twins,
    Plot::Rivals,
    Plot::DeployAgainstDelete,
    Plot::DeployAgainstCleanUp,
    Plot::Alone,
];

/// What came of a schedule.
pub(crate) struct Outcome {
    pub(crate) plot: Plot,
    pub(crate) counts: Counts,
    /// A live endpoint whose configuration is gone, at rest.
    pub(crate) bare_at_rest: bool,
    /// Which promise was broken, and how.
    pub(crate) violations: Vec<(&'static str, String)>,
    pub(crate) trace: Vec<String>,
}

struct Story {
    plot: Plot,
    world: World,
    config: Config,
    args: DeployJumpStartModel,
    name: String,
    /// The first endpoint that is created fails.
    fails: bool,
    fresh_names: bool,
    rng: fastrand::Rng,
    violations: Vec<(&'static str, String)>,
}

/// Plays the schedule of that number.
pub(crate) fn play(number: u64, fresh_names: bool, traced: bool) -> Outcome {
    // The engine's trace ids and the jitter of retries come from the thread's own generator.
    fastrand::seed(number);
    let runtime = runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let mut story = Story::new(number, fresh_names);
        if traced {
            story.world.start_trace();
            story.world.note(|| format!("{:?} of {}", story.plot, story.name));
        }
        Box::pin(story.errands()).await;
        let bare_at_rest = story.rest().await;
        story.end().await;
        let Story { plot, world, violations, .. } = story;
        Outcome { plot, counts: world.counts(), bare_at_rest, violations, trace: world.trace() }
    })
}

/// As short as one can be: what stands in a document is not what schedules are about.
const DOCUMENT: &str = r#"{
    "HostingEcrUri": "111122223333.dkr.ecr.us-east-1.amazonaws.com/acme-inference:4.2",
    "HostingArtifactUri": "s3://jumpstart-cache-prod-us-east-1/acme/oak/",
    "DefaultInferenceInstanceType": "ml.m5.large",
    "SupportedInferenceInstanceTypes": ["ml.m5.large", "ml.c5.xlarge"]
}"#;

/// What is asked for, under a name or without one.
pub(crate) fn arguments(name: Option<&str>) -> DeployJumpStartModel {
    DeployJumpStartModel {
        model_id: MODEL.to_owned(),
        instance_type: None,
        model_version: None,
        initial_instance_count: 1,
        endpoint_name: name.map(str::to_owned),
        accept_eula: false,
        accept_additional_eulas: Vec::new(),
        inference_config: None,
        environment: std::collections::BTreeMap::new(),
        expires_at: None,
        fallback_instance_types: vec![],
        role_arn: None,
    }
}

impl Story {
    fn new(number: u64, fresh_names: bool) -> Self {
        let mut rng = fastrand::Rng::with_seed(number ^ 0x5eed);
        let world = World::new(number);
        let plot = *rng.choice(&PLOTS).expect("a plot");
        let poll_seconds = *rng.choice(&[30, 90, 90, 90]).expect("a pace");
        let config = Config { role_arn: rng.bool().then(|| ROLE.to_owned()), poll_seconds, ..Config::default() };
        let named = rng.bool() || plot == Plot::Rivals;
        let args = arguments(named.then_some("oak"));
        let name = Deploy::new(world.clone().into(), config.clone()).resource(&Context::local(), &args);
        let fails = rng.u8(0..7) == 0;
        let takes = rng.u64(20..600);
        match fails {
            true => world.next_endpoint_fails(takes, "CannotStartContainerError: it does not start"),
            false => world.next_endpoint([("Creating", takes), ("InService", 0)]),
        }
        world.set_document(DOCUMENT);
        world.set_deleting(Duration::from_secs(rng.u64(2..120)));
        world.set_unseen(Duration::from_millis(*rng.choice(&[0, 1_000, 5_000, 20_000]).expect("a choice")));
        let kills = rng.u32(0..=6);
        // Where two race, what comes in between decides; one alone may as well be fast.
        let alone = matches!(plot, Plot::Alone | Plot::ChangeOfMind | Plot::Again);
        let latency_ms = if alone && rng.bool() { 0 } else { 300 };
        world.set_plan(Plan { trouble: 0.19, kill: 0.06, kills, latency_ms });
        Self { plot, world, config, args, name, fails, fresh_names, rng, violations: Vec::new() }
    }

    fn operator(&mut self) -> Operator {
        let mut operator = Operator::new(&self.world, self.rng.u64(..), self.config.clone());
        operator.fresh_names = self.fresh_names;
        operator
    }

    fn broken(&mut self, promise: &'static str, how: impl Into<String>) {
        let how = how.into();
        self.world.note(|| format!("!! {promise}: {how}"));
        self.violations.push((promise, how));
    }

    async fn errands(&mut self) {
        let (args, name) = (self.args.clone(), self.name.clone());
        let (mut a, mut b) = (self.operator(), self.operator());
        match self.plot {
            Plot::Alone => {
                let settled = a.deploy(&args).await;
                self.deployed(&settled);
            }
            Plot::ChangeOfMind => {
                let calls = a.times(1..=4);
                a.deploy_calls(&args, calls).await;
                // What the first calls have begun may come after the first removal.
                let mut settled = a.delete(&name).await;
                while settled.failed_with(FaultCode::Superseded) {
                    settled = a.delete(&name).await;
                }
                self.removed(&settled);
            }
            Plot::Again => self.again(&mut a).await,
            Plot::Twins => {
                let both = tokio::join!(biased; a.deploy(&args), b.deploy(&args));
                self.deployed(&both.0);
                self.deployed(&both.1);
            }
            Plot::Rivals => Box::pin(self.rivals(&mut a, &mut b)).await,
            Plot::DeployAgainstDelete => {
                let deploying = a.deploy(&args);
                let deleting = async {
                    b.rest(0..400).await;
                    b.delete(&name).await
                };
                let both = tokio::join!(biased; deploying, deleting);
                self.deployed(&both.0);
                self.removed(&both.1);
            }
            Plot::DeployAgainstCleanUp => {
                a.deploy_calls(&args, 1).await;
                a.rest(0..1500).await;
                let cleaning = async {
                    for _ in 0..4 {
                        b.rest(0..40).await;
                        b.clean(true).await;
                    }
                };
                let (settled, ()) = tokio::join!(biased; a.deploy(&args), cleaning);
                self.deployed(&settled);
            }
        }
        // Begun work that nobody watches any more goes on; requests on their way arrive.
        self.world.set_plan(Plan::default());
        sleep(Duration::from_secs(300)).await;
        self.told_the_truth(&a);
        self.told_the_truth(&b);
    }

    /// Deploys, begins to remove, deploys again: what is in the way is removed as the fault says.
    async fn again(&mut self, a: &mut Operator) {
        let (args, name) = (self.args.clone(), self.name.clone());
        let settled = a.deploy(&args).await;
        self.deployed(&settled);
        let calls = a.times(1..=4);
        a.delete_calls(&name, calls).await;
        for _ in 0..4 {
            let ending = self.world.look(|truth| truth.ending(&name));
            let settled = a.deploy(&args).await;
            let still = self.world.look(|truth| truth.ending(&name));
            if ending.is_some() && ending == still && matches!(settled, Settled::Succeeded) {
                self.broken("truthful", "a deployment joined what somebody wants to be gone");
            }
            if !settled.failed_with(FaultCode::FailedBefore) {
                return self.deployed(&settled);
            }
            let settled = a.delete(&name).await;
            self.removed(&settled);
        }
        self.broken("terminal", "a removed endpoint stays in the way");
    }

    async fn rivals(&mut self, a: &mut Operator, b: &mut Operator) {
        let args = self.args.clone();
        let mut other = args.clone();
        match self.rng.bool() {
            true => other.instance_type = Some("ml.c5.xlarge".to_owned()),
            false => other.initial_instance_count = 2,
        }
        let both = tokio::join!(biased; a.deploy(&args), b.deploy(&other));
        self.deployed(&both.0);
        self.deployed(&both.1);
        for settled in [&both.0, &both.1] {
            if !self.fails && settled.advises(tools::DELETE) {
                self.broken("advice", "whoever came too late is told to delete what somebody else has");
            }
        }
        if matches!(both, (Settled::Succeeded, Settled::Succeeded)) {
            self.broken("truthful", "two who want different things both have them");
        }
        if both.0.failed_with(FaultCode::Conflict) && both.1.failed_with(FaultCode::Conflict) {
            self.broken("terminal", "both are in each other's way, and neither has it");
        }
    }

    /// How a deployment may end.
    fn deployed(&mut self, settled: &Settled) {
        match settled {
            Settled::Succeeded => self.succeeded(),
            Settled::Failed(fault) if self.expected(fault) => {}
            Settled::Failed(fault) => self.broken("ending", format!("{}: {}", fault.code.as_str(), fault.message)),
            Settled::Never => self.broken("terminal", "a deployment never settles"),
        }
    }

    fn expected(&self, fault: &Fault) -> bool {
        use FaultCode::{Aborted, Conflict, FailedBefore, Gone, OperationFailed, Superseded};
        let removed = matches!(self.plot, Plot::ChangeOfMind | Plot::Again | Plot::DeployAgainstDelete);
        let code = fault.code;
        (matches!(code, OperationFailed | FailedBefore) && self.fails)
            || (code == Conflict && self.plot == Plot::Rivals)
            || (matches!(code, FailedBefore | Aborted | Gone | Superseded) && removed)
    }

    /// A success that nobody has spoilt since must be there.
    fn succeeded(&mut self) {
        if matches!(self.plot, Plot::ChangeOfMind | Plot::DeployAgainstDelete) {
            return;
        }
        let there = self.world.look(|truth| {
            let now = tokio::time::Instant::now();
            truth.endpoints.values().any(|endpoint| endpoint.status(now).0 == "InService")
        });
        if !there {
            self.broken("truthful", "a deployment succeeded, but nothing is in service");
        }
    }

    /// How a removal may end.
    fn removed(&mut self, settled: &Settled) {
        match settled {
            Settled::Succeeded => {}
            // Another one deploys it anew.
            Settled::Failed(_)
                if settled.failed_with(FaultCode::Superseded) && self.plot == Plot::DeployAgainstDelete => {}
            Settled::Failed(fault) => self.broken("ending", format!("{}: {}", fault.code.as_str(), fault.message)),
            Settled::Never => self.broken("terminal", "a removal never settles"),
        }
    }

    fn told_the_truth(&mut self, operator: &Operator) {
        for thing in &operator.untruths {
            let what = if thing.starts_with("endpoint ") { "endpoint said gone" } else { "part said gone" };
            self.broken(what, thing.clone());
        }
    }

    /// Nothing is under way. Whatever is there is wanted, or listed.
    async fn rest(&mut self) -> bool {
        let counts = self.world.counts();
        if counts.most_alive > 1 {
            self.broken("doubled", format!("{} endpoints at the same time", counts.most_alive));
        }
        if counts.endpoints_created > 1 + counts.endpoints_deleted {
            self.broken("doubled", format!("{} endpoints created", counts.endpoints_created));
        }
        if counts.unmarked > 0 {
            self.broken("unmarked", "an endpoint was deleted before its end was written into it");
        }
        // A start and a removal that overlap have no common clock, and SageMaker deletes the
        // configuration of a new endpoint without a word. Where nobody removes, it must not happen.
        if matches!(self.plot, Plot::Alone | Plot::Twins | Plot::Rivals) {
            self.torn(&counts);
        }
        let wanted_gone = matches!(self.plot, Plot::ChangeOfMind | Plot::Again | Plot::DeployAgainstDelete);
        if counts.endpoints_deleted > 0 && !wanted_gone {
            self.broken("unasked", "an endpoint was deleted although nobody asked for it");
        }
        let shown = self.listed_endpoints().await;
        let listed = self.operator().leftovers().await.map(|found| found.leftovers).unwrap_or_default();
        let listed = |kind: &str, name: &String| {
            listed.iter().any(|left| left.name == *name && left.kinds.iter().any(|found| found == kind))
        };
        let (bare, unlisted) = self.world.look(|truth| {
            let mut unlisted: Vec<String> =
                truth.endpoints.keys().filter(|name| !shown.contains(name)).cloned().collect();
            let serves = |config: &String| truth.endpoints.values().any(|endpoint| endpoint.config == *config);
            for (kind, word) in [(PartKind::Config, "endpoint-config"), (PartKind::Model, "model")] {
                let lost = truth.real(kind).filter(|name| !serves(name) && !listed(word, name));
                unlisted.extend(lost.map(|name| format!("{word} {name}")));
            }
            let bare = truth
                .endpoints
                .values()
                .any(|endpoint| !truth.real(PartKind::Config).any(|name| *name == endpoint.config));
            (bare, unlisted)
        });
        for thing in unlisted {
            self.broken("unlisted", thing);
        }
        let stray = self.world.look(|truth| truth.endpoints.keys().find(|name| **name != self.name).cloned());
        if let Some(stray) = stray {
            self.broken("stray", stray);
        }
        bare
    }

    fn torn(&mut self, counts: &Counts) {
        if counts.torn_configs + counts.torn_models > 0 {
            self.broken("torn", "a part was deleted while an endpoint used it");
        }
    }

    async fn listed_endpoints(&self) -> Vec<String> {
        let all = ListSageMakerEndpoints { managed_only: true, max_results: 100, ..Default::default() };
        let list = List::new(self.world.clone().into());
        let page = list.call(&Context::local(), all).await.expect("a calm world answers");
        page.endpoints.into_iter().map(|line| line.endpoint_name).collect()
    }

    /// The last pass, in a calm world: all goes.
    async fn end(&mut self) {
        let mut operator = self.operator();
        let before = self.world.counts();
        let settled = operator.delete(&self.name).await;
        if !matches!(settled, Settled::Succeeded) {
            self.broken("terminal", format!("the last removal: {settled:?}"));
        }
        self.told_the_truth(&operator);
        let after = self.world.counts();
        let torn = after.torn_configs - before.torn_configs;
        self.torn(&Counts { torn_configs: torn, torn_models: after.torn_models - before.torn_models, ..after });
        sleep(Duration::from_secs(700)).await;
        operator.clean(false).await;
        sleep(Duration::from_secs(60)).await;
        for thing in self.world.everything() {
            self.broken("left", thing);
        }
    }
}
