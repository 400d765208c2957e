//! Tasks that wait for the client's answers, and one that meets a protocol error.
//!
//! The engine's tasks ask nothing and fail as tool results, so these are kept here, in a table.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use longhaul::{clock, report::timestamp};
use rmcp::{
    ErrorData, RoleServer,
    model::{
        CallToolResponse, CallToolResult, ClientCapabilities, ContentBlock, CreateTaskResult, DetailedTask, ErrorCode,
        GetTaskResult, InputRequests, InputResponses, JsonObject, Task, TaskPayload, TaskStatus, Tool,
    },
    service::RequestContext,
};
use serde_json::{Value, json};

use crate::{content::tool, rounds::form};

const TTL: Duration = Duration::from_secs(3600);

pub(crate) fn tools() -> Vec<Tool> {
    let filename = json!({ "filename": { "type": "string" } });
    vec![
        tool("confirm_delete", "Asks in a task whether to delete.", filename),
        tool("multi_input", "Asks two questions at once in a task.", json!({})),
        tool("protocol_error_job", "Meets a protocol error in a task.", json!({})),
    ]
}

/// Only a task can do what was asked for.
pub(crate) fn needs_tasks(cx: &RequestContext<RoleServer>) -> Result<(), ErrorData> {
    if cx.client_capabilities().is_some_and(|declared| declared.supports_tasks()) {
        return Ok(());
    }
    let tasks = ClientCapabilities::builder().enable_tasks().build();
    Err(ErrorData::missing_required_client_capability(tasks))
}

/// The tasks that wait here, by their ids.
#[derive(Default)]
pub(crate) struct Parked(Mutex<HashMap<String, Waiting>>);

struct Waiting {
    task: Task,
    open: InputRequests,
    answered: JsonObject,
    /// Meets a protocol error.
    broken: bool,
}

impl Parked {
    /// Makes a task for one of these tools.
    pub(crate) fn create(&self, name: &str) -> Result<CallToolResponse, ErrorData> {
        let open = match name {
            "confirm_delete" => json!({ "confirm": form("Delete it?", "confirm", "boolean") }),
            "multi_input" => {
                let (name, confirm) = (form("Whose?", "name", "string"), form("Really?", "confirm", "boolean"));
                json!({ "name": name, "confirm": confirm })
            }
            _ => json!({}),
        };
        let open = serde_json::from_value(open).map_err(internal)?;
        let (id, now) = (format!("parked-{:032x}", fastrand::u128(..)), timestamp(clock::now()));
        let task = Task::new(id.clone(), TaskStatus::Working, now.clone(), now)
            .with_ttl_ms(u64::try_from(TTL.as_millis()).unwrap_or(u64::MAX))
            .with_poll_interval_ms(200);
        let broken = name == "protocol_error_job";
        let waiting = Waiting { task: task.clone(), open, answered: JsonObject::new(), broken };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, waiting);
        Ok(CreateTaskResult::new(task).into())
    }

    /// The state of a task, if it waits here.
    pub(crate) fn get(&self, id: &str) -> Option<GetTaskResult> {
        let parked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = parked.get(id)?;
        Some(GetTaskResult::new(DetailedTask::new(waiting.task.clone(), waiting.payload())))
    }

    /// Takes answers for a task that waits here; answers to what is not asked are ignored.
    pub(crate) fn update(&self, id: &str, answers: InputResponses) -> Option<()> {
        let mut parked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = parked.get_mut(id)?;
        for (key, answer) in answers {
            if waiting.open.remove(&key).is_some() {
                waiting.answered.insert(key, answer);
            }
        }
        Some(())
    }

    /// Cancels a task, if it waits here.
    pub(crate) fn cancel(&self, id: &str) -> Option<()> {
        let mut parked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = parked.get_mut(id)?;
        if matches!(waiting.payload(), TaskPayload::InputRequired { .. }) {
            waiting.task.status = TaskStatus::Cancelled;
        }
        Some(())
    }
}

impl Waiting {
    fn payload(&self) -> TaskPayload {
        if self.task.status == TaskStatus::Cancelled {
            return TaskPayload::Cancelled;
        }
        if self.broken {
            let mut error = JsonObject::new();
            error.insert("code".to_owned(), ErrorCode::INTERNAL_ERROR.0.into());
            error.insert("message".to_owned(), "this job always meets a protocol error".into());
            return TaskPayload::Failed { error };
        }
        if !self.open.is_empty() {
            return TaskPayload::InputRequired { input_requests: self.open.clone() };
        }
        let text = format!("Answered: {}", Value::Object(self.answered.clone()));
        let result = serde_json::to_value(CallToolResult::success(vec![ContentBlock::text(text)]));
        let result = result.ok().and_then(|result| serde_json::from_value(result).ok()).unwrap_or_default();
        TaskPayload::Completed { result }
    }
}

fn internal(error: serde_json::Error) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}
