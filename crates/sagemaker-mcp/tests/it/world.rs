//! A SageMaker in memory, as bad as a test wants it: deterministic from its seed, in tokio's time.
//!
//! [`World`] is what a client sees of it. [`World::life`] is another client, which can die: from
//! then on none of its requests is answered, and what it had sent may still be carried out.

mod faults;
mod truth;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sagemaker_mcp::{
    api::{
        Api, ConfigSeen, EndpointSeen, Filter, HubDocument, Identity, Invocation, Invoked, LogLine, LogPage, LogSearch,
        Page, PartKind, Scaling, Surroundings, Tags,
    },
    error::{SageMakerError, Why},
    jumpstart::{self, CreateEndpoint, CreateEndpointConfig, CreateModel},
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

pub(crate) use faults::{Moment, Plan, Strike};
pub(crate) use truth::{ACCOUNT, Counts, REGION, Truth, Write};
use truth::{missing, refused};

/// The model whose document the hub holds: open, for CPUs, on `ml.m5.large` by default.
pub(crate) const MODEL: &str = "acme-tabular-oak";
/// The role that SageMaker may assume.
pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/SageMaker";

type Answer<T> = Result<T, SageMakerError>;

/// A client's view of the one world that all its clones and [`World::life`] share.
#[derive(Clone)]
pub(crate) struct World {
    shared: Arc<Mutex<Shared>>,
    life: Arc<Life>,
}

struct Shared {
    truth: Truth,
    plan: Plan,
    document: &'static str,
    lives: u32,
    began: Instant,
    trace: Option<Vec<String>>,
}

#[derive(Default)]
struct Life {
    number: u32,
    dead: AtomicBool,
    died: Notify,
}

/// Set-up and inspection. None of it is a request.
impl World {
    /// Empty, calm and fast; what happens in it depends on the seed and its callers only.
    pub(crate) fn new(seed: u64) -> Self {
        let shared = Shared {
            truth: Truth::new(seed),
            plan: Plan::default(),
            document: include_str!("../../fixtures/open_cpu.hub.json"),
            lives: 0,
            began: Instant::now(),
            trace: None,
        };
        Self { shared: Arc::new(Mutex::new(shared)), life: Arc::default() }
    }

    /// Another client of the same world, which the plan can end.
    pub(crate) fn life(&self) -> Self {
        let mut shared = self.lock();
        shared.lives += 1;
        let life = Life { number: shared.lives, ..Life::default() };
        Self { shared: self.shared.clone(), life: Arc::new(life) }
    }

    /// Resolves when this client has died. For one waiter.
    pub(crate) async fn died(&self) {
        self.life.died.notified().await;
    }

    /// The states of the next endpoint that is created, each with its seconds; the last stays.
    pub(crate) fn next_endpoint<const N: usize>(&self, timeline: [(&str, u64); N]) {
        let steps = timeline.map(|(status, seconds)| (status.to_owned(), Duration::from_secs(seconds)));
        self.lock().truth.timelines.push_back((steps.to_vec(), None));
    }

    /// The next endpoint that is created fails after so many seconds, for this reason.
    pub(crate) fn next_endpoint_fails(&self, seconds: u64, reason: &str) {
        let steps = vec![("Creating".to_owned(), Duration::from_secs(seconds)), ("Failed".to_owned(), Duration::ZERO)];
        self.lock().truth.timelines.push_back((steps, Some(reason.to_owned())));
    }

    /// How bad the world is from now on.
    pub(crate) fn set_plan(&self, plan: Plan) {
        self.lock().plan = plan;
    }

    /// New things stay invisible, and deleted ones visible, for up to so long.
    pub(crate) fn set_unseen(&self, up_to: Duration) {
        self.lock().truth.unseen_ms = u64::try_from(up_to.as_millis()).unwrap_or(u64::MAX);
    }

    /// How long an endpoint is in `Deleting`.
    pub(crate) fn set_deleting(&self, takes: Duration) {
        self.lock().truth.deleting_takes = takes;
    }

