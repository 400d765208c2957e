//! What is really there, whatever the answers said.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, SystemTime},
};

use longhaul::{clock, fault::Backend};
use sagemaker_mcp::{
    api::{ConfigSeen, ConfigVariant, EndpointSeen, Filter, Listed, Page, PartKind, Tags, VariantSeen},
    error::{SageMakerError, Why},
    names,
};
use tokio::time::Instant;

pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const REGION: &str = "us-east-1";

/// A change that was sent to SageMaker.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    Model { name: String, tags: Tags },
    Config { name: String, model: String, instance_type: String, instances: u32, tags: Tags },
    Endpoint { name: String, config: String, tags: Tags },
    Tag { arn: String, tags: Tags },
    Untag { arn: String, key: String },
    DeleteEndpoint { name: String },
    DeletePart { kind: PartKind, name: String },
}

/// The states of an endpoint, one after the other; the last one stays.
pub(crate) type Timeline = Vec<(String, Duration)>;

pub(crate) struct Endpoint {
    pub(crate) config: String,
    pub(crate) pending_config: Option<String>,
    pub(crate) failure_reason: Option<String>,
    pub(crate) timeline: Timeline,
    /// When the timeline began.
    pub(crate) since: Instant,
    pub(crate) tags: TagsSet,
    arn: String,
    created: Instant,
    visible: Instant,
    instances: u32,
    /// When its deletion was asked for, and when it will be gone.
    deleting: Option<(Instant, Instant)>,
}

pub(crate) struct Part {
    pub(crate) tags: TagsSet,
    arn: String,
    model: String,
    instance_type: String,
    instances: u32,
    created: Instant,
    visible: Instant,
    /// Deleted, and until when reads still show it.
    shown_until: Option<Instant>,
}

/// Tags with the moments from which reads show them.
pub(crate) type TagsSet = Vec<(Instant, String, String)>;

/// What was done, by effect and not by answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) endpoints_created: u32,
    pub(crate) endpoints_deleted: u32,
    /// Most endpoints that were alive and not being deleted at the same time.
    pub(crate) most_alive: usize,
    pub(crate) parts_created: u32,
    pub(crate) parts_deleted: u32,
    /// Configurations and models that were deleted while an endpoint used them.
    pub(crate) torn_configs: u32,
    pub(crate) torn_models: u32,
    /// Endpoints that were deleted without a word about it in their tags.
    pub(crate) unmarked: u32,
    pub(crate) faults: u32,
    pub(crate) kills: u32,
    /// Requests by operation.
    pub(crate) calls: BTreeMap<&'static str, u32>,
}

pub(crate) struct Truth {
    pub(crate) rng: fastrand::Rng,
    pub(crate) endpoints: BTreeMap<String, Endpoint>,
    pub(crate) configs: BTreeMap<String, Part>,
    pub(crate) models: BTreeMap<String, Part>,
    pub(crate) timelines: VecDeque<(Timeline, Option<String>)>,
    pub(crate) deleting_takes: Duration,
    /// New things are invisible, and deleted ones visible, for up to so many milliseconds.
    pub(crate) unseen_ms: u64,
    pub(crate) counts: Counts,
    late: Vec<(Instant, Write)>,
    /// When something happens by itself, at the earliest.
    due: Option<Instant>,
    acting: Option<Instant>,
    epoch: (Instant, SystemTime),
}

pub(crate) fn refused(doing: &'static str, why: Why, text: &str) -> SageMakerError {
    let (code, status) = match why {
        Why::Missing | Why::Taken | Why::Busy | Why::Refused => ("ValidationException", 400),
        Why::Quota => ("ResourceLimitExceeded", 400),
        Why::Denied => ("AccessDeniedException", 400),
        Why::Unauthenticated | Why::NoCredentials => ("ExpiredTokenException", 400),
        Why::Throttled => ("ThrottlingException", 400),
        Why::Unreachable => ("InternalFailure", 500),
    };
    let backend = Backend {
        code: Some(code.to_owned()),
        http_status: Some(status),
        request_id: Some("00000000-0000-4000-8000-000000000000".to_owned()),
        text: Some(text.to_owned()),
    };
    SageMakerError::Vendor { doing, why, backend: Box::new(backend), retry_after: None }
}

