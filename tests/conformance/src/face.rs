//! [`Face`]: answers what the engine does not have, and hands it everything else.
#![expect(deprecated, reason = "the protocol gives logging levels up, and the suite still asks for them")]

use std::{borrow::Cow, sync::Arc};

use crate::{
    changes::{self, Changes},
    content,
    logging::{self, Level},
    parked::{self, Parked, needs_tasks},
    prompts, resources,
    rounds::{self, Asker, Round},
    skills,
};
use longhaul::mcp::Server;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CancelTaskParams, CompleteRequestParams, CompleteResult,
        CustomRequest, CustomResult, GetPromptRequestParams, GetPromptResponse, GetTaskParams, GetTaskResult,
        JsonObject, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
        PaginatedRequestParams, ProtocolVersion, ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities,
        ServerConfig, SetLevelRequestParams, SubscribeRequestParams, SubscriptionFilter, Tool,
        UnsubscribeRequestParams, UpdateTaskParams,
    },
    service::{RequestContext, SubscriptionContext},
};

/// Asks for a name here, then greets in a task of the engine.
pub(crate) const WITH_TASK: &str = "test_tool_with_task";

/// A tool of the engine that the suite wants to work in tasks only.
const ONLY_AS_TASK: &str = "failing_job";

type Cx = RequestContext<RoleServer>;

#[derive(Clone)]
pub(crate) struct Face(Arc<Inner>);

struct Inner {
    server: Server,
    newest: ProtocolVersion,
    own: Vec<Tool>,
    level: Level,
    asker: Asker,
    parked: Parked,
    changes: Changes,
}

impl Face {
    /// In front of `server`, on protocol versions up to `newest`.
    pub(crate) fn new(server: Server, newest: &str) -> Self {
        let newest = ProtocolVersion::KNOWN_VERSIONS.iter().find(|version| version.as_str() == newest);
        let own = [content::tools(), logging::tools(), rounds::tools(), parked::tools(), changes::tools()].concat();
        Self(Arc::new(Inner {
            server,
            newest: newest.unwrap_or(&ProtocolVersion::LATEST).clone(),
            own,
            level: Level::default(),
            asker: Asker::new(),
            parked: Parked::default(),
            changes: Changes::new(),
        }))
    }

    /// The answer of a tool that is not the engine's.
    async fn call_own(&self, request: CallToolRequestParams, cx: &Cx) -> Result<CallToolResponse, ErrorData> {
        let name = request.name.as_ref();
        if let Some(answer) = content::answer(name).or_else(|| self.0.changes.answer(name)) {
            return Ok(answer.into());
        }
        if rounds::asks(name) {
            let round = self.0.asker.go_on(name, cx, request.input_responses, request.request_state)?;
            return Ok(round.into_result().map_or_else(Into::into, Into::into));
        }
        if parked::tools().iter().any(|tool| tool.name == name) {
            needs_tasks(cx)?;
            return self.0.parked.create(name);
        }
        Ok(self.0.level.answer(cx).await.into())
    }

    /// Asks for the name until it is there, and puts it among the arguments.
    fn named(&self, mut request: CallToolRequestParams, cx: &Cx) -> Result<Named, ErrorData> {
        let (responses, state) = (request.input_responses.take(), request.request_state.take());
        let answers = match self.0.asker.go_on(WITH_TASK, cx, responses, state)? {
            Round::Open(required) => return Ok(Named::NotYet(required.into())),
            Round::Closed(answers) => answers,
        };
        let name = answers.get("user_name").and_then(|answer| answer.pointer("/content/name"));
        let arguments = request.arguments.get_or_insert_default();
        arguments.insert("user_name".to_owned(), name.cloned().unwrap_or_default());
        Ok(Named::Go(request))
    }
}

enum Named {
    NotYet(CallToolResponse),
    Go(CallToolRequestParams),
}

fn with_more(mut capabilities: ServerCapabilities) -> ServerCapabilities {
    let more = ServerCapabilities::builder()
        .enable_tools()
        .enable_tool_list_changed()
        .enable_prompts()
        .enable_prompts_list_changed()
        .enable_resources()
        .enable_resources_subscribe()
        .build();
    (capabilities.tools, capabilities.prompts, capabilities.resources) = (more.tools, more.prompts, more.resources);
    capabilities.logging = Some(JsonObject::new());
    capabilities.completions = Some(JsonObject::new());
    capabilities.extensions.get_or_insert_default().extend([skills::extension()]);
    capabilities
}