    /// The document of [`MODEL`], as the hub holds it.
    pub(crate) fn set_document(&self, text: &'static str) {
        self.lock().document = text;
    }

    /// What was done so far.
    pub(crate) fn counts(&self) -> Counts {
        self.settled().truth.counts.clone()
    }

    /// Looks at the truth.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Truth) -> T) -> T {
        look(&self.settled().truth)
    }

    /// Names of all that is really there, each with what it is.
    pub(crate) fn everything(&self) -> Vec<String> {
        self.look(Truth::everything).into_iter().map(|(thing, _)| thing).collect()
    }

    /// From now on every request is written down.
    pub(crate) fn start_trace(&self) {
        self.lock().trace = Some(Vec::new());
    }

    /// Writes something of the test into the trace.
    pub(crate) fn note(&self, line: impl FnOnce() -> String) {
        let mut shared = self.lock();
        let (at, life) = (shared.began.elapsed().as_secs_f64(), self.life.number);
        if let Some(trace) = &mut shared.trace {
            trace.push(format!("{at:>9.3} s  [{life}] {}", line()));
        }
    }

    pub(crate) fn trace(&self) -> Vec<String> {
        self.lock().trace.clone().unwrap_or_default()
    }

    /// What has become due has happened whenever anybody arrives, answers or looks.
    fn settled(&self) -> MutexGuard<'_, Shared> {
        let mut shared = self.lock();
        shared.truth.settle();
        shared
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().expect("no test panics inside the world")
    }
}

/// Requests.
impl World {
    /// A request arrives: what happens to it.
    async fn arrive(&self, doing: &'static str, what: &str) -> Strike {
        self.travel().await;
        let mortal = self.life.number > 0;
        let strike = {
            let mut guard = self.settled();
            let shared = &mut *guard;
            *shared.truth.counts.calls.entry(doing).or_default() += 1;
            let strike = shared.plan.strike(&mut shared.truth.rng, mortal);
            let killed = matches!(strike, Strike::Kill(_));
            shared.truth.counts.kills += u32::from(killed);
            shared.truth.counts.faults += u32::from(!killed && strike != Strike::Pass);
            strike
        };
        self.note(|| match strike == Strike::Pass {
            true => format!("{doing} {what}"),
            false => format!("{doing} {what}  ** {strike:?}"),
        });
        strike
    }

    /// The way there or back. Nobody who is dead arrives.
    async fn travel(&self) {
        let takes = {
            let mut shared = self.lock();
            let longest = shared.plan.latency_ms;
            if longest == 0 { 0 } else { shared.truth.rng.u64(0..=longest) }
        };
        if takes > 0 {
            sleep(Duration::from_millis(takes)).await;
        }
        if self.life.dead.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }

    /// Most answers come at once: what matters is that some take their time.
    async fn come_back(&self) {
        let slow = {
            let mut shared = self.lock();
            shared.plan.latency_ms > 0 && shared.truth.rng.u8(0..4) == 0
        };
        if slow {
            self.travel().await;
        }
    }

    async fn die<T>(&self) -> Answer<T> {
        self.life.dead.store(true, Ordering::Relaxed);
        self.life.died.notify_one();
        std::future::pending().await
    }

    async fn read<T: Send>(
        &self,
        doing: &'static str,
        what: &str,
        look: impl FnOnce(&Truth) -> Option<T> + Send,
    ) -> Answer<T> {
        let lost = || refused(doing, Why::Unreachable, "no answer");
        match self.arrive(doing, what).await {
            Strike::Pass | Strike::Twice => {}
            Strike::Refuse(why) => return Err(refused(doing, why, "refused by the plan")),
            Strike::Lost => return Err(lost()),
            Strike::Late { answer: long, .. } | Strike::Hang(long) => {
                sleep(long).await;
                return Err(lost());
            }
            Strike::Kill(_) => return self.die().await,
        }
        let answer = look(&self.settled().truth).ok_or_else(|| missing(doing, what));
        self.come_back().await;
        answer
    }

