//! A scripted AWS: shows what a test says, in tokio's time, and writes down what it was asked.

mod api;
mod surroundings;

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use longhaul::{clock, fault::Backend};
use sagemaker_mcp::{
    api::{EndpointSeen, Invocation, Listed, PartKind, Scaling, Tags, VariantSeen},
    error::{SageMakerError, Why, classify},
    jumpstart::Tag,
    names,
};
use serde_json::Value;
use tokio::time::Instant;

pub(crate) const OPEN: &str = "acme-tabular-oak";
pub(crate) const GATED: &str = "acme-chat-rocket";
pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/SageMaker";
const ARN: &str = "arn:aws:sagemaker:us-east-2:123456789012";

type Answer<T> = Result<T, SageMakerError>;
/// Makes of an endpoint what it is so many seconds after its creation. The status `gone` hides it.
pub(crate) type Show = Arc<dyn Fn(u64, &mut EndpointSeen) + Send + Sync>;
type Trouble = Box<dyn Fn() -> SageMakerError + Send + Sync>;

pub(crate) struct Fake {
    born: Instant,
    state: Mutex<State>,
}

pub(crate) struct State {
    pub(crate) endpoints: BTreeMap<String, Kept>,
    pub(crate) parts: Vec<Part>,
    pub(crate) roles: Vec<String>,
    pub(crate) caller: String,
    pub(crate) region: &'static str,
    /// What becomes of an endpoint that is created from now on.
    pub(crate) show: Show,
    /// A deletion takes so long; what is asked for meanwhile is seen as `Deleting`.
    pub(crate) deleting: Duration,
    /// What the last page of a list says of the next one.
    pub(crate) cursor: Option<String>,
    /// What is published of every model.
    pub(crate) document: Option<String>,
    /// Deletions are acknowledged and never seen.
    pub(crate) blind: bool,
    /// Lines of every endpoint's log, oldest first; `None` where there is no log.
    pub(crate) log: Option<Vec<String>>,
    /// Instances that endpoints may have, by type.
    pub(crate) quotas: BTreeMap<String, f64>,
    /// Dollars an hour, by type.
    pub(crate) prices: BTreeMap<String, f64>,
    /// Scaling by load, by `endpoint/variant`.
    pub(crate) scaling: BTreeMap<String, Scaling>,
    /// Roles that do not trust SageMaker.
    pub(crate) distrusted: Vec<String>,
    /// Updates end with what was served before.
    pub(crate) rolls_back: bool,
    /// What becomes of an endpoint from the moment of an update, and of a change of its instances.
    pub(crate) changed: Show,
    /// What models answer.
    pub(crate) answer: Vec<u8>,
    /// What models were asked.
    pub(crate) invoked: Vec<Invocation>,
    /// A model takes so long to answer.
    pub(crate) thinking: Duration,
    /// A change is not to be seen for so long.
    pub(crate) unseen: Duration,
    /// The next request called so is carried out, and its answer never comes.
    pub(crate) lost: Option<&'static str>,
    /// The creations that were asked for, as they were worded.
    pub(crate) sent: Vec<(&'static str, Value)>,
    hangs: Vec<&'static str>,
    troubles: Vec<(&'static str, Range<u64>, Trouble)>,
    asked: Vec<(u64, String)>,
}

#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) seen: EndpointSeen,
    pub(crate) tags: Tags,
    pub(crate) show: Show,
    born: Instant,
    deleted: Option<Instant>,
    /// What it was asked to become.
    change: Option<Change>,
}

impl Kept {
    /// How often it was changed.
    pub(crate) fn changes(&self) -> u32 {
        self.change.as_ref().map_or(0, |change| change.number)
    }
}

#[derive(Clone)]
struct Change {
    number: u32,
    at: Instant,
    pending: Option<String>,
    /// How it is when the change is over.
    end: EndpointSeen,
}

#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) kind: PartKind,
    pub(crate) listed: Listed,
    pub(crate) tags: Tags,
    /// Its types, preferred ones first.
    pub(crate) instances: Vec<String>,
    count: u32,
    pool_models: Vec<String>,
}

/// Stages of a life: from so many seconds on, this status.
pub(crate) fn stages(stages: &'static [(u64, &'static str)]) -> Show {
    Arc::new(move |seconds, seen| {
        if let Some((since, status)) = stages.iter().rev().find(|(since, _)| *since <= seconds) {
            seen.status = (*status).to_owned();
            seen.modified = seen.created + Duration::from_secs(*since);
        }
    })
}

/// An error as AWS would answer it.
pub(crate) fn aws(doing: &'static str, code: &str, text: &str, http_status: u16) -> SageMakerError {
    let code = Some(code.to_owned()).filter(|code| !code.is_empty());
    let why = classify(code.as_deref(), text, Some(http_status));
    let backend = Backend { code, http_status: Some(http_status), request_id: None, text: Some(text.to_owned()) };
    SageMakerError::Vendor { doing, why, backend: Box::new(backend), retry_after: None }
}

