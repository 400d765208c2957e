//! Long tools behind the dispatcher: begin, then the path that this client can follow.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::future::{BoxFuture, FutureExt};
use rmcp::{
    ErrorData,
    model::{CallToolResponse, GetTaskResult, Tool},
};
use tokio::time::{Instant, sleep_until};

use super::{
    AnyTool, Inner,
    call::{
        Call, OwnArguments, TaskCall, audit, defect, elapsed_since, parse, pass_gate, traced, unbroken, wants_task,
    },
    catalog,
    reporter::{Note, Reporter, ToPeer},
    told::state_of,
};
use crate::{
    context::Context,
    fault::{Fault, FaultCode},
    follow::{Ending, Followed, Follower, News, Watch, follow},
    operation::{Operation, Running, after},
    report::{Next, OperationReport},
    tool::{Class, LongTool},
};

/// A start or a find gets at least so long, however short the wait: who polls with
/// `wait_seconds: 0` must come to see the work, too.
const BEGIN_AT_LEAST: Duration = Duration::from_secs(4);

pub(super) type Handle<T> = <<T as LongTool>::Operation as Operation>::Handle;
pub(super) type Output<T> = <<T as LongTool>::Operation as Operation>::Output;

pub(super) struct Long<T>(pub(super) Arc<T>);

impl<T> Clone for Long<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: LongTool> AnyTool for Long<T> {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn listed_from(&self) -> Class {
        T::LISTED_FROM
    }

    fn entry(&self) -> Tool {
        let facts = catalog::Facts { name: T::NAME, class: T::CLASS, idempotent: T::IDEMPOTENT, long: true };
        catalog::entry::<T::Args, OperationReport<Output<T>>>(&facts)
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallToolResponse> {
        let tool = self.clone();
        async move {
            let (server, cx) = (call.server.clone(), call.cx.clone());
            tool.run(call).await.unwrap_or_else(|fault| tool.failed(&server, traced(&cx, fault)))
        }
        .boxed()
    }

    fn failed(&self, server: &Inner, fault: Fault) -> CallToolResponse {
        self.refusal(server, "", fault)
    }

    fn get_task(&self, task: TaskCall) -> BoxFuture<'static, Result<GetTaskResult, ErrorData>> {
        let tool = self.clone();
        async move { tool.look_at_task(task).await }.boxed()
    }

    fn cancel_task(&self, task: TaskCall) -> BoxFuture<'static, Result<(), ErrorData>> {
        let tool = self.clone();
        async move { tool.abort_task(task).await }.boxed()
    }
}

/// A call past the gate.
pub(super) struct Admitted {
    pub(super) call: Call,
    pub(super) class: Class,
    pub(super) resource: String,
    /// The same call again.
    pub(super) again: Next,
    until: Instant,
}

/// What became of the start by the time the caller had to be answered.
enum Begun<H> {
    Handle(H),
    Refused(Box<Fault>),
    StillStarting,
}

impl<T: LongTool> Long<T> {
    async fn run(&self, mut call: Call) -> Result<CallToolResponse, Fault> {
        let again = call.arguments.clone();
        let own = OwnArguments::take(&mut call.arguments, true, T::CLASS)?;
        let args: T::Args = parse(self, std::mem::take(&mut call.arguments))?;
        let (class, resource) = (self.0.class(&args), self.0.resource(&call.cx, &args));
        if let Err(fault) = pass_gate(&call, T::NAME, class, &resource, own.confirm.as_deref()) {
            return Ok(self.refusal(&call.server, &resource, traced(&call.cx, fault)));
        }
        let token = call.peer.meta.get_progress_token();
        let unasked = if token.is_some() { Duration::MAX } else { call.server.settings.wait };
        let wait = self.0.terms().timeout.min(own.wait.unwrap_or(unasked));
        let next = Next {
            tool: T::NAME.into(),
            arguments: again,
            after_seconds: None,
            why: if T::CLASS == Class::Read { "Looks again." } else { "The same call joins what it started." }.into(),
        };
        let until = after(call.arrived, wait);
        let reporter = token.map(|token| {
            let sink = ToPeer { peer: call.peer.peer.clone(), token };
            Reporter::start(sink, note(&resource, "beginning", None, Duration::ZERO))
        });
        let admitted = Admitted { call, class, resource, again: next, until };
        let answered = AssertUnwindSafe(self.follow_through(&admitted, args, reporter.as_ref())).catch_unwind().await;
        let Admitted { call, resource, .. } = &admitted;
        if let Some(reporter) = reporter {
            // A client that is gone reads nothing; there is nobody to keep the promise for. One
            // that is there hears nothing after the reply, also when this server ends.
            reporter.finish(call.peer.ct.cancelled()).await;
        }
        Ok(answered.unwrap_or_else(|panic| {
            self.refusal(&call.server, resource, defect(&call.server, &call.cx, panic.as_ref()))
        }))
    }