    async fn write(&self, doing: &'static str, what: &str, write: Write) -> Answer<()> {
        let lost = || refused(doing, Why::Unreachable, "no answer");
        let apply = || self.settled().truth.apply(doing, &write);
        let answer = match self.arrive(doing, what).await {
            Strike::Pass => apply(),
            Strike::Refuse(why) => Err(refused(doing, why, "refused by the plan")),
            Strike::Lost => {
                let _ = apply();
                Err(lost())
            }
            Strike::Twice => {
                let _ = apply();
                self.travel().await;
                apply()
            }
            Strike::Late { answer, effect } => {
                self.lock().truth.later(effect, write.clone());
                sleep(answer).await;
                Err(lost())
            }
            Strike::Hang(long) => {
                sleep(long).await;
                Err(lost())
            }
            Strike::Kill(moment) => {
                match moment {
                    Moment::Before => {}
                    Moment::After => drop(apply()),
                    Moment::Under(late) => self.lock().truth.later(late, write.clone()),
                }
                return self.die().await;
            }
        };
        self.come_back().await;
        answer
    }
}

fn tags(given: &[jumpstart::Tag]) -> Tags {
    given.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
}

impl Api for World {
    fn region(&self) -> &str {
        REGION
    }

    async fn describe_endpoint(&self, name: &str) -> Answer<EndpointSeen> {
        self.read("DescribeEndpoint", name, |truth| truth.show_endpoint(name)).await
    }

    async fn describe_config(&self, name: &str) -> Answer<ConfigSeen> {
        self.read("DescribeEndpointConfig", name, |truth| truth.show_config(name)).await
    }

    async fn describe_model(&self, name: &str) -> Answer<String> {
        self.read("DescribeModel", name, |truth| truth.show_model(name)).await
    }

    async fn list_endpoints(&self, filter: &Filter) -> Answer<Page> {
        self.read("ListEndpoints", "", |truth| Some(truth.list_endpoints(filter))).await
    }

    async fn list_parts(&self, kind: PartKind, filter: &Filter) -> Answer<Page> {
        let doing = if kind == PartKind::Config { "ListEndpointConfigs" } else { "ListModels" };
        self.read(doing, "", |truth| Some(truth.list_parts(kind, filter))).await
    }

    async fn list_tags(&self, arn: &str) -> Answer<Tags> {
        self.read("ListTags", arn, |truth| truth.show_tags(arn)).await
    }

    async fn create_model(&self, request: &CreateModel) -> Answer<()> {
        let name = &request.model_name;
        self.write("CreateModel", name, Write::Model { name: name.clone(), tags: tags(&request.tags) }).await
    }

    async fn create_config(&self, request: &CreateEndpointConfig) -> Answer<()> {
        let [variant] = &request.production_variants;
        let write = Write::Config {
            name: request.endpoint_config_name.clone(),
            model: variant.model_name.clone(),
            instance_type: variant.first_type().to_owned(),
            instances: variant.initial_instance_count,
            tags: tags(&request.tags),
        };
        self.write("CreateEndpointConfig", &request.endpoint_config_name, write).await
    }

    async fn create_endpoint(&self, request: &CreateEndpoint) -> Answer<()> {
        let (name, config) = (request.endpoint_name.clone(), request.endpoint_config_name.clone());
        let write = Write::Endpoint { name, config, tags: tags(&request.tags) };
        self.write("CreateEndpoint", &request.endpoint_name, write).await
    }

    async fn add_tags(&self, arn: &str, tags: &Tags) -> Answer<()> {
        self.write("AddTags", arn, Write::Tag { arn: arn.to_owned(), tags: tags.clone() }).await
    }

    async fn remove_tag(&self, arn: &str, key: &str) -> Answer<()> {
        self.write("DeleteTags", arn, Write::Untag { arn: arn.to_owned(), key: key.to_owned() }).await
    }

    async fn update_endpoint(&self, _: &str, _: &str) -> Answer<()> {
        Err(refused("UpdateEndpoint", Why::Refused, "nobody updates here"))
    }

