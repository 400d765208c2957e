//! The MCP face of the engine: [`Server`], the one `ServerHandler` of every Longhaul server.
//!
//! Whoever writes a server registers tools; this module lists them, checks and answers their
//! calls on the path that the client can follow (task, progress or bounded wait), reads and
//! aborts tasks, and turns panics into faults.

mod call;
mod catalog;
mod long;
mod metrics;
mod quick;
mod reporter;
mod seal;
mod task;
mod told;

use std::{borrow::Cow, collections::HashMap, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CacheScope, CallToolRequestParams, CallToolResponse, CancelTaskParams, CustomRequest, CustomResult, ErrorCode,
        Extensions, GetTaskParams, GetTaskResult, Implementation, ListToolsResult, PaginatedRequestParams,
        ServerCapabilities, ServerConfig, Tool, UpdateTaskParams,
    },
    service::RequestContext,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use catalog::read_by_models;
pub use metrics::Metrics;
pub use seal::{Sealer, TASK_TTL};

use crate::{
    fault::Fault,
    tool::{Class, LongTool, Principal, QuickTool},
};

/// Most that `wait_seconds` may be.
pub(crate) const MAX_WAIT_SECONDS: u64 = 86_400;

/// Clients keep the tool list for so long: it changes only with the process.
const LIST_TTL_MS: u64 = 300_000;

/// What an operator decides for the engine.
#[derive(Clone)]
pub struct Settings {
    /// Calls of this class and milder ones are allowed.
    pub allowed: Class,
    /// A call without a progress token answers after so long. Clients give up after 60 s.
    pub wait: Duration,
    /// Seals task ids. Without it there are no tasks.
    pub sealer: Option<Sealer>,
    /// Tells who calls, from what the transport attached to the request.
    pub principal: fn(&Extensions) -> Principal,
}

impl Default for Settings {
    /// Read-only, 50 s, tasks as on stdio, everybody is the local user.
    fn default() -> Self {
        Self {
            allowed: Class::Read,
            wait: Duration::from_secs(50),
            sealer: Some(Sealer::for_stdio()),
            principal: |_| Principal::local(),
        }
    }
}

/// A server: its tools, its settings, and what it counts. Cheap to clone.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

pub(crate) struct Inner {
    info: ServerConfig,
    /// What ids are bound to beside the server's name: account, region, cluster, address.
    target: String,
    settings: Settings,
    tools: HashMap<&'static str, Box<dyn AnyTool>>,
    listed: Vec<Tool>,
    metrics: Metrics,
    closing: CancellationToken,
    /// Starts and writes under way, which no caller that leaves takes with it.
    works: TaskTracker,
}

/// Collects the tools of a server.
pub struct Builder {
    info: ServerConfig,
    target: String,
    settings: Settings,
    tools: Vec<Box<dyn AnyTool>>,
}

/// A tool without its types.
trait AnyTool: Send + Sync {
    fn name(&self) -> &'static str;
    fn listed_from(&self) -> Class;
    fn entry(&self) -> Tool;
    fn call(&self, call: call::Call) -> BoxFuture<'static, CallToolResponse>;
    /// The answer of a call that panicked, in the tool's own shape.
    fn failed(&self, server: &Inner, fault: Fault) -> CallToolResponse;
    fn get_task(&self, task: call::TaskCall) -> BoxFuture<'static, Result<GetTaskResult, ErrorData>>;
    fn cancel_task(&self, task: call::TaskCall) -> BoxFuture<'static, Result<(), ErrorData>>;
}

impl Server {
    /// A server called `name`, whose task ids are bound to `target` (as far as it is known
    /// without asking a backend). `instructions` tell a model how the tools belong together.
    #[must_use]
    pub fn builder(name: &str, version: &str, instructions: &str, target: &str, settings: Settings) -> Builder {
        let mut capabilities = ServerCapabilities::builder().enable_tools().enable_prompts().build();
        if settings.sealer.is_some() {
            capabilities = ServerCapabilities::builder().enable_tools().enable_prompts().enable_tasks().build();
        }
        let info = ServerConfig::new(capabilities)
            .with_server_info(Implementation::new(name, version))
            .with_instructions(instructions);
        Builder { info, target: target.to_owned(), settings, tools: Vec::new() }
    }

    /// Cancel it to end: calls that follow answer at once with what they know, and the remote
    /// work goes on.
    #[must_use]
    pub fn closing(&self) -> &CancellationToken {
        &self.0.closing
    }

    /// Resolves when no start and no write is under way any more. Await it, within limits, after
    /// [`Self::closing`] and before the process ends: what is under way would be cut half way.
    pub async fn settled(&self) {
        self.0.works.close();
        self.0.works.wait().await;
    }

