//! A remote resource that lives in memory. What it shows is a function of the time; what it was
//! asked is written down.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use longhaul::{
    context::Context,
    fault::{Fault, FaultCode},
    follow::{Followed, Follower, News, Watch, follow},
    operation::{Observation, Operation, Pace, Running, Subject},
    report::Next,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

pub(crate) type Look = Result<Observation<Made>, Fault>;

/// What a success brings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Made {
    pub(crate) size: u32,
    /// Serialized as `null` where it is absent, as many an output type does it.
    pub(crate) note: Option<String>,
}

/// Whoever asks what this thing is about meets a panic.
pub(crate) const CURSED: &str = "cursed";

/// Identity of the resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Thing {
    pub(crate) name: String,
}

/// How a look is answered.
pub(crate) enum Answer {
    Now(Look),
    After(Duration, Look),
    Never,
    #[cfg_attr(not(feature = "mcp"), expect(dead_code, reason = "panics are caught by the dispatcher"))]
    Panic,
}

#[derive(Clone)]
pub(crate) struct Remote(Arc<Inner>);

struct Inner {
    born: Instant,
    since: Option<SystemTime>,
    show: Box<dyn Fn(u64) -> Answer + Send + Sync>,
    abort: Mutex<Result<(), Fault>>,
    looks: Mutex<Vec<f64>>,
    /// What it was asked beside looks, in order.
    asked: Mutex<Vec<String>>,
}

impl Remote {
    /// A resource that shows what `show` says for the seconds since now.
    pub(crate) fn new(show: impl Fn(u64) -> Answer + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner {
            born: Instant::now(),
            since: None,
            show: Box::new(show),
            abort: Mutex::new(Ok(())),
            looks: Mutex::default(),
            asked: Mutex::default(),
        }))
    }

    /// A resource that is `Creating` for so long and then is there.
    pub(crate) fn ready_after(seconds: u64) -> Self {
        Self::new(move |at| if at < seconds { creating() } else { made() })
    }

    /// One whose work began so long ago.
    #[cfg(feature = "mcp")]
    pub(crate) fn begun_before(mut self, age: Duration) -> Self {
        Arc::get_mut(&mut self.0).unwrap().since = Some(longhaul::clock::now() - age);
        self
    }

    pub(crate) fn refusing_to_abort(self, fault: Fault) -> Self {
        *self.0.abort.lock().unwrap() = Err(fault);
        self
    }

    /// When it was looked at, in seconds since it was made.
    pub(crate) fn looks(&self) -> Vec<f64> {
        self.0.looks.lock().unwrap().clone()
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.0.asked.lock().unwrap().clone()
    }

    pub(crate) fn ask(&self, what: impl Into<String>) {
        self.0.asked.lock().unwrap().push(what.into());
    }

    pub(crate) fn age(&self) -> f64 {
        self.0.born.elapsed().as_secs_f64()
    }

    /// How many hold on to it.
    pub(crate) fn holders(&self) -> usize {
        Arc::strong_count(&self.0)
    }
}

impl Operation for Remote {
    const KIND: &'static str = "fake.thing";
    type Handle = Thing;
    type Output = Made;

    fn subject(&self, thing: &Thing) -> Subject {
        assert_ne!(thing.name, CURSED, "the fake panics at this name");
        let resume = Next::new("wait_thing", "Goes on watching.").with("name", thing.name.clone());
        Subject { target: "fake/1".into(), resource: thing.name.clone(), since: self.0.since, resume }
    }

    async fn observe(&self, _: &Context, _: &Thing) -> Look {
        let at = self.age();
        self.0.looks.lock().unwrap().push(at);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "virtual seconds")]
        let answer = (self.0.show)(at as u64);
        match answer {
            Answer::Now(look) => look,
            Answer::After(pause, look) => {
                tokio::time::sleep(pause).await;
                look
            }
            Answer::Never => std::future::pending().await,
            Answer::Panic => panic!("the fake panics in a look"),
        }
    }

    async fn abort(&self, _: &Context, thing: &Thing) -> Result<(), Fault> {
        self.ask(format!("abort {}", thing.name));
        self.0.abort.lock().unwrap().clone()
    }
}

pub(crate) fn running(phase: &str) -> Answer {
    Answer::Now(Ok(Observation::Running(Running::new(phase, ""))))
}

pub(crate) fn creating() -> Answer {
    running("Creating")
}

pub(crate) fn made() -> Answer {
    Answer::Now(Ok(Observation::Succeeded(Made { size: 7, note: None })))
}

pub(crate) fn failed(code: FaultCode, message: &str) -> Answer {
    Answer::Now(Ok(Observation::Failed(Fault::new(code, message))))
}

pub(crate) fn missed(code: FaultCode) -> Answer {
    Answer::Now(Err(Fault::new(code, "no look")))
}

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Hears everything and writes down when; takes the steps it was given.
#[derive(Default)]
pub(crate) struct Ears {
    pub(crate) started: Option<Instant>,
    pub(crate) news: Vec<(u64, String)>,
    pub(crate) steps: Vec<Result<bool, Fault>>,
}

impl Follower for Ears {
    fn hear(&mut self, news: News<'_>) {
        let at = self.started.get_or_insert_with(Instant::now).elapsed().as_secs();
        self.news.push(match news {
            News::Running(running) => (at, running.phase.clone()),
            News::Missed(fault) => (at, fault.message.clone()),
        });
    }

    async fn advance(&mut self, _: &Running) -> Result<bool, Fault> {
        if self.steps.is_empty() { Ok(false) } else { self.steps.remove(0) }
    }
}

/// A watch at a pace of 30 s, 10 s a look, 5 minutes of patience, until so many seconds from now.
pub(crate) fn watch(until: u64) -> Watch {
    Watch { pace: Pace::default(), until: Some(Instant::now() + secs(until)) }
}

/// Follows for nobody in particular.
pub(crate) async fn followed<O: Operation>(operation: &O, handle: O::Handle, watch: Watch) -> Followed<O::Output> {
    follow(operation, &Context::local(), &handle, watch, std::future::pending(), &mut ()).await
}

pub(crate) fn thing() -> Thing {
    Thing { name: "llama".into() }
}