    async fn set_instance_count(&self, _: &str, _: &str, _: u32) -> Answer<()> {
        Err(refused("UpdateEndpointWeightsAndCapacities", Why::Refused, "nobody scales here"))
    }

    async fn delete_endpoint(&self, name: &str) -> Answer<()> {
        self.write("DeleteEndpoint", name, Write::DeleteEndpoint { name: name.to_owned() }).await
    }

    async fn delete_part(&self, kind: PartKind, name: &str) -> Answer<()> {
        let doing = if kind == PartKind::Config { "DeleteEndpointConfig" } else { "DeleteModel" };
        self.write(doing, name, Write::DeletePart { kind, name: name.to_owned() }).await
    }

    async fn identity(&self) -> Answer<Identity> {
        let arn = format!("arn:aws:iam::{ACCOUNT}:user/operator");
        self.read("GetCallerIdentity", "", |_| Some(Identity { account: ACCOUNT.to_owned(), arn })).await
    }

    async fn sagemaker_roles(&self) -> Answer<Vec<String>> {
        self.read("ListRoles", "", |_| Some(vec![ROLE.to_owned()])).await
    }

    async fn hub_document(&self, model_id: &str, version: Option<&str>) -> Answer<HubDocument> {
        let known = model_id == MODEL && version.is_none_or(|version| version == "1.0.0");
        let text = self.lock().document;
        let document = || HubDocument { version: "1.0.0".to_owned(), text: text.to_owned(), deprecated: false };
        self.read("DescribeHubContent", model_id, |_| known.then(document)).await
    }

    async fn public_object(&self, _: &str, key: &str) -> Answer<String> {
        let text = match key {
            "models_manifest.json" => Some(include_str!("../../fixtures/manifest.json")),
            key if key.contains(MODEL) => Some(include_str!("../../fixtures/open_cpu.spec.json")),
            key if key.contains("acme-chat") => Some(include_str!("../../fixtures/gated_chat.spec.json")),
            _ => None,
        };
        self.read("GetObject", key, |_| text.map(str::to_owned)).await
    }
}

/// What stands around an endpoint is as good as absent: a start and a removal do without it.
impl Surroundings for World {
    async fn log_tail(&self, endpoint: &str, _: Option<std::time::SystemTime>, _: u32) -> Answer<Vec<LogLine>> {
        self.read("GetLogEvents", endpoint, |_| None).await
    }

    async fn log_search(&self, endpoint: &str, _: &LogSearch) -> Answer<LogPage> {
        self.read("FilterLogEvents", endpoint, |_| None).await
    }

    async fn endpoint_quotas(&self) -> Answer<BTreeMap<String, f64>> {
        self.read("ListServiceQuotas", "", |_| Some(BTreeMap::new())).await
    }

    async fn role_is_trusting(&self, role_arn: &str) -> Answer<bool> {
        self.read("GetRole", role_arn, |_| Some(true)).await
    }

    async fn permissions(&self, _: &str, _: &[&str]) -> Answer<BTreeMap<String, bool>> {
        self.read("SimulatePrincipalPolicy", "", |_| Some(BTreeMap::new())).await
    }

    async fn hourly_usd(&self, instance_type: &str) -> Answer<Option<f64>> {
        self.read("GetProducts", instance_type, |_| Some(None)).await
    }

    async fn scaling(&self, endpoint: &str, _: &str) -> Answer<Option<Scaling>> {
        self.read("DescribeScalableTargets", endpoint, |_| Some(None)).await
    }

    async fn set_scaling(&self, _: &str, _: &str, _: &Scaling) -> Answer<()> {
        Err(refused("RegisterScalableTarget", Why::Refused, "nobody scales here"))
    }

    async fn remove_scaling(&self, _: &str, _: &str) -> Answer<()> {
        Err(refused("DeregisterScalableTarget", Why::Refused, "nobody scales here"))
    }

    async fn invoke(&self, _: &Invocation) -> Answer<Invoked> {
        Err(refused("InvokeEndpoint", Why::Refused, "nobody invokes here"))
    }
}