pub(crate) fn missing(doing: &'static str, what: &str) -> SageMakerError {
    refused(doing, Why::Missing, &format!("Could not find {what}."))
}

pub(crate) fn arn(kind: &str, name: &str) -> String {
    format!("arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/{}", name.to_ascii_lowercase())
}

fn word(kind: PartKind) -> &'static str {
    match kind {
        PartKind::Config => "endpoint-config",
        PartKind::Model => "model",
    }
}

impl Endpoint {
    /// Its state, and since when it has been in it.
    pub(crate) fn status(&self, now: Instant) -> (&str, Instant) {
        if let Some((asked, _)) = self.deleting {
            return ("Deleting", asked);
        }
        let mut since = self.since;
        for (status, takes) in &self.timeline {
            let ends = since + *takes;
            if now < ends {
                return (status, since);
            }
            since = ends;
        }
        let (last, takes) = self.timeline.last().map_or(("InService", Duration::ZERO), |(s, t)| (s.as_str(), *t));
        (last, since - takes)
    }
}

impl Truth {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: fastrand::Rng::with_seed(seed),
            endpoints: BTreeMap::new(),
            configs: BTreeMap::new(),
            models: BTreeMap::new(),
            timelines: VecDeque::new(),
            deleting_takes: Duration::from_secs(45),
            unseen_ms: 0,
            counts: Counts::default(),
            late: Vec::new(),
            due: None,
            acting: None,
            epoch: (Instant::now(), (0..8).map(|_| clock::now()).min().expect("eight readings")),
        }
    }

    /// Carries `write` out later, whoever still waits for it.
    pub(crate) fn later(&mut self, after: Duration, write: Write) {
        let at = Instant::now() + after;
        self.late.push((at, write));
        self.wake_at(at);
    }

    fn wake_at(&mut self, at: Instant) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// Lets happen what has become due, each at its time.
    pub(crate) fn settle(&mut self) {
        let now = Instant::now();
        if self.due.is_none_or(|due| due > now) {
            return;
        }
        self.late.sort_by_key(|(at, _)| *at);
        while self.late.first().is_some_and(|(at, _)| *at <= now) {
            let (at, write) = self.late.remove(0);
            self.let_go(at);
            self.acting = Some(at);
            let _ = self.apply("", &write);
            self.acting = None;
        }
        self.let_go(now);
        let late = self.late.iter().map(|(at, _)| *at);
        let gone = self.endpoints.values().filter_map(|endpoint| endpoint.deleting.map(|(_, gone)| gone));
        let shown = self.configs.values().chain(self.models.values()).filter_map(|part| part.shown_until);
        self.due = late.chain(gone).chain(shown).min();
    }

    fn let_go(&mut self, now: Instant) {
        self.endpoints.retain(|_, endpoint| endpoint.deleting.is_none_or(|(_, gone)| gone > now));
        for parts in [&mut self.configs, &mut self.models] {
            parts.retain(|_, part| part.shown_until.is_none_or(|until| until > now));
        }
    }

    /// The time of what is done: of what was under way for long, when it arrived.
    fn now(&self) -> Instant {
        self.acting.unwrap_or_else(Instant::now)
    }

    fn seen_from(&mut self) -> Instant {
        self.now() + Duration::from_millis(self.rng.u64(0..=self.unseen_ms))
    }

    pub(crate) fn parts(&self, kind: PartKind) -> &BTreeMap<String, Part> {
        match kind {
            PartKind::Config => &self.configs,
            PartKind::Model => &self.models,
        }
    }

    /// Names of the parts that are really there.
    pub(crate) fn real(&self, kind: PartKind) -> impl Iterator<Item = &String> {
        self.parts(kind).iter().filter(|(_, part)| part.shown_until.is_none()).map(|(name, _)| name)
    }

    /// All that is really there, each with what it is and when it was made.
    pub(crate) fn everything(&self) -> Vec<(String, Instant)> {
        let endpoints = self.endpoints.iter().map(|(name, endpoint)| (format!("endpoint {name}"), endpoint.created));
        let parts = [PartKind::Config, PartKind::Model].into_iter().flat_map(|kind| {
            let real = self.parts(kind).iter().filter(|(_, part)| part.shown_until.is_none());
            real.map(move |(name, part)| (format!("{} {name}", word(kind)), part.created))
        });
        endpoints.chain(parts).collect()
    }

    /// Whether everybody has been able to see the endpoint for so long.
    pub(crate) fn in_view_for(&self, name: &str, long: Duration) -> bool {
        self.endpoints.get(name).is_some_and(|endpoint| endpoint.visible + long <= self.now())
    }

    /// When the endpoint was made, if everybody can read that its end was asked for.
    pub(crate) fn ending(&self, name: &str) -> Option<Instant> {
        let endpoint = self.endpoints.get(name)?;
        let marked = endpoint.tags.iter().any(|(from, key, _)| key == names::TAG_ENDING && *from <= self.now());
        marked.then_some(endpoint.created)
    }

    pub(crate) fn model_of(&self, config: &str) -> Option<&str> {
        self.configs.get(config).map(|part| part.model.as_str())
    }

    /// Carries a change out, or tells why SageMaker would not.
    pub(crate) fn apply(&mut self, doing: &'static str, write: &Write) -> Result<(), SageMakerError> {
        match write {
            Write::Model { name, tags } => self.add_part(doing, PartKind::Model, name, ("", "", 0), tags),
            Write::Config { name, model, instance_type, instances, tags } => {
                self.readable(doing, PartKind::Model, model)?;
                self.add_part(doing, PartKind::Config, name, (model, instance_type, *instances), tags)
            }
            Write::Endpoint { name, config, tags } => self.add_endpoint(doing, name, config, tags),
            Write::Tag { arn, tags } => self.add_tags(doing, arn, tags),
            Write::Untag { arn, key } => {
                let set = self.tags_mut(arn).ok_or_else(|| missing(doing, arn))?;
                set.retain(|(_, name, _)| name != key);
                Ok(())
            }
            Write::DeleteEndpoint { name } => self.delete_endpoint(doing, name),
            Write::DeletePart { kind, name } => self.delete_part(doing, *kind, name),
        }
    }

    /// What a creation refers to is looked up as reads are: what is new may not be visible.
    fn readable(&self, doing: &'static str, kind: PartKind, name: &str) -> Result<(), SageMakerError> {
        let there = self.parts(kind).get(name).is_some_and(|part| part.visible <= self.now());
        if there { Ok(()) } else { Err(missing(doing, &format!("{} \"{name}\"", word(kind)))) }
    }

    fn add_part(
        &mut self,
        doing: &'static str,
        kind: PartKind,
        name: &str,
        (model, instance_type, instances): (&str, &str, u32),
        tags: &Tags,
    ) -> Result<(), SageMakerError> {
        if self.parts(kind).get(name).is_some_and(|part| part.shown_until.is_none()) {
            let text = format!("Cannot create already existing {} \"{}\".", word(kind), arn(word(kind), name));
            return Err(refused(doing, Why::Taken, &text));
        }
        let now = self.now();
        let part = Part {
            tags: tags.iter().map(|(key, value)| (now, key.clone(), value.clone())).collect(),
            arn: arn(word(kind), name),
            model: model.to_owned(),
            instance_type: instance_type.to_owned(),
            instances,
            created: now,
            visible: self.seen_from(),
            shown_until: None,
        };
        self.counts.parts_created += 1;
        match kind {
            PartKind::Config => self.configs.insert(name.to_owned(), part),
            PartKind::Model => self.models.insert(name.to_owned(), part),
        };
        Ok(())
    }

    fn add_endpoint(
        &mut self,
        doing: &'static str,
        name: &str,
        config: &str,
        tags: &Tags,
    ) -> Result<(), SageMakerError> {
        if self.endpoints.contains_key(name) {
            let text = format!("Cannot create already existing endpoint \"{}\".", arn("endpoint", name));
            return Err(refused(doing, Why::Taken, &text));
        }
        self.readable(doing, PartKind::Config, config)?;
        let now = self.now();
        let default = || (vec![("Creating".to_owned(), Duration::from_secs(300))], None);
        let (mut timeline, failure_reason) = self.timelines.pop_front().unwrap_or_else(default);
        if timeline.len() == 1 {
            timeline.push(("InService".to_owned(), Duration::ZERO));
        }
        let endpoint = Endpoint {
            config: config.to_owned(),
            pending_config: None,
            failure_reason,
            timeline,
            since: now,
            tags: tags.iter().map(|(key, value)| (now, key.clone(), value.clone())).collect(),
            arn: arn("endpoint", name),
            created: now,
            visible: self.seen_from(),
            instances: self.configs.get(config).map_or(1, |config| config.instances),
            deleting: None,
        };
        self.endpoints.insert(name.to_owned(), endpoint);
        self.counts.endpoints_created += 1;
        let alive = self.endpoints.values().filter(|endpoint| endpoint.deleting.is_none()).count();
        self.counts.most_alive = self.counts.most_alive.max(alive);
        Ok(())
    }

    fn add_tags(&mut self, doing: &'static str, arn: &str, tags: &Tags) -> Result<(), SageMakerError> {
        let from = self.seen_from();
        let set = self.tags_mut(arn).ok_or_else(|| missing(doing, arn))?;
        set.extend(tags.iter().map(|(key, value)| (from, key.clone(), value.clone())));
        Ok(())
    }

    fn tags_mut(&mut self, arn: &str) -> Option<&mut TagsSet> {
        let endpoint = self.endpoints.values_mut().find(|endpoint| endpoint.arn == arn).map(|found| &mut found.tags);
        let parts = self.configs.values_mut().chain(self.models.values_mut());
        endpoint.or_else(|| {
            let mut real = parts.filter(|part| part.shown_until.is_none());
            real.find(|part| part.arn == arn).map(|found| &mut found.tags)
        })
    }

    fn delete_endpoint(&mut self, doing: &'static str, name: &str) -> Result<(), SageMakerError> {
        let now = self.now();
        let gone = now + self.deleting_takes;
        let Some(endpoint) = self.endpoints.get_mut(name) else {
            return Err(missing(doing, &format!("endpoint \"{}\"", arn("endpoint", name))));
        };
        let status = endpoint.status(now).0;
        if !matches!(status, "InService" | "Failed" | "OutOfService" | "UpdateRollbackFailed") {
            let text = format!("Cannot update in-progress endpoint \"{}\".", arn("endpoint", name));
            return Err(refused(doing, Why::Busy, &text));
        }
        endpoint.deleting = Some((now, gone));
        self.counts.unmarked += u32::from(!endpoint.tags.iter().any(|(_, key, _)| key == names::TAG_ENDING));
        self.counts.endpoints_deleted += 1;
        self.wake_at(gone);
        Ok(())
    }

    fn delete_part(&mut self, doing: &'static str, kind: PartKind, name: &str) -> Result<(), SageMakerError> {
        let users = self.endpoints.values().filter(|endpoint| match kind {
            PartKind::Config => endpoint.config == name,
            PartKind::Model => self.model_of(&endpoint.config).unwrap_or(&endpoint.config) == name,
        });
        let torn = u32::from(users.count() > 0);
        let until = self.seen_from();
        let parts = if kind == PartKind::Config { &mut self.configs } else { &mut self.models };
        let there = parts.get_mut(name).filter(|part| part.shown_until.is_none());
        let Some(part) = there else { return Err(missing(doing, &format!("{} \"{name}\"", word(kind)))) };
        part.shown_until = Some(until);
        self.wake_at(until);
        self.counts.parts_deleted += 1;
        match kind {
            PartKind::Config => self.counts.torn_configs += torn,
            PartKind::Model => self.counts.torn_models += torn,
        }
        Ok(())
    }
}