impl ServerHandler for Face {
    fn get_info(&self) -> ServerConfig {
        let mut info = self.0.server.get_info();
        info.capabilities = with_more(info.capabilities);
        info
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(ProtocolVersion::known_up_to(&self.0.newest))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.0.own.iter().find(|tool| tool.name == name).cloned().or_else(|| self.0.server.get_tool(name))
    }

    async fn list_tools(&self, page: Option<PaginatedRequestParams>, cx: Cx) -> Result<ListToolsResult, ErrorData> {
        let mut listed = self.0.server.list_tools(page, cx).await?;
        listed.tools.extend(self.0.own.iter().cloned());
        Ok(listed)
    }

    async fn call_tool(&self, request: CallToolRequestParams, cx: Cx) -> Result<CallToolResponse, ErrorData> {
        if self.0.own.iter().any(|tool| tool.name == request.name) {
            return self.call_own(request, &cx).await;
        }
        let mut request = request;
        if [ONLY_AS_TASK, WITH_TASK].contains(&request.name.as_ref()) {
            needs_tasks(&cx)?;
        }
        if request.name == WITH_TASK {
            match self.named(request, &cx)? {
                Named::NotYet(response) => return Ok(response),
                Named::Go(named) => request = named,
            }
        }
        self.0.server.call_tool(request, cx).await
    }

    async fn get_task(&self, request: GetTaskParams, cx: Cx) -> Result<GetTaskResult, ErrorData> {
        match self.0.parked.get(&request.task_id) {
            Some(task) => Ok(task),
            None => self.0.server.get_task(request, cx).await,
        }
    }

    async fn update_task(&self, request: UpdateTaskParams, cx: Cx) -> Result<(), ErrorData> {
        match self.0.parked.update(&request.task_id, request.input_responses.clone()) {
            Some(()) => Ok(()),
            None => self.0.server.update_task(request, cx).await,
        }
    }

    async fn cancel_task(&self, request: CancelTaskParams, cx: Cx) -> Result<(), ErrorData> {
        match self.0.parked.cancel(&request.task_id) {
            Some(()) => Ok(()),
            None => self.0.server.cancel_task(request, cx).await,
        }
    }

    async fn list_prompts(&self, _: Option<PaginatedRequestParams>, _: Cx) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(prompts::listed()))
    }

    async fn get_prompt(&self, request: GetPromptRequestParams, cx: Cx) -> Result<GetPromptResponse, ErrorData> {
        let mut answers = JsonObject::new();
        if rounds::asks(&request.name) {
            match self.0.asker.go_on(&request.name, &cx, request.input_responses, request.request_state)? {
                Round::Open(required) => return Ok(required.into()),
                Round::Closed(closed) => answers = closed,
            }
        }
        Ok(prompts::get(&request.name, &request.arguments.unwrap_or_default(), &answers)?.into())
    }

    async fn complete(&self, request: CompleteRequestParams, _: Cx) -> Result<CompleteResult, ErrorData> {
        prompts::complete(&request.argument.value)
    }

    async fn list_resources(&self, _: Option<PaginatedRequestParams>, _: Cx) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(resources::listed()))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Cx,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(resources::templates()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: Cx,
    ) -> Result<ReadResourceResponse, ErrorData> {
        resources::read(&request.uri).map(Into::into)
    }

    async fn set_level(&self, request: SetLevelRequestParams, _: Cx) -> Result<(), ErrorData> {
        self.0.level.set(request.level);
        Ok(())
    }

    /// That is all: up to 2025-11-25 a stateless server has no stream on which to tell of changes.
    /// Newer clients listen.
    async fn subscribe(&self, request: SubscribeRequestParams, _: Cx) -> Result<(), ErrorData> {
        resources::read(&request.uri).map(|_| ())
    }

    async fn unsubscribe(&self, request: UnsubscribeRequestParams, _: Cx) -> Result<(), ErrorData> {
        resources::read(&request.uri).map(|_| ())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, listener: SubscriptionContext) -> Result<(), ErrorData> {
        self.0.changes.tell(&self.0.server, &listener).await;
        Ok(())
    }

    async fn on_custom_request(&self, request: CustomRequest, _: Cx) -> Result<CustomResult, ErrorData> {
        skills::answer(&request)
    }
}
