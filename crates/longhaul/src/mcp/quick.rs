//! Quick tools behind the dispatcher.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use rmcp::{
    ErrorData,
    model::{CallToolResponse, GetTaskResult, Tool},
};

use super::{
    AnyTool, Inner,
    call::{Call, OwnArguments, TaskCall, audit, parse, pass_gate, render, traced, unbroken},
    catalog, unknown_task,
};
use crate::{
    context::Context,
    fault::{Fault, FaultCode},
    report::CallReport,
    tool::{Class, QuickTool},
};

pub(super) struct Quick<T>(pub(super) Arc<T>);

impl<T: QuickTool> AnyTool for Quick<T> {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn listed_from(&self) -> Class {
        T::LISTED_FROM
    }

    fn entry(&self) -> Tool {
        let facts = catalog::Facts { name: T::NAME, class: T::CLASS, idempotent: T::IDEMPOTENT, long: false };
        catalog::entry::<T::Args, CallReport<T::Output>>(&facts)
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallToolResponse> {
        let tool = Self(self.0.clone());
        async move {
            let (server, cx) = (call.server.clone(), call.cx.clone());
            let outcome = tool.run(call).await;
            tool.report(&server, outcome.map_err(|fault| traced(&cx, fault)))
        }
        .boxed()
    }

    fn failed(&self, server: &Inner, fault: Fault) -> CallToolResponse {
        self.report(server, Err(fault))
    }

    fn get_task(&self, _: TaskCall) -> BoxFuture<'static, Result<GetTaskResult, ErrorData>> {
        async { Err(unknown_task()) }.boxed()
    }

    fn cancel_task(&self, _: TaskCall) -> BoxFuture<'static, Result<(), ErrorData>> {
        async { Err(unknown_task()) }.boxed()
    }
}

impl<T: QuickTool> Quick<T> {
    async fn run(&self, mut call: Call) -> Result<T::Output, Fault> {
        let own = OwnArguments::take(&mut call.arguments, false, T::CLASS)?;
        let args: T::Args = parse(self, std::mem::take(&mut call.arguments))?;
        let (class, resource) = (self.0.class(&args), self.0.resource(&args));
        pass_gate(&call, T::NAME, class, &resource, own.confirm.as_deref())?;
        let ending =
            || Fault::new(FaultCode::NotYet, format!("this server is ending; nothing was done about {resource}"));
        if call.server.closing.is_cancelled() {
            return Err(ending());
        }
        if class == Class::Read {
            // Whoever leaves does not want to know any more.
            return tokio::select! {
                outcome = self.0.call(&call.cx, args) => outcome,
                () = call.left() => Err(ending()),
            };
        }
        let (tool, cx) = (self.0.clone(), call.cx.clone());
        let told = move |cx: &Context, outcome: &Result<T::Output, Fault>| {
            let outcome = outcome.as_ref().map_or_else(|fault| fault.code.as_str(), |_| "done");
            audit(cx, T::NAME, class, &resource, outcome);
        };
        unbroken(&call.server, &call.cx, told, async move { tool.call(&cx, args).await }).await
    }

    fn report(&self, server: &Inner, outcome: Result<T::Output, Fault>) -> CallToolResponse {
        let sentence = match &outcome {
            Ok(output) => self.0.sentence(output),
            Err(fault) => fault.message.clone(),
        };
        let is_error = outcome.is_err();
        render(server, &CallReport::from(outcome), &sentence, is_error, T::TEXT_LIMIT).into()
    }
}