/// What reads show.
impl Truth {
    fn at(&self, moment: Instant) -> SystemTime {
        let (start, wall) = self.epoch;
        // Somewhat early: ages that are whole in tokio's time must not depend on how long this
        // thread had to wait for its core when it read the wall clock.
        wall - Duration::from_millis(50) + moment.saturating_duration_since(start)
    }

    pub(crate) fn show_endpoint(&self, name: &str) -> Option<EndpointSeen> {
        let now = self.now();
        let endpoint = self.endpoints.get(name).filter(|endpoint| endpoint.visible <= now)?;
        let (status, since) = endpoint.status(now);
        let instances = i32::try_from(endpoint.instances).unwrap_or(i32::MAX);
        let ready = status == "InService";
        let variant = VariantSeen {
            name: "AllTraffic".to_owned(),
            status: (!ready).then(|| status.to_owned()),
            current_instances: Some(if ready { instances } else { 0 }),
            desired_instances: Some(instances),
            instance_types: vec![],
        };
        Some(EndpointSeen {
            name: name.to_owned(),
            arn: endpoint.arn.clone(),
            status: status.to_owned(),
            config: endpoint.config.clone(),
            pending_config: endpoint.pending_config.clone(),
            created: self.at(endpoint.created),
            modified: self.at(since),
            failure_reason: endpoint.failure_reason.clone().filter(|_| status == "Failed"),
            variants: vec![variant],
        })
    }

