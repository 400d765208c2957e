//! `--check`: what the process really sees.

use std::fmt;

use longhaul::mcp::Server;

use crate::{Transport, config::Environment, process::Plan};

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckLine {
    /// What was looked at: `credentials`.
    pub what: String,
    /// What was seen. No secret.
    pub says: String,
    /// Whether it will do.
    pub verdict: Verdict,
}

/// Whether what was seen will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It will do.
    Fine,
    /// Worth knowing.
    Note,
    /// It will not do: `--check` exits with 1.
    Failed,
}

impl CheckLine {
    /// It will do.
    #[must_use]
    pub fn fine(what: impl Into<String>, says: impl Into<String>) -> Self {
        Self { what: what.into(), says: says.into(), verdict: Verdict::Fine }
    }

    /// Worth knowing.
    #[must_use]
    pub fn note(what: impl Into<String>, says: impl Into<String>) -> Self {
        Self { verdict: Verdict::Note, ..Self::fine(what, says) }
    }

    /// It will not do. `says` tells what to do about it.
    #[must_use]
    pub fn failed(what: impl Into<String>, says: impl Into<String>) -> Self {
        Self { verdict: Verdict::Failed, ..Self::fine(what, says) }
    }
}

impl fmt::Display for CheckLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Fine => "ok",
            Verdict::Note => "note",
            Verdict::Failed => "FAILED",
        };
        write!(f, "{verdict:<6}  {:<12}  {}", self.what, self.says)
    }
}

/// What holds for every server.
pub(crate) fn process<C>(plan: &Plan<C>, environment: &Environment) -> Vec<CheckLine> {
    let shared = &plan.shared;
    let mut lines = vec![match &plan.file {
        Some(file) => CheckLine::fine("config", format!("{} was read", file.display())),
        None => CheckLine::fine("config", "no file; flags, environment and defaults"),
    }];
    lines.push(match shared.server.transport {
        Transport::Stdio => CheckLine::fine("transport", format!("stdio ({})", plan.origin("server.transport"))),
        Transport::Http => {
            let at = std::net::SocketAddr::new(plan.address, shared.server.port);
            let open = if plan.address.is_loopback() { "" } else { ", open to everybody who reaches it" };
            match std::net::TcpListener::bind(at) {
                Ok(_) => {
                    CheckLine::fine("transport", format!("http on {at}{open} ({})", plan.origin("server.transport")))
                }
                Err(error) => CheckLine::failed("transport", format!("http on {at} cannot be listened on: {error}")),
            }
        }
    });
    lines.push(CheckLine::fine(
        "gates",
        format!("{} calls are allowed ({})", shared.gates.allow.as_str(), plan.origin("gates.allow")),
    ));
    lines.push(match plan.settings.sealer {
        Some(_) => CheckLine::fine("tasks", "offered to clients that support them"),
        None => CheckLine::note("tasks", "none: HTTP offers them only with handles.keys (LONGHAUL_HANDLE_KEYS)"),
    });
    lines.extend(seen_of_network(environment));
    lines
}

/// Proxies and certificate authorities that the clients of backends will use, as `NAME=value`
/// without passwords.
#[must_use]
pub fn network() -> Vec<String> {
    seen_of_network(&std::env::vars().collect()).into_iter().map(|line| line.says).collect()
}

fn seen_of_network(environment: &Environment) -> Vec<CheckLine> {
    let set = |names: &[&str], what: &str| {
        let seen = environment
            .iter()
            .filter(|(name, value)| !value.is_empty() && names.contains(&name.to_ascii_uppercase().as_str()));
        seen.map(|(name, value)| CheckLine::note(what, format!("{name}={}", without_password(value))))
            .collect::<Vec<_>>()
    };
    let mut lines = set(&["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"], "proxy");
    lines.extend(set(&["SSL_CERT_FILE", "SSL_CERT_DIR", "AWS_CA_BUNDLE"], "authorities"));
    lines
}

fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => {
            format!("{}://…{}", url.get(..scheme).unwrap_or_default(), url.get(at..).unwrap_or_default())
        }
        _ => url.to_owned(),
    }
}

/// The tools that clients will see.
pub(crate) fn tools(server: &Server) -> CheckLine {
    let names: Vec<&str> = server.tools().iter().map(|tool| tool.name.as_ref()).collect();
    CheckLine::fine("tools", format!("{}: {}", names.len(), names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_shown_without_its_password() {
        let environment = [("https_proxy".to_owned(), "http://u:p@proxy:3128".to_owned())].into();
        assert_eq!(seen_of_network(&environment), [CheckLine::note("proxy", "https_proxy=http://…@proxy:3128")]);
    }

    #[test]
    fn a_line_begins_with_its_verdict() {
        assert_eq!(CheckLine::failed("credentials", "none").to_string(), "FAILED  credentials   none");
    }
}
