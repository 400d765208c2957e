//! [`Shared`]: the settings that every server has.
//!
//! Field names are the keys of `config.yaml`; doc comments are the texts of `--help` and of the
//! generated tables. `x-env` names the environment variable where it is not the path in capitals.

use longhaul::tool::Class;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secret::Secret;

/// The settings that every server has.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Shared {
    /// Where clients connect.
    pub server: Listen,
    /// What can be watched from outside.
    pub observability: Observability,
    /// The log, on stderr.
    pub logging: Logging,
    /// Who may call over HTTP.
    pub oauth: OAuth,
    /// Task ids.
    pub handles: Handles,
    /// The AWS target, for servers that have one.
    pub aws: Aws,
    /// What calls may do.
    pub gates: Gates,
    /// How calls are answered.
    pub calls: Calls,
}

/// For a server without settings of its own.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}

/// Where clients connect.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// How clients connect: over the standard streams of the process, or over HTTP.
    #[schemars(extend("x-env" = "MCP_TRANSPORT"))]
    pub transport: Transport,
    /// IP address on which HTTP listens. Beyond loopback only with `server.allow_unauthenticated`.
    #[schemars(extend("x-env" = "MCP_SERVER_HOST"))]
    pub host: String,
    /// Port on which HTTP listens. 0 takes a free one.
    #[schemars(extend("x-env" = "MCP_SERVER_PORT"))]
    pub port: u16,
    /// The platform that runs the server.
    #[schemars(extend("x-env" = "MCP_SERVER_PLATFORM"))]
    pub platform: Platform,
    /// Lets everybody who reaches the port call, also beyond loopback. For networks that keep
    /// strangers out themselves.
    #[schemars(extend("x-env" = "MCP_SERVER_ALLOW_UNAUTHENTICATED"))]
    pub allow_unauthenticated: bool,
    /// Names under which HTTP clients may reach the server (`Host`), beside the loopback names
    /// and `server.host`: `name` for any port, `name:port` for one.
    #[schemars(extend("x-env" = "MCP_SERVER_ALLOWED_HOSTS"))]
    pub allowed_hosts: Vec<String>,
    /// Web origins that may call (`Origin`), beside the loopback ones:
    /// `https://name` or `https://name:port`.
    #[schemars(extend("x-env" = "MCP_SERVER_ALLOWED_ORIGINS"))]
    pub allowed_origins: Vec<String>,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            transport: Transport::Stdio,
            host: "127.0.0.1".into(),
            port: 8000,
            platform: Platform::None,
            allow_unauthenticated: false,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
        }
    }
}

/// How clients connect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// Standard input and output.
    #[default]
    Stdio,
    /// Streamable HTTP.
    Http,
}

/// The platform that runs the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// No special one.
    #[default]
    None,
    /// Amazon Bedrock AgentCore Runtime.
    Agentcore,
}

/// What can be watched from outside.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Observability {
    /// Serves `/metrics` over HTTP.
    #[schemars(extend("x-env" = "MCP_OBSERVABILITY_ENABLED"))]
    pub enabled: bool,
    /// The name of this process in `/metrics` (`target_info`). Empty: the server's own.
    #[schemars(extend("x-env" = "MCP_SERVICE_NAME"))]
    pub service_name: String,
}

impl Default for Observability {
    fn default() -> Self {
        Self { enabled: true, service_name: String::new() }
    }
}

/// The log, on stderr.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Logging {
    /// What is logged: `error`, `warn`, `info`, `debug` or `trace`, also by module, as in
    /// `info,longhaul=debug`. Audit lines are always logged.
    #[schemars(extend("x-env" = "MCP_LOG_LEVEL"))]
    pub level: String,
    /// How a line looks.
    #[schemars(extend("x-env" = "MCP_LOG_FORMAT"))]
    pub format: Format,
}

impl Default for Logging {
    fn default() -> Self {
        Self { level: "info,rmcp=warn".into(), format: Format::Text }
    }
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Who may call over HTTP.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OAuth {
    /// The OpenID configuration of the issuer whose tokens are accepted.
    #[schemars(extend("x-planned" = "OAuth"))]
    pub discovery_url: Option<String>,
    /// The client whose tokens are accepted.
    #[schemars(extend("x-planned" = "OAuth"))]
    pub client_id: Option<String>,
    /// The audience that tokens must be issued for.
    #[schemars(extend("x-planned" = "OAuth"))]
    pub audience: Option<String>,
}

/// Task ids.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Handles {
    /// Keys that seal task ids, the first seals and all open: `id:key`, comma separated, each key
    /// at least 32 bytes in hex or base64. HTTP without keys offers no tasks; stdio needs none.
    #[schemars(extend("x-env" = "LONGHAUL_HANDLE_KEYS"))]
    pub keys: Option<Secret>,
}

/// The AWS target.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Aws {
    /// The region. Without it, the region of the AWS profile.
    pub region: Option<String>,
    /// The account that the credentials must belong to. Twelve digits; quoted in `config.yaml`.
    pub account_id: Option<String>,
}

/// What calls may do.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Gates {
    /// The most harmful calls that are allowed; milder ones are, too.
    #[schemars(extend(
        "x-env" = "LONGHAUL_GATES_ALLOW",
        "x-shortcuts" = { "read-only": "read", "allow-write": "write", "allow-destructive": "destructive" }
    ))]
    pub allow: Class,
}

/// How calls are answered.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Calls {
    /// A call without a progress token answers after so many seconds, finished or not. Most
    /// clients give up after 60.
    #[schemars(range(min = 1, max = 86_400), extend("x-env" = "LONGHAUL_CALLS_WAIT_SECONDS"))]
    pub wait_seconds: u64,
}

impl Default for Calls {
    fn default() -> Self {
        Self { wait_seconds: 50 }
    }
}