    pub(crate) fn show_part(&self, kind: PartKind, name: &str) -> Option<&Part> {
        let now = self.now();
        self.parts(kind).get(name).filter(|part| part.visible <= now)
    }

    pub(crate) fn show_config(&self, name: &str) -> Option<ConfigSeen> {
        let part = self.show_part(PartKind::Config, name)?;
        let variant = ConfigVariant {
            name: "AllTraffic".to_owned(),
            models: vec![part.model.clone()],
            instance_types: vec![part.instance_type.clone()],
            instance_count: 1,
        };
        Some(ConfigSeen { arn: part.arn.clone(), variants: vec![variant] })
    }

    pub(crate) fn show_model(&self, name: &str) -> Option<String> {
        self.show_part(PartKind::Model, name).map(|part| part.arn.clone())
    }

    pub(crate) fn show_tags(&self, arn: &str) -> Option<Tags> {
        let now = self.now();
        let endpoint = self.endpoints.values().find(|endpoint| endpoint.visible <= now && endpoint.arn == arn);
        let parts = self.configs.values().chain(self.models.values());
        let part = parts.filter(|part| part.visible <= now).find(|part| part.arn == arn);
        let tags = endpoint.map(|found| &found.tags).or_else(|| part.map(|found| &found.tags))?;
        let shown = tags.iter().filter(|(from, ..)| *from <= now);
        Some(shown.map(|(_, key, value)| (key.clone(), value.clone())).collect())
    }