pub(crate) fn throttled(after: Option<u64>) -> SageMakerError {
    let backend = Backend { code: Some("ThrottlingException".into()), http_status: Some(400), ..Backend::default() };
    let retry_after = after.map(Duration::from_secs);
    SageMakerError::Vendor { doing: "DescribeEndpoint", why: Why::Throttled, backend: Box::new(backend), retry_after }
}

/// No answer at all.
fn silence(doing: &'static str) -> SageMakerError {
    let backend = Box::new(Backend { text: Some("operation timed out".into()), ..Backend::default() });
    SageMakerError::Vendor { doing, why: Why::Unreachable, backend, retry_after: None }
}

fn missing(what: &str) -> SageMakerError {
    aws("Describe", "ValidationException", &format!("Could not find {what}."), 400)
}

impl Fake {
    /// Empty; what is created goes into service after ten minutes.
    pub(crate) fn new() -> Self {
        let state = State {
            endpoints: BTreeMap::new(),
            parts: vec![],
            roles: vec![ROLE.to_owned()],
            caller: "arn:aws:iam::123456789012:user/operator".to_owned(),
            region: "us-east-2",
            show: stages(&[(0, "Creating"), (600, "InService")]),
            deleting: Duration::from_secs(60),
            cursor: None,
            document: None,
            blind: false,
            log: None,
            quotas: BTreeMap::new(),
            prices: BTreeMap::new(),
            scaling: BTreeMap::new(),
            distrusted: vec![],
            rolls_back: false,
            changed: stages(&[(0, "Updating"), (300, "InService")]),
            answer: br#"{"generated_text": "hello"}"#.to_vec(),
            invoked: vec![],
            thinking: Duration::from_millis(120),
            unseen: Duration::ZERO,
            lost: None,
            sent: vec![],
            hangs: vec![],
            troubles: vec![],
            asked: vec![],
        };
        Self { born: Instant::now(), state: Mutex::new(state) }
    }

    /// With an endpoint that is there from the beginning.
    pub(crate) fn with(self, name: &str, show: Show) -> Self {
        self.state().keep(name, "config-of-others", Tags::new(), show);
        self
    }

    /// With what this server made for an endpoint: a configuration and a model called `part`.
    pub(crate) fn with_parts(self, part: &str, endpoint: &str, age: Duration) -> Self {
        for kind in [PartKind::Config, PartKind::Model] {
            let mut part = part_of(kind, part, names::tags("deploy_jumpstart_model", endpoint));
            part.listed.created = clock::now() - age;
            self.state().parts.push(part);
        }
        self
    }

    /// Requests called so (or all, with `""`) fail in these seconds.
    pub(crate) fn trouble(
        self,
        what: &'static str,
        when: Range<u64>,
        trouble: impl Fn() -> SageMakerError + Send + Sync + 'static,
    ) -> Self {
        self.state().troubles.push((what, when, Box::new(trouble)));
        self
    }

    /// Requests called so are denied.
    pub(crate) fn denied(self, what: &'static str) -> Self {
        self.trouble(what, 0..u64::MAX, move || aws(what, "AccessDeniedException", "not authorized", 400))
    }

    /// Requests called so are never answered.
    pub(crate) fn hanging(self, what: &'static str) -> Self {
        self.state().hangs.push(what);
        self
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The requests called so (or all, with `""`): when they came.
    pub(crate) fn asked(&self, what: &str) -> Vec<u64> {
        self.state().asked.iter().filter(|(_, asked)| asked.starts_with(what)).map(|(at, _)| *at).collect()
    }

    /// Everything that changes something, in order.
    pub(crate) fn writes(&self) -> Vec<String> {
        let writes = ["Create", "AddTags", "RemoveTag", "Delete", "Update", "SetInstances", "Set", "Remove", "Invoke"];
        let state = self.state();
        let asked = state.asked.iter().map(|(_, asked)| asked.clone());
        asked.filter(|asked| writes.iter().any(|write| asked.starts_with(write))).collect()
    }

    /// Names of all that is there.
    pub(crate) fn remains(&self) -> Vec<String> {
        let mut state = self.state();
        state.age();
        let endpoints = state.endpoints.keys().map(|name| format!("endpoint {name}"));
        endpoints.chain(state.parts.iter().map(|part| format!("{:?} {}", part.kind, part.listed.name))).collect()
    }

    async fn ask(&self, what: &'static str, of: &str) -> Answer<MutexGuard<'_, State>> {
        let seconds = self.born.elapsed().as_secs();
        self.state().asked.push((seconds, format!("{what} {of}")));
        let hangs = self.state().hangs.iter().any(|name| what.starts_with(name));
        if hangs {
            std::future::pending::<()>().await;
        }
        let mut state = self.state();
        state.age();
        let trouble = state.troubles.iter().find(|(name, when, _)| what.starts_with(name) && when.contains(&seconds));
        match trouble {
            Some((_, _, trouble)) => Err(trouble()),
            None => Ok(state),
        }
    }

    /// What becomes of the answer to a request that was carried out: the real client waits 30 s.
    async fn answered(&self, what: &'static str) -> Answer<()> {
        if self.state().lost.take_if(|lost| *lost == what).is_none() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs(30)).await;
        Err(silence(what))
    }
}

impl State {
    pub(crate) fn keep(&mut self, name: &str, config: &str, tags: Tags, show: Show) {
        let created = clock::now();
        let seen = EndpointSeen {
            name: name.to_owned(),
            arn: format!("{ARN}:endpoint/{name}"),
            status: "Creating".to_owned(),
            config: config.to_owned(),
            pending_config: None,
            created,
            modified: created,
            failure_reason: None,
            variants: vec![VariantSeen {
                name: "AllTraffic".into(),
                status: None,
                current_instances: Some(1),
                desired_instances: Some(1),
                instance_types: vec![],
            }],
        };
        self.endpoints
            .insert(name.to_owned(), Kept { seen, tags, show, born: Instant::now(), deleted: None, change: None });
    }

