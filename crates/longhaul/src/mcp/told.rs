//! How an operation was left, put into a report: the same words for calls and for tasks.

use std::time::Duration;

use rmcp::model::{CallToolResponse, CallToolResult};
use serde_json::Value;

use super::{
    Inner,
    call::{render, traced},
    long::{Admitted, Long, Output},
};
use crate::{
    context::Context,
    fault::{Fault, FaultCode},
    follow::{Ending, Followed},
    operation::{Operation, Running, Subject},
    report::{Next, OperationReport, State, timestamp},
    tool::{Class, LongTool},
};

impl<T: LongTool> Long<T> {
    pub(super) fn still_starting(&self, admitted: &Admitted) -> CallToolResponse {
        let call = &admitted.call;
        if T::CLASS == Class::Read {
            // Nothing was started, and nothing is known.
            let message = format!("the backend has not answered yet; nothing is known of {}", admitted.resource);
            let fault = Fault::new(FaultCode::Unreachable, message).with_next(admitted.again.clone());
            return self.refusal(&call.server, &admitted.resource, traced(&call.cx, fault));
        }
        let mut report =
            OperationReport::new(T::Operation::KIND, &self.nothing(&call.server, &admitted.resource), State::Running);
        report.phase = "beginning".into();
        report.elapsed_seconds = call.arrived.elapsed().as_secs();
        if T::IDEMPOTENT {
            report.message =
                format!("{}: the first step is still under way; the same call joins it.", admitted.resource);
            report.next = Some(admitted.again.clone());
        } else {
            let message =
                format!("{}: it is not known yet whether it was started; look before you repeat it", admitted.resource);
            report.state = State::Unknown;
            report = report.with_fault(Fault::new(FaultCode::OutcomeUnknown, message));
        }
        rendered(&call.server, &report).into()
    }

    /// There is no operation: the fault says why.
    pub(super) fn refusal(&self, server: &Inner, resource: &str, fault: Fault) -> CallToolResponse {
        let state = if says_nothing_of_the_work(T::CLASS, &fault) { State::Unknown } else { State::Failed };
        let report = OperationReport::new(T::Operation::KIND, &self.nothing(server, resource), state);
        rendered(server, &report.with_fault(fault)).into()
    }

    /// The subject of a call that has no handle.
    pub(super) fn nothing(&self, server: &Inner, resource: &str) -> Subject {
        Subject {
            target: server.target.clone(),
            resource: resource.to_owned(),
            since: None,
            resume: Next::new(T::NAME, ""),
        }
    }

    /// How it was left, in the tool's own shape: the same words for calls and for tasks.
    pub(super) fn report(
        &self,
        server: &Inner,
        cx: &Context,
        subject: &Subject,
        followed: Followed<Output<T>>,
        elapsed: Duration,
    ) -> CallToolResult {
        let state = state_of(&followed.ending);
        let mut report = OperationReport::new(T::Operation::KIND, subject, state);
        let name = &subject.resource;
        match followed.ending {
            Ending::Succeeded(output) => {
                report.phase = state.as_str().into();
                report.progress = Some(1.0);
                report.message = self.0.operation().sentence(subject, &output);
                (report.leftovers, report.next) = self.0.operation().afterwards(&output);
                report.result = serde_json::to_value(output).ok();
            }
            Ending::Failed(fault) => report = report.with_fault(fault),
            // Nobody takes the next step until the same call is made again: that is no running work.
            Ending::Running(Running { waits_for: Some(call), phase, detail, leftovers, .. }) => {
                let what = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
                let message =
                    format!("{name}: {phase}{what}; nothing more happens until {} goes on with it.", call.tool);
                let fault = Fault::new(FaultCode::NotYet, message).with_status(phase);
                report.state = State::Failed;
                report = report.with_fault(fault.with_leftovers(leftovers).with_next(call));
            }
            Ending::Running(running) => {
                report.leftovers.clone_from(&running.leftovers);
                let closing = server.closing.is_cancelled();
                report.message = going_on(&running, followed.missed.as_ref(), subject, T::STEPWISE, closing);
                report.phase = running.phase;
                report.progress = running.fraction.map(|fraction| fraction.clamp(0.0, 1.0));
                report.next = Some(subject.resume.clone());
            }
            Ending::Unknown(fault) => {
                let why = fault.message.clone();
                report = report.with_fault(fault);
                report.phase = followed.last.map(|last| last.phase).unwrap_or_default();
                report.message = format!(
                    "What {name} is doing is unknown: {why}. The remote work goes on or not, this says nothing of it."
                );
                report.next.get_or_insert_with(|| subject.resume.clone());
            }
        }
        report.observed_at = followed.seen_at.map(timestamp);
        report.elapsed_seconds = elapsed.as_secs();
        if let Some(error) = &mut report.error {
            error.trace_id.get_or_insert_with(|| cx.trace_id().to_owned());
        }
        rendered(server, &report)
    }
}

fn rendered(server: &Inner, report: &OperationReport<Value>) -> CallToolResult {
    render(server, report, &report.message, report.state.is_error(), crate::text::FIELD_LIMIT)
}

pub(super) fn state_of<O>(ending: &Ending<O>) -> State {
    match ending {
        Ending::Succeeded(_) => State::Succeeded,
        Ending::Failed(_) => State::Failed,
        Ending::Running(_) => State::Running,
        Ending::Unknown(_) => State::Unknown,
    }
}

/// A start that could not be carried through for a defect or for want of an answer may have been
/// carried out all the same; a search that could not look has found nothing out.
fn says_nothing_of_the_work(class: Class, fault: &Fault) -> bool {
    use FaultCode::{
        Internal, InvalidArgument, NotFound, OutcomeUnknown, Throttled, Unauthenticated, Unreachable, Unsupported,
    };
    let code = fault.code;
    match class {
        // What the vendor has refused to show is there or not.
        Class::Read if code == InvalidArgument && fault.backend.is_some() => true,
        Class::Read => !matches!(code, InvalidArgument | NotFound | Unsupported | FaultCode::Conflict),
        Class::Write | Class::Destructive => {
            matches!(code, OutcomeUnknown | Internal | Unreachable | Throttled | Unauthenticated)
        }
    }
}

fn going_on(running: &Running, missed: Option<&Fault>, subject: &Subject, stepwise: bool, closing: bool) -> String {
    let because = if closing { "this server is ending" } else { "this call stops watching" };
    let phase = if running.phase.is_empty() { "not looked at yet" } else { &running.phase };
    let missed = missed.map(|fault| format!(" (it could not be looked at since: {})", fault.message));
    let (name, tool, missed) = (&subject.resource, &subject.resume.tool, missed.unwrap_or_default());
    if stepwise {
        // Nobody takes the steps after this one.
        return format!(
            "{name}: {phase}{missed}. This step goes on although {because}; {tool} takes the ones after it."
        );
    }
    format!("{name}: {phase}{missed}. The work goes on although {because}; {tool} follows it further.")
}