    pub(crate) fn list_endpoints(&self, filter: &Filter) -> Page {
        let now = self.now();
        let visible = self.endpoints.iter().filter(|(_, endpoint)| endpoint.visible <= now);
        let lines = visible.map(|(name, endpoint)| {
            let (status, since) = endpoint.status(now);
            let (created, modified) = (self.at(endpoint.created), Some(self.at(since)));
            Listed { name: name.clone(), arn: endpoint.arn.clone(), status: status.to_owned(), created, modified }
        });
        paged(lines.collect(), filter)
    }

    pub(crate) fn list_parts(&self, kind: PartKind, filter: &Filter) -> Page {
        let now = self.now();
        let visible = self.parts(kind).iter().filter(|(_, part)| part.visible <= now);
        let lines = visible.map(|(name, part)| {
            let created = self.at(part.created);
            Listed { name: name.clone(), arn: part.arn.clone(), status: String::new(), created, modified: None }
        });
        paged(lines.collect(), filter)
    }
}

/// The page of `lines` that was asked for, newest first.
fn paged(mut lines: Vec<Listed>, filter: &Filter) -> Page {
    lines.retain(|line| {
        filter.name_contains.as_ref().is_none_or(|part| line.name.contains(part))
            && filter.status.as_ref().is_none_or(|status| line.status == *status)
            && filter.created_after.is_none_or(|after| line.created > after)
    });
    lines.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.name.cmp(&b.name)));
    let skipped = filter.cursor.as_ref().and_then(|cursor| cursor.parse::<usize>().ok()).unwrap_or(0);
    let end = skipped + filter.page_size.clamp(1, 100) as usize;
    let cursor = (end < lines.len()).then(|| end.to_string());
    Page { items: lines.into_iter().skip(skipped).take(end - skipped).collect(), cursor }
}
