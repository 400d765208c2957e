//! [`Guard`]: refuses requests under names and from web pages that are not known.
//!
//! A web page can send requests to loopback, and under a name of its own that resolves to
//! loopback it could even read the answers. Neither gets past `Host` and `Origin`.

use std::net::IpAddr;

use axum::{
    extract::Request,
    http::{
        HeaderMap, HeaderName,
        header::{HOST, ORIGIN},
        uri::Authority,
    },
};

use crate::config::Listen;

const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The names and origins that are known.
#[derive(Debug)]
pub(crate) struct Guard {
    hosts: Vec<Name>,
    origins: Vec<Origin>,
}

/// A host, at one port or at any.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    host: String,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    scheme: String,
    name: Name,
}

impl Guard {
    /// Loopback, the address itself, and what the operator adds. The error names the setting.
    pub(crate) fn new(listen: &Listen, address: IpAddr) -> Result<Self, (&'static str, String)> {
        let any_port = |host: &str| Name { host: host.to_owned(), port: None };
        let mut hosts = LOOPBACK.map(any_port).to_vec();
        if !address.is_unspecified() {
            let host = if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
            hosts.push(any_port(&host));
        }
        for host in &listen.allowed_hosts {
            hosts.push(Name::parse(host).ok_or_else(|| {
                ("server.allowed_hosts", format!("has `{host}`, which is neither `name` nor `name:port`"))
            })?);
        }
        let mut origins = LOOPBACK.map(|host| Origin { scheme: "http".into(), name: any_port(host) }).to_vec();
        for origin in &listen.allowed_origins {
            let why = || {
                (
                    "server.allowed_origins",
                    format!("has `{origin}`, which is neither `https://name` nor `https://name:port`"),
                )
            };
            origins.push(Origin::parse(origin).ok_or_else(why)?);
        }
        Ok(Self { hosts, origins })
    }

    /// Whether a request may come in; the error is for its sender.
    pub(super) fn admits<B>(&self, request: &Request<B>) -> Result<(), &'static str> {
        let host = single(request.headers(), &HOST)?.ok_or("a Host is missing")?;
        // A request line may carry a name, too.
        for name in [Some(host), request.uri().authority().map(Authority::as_str)].into_iter().flatten() {
            let name = Name::parse(name).ok_or("this Host is not good")?;
            if !self.hosts.iter().any(|known| known.covers(&name)) {
                return Err("this Host is not known here (setting server.allowed_hosts)");
            }
        }
        let Some(origin) = single(request.headers(), &ORIGIN)? else { return Ok(()) };
        let origin = Origin::parse(origin).ok_or("this Origin is not good")?;
        let known = self.origins.iter().any(|known| known.scheme == origin.scheme && known.name.covers(&origin.name));
        if known { Ok(()) } else { Err("this Origin is not known here (setting server.allowed_origins)") }
    }

    /// The hosts as rmcp writes them.
    pub(super) fn hosts(&self) -> Vec<String> {
        self.hosts.iter().map(|name| name.spelled("")).collect()
    }

    /// The origins as rmcp writes them.
    pub(super) fn origins(&self) -> Vec<String> {
        self.origins.iter().map(|origin| format!("{}://{}", origin.scheme, origin.name.spelled(":*"))).collect()
    }
}

/// The value of a header that may not come twice: two readers could each take another.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, &'static str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| "a Host or an Origin is not text"),
        (Some(_), Some(_)) => Err("a Host or an Origin comes twice"),
    }
}

impl Name {
    fn parse(text: &str) -> Option<Self> {
        let authority: Authority = text.parse().ok()?;
        let host = authority.host();
        let port = match text.get(host.len()..)? {
            "" => None,
            port => Some(port.strip_prefix(':')?.parse().ok()?),
        };
        // `user@host` has its host elsewhere.
        text.starts_with(host)
            .then(|| Self { host: host.to_ascii_lowercase(), port })
            .filter(|name| !name.host.is_empty())
    }

    fn covers(&self, other: &Self) -> bool {
        self.host == other.host && (self.port.is_none() || self.port == other.port)
    }

    fn spelled(&self, any_port: &str) -> String {
        let port = self.port.map_or_else(|| any_port.to_owned(), |port| format!(":{port}"));
        format!("{}{port}", self.host)
    }
}