    async fn follow_through(
        &self,
        admitted: &Admitted,
        args: T::Args,
        reporter: Option<&Reporter>,
    ) -> CallToolResponse {
        let Admitted { call, resource, .. } = admitted;
        let handle = match self.begin(admitted, args, reporter).await {
            Begun::Handle(handle) => handle,
            Begun::Refused(fault) => return self.refusal(&call.server, resource, traced(&call.cx, *fault)),
            Begun::StillStarting => return self.still_starting(admitted),
        };
        if !T::STEPWISE
            && wants_task(&call.peer)
            && let Some(task) = self.task(admitted, &handle)
        {
            return task;
        }
        let subject = self.0.operation().subject(&handle);
        let already = elapsed_since(subject.since).saturating_sub(call.arrived.elapsed());
        let mut watcher =
            Watcher { tool: self, admitted, handle: &handle, resource: &subject.resource, reporter, already };
        let following = call.server.metrics.follow(T::Operation::KIND);
        let watch = Watch { pace: self.0.terms().pace, until: Some(admitted.until) };
        let following_it = follow(self.0.operation(), &call.cx, &handle, watch, call.left(), &mut watcher);
        // A defect of ours in a look or in a step says nothing of the work.
        let followed = AssertUnwindSafe(following_it).catch_unwind().await.unwrap_or_else(|panic| Followed {
            ending: Ending::Unknown(defect(&call.server, &call.cx, panic.as_ref())),
            last: None,
            seen_at: None,
            missed: None,
        });
        if matches!(followed.ending, Ending::Succeeded(_) | Ending::Failed(_)) {
            call.server.metrics.looked(T::Operation::KIND, true);
        }
        following.ended(state_of(&followed.ending).as_str());
        self.report(&call.server, &call.cx, &subject, followed, already + call.arrived.elapsed()).into()
    }

    /// Begins as a task of its own. Whoever leaves or runs out of time leaves it running: it ends
    /// by itself soon, and the same call finds what it made.
    async fn begin(&self, admitted: &Admitted, args: T::Args, reporter: Option<&Reporter>) -> Begun<Handle<T>> {
        let Admitted { call, class, resource, .. } = admitted;
        if call.server.closing.is_cancelled() {
            let message = format!("this server is ending; nothing was done about {resource}");
            return Begun::Refused(Box::new(Fault::new(FaultCode::NotYet, message).with_next(admitted.again.clone())));
        }
        let (tool, class, name) = (self.0.clone(), *class, resource.clone());
        let cx = match reporter.map(Reporter::teller) {
            None => call.cx.clone(),
            Some(notes) => {
                let resource = resource.clone();
                call.cx.clone().telling(move |step| {
                    notes.send_replace(note(&resource, step, None, Duration::ZERO));
                })
            }
        };
        let told = move |cx: &Context, begun: &Result<Handle<T>, Fault>| {
            audit(cx, T::NAME, class, &name, begun.as_ref().map_or_else(|fault| fault.code.as_str(), |_| "begun"));
        };
        let work = async move { tool.begin(&cx, args).await };
        tokio::select! {
            // In this order: the work is under way before anybody can leave it.
            biased;
            begun = unbroken(&call.server, &call.cx, told, work) => match begun {
                Ok(handle) => Begun::Handle(handle),
                Err(fault) => Begun::Refused(Box::new(fault)),
            },
            () = sleep_until(admitted.until.max(call.arrived + BEGIN_AT_LEAST)) => Begun::StillStarting,
            () = call.left() => Begun::StillStarting,
        }
    }
}

/// Tells the reporter what is seen and takes the steps of a stepwise tool.
struct Watcher<'a, T: LongTool> {
    tool: &'a Long<T>,
    admitted: &'a Admitted,
    handle: &'a Handle<T>,
    resource: &'a str,
    reporter: Option<&'a Reporter>,
    already: Duration,
}

impl<T: LongTool> Follower for Watcher<'_, T> {
    fn hear(&mut self, news: News<'_>) {
        let seen = matches!(news, News::Running(_));
        self.admitted.call.server.metrics.looked(T::Operation::KIND, seen);
        let Some(reporter) = self.reporter else { return };
        match news {
            News::Running(running) => {
                reporter.tell(note(self.resource, &line(running), running.fraction, self.already))
            }
            News::Missed(fault) => {
                let trouble = format!("could not be looked at just now ({}); going on", fault.code.as_str());
                reporter.tell(note(self.resource, &trouble, None, self.already));
            }
        }
    }

    async fn advance(&mut self, running: &Running) -> Result<bool, Fault> {
        if !T::STEPWISE {
            return Ok(false);
        }
        let Admitted { call, class, resource, .. } = self.admitted;
        let (tool, cx, handle, running) = (self.tool.0.clone(), call.cx.clone(), self.handle.clone(), running.clone());
        let (class, resource) = (*class, resource.clone());
        let told = move |cx: &Context, step: &Result<bool, Fault>| match step {
            Ok(false) => {}
            Ok(true) => audit(cx, T::NAME, class, &resource, "step taken"),
            Err(fault) => audit(cx, T::NAME, class, &resource, fault.code.as_str()),
        };
        unbroken(&call.server, &call.cx, told, async move { tool.advance(&cx, &handle, &running).await }).await
    }
}

impl Call {
    /// Resolves when the caller has left or the process ends. Only awaited while the call is open:
    /// the same token fires after a normal reply, too.
    pub(super) async fn left(&self) {
        tokio::select! {
            () = self.peer.ct.cancelled() => {}
            () = self.server.closing.cancelled() => {}
        }
    }
}

pub(super) fn line(running: &Running) -> String {
    if running.detail.is_empty() { running.phase.clone() } else { format!("{}: {}", running.phase, running.detail) }
}

fn note(resource: &str, what: &str, fraction: Option<f64>, already: Duration) -> Note {
    let message = crate::text::cap(&crate::text::clean(&format!("{resource}: {what}")), 512).into_owned();
    Note { fraction, message, already }
}