    /// What was counted so far.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// The list as clients see it.
    #[must_use]
    pub fn tools(&self) -> &[Tool] {
        &self.0.listed
    }
}

impl Builder {
    /// Adds a long tool.
    #[must_use]
    pub fn long(mut self, tool: impl LongTool) -> Self {
        self.tools.push(Box::new(long::Long(Arc::new(tool))));
        self
    }

    /// Adds a quick tool.
    #[must_use]
    pub fn quick(mut self, tool: impl QuickTool) -> Self {
        self.tools.push(Box::new(quick::Quick(Arc::new(tool))));
        self
    }

    /// The server. Tools that the gates forbid altogether are not listed.
    #[must_use]
    pub fn build(self) -> Server {
        let allowed = self.settings.allowed;
        let listed = self.tools.iter().filter(|tool| tool.listed_from() <= allowed).map(|tool| tool.entry()).collect();
        Server(Arc::new(Inner {
            info: self.info,
            target: self.target,
            settings: self.settings,
            tools: self.tools.into_iter().map(|tool| (tool.name(), tool)).collect(),
            listed,
            metrics: Metrics::default(),
            closing: CancellationToken::new(),
            works: TaskTracker::new(),
        }))
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        self.0.info.clone()
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.0.listed.iter().find(|tool| tool.name == name).cloned()
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.0.listed.clone())
            .with_ttl_ms(LIST_TTL_MS)
            .with_cache_scope(CacheScope::Private))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = self.0.tools.get(request.name.as_ref()) else {
            return Err(unknown_tool(&request.name, self.tools()));
        };
        Ok(call::answer(&self.0, tool.as_ref(), request, cx).await)
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        let (tool, task) = self.task(request.task_id, &cx)?;
        call::answer_task(&self.0, task, |task| tool.get_task(task)).await
    }

    async fn cancel_task(&self, request: CancelTaskParams, cx: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        let (tool, task) = self.task(request.task_id, &cx)?;
        call::answer_task(&self.0, task, |task| tool.cancel_task(task)).await
    }

    /// Also a known method, whose parameters rmcp could not read.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let method = crate::text::cap(&request.method, 64).into_owned();
        let params = request.params.unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        Err(match wrong_params(&method, params, self.0.settings.sealer.is_some()) {
            Some(why) => ErrorData::invalid_params(format!("{method}: {why}"), None),
            None => ErrorData::new(ErrorCode::METHOD_NOT_FOUND, method, None),
        })
    }
}

impl Server {
    fn task(&self, id: String, cx: &RequestContext<RoleServer>) -> Result<(&dyn AnyTool, call::TaskCall), ErrorData> {
        let tool = seal::tool_of(&id).and_then(|tool| self.0.tools.get(tool)).ok_or_else(unknown_task)?;
        let task = call::TaskCall { server: self.0.clone(), id, cx: call::context(&self.0, cx) };
        Ok((tool.as_ref(), task))
    }
}

/// One answer for a task that never was, is another's, has expired or has moved on.
fn unknown_task() -> ErrorData {
    ErrorData::invalid_params("unknown task: it never was, has expired or is about something that is no more", None)
}

fn unknown_tool(name: &str, tools: &[Tool]) -> ErrorData {
    let known: Vec<Cow<'static, str>> = tools.iter().map(|tool| tool.name.clone()).collect();
    let name = crate::text::cap(name, 64);
    ErrorData::invalid_params(format!("unknown tool {name:?}; known: {}", known.join(", ")), None)
}

/// What is wrong with the parameters of a method that is known here. Not of `initialize`: 2026-07-28
/// has no such method.
fn wrong_params(method: &str, params: Value, tasks: bool) -> Option<String> {
    match method {
        "tools/call" => wrong::<CallToolRequestParams>(params),
        "tasks/get" if tasks => wrong::<GetTaskParams>(params),
        "tasks/update" if tasks => wrong::<UpdateTaskParams>(params),
        "tasks/cancel" if tasks => wrong::<CancelTaskParams>(params),
        _ => None,
    }
}

/// Without the value that is wrong: the answer is logged, and the value may be secret.
fn wrong<P: DeserializeOwned>(params: Value) -> Option<String> {
    let error = serde_path_to_error::deserialize::<_, P>(params).err()?;
    let (path, why) = (error.path().to_string(), error.inner().to_string());
    Some(match why.split_once(", expected ") {
        Some((_, expected)) => format!("`{path}` must be {}", expected.replace("a map", "an object")),
        None => crate::text::clean(&why),
    })
}
