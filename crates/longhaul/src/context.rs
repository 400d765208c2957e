//! [`Context`]: who calls, under which trace, and who wants to hear of the steps.

use std::sync::Arc;

/// On whose behalf a call is made. Names, task ids and audit lines depend on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Principal(Arc<str>);

impl Principal {
    /// The user who started the process: stdio, or a loopback server without authentication.
    #[must_use]
    pub fn local() -> Self {
        Self("local".into())
    }

    /// A verified subject.
    #[must_use]
    pub fn new(subject: impl Into<Arc<str>>) -> Self {
        Self(subject.into())
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Travels with every call into a tool and an operation. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    principal: Principal,
    trace_id: Arc<str>,
    teller: Option<Teller>,
}

type Teller = Arc<dyn Fn(&str) + Send + Sync>;

impl Context {
    /// The context of a program that uses a server's library without MCP.
    #[must_use]
    pub fn local() -> Self {
        Self::new(Principal::local(), new_trace_id())
    }

    /// A context for a caller under a W3C trace id (32 lower-case hex digits).
    #[must_use]
    pub fn new(principal: Principal, trace_id: impl Into<Arc<str>>) -> Self {
        Self { principal, trace_id: trace_id.into(), teller: None }
    }

    /// The same context, whose steps `teller` hears. It must not block.
    #[must_use]
    pub fn telling(mut self, teller: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.teller = Some(Arc::new(teller));
        self
    }

    /// On whose behalf.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Finds the call in logs and traces.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        &self.trace_id
    }

    /// Tells a step of a start to whoever watches. Never fails, never waits.
    pub fn tell(&self, step: &str) {
        if let Some(teller) = &self.teller {
            teller(step);
        }
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("principal", &self.principal)
            .field("trace_id", &self.trace_id)
            .finish_non_exhaustive()
    }
}

/// A new W3C trace id.
#[must_use]
pub fn new_trace_id() -> String {
    format!("{:032x}", fastrand::u128(1..))
}

/// The trace id inside a W3C `traceparent`, if that is well formed
/// (W3C Trace Context, section 3.2.2).
#[must_use]
pub fn trace_id_of(traceparent: &str) -> Option<&str> {
    let mut parts = traceparent.split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let nonzero = |part: &str| part.bytes().any(|b| b != b'0');
    let known = hex(version, 2) && version != "ff" && (version != "00" || parts.next().is_none());
    (known && hex(trace, 32) && nonzero(trace) && hex(parent, 16) && nonzero(parent) && hex(flags, 2)).then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_well_formed_traceparent_gives_its_trace_id() {
        let id = "0af7651916cd43dd8448eb211c80319c";
        assert_eq!(trace_id_of(&format!("00-{id}-00f067aa0ba902b7-01")), Some(id));
        for bad in [
            "",
            "00",
            "ff-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-0AF7651916CD43DD8448EB211C80319C-00f067aa0ba902b7-01",
            "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01-x",
            "00-0af7651916cd43dd8448eb211c80319c\n-00f067aa0ba902b7-01",
        ] {
            assert_eq!(trace_id_of(bad), None, "{bad}");
        }
    }
}