impl Origin {
    /// A missing port is that of the scheme.
    fn parse(text: &str) -> Option<Self> {
        let (scheme, name) = text.split_once("://")?;
        let (scheme, mut name) = (scheme.to_ascii_lowercase(), Name::parse(name)?);
        let default = match scheme.as_str() {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        name.port = name.port.or(Some(default));
        Some(Self { scheme, name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(hosts: &[&str], origins: &[&str]) -> Guard {
        let owned = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect();
        let listen = Listen { allowed_hosts: owned(hosts), allowed_origins: owned(origins), ..Listen::default() };
        Guard::new(&listen, IpAddr::from([127, 0, 0, 1])).unwrap()
    }

    fn admits(guard: &Guard, hosts: &[&str], origins: &[&str]) -> bool {
        let mut request = Request::post("/mcp");
        for host in hosts {
            request = request.header(HOST, *host);
        }
        for origin in origins {
            request = request.header(ORIGIN, *origin);
        }
        guard.admits(&request.body(()).unwrap()).is_ok()
    }

    const GOOD_HOSTS: [&str; 7] =
        ["localhost", "localhost:8000", "LocalHost:1", "127.0.0.1", "127.0.0.1:65535", "[::1]", "[::1]:80"];
    const EVIL_HOSTS: [&str; 14] = [
        "",
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "localhost.",
        "127.0.0.1.",
        "127.0.0.2",
        "127.1",
        "0.0.0.0",
        "::1",
        "localhost@evil.example",
        "evil.example@localhost",
        "localhost:99999",
        "localhost/evil",
    ];
    const GOOD_ORIGINS: [&str; 5] =
        ["http://localhost", "http://localhost:3000", "HTTP://127.0.0.1:1", "http://[::1]:5173", "http://LOCALHOST:80"];
    const EVIL_ORIGINS: [&str; 13] = [
        "",
        "null",
        "https://evil.example",
        "http://evil.example:3000",
        "http://localhost.evil.example",
        "http://localhost.",
        "https://localhost",
        "file://",
        "localhost",
        "http://evil@localhost",
        "http://localhost/x",
        "http://localhost:3000 http://evil.example",
        "ftp://localhost",
    ];

    #[test]
    fn trap_07_only_known_hosts_and_origins_come_in() {
        let guard = guard(&[], &[]);
        for host in GOOD_HOSTS.iter().chain(&EVIL_HOSTS) {
            assert_eq!(admits(&guard, &[host], &[]), GOOD_HOSTS.contains(host), "{host}");
            for origin in GOOD_ORIGINS.iter().chain(&EVIL_ORIGINS) {
                let good = GOOD_HOSTS.contains(host) && GOOD_ORIGINS.contains(origin);
                assert_eq!(admits(&guard, &[host], &[origin]), good, "{host} {origin}");
            }
        }
    }

    #[test]
    fn a_missing_or_doubled_header_is_refused() {
        let guard = guard(&[], &[]);
        assert!(!admits(&guard, &[], &[]));
        assert!(!admits(&guard, &["localhost", "localhost"], &[]));
        assert!(!admits(&guard, &["localhost"], &["http://localhost", "http://localhost"]));
    }

    #[test]
    fn a_request_line_with_another_name_is_refused() {
        let request = |uri: &str| Request::post(uri).header(HOST, "localhost").body(()).unwrap();
        assert!(guard(&[], &[]).admits(&request("http://evil.example/mcp")).is_err());
        assert!(guard(&[], &[]).admits(&request("http://localhost/mcp")).is_ok());
    }

    #[test]
    fn trap_08_a_gateways_name_comes_in_where_it_is_allowed() {
        let guard = guard(&["mcp.example", "one.example:8443"], &["https://app.example"]);
        let hosts = ["mcp.example", "mcp.example:1", "one.example:8443", "one.example", "one.example:1"];
        assert_eq!(hosts.map(|host| admits(&guard, &[host], &[])), [true, true, true, false, false]);
        let origins =
            ["https://app.example", "https://app.example:443", "https://app.example:8443", "http://app.example"];
        assert_eq!(origins.map(|origin| admits(&guard, &["mcp.example"], &[origin])), [true, true, false, false]);
        assert!(guard.origins().contains(&"https://app.example:443".to_owned()));
    }

    #[test]
    fn a_name_that_is_none_is_a_wrong_setting() {
        let listen = Listen { allowed_hosts: vec!["https://x".into()], ..Listen::default() };
        assert_eq!(Guard::new(&listen, IpAddr::from([0, 0, 0, 0])).unwrap_err().0, "server.allowed_hosts");
    }
}
