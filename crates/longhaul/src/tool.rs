//! What a tool is: [`LongTool`] gets hold of an operation, [`QuickTool`] answers at once.
//! And who may call it: [`Class`], [`Principal`], [`authorize`].
//!
//! A tool is a small value. Dispatching, waiting, progress, tasks, gates and panics are the
//! engine's. The doc comment of its `Args` is the description that a model reads.

use std::{future::Future, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub use crate::context::Principal;
use crate::{
    context::Context,
    fault::{Fault, FaultCode},
    operation::{Operation, Pace, Running},
};

/// How much a call can change. The order is the order of harm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Changes nothing.
    #[default]
    Read,
    /// Creates or changes.
    Write,
    /// Removes or interrupts.
    Destructive,
}

impl Class {
    /// The word in settings, metrics and audit lines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Destructive => "destructive",
        }
    }

    /// The flag with which an operator allows it.
    pub(crate) fn flag(self) -> &'static str {
        match self {
            Self::Read => "--read-only",
            Self::Write => "--allow-write",
            Self::Destructive => "--allow-destructive",
        }
    }
}

/// How long a call follows, and at which pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The pace of the looks.
    pub pace: Pace,
    /// A call that may stay open ends after so long. The operation does not.
    pub timeout: Duration,
}

impl Default for Terms {
    /// The default pace for 30 minutes.
    fn default() -> Self {
        Self { pace: Pace::default(), timeout: Duration::from_secs(1800) }
    }
}

/// A way to get hold of an operation: by starting it, or by finding it.
pub trait LongTool: Send + Sync + 'static {
    /// Name of the tool.
    const NAME: &'static str;
    /// The most harmful class that a call of it can have. Its annotations tell this one.
    const CLASS: Class;
    /// It is listed where calls of this class are allowed.
    const LISTED_FROM: Class = Self::CLASS;
    /// Whether the open call itself carries the work on, step by step, in [`Self::advance`].
    /// Such a tool never answers with a task: nobody would take the steps.
    const STEPWISE: bool = false;
    /// Whether a repeated call joins what the first one started. A call that starts anew each
    /// time is annotated so, and never named as its own `next`.
    const IDEMPOTENT: bool = true;
    /// Whether `tasks/cancel` of a task that this tool made asks the backend to end the work, by
    /// [`Operation::abort`]. For tools that begin it; one that only watches must not end it.
    const ABORTS: bool = false;
    /// What is asked for. Its doc comment is the tool's description.
    /// `wait_seconds` and `confirm` belong to the dispatcher.
    type Args: DeserializeOwned + JsonSchema + Send + 'static;
    /// What it gets hold of.
    type Operation: Operation;

    /// The operation.
    fn operation(&self) -> &Self::Operation;

    /// The class of this very call.
    fn class(&self, args: &Self::Args) -> Class {
        let _ = args;
        Self::CLASS
    }

    /// What the call is about, known before anything is done: it is in the first progress
    /// message, in the audit line, and a destructive call repeats it as `confirm`.
    fn resource(&self, cx: &Context, args: &Self::Args) -> String;

    /// How long to follow, and at which pace.
    fn terms(&self) -> Terms {
        Terms::default()
    }

    /// Starts the operation or finds it. Runs as a task of its own and is never dropped half
    /// way; tells its steps through [`Context::tell`]. Safe to call again.
    ///
    /// # Errors
    /// Why there is no operation to follow.
    fn begin(
        &self,
        cx: &Context,
        args: Self::Args,
    ) -> impl Future<Output = Result<<Self::Operation as Operation>::Handle, Fault>> + Send;

    /// Takes the next step of a [`Self::STEPWISE`] tool, seeing where the work stands: one
    /// request that is safe to repeat. True if something was changed, so that another look is
    /// worth while at once.
    ///
    /// # Errors
    /// Why the step could not be taken. A retryable fault counts as a failed look.
    fn advance(
        &self,
        cx: &Context,
        handle: &<Self::Operation as Operation>::Handle,
        running: &Running,
    ) -> impl Future<Output = Result<bool, Fault>> + Send {
        let _ = (cx, handle, running);
        async { Ok(false) }
    }
}

