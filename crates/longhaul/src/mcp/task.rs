//! Tasks: an operation read and ended by its id alone, by any replica.
//!
//! There is no table of tasks. An id holds the sealed handle, each `tasks/get` looks at the
//! backend, and a resource that has moved on is an unknown task.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rmcp::{
    ErrorData,
    model::{
        CallToolResponse, CreateTaskResult, DetailedTask, GetTaskResult, JsonObject, Task, TaskPayload, TaskStatus,
    },
};

use super::{
    Inner,
    call::{TaskCall, audit, elapsed_since, guarded, unbroken},
    long::{Admitted, Handle, Long, Output, line},
    seal::{Bond, Sealed, TASK_TTL, unix_now},
    unknown_task,
};
use crate::{
    context::Context,
    fault::{Fault, FaultCode},
    follow::{Ending, Followed},
    operation::{Observation, Operation, Subject, look},
    report::timestamp,
    text,
    tool::{Ask, Class, LongTool, authorize},
};

impl<T: LongTool> Long<T> {
    /// The operation as a task, if its handle can be sealed.
    pub(super) fn task(&self, admitted: &Admitted, handle: &Handle<T>) -> Option<CallToolResponse> {
        let call = &admitted.call;
        let created = unix_now();
        let sealed = Sealed { handle: handle.clone(), class: admitted.class, created };
        let id = call.server.settings.sealer.as_ref()?.seal(&sealed, self.bond(&call.server, &call.cx));
        let id = id.inspect_err(|error| tracing::error!(%error, "a handle could not be sealed")).ok()?;
        let subject = self.0.operation().subject(handle);
        let message = format!("{} is under way; {} finds it, too.", subject.resource, subject.resume.tool);
        Some(CreateTaskResult::new(saying(self.task_facts(id, created), &message)).into())
    }

    fn task_facts(&self, id: String, created: u64) -> Task {
        let at = |unix| timestamp(UNIX_EPOCH + Duration::from_secs(unix));
        let pace = u64::try_from(self.0.terms().pace.every.as_millis()).unwrap_or(u64::MAX);
        Task::new(id, TaskStatus::Working, at(created), at(unix_now()))
            .with_ttl_ms(u64::try_from(TASK_TTL.as_millis()).unwrap_or(u64::MAX))
            .with_poll_interval_ms(pace)
    }

    fn bond<'a>(&self, server: &'a Inner, cx: &'a Context) -> Bond<'a> {
        Bond {
            server: &server.info.server_info.name,
            target: &server.target,
            tool: T::NAME,
            kind: T::Operation::KIND,
            principal: cx.principal(),
        }
    }

    fn open(&self, task: &TaskCall) -> Result<Sealed<Handle<T>>, ErrorData> {
        let sealer = task.server.settings.sealer.as_ref().ok_or_else(unknown_task)?;
        sealer.open(&task.id, self.bond(&task.server, &task.cx)).map_err(|_| unknown_task())
    }

    /// `tasks/get`: always what the backend says now.
    pub(super) async fn look_at_task(&self, task: TaskCall) -> Result<GetTaskResult, ErrorData> {
        let Sealed { handle, created, .. } = self.open(&task)?;
        let subject = self.0.operation().subject(&handle);
        let seen = self.look(&task, &handle).await;
        let facts = self.task_facts(task.id.clone(), created);
        let (facts, payload) = match seen {
            Ok(Observation::Running(running)) => (saying(facts, &line(&running)), TaskPayload::Working),
            // Nothing is known of the work just now, so it counts as it did before.
            Err(fault) => (saying(facts, &format!("could not be looked at: {}", fault.message)), TaskPayload::Working),
            Ok(Observation::Failed(fault)) if matches!(fault.code, FaultCode::Gone | FaultCode::Superseded) => {
                return Err(unknown_task());
            }
            Ok(Observation::Failed(fault)) if fault.code == FaultCode::Aborted => {
                (saying(facts, &fault.message), TaskPayload::Cancelled)
            }
            Ok(Observation::Failed(fault)) => (facts, self.completed(&task, &subject, Ending::Failed(fault))?),
            Ok(Observation::Succeeded(output)) => (facts, self.completed(&task, &subject, Ending::Succeeded(output))?),
        };
        Ok(GetTaskResult::new(DetailedTask::new(facts, payload)))
    }

    async fn look(&self, task: &TaskCall, handle: &Handle<T>) -> Result<Observation<Output<T>>, Fault> {
        let limit = self.0.terms().pace.look_limit;
        let seen = guarded(&task.server, &task.cx, look(self.0.operation(), &task.cx, handle, limit)).await;
        task.server.metrics.looked(T::Operation::KIND, seen.is_ok());
        seen
    }

    /// A tool result inside a task: `isError` is `completed`, too; `failed` is for protocol errors.
    fn completed(
        &self,
        task: &TaskCall,
        subject: &Subject,
        ending: Ending<Output<T>>,
    ) -> Result<TaskPayload, ErrorData> {
        let followed = Followed { ending, last: None, seen_at: Some(SystemTime::now()), missed: None };
        let result = self.report(&task.server, &task.cx, subject, followed, elapsed_since(subject.since));
        let object = |result| serde_json::from_value::<JsonObject>(serde_json::to_value(result)?);
        let result = object(result).map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        Ok(TaskPayload::Completed { result })
    }

    /// `tasks/cancel`: asks the backend to end the work, behind the gate of the call that began
    /// it. A task of a tool that only watches ends nothing: the client stops asking. What is
    /// over stays as it is, what has moved on is no task. Otherwise the answer is an empty ack in
    /// any case; `tasks/get` tells what came of it.
    pub(super) async fn abort_task(&self, task: TaskCall) -> Result<(), ErrorData> {
        let Sealed { handle, class, .. } = self.open(&task)?;
        if !T::ABORTS {
            return Ok(());
        }
        let (class, resource) = (class.max(Class::Write), self.0.operation().subject(&handle).resource);
        let ask =
            Ask { tool: T::NAME, class, resource: &resource, confirm: Some(&resource), principal: task.cx.principal() };
        let allowed = authorize(task.server.settings.allowed, ask);
        let seen = match allowed {
            Ok(()) => self.look(&task, &handle).await,
            Err(fault) => Err(fault),
        };
        let refused = match seen {
            Ok(Observation::Running(_)) => {
                let (tool, cx) = (self.0.clone(), task.cx.clone());
                let told = move |cx: &Context, aborted: &Result<(), Fault>| {
                    let outcome = aborted.as_ref().map_or_else(|fault| fault.code.as_str(), |()| "asked to end");
                    audit(cx, "tasks/cancel", class, &resource, outcome);
                };
                let abort = async move { tool.operation().abort(&cx, &handle).await };
                // How it went, the audit log tells.
                let _ = unbroken(&task.server, &task.cx, told, abort).await;
                return Ok(());
            }
            Ok(Observation::Failed(fault)) if matches!(fault.code, FaultCode::Gone | FaultCode::Superseded) => {
                return Err(unknown_task());
            }
            Ok(Observation::Failed(_) | Observation::Succeeded(_)) => "over already",
            Err(fault) => fault.code.as_str(),
        };
        audit(&task.cx, "tasks/cancel", class, &resource, refused);
        Ok(())
    }
}

/// With a status message made safe: it may repeat the vendor's words.
fn saying(task: Task, message: &str) -> Task {
    task.with_status_message(text::clean(message))
}
