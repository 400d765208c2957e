//! Tools with work that outlives the call: jobs that take as long as they are told to.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use longhaul::{
    clock,
    context::Context,
    fault::{Fault, FaultCode},
    mcp::Builder,
    operation::{Observation, Operation, Pace, Running, Subject},
    report::Next,
    tool::{Class, LongTool, Terms},
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::quick::Said;

pub(crate) fn add(server: Builder) -> Builder {
    let jobs = Jobs::default();
    server
        .long(SlowCompute(jobs.clone()))
        .long(FailingJob(jobs.clone()))
        .long(WithProgress(jobs.clone()))
        .long(WithTask(jobs.clone()))
        .long(Wait(jobs))
}

/// The back end: every job by its id.
#[derive(Clone, Default)]
struct Jobs(Arc<Mutex<HashMap<String, Job>>>);

#[derive(Clone)]
struct Job {
    started: SystemTime,
    takes: Duration,
    comes_to: Result<String, String>,
    aborted: bool,
}

impl Jobs {
    fn start(&self, takes: Duration, comes_to: Result<String, String>) -> String {
        let id = format!("job-{:032x}", fastrand::u128(..));
        let job = Job { started: clock::now(), takes, comes_to, aborted: false };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), job);
        id
    }

    fn find(&self, id: &str) -> Option<Job> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }
}

/// How a job stands after `elapsed`.
fn standing(job: Job, elapsed: Duration) -> Observation<Said> {
    if job.aborted {
        return Observation::Failed(Fault::new(FaultCode::Aborted, "the job was aborted"));
    }
    if elapsed < job.takes {
        let done = elapsed.as_secs_f64() / job.takes.as_secs_f64();
        return Observation::Running(Running::new("Computing", "").with_fraction(Some(done)));
    }
    match job.comes_to {
        Ok(text) => Observation::Succeeded(Said { text }),
        Err(why) => Observation::Failed(Fault::new(FaultCode::OperationFailed, why)),
    }
}

impl Operation for Jobs {
    const KIND: &'static str = "conformance.job";
    type Handle = String;
    type Output = Said;

    fn subject(&self, id: &String) -> Subject {
        let resume = Next::new(Wait::NAME, "The job goes on.").with("job", id.as_str());
        let since = self.find(id).map(|job| job.started);
        Subject { target: "here".to_owned(), resource: id.clone(), since, resume }
    }

    fn sentence(&self, _: &Subject, said: &Said) -> String {
        said.text.clone()
    }

    async fn observe(&self, _: &Context, id: &String) -> Result<Observation<Said>, Fault> {
        let Some(job) = self.find(id) else {
            return Ok(Observation::Failed(Fault::new(FaultCode::Gone, "there is no such job")));
        };
        let elapsed = clock::now().duration_since(job.started).unwrap_or_default();
        Ok(standing(job, elapsed))
    }

    async fn abort(&self, _: &Context, id: &String) -> Result<(), Fault> {
        if let Some(job) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(id) {
            job.aborted = true;
        }
        Ok(())
    }
}

fn terms() -> Terms {
    Terms { pace: Pace { every: Duration::from_millis(200), ..Pace::default() }, ..Terms::default() }
}

/// Computes for so many seconds.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Compute {
    /// How long it takes.
    #[schemars(range(max = 3600))]
    seconds: u64,
    /// What it is called.
    #[serde(default)]
    label: String,
}

struct SlowCompute(Jobs);

impl LongTool for SlowCompute {
    const NAME: &'static str = "slow_compute";
    const CLASS: Class = Class::Write;
    const IDEMPOTENT: bool = false;
    const ABORTS: bool = true;
    type Args = Compute;
    type Operation = Jobs;

    fn operation(&self) -> &Jobs {
        &self.0
    }

    fn resource(&self, _: &Context, args: &Compute) -> String {
        args.label.clone()
    }

    fn terms(&self) -> Terms {
        terms()
    }

    async fn begin(&self, _: &Context, args: Compute) -> Result<String, Fault> {
        let says = format!("Computed for {} seconds.", args.seconds);
        Ok(self.0.start(Duration::from_secs(args.seconds), Ok(says)))
    }
}

/// Fails after a second.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Doomed {}

struct FailingJob(Jobs);

impl LongTool for FailingJob {
    const NAME: &'static str = "failing_job";
    const CLASS: Class = Class::Write;
    const IDEMPOTENT: bool = false;
    type Args = Doomed;
    type Operation = Jobs;

    fn operation(&self) -> &Jobs {
        &self.0
    }

    fn resource(&self, _: &Context, _: &Doomed) -> String {
        "a job that fails".to_owned()
    }

    fn terms(&self) -> Terms {
        terms()
    }

    async fn begin(&self, _: &Context, _: Doomed) -> Result<String, Fault> {
        Ok(self.0.start(Duration::from_secs(1), Err("this job always fails".to_owned())))
    }
}

/// Shows progress for somewhat more than two seconds.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Shown {}

struct WithProgress(Jobs);

impl LongTool for WithProgress {
    const NAME: &'static str = "test_tool_with_progress";
    const CLASS: Class = Class::Write;
    const IDEMPOTENT: bool = false;
    type Args = Shown;
    type Operation = Jobs;

    fn operation(&self) -> &Jobs {
        &self.0
    }

    fn resource(&self, _: &Context, _: &Shown) -> String {
        "a job to look at".to_owned()
    }

    fn terms(&self) -> Terms {
        terms()
    }

    /// The engine tells at most one piece of news a second; the suite wants three.
    async fn begin(&self, _: &Context, _: Shown) -> Result<String, Fault> {
        Ok(self.0.start(Duration::from_millis(2_600), Ok("Done, and it was shown.".to_owned())))
    }
}

/// Greets in a task. Whoever calls without a name is asked for it first.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Greeted {
    /// Who is greeted.
    user_name: String,
}

struct WithTask(Jobs);

impl LongTool for WithTask {
    const NAME: &'static str = "test_tool_with_task";
    const CLASS: Class = Class::Write;
    const IDEMPOTENT: bool = false;
    type Args = Greeted;
    type Operation = Jobs;

    fn operation(&self) -> &Jobs {
        &self.0
    }

    fn resource(&self, _: &Context, args: &Greeted) -> String {
        args.user_name.clone()
    }

    fn terms(&self) -> Terms {
        terms()
    }

    async fn begin(&self, _: &Context, args: Greeted) -> Result<String, Fault> {
        Ok(self.0.start(Duration::from_secs(1), Ok(format!("Hello, {}!", args.user_name))))
    }
}

/// Waits for a job. Changes nothing.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Waited {
    /// Id of the job.
    job: String,
}

struct Wait(Jobs);

impl LongTool for Wait {
    const NAME: &'static str = "wait_job";
    const CLASS: Class = Class::Read;
    type Args = Waited;
    type Operation = Jobs;

    fn operation(&self) -> &Jobs {
        &self.0
    }

    fn resource(&self, _: &Context, args: &Waited) -> String {
        args.job.clone()
    }

    fn terms(&self) -> Terms {
        terms()
    }

    async fn begin(&self, _: &Context, args: Waited) -> Result<String, Fault> {
        Ok(args.job)
    }
}