/// A tool that answers at once.
pub trait QuickTool: Send + Sync + 'static {
    /// Name of the tool.
    const NAME: &'static str;
    /// The most harmful class that a call of it can have.
    const CLASS: Class;
    /// It is listed where calls of this class are allowed.
    const LISTED_FROM: Class = Self::CLASS;
    /// Whether a repeated call changes nothing more.
    const IDEMPOTENT: bool = true;
    /// Longest text of one field of the answer, in bytes. More where long text is what is asked for.
    const TEXT_LIMIT: usize = crate::text::FIELD_LIMIT;
    /// What is asked for. Its doc comment is the tool's description.
    type Args: DeserializeOwned + JsonSchema + Send + 'static;
    /// The answer.
    type Output: Serialize + JsonSchema + Send + 'static;

    /// The class of this very call.
    fn class(&self, args: &Self::Args) -> Class {
        let _ = args;
        Self::CLASS
    }

    /// What the call is about, for the audit line; a destructive call repeats it as `confirm`.
    fn resource(&self, args: &Self::Args) -> String;

    /// Answers. A call that writes runs as a task of its own and is never dropped half way.
    ///
    /// # Errors
    /// Why there is no answer.
    fn call(&self, cx: &Context, args: Self::Args) -> impl Future<Output = Result<Self::Output, Fault>> + Send;

    /// The answer in one sentence.
    fn sentence(&self, output: &Self::Output) -> String;
}

/// A call at the gate.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Name of the tool.
    pub tool: &'a str,
    /// Class of this very call.
    pub class: Class,
    /// What the call is about.
    pub resource: &'a str,
    /// What the caller repeated.
    pub confirm: Option<&'a str>,
    /// Who calls.
    pub principal: &'a Principal,
}

/// Decides whether a call may be made. On the path of every call and of every task.
///
/// `confirm` guards against mistakes, not against malice: the control is `allowed`.
///
/// # Errors
/// [`FaultCode::Forbidden`] naming the setting, or [`FaultCode::InvalidArgument`] for a
/// destructive call that does not repeat what it is about.
pub fn authorize(allowed: Class, ask: Ask<'_>) -> Result<(), Fault> {
    if ask.class > allowed {
        let (class, flag) = (ask.class.as_str(), ask.class.flag());
        let message =
            format!("{} is a {class} call here, and this server allows {} calls only", ask.tool, allowed.as_str());
        return Err(Fault::new(FaultCode::Forbidden, message).with_advice(format!(
            "The operator allows it by starting the server with {flag} (setting `gates.allow: {class}`)."
        )));
    }
    if ask.class == Class::Destructive && ask.confirm != Some(ask.resource) {
        let found = ask.confirm.map_or_else(|| "is missing".to_owned(), |given| format!("is `{given}`"));
        let fault = Fault::invalid("confirm", format!("must be `{}` for this call, but {found}", ask.resource));
        return Err(
            fault.with_advice("Repeat the call with it if that is really what should be removed or interrupted.")
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(allowed: Class, class: Class, confirm: Option<&str>) -> Option<FaultCode> {
        let ask = Ask { tool: "t", class, resource: "llama", confirm, principal: &Principal::local() };
        authorize(allowed, ask).err().map(|fault| fault.code)
    }

    #[test]
    fn a_call_passes_only_where_its_class_is_allowed() {
        use Class::{Destructive, Read, Write};
        for allowed in [Read, Write, Destructive] {
            for class in [Read, Write, Destructive] {
                let refused = check(allowed, class, Some("llama")) == Some(FaultCode::Forbidden);
                assert_eq!(refused, class > allowed, "{class:?} where {allowed:?} is allowed");
            }
        }
    }

    #[test]
    fn a_destructive_call_repeats_what_it_is_about() {
        let destructive = |confirm| check(Class::Destructive, Class::Destructive, confirm);
        assert_eq!(destructive(Some("llama")), None);
        for wrong in [None, Some(""), Some("Llama"), Some("llama ")] {
            assert_eq!(destructive(wrong), Some(FaultCode::InvalidArgument), "{wrong:?}");
        }
        assert_eq!(check(Class::Destructive, Class::Write, None), None);
    }

    #[test]
    fn a_refusal_names_the_flag_that_would_allow_it() {
        let ask = Ask { tool: "t", class: Class::Write, resource: "", confirm: None, principal: &Principal::local() };
        let fault = authorize(Class::Read, ask).unwrap_err();
        assert!(fault.troubleshooting[0].contains("--allow-write"), "{fault:?}");
    }
}