    fn age(&mut self) {
        let deleting = self.deleting;
        self.endpoints.retain(|_, kept| kept.deleted.is_none_or(|at| at.elapsed() < deleting));
    }

    fn look(&self, name: &str) -> Answer<EndpointSeen> {
        self.look_after(name, self.unseen)
    }

    /// The endpoint to whom changes show after so long.
    fn look_after(&self, name: &str, unseen: Duration) -> Answer<EndpointSeen> {
        let kept = self.endpoints.get(name).ok_or_else(|| missing(&format!("endpoint \"{name}\"")))?;
        let mut seen = kept.seen.clone();
        match kept.change.as_ref().filter(|change| change.at.elapsed() >= unseen) {
            None => (kept.show)(kept.born.elapsed().as_secs(), &mut seen),
            Some(change) => {
                seen.modified = seen.created;
                (self.changed)(change.at.elapsed().as_secs(), &mut seen);
                let modified = seen.modified + (change.at - kept.born);
                if seen.status == "InService" {
                    seen = EndpointSeen { status: seen.status, ..change.end.clone() };
                } else {
                    seen.pending_config.clone_from(&change.pending);
                    seen.variants[0].desired_instances = change.end.variants[0].desired_instances;
                }
                seen.modified = modified;
            }
        }
        if kept.deleted.is_some() {
            seen.status = "Deleting".to_owned();
        }
        if seen.status == "gone" { Err(missing("endpoint")) } else { Ok(seen) }
    }

    /// Begins a change, which ends with what was before where updates are rolled back.
    fn change(&mut self, name: &str, pending: Option<String>, change: impl FnOnce(&mut EndpointSeen)) -> Answer<()> {
        let seen = self.look_after(name, Duration::ZERO)?;
        if !matches!(seen.status.as_str(), "InService" | "OutOfService" | "UpdateRollbackFailed") {
            return Err(aws("Update", "ValidationException", "Cannot update in-progress endpoint", 400));
        }
        let mut end = seen.clone();
        if !self.rolls_back {
            change(&mut end);
            end.variants[0].current_instances = end.variants[0].desired_instances;
        }
        let kept = self.endpoints.get_mut(name).unwrap();
        (kept.seen, kept.show) = (seen, stages(&[]));
        kept.change = Some(Change { number: kept.changes() + 1, at: Instant::now(), pending, end });
        Ok(())
    }

    fn add(&mut self, kind: PartKind, name: &str, tags: &[Tag]) -> Answer<&mut Part> {
        if self.parts.iter().any(|part| part.kind == kind && part.listed.name == name) {
            return Err(aws("Create", "ValidationException", &format!("Cannot create already existing {name}"), 400));
        }
        self.parts.push(part_of(kind, name, as_tags(tags)));
        Ok(self.parts.last_mut().unwrap())
    }

    fn part(&self, kind: PartKind, name: &str) -> Answer<Part> {
        let found = self.parts.iter().find(|part| part.kind == kind && part.listed.name == name);
        found.cloned().ok_or_else(|| missing(&format!("{kind:?} {name}")))
    }
}

fn part_of(kind: PartKind, name: &str, tags: Tags) -> Part {
    let arn = format!("{ARN}:{}/{name}", if kind == PartKind::Config { "endpoint-config" } else { "model" });
    let listed = Listed { name: name.into(), arn, status: String::new(), created: clock::now(), modified: None };
    Part { kind, listed, tags, instances: vec![], count: 1, pool_models: vec![] }
}

fn as_tags(tags: &[Tag]) -> Tags {
    tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
}
