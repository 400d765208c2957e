//! From the command line to the end of the process.

use std::{
    ffi::OsString, fmt, future::Future, io::Write, net::IpAddr, path::PathBuf, process::ExitCode, time::Duration,
};

use longhaul::{
    mcp::{Sealer, Settings},
    tool::Class,
};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::{
    Key, Platform, Served, Shared, Transport, check,
    config::{self, ConfigError, ConfigErrors, Effective, Environment, Origin, Sources, flags},
    endings::{Ended, Signals},
    http, logs, stdio,
};

const FAILED: u8 = 1;
const MISCONFIGURED: u8 = 2;
const FORCED: u8 = 130;

/// Everything that was decided before anything is done.
pub(crate) struct Plan<C> {
    pub(crate) keys: Vec<Key>,
    pub(crate) effective: Effective,
    pub(crate) shared: Shared,
    pub(crate) own: C,
    pub(crate) settings: Settings,
    /// Where HTTP listens.
    pub(crate) address: IpAddr,
    /// The file that was read.
    pub(crate) file: Option<PathBuf>,
}

pub(crate) fn start<S: Served>(
    served: &S,
    arguments: impl IntoIterator<Item = OsString>,
    environment: Environment,
) -> ExitCode {
    let about = flags::About { name: S::NAME, version: S::VERSION, about: S::ABOUT };
    let keys = crate::keys::<S>();
    let asked = match flags::parse(about, &keys, arguments) {
        Ok(asked) => asked,
        Err(answer) => {
            // `--help` and `--version` come this way, too; clap knows which stream each goes to.
            let _ = answer.print();
            return if answer.use_stderr() { ExitCode::from(MISCONFIGURED) } else { ExitCode::SUCCESS };
        }
    };
    let mode = asked.mode;
    let plan = match plan::<S::Config>(keys, S::SECTION, asked, &environment) {
        Ok(plan) => plan,
        Err(errors) => return misconfigured(S::NAME, errors),
    };
    for warning in &plan.effective.warnings {
        say(format_args!("{}: {warning}", S::NAME));
    }
    match mode {
        flags::Mode::PrintConfig => print(&config::show(&plan.keys, &plan.effective)),
        flags::Mode::PrintKeys => print(&format!("{:#}\n", Value::from_iter(plan.keys.iter().map(config::described)))),
        flags::Mode::PrintTools => {
            let settings = Settings { allowed: Class::Destructive, ..plan.settings };
            match served.build(&plan.shared, &plan.own, settings) {
                Ok(server) => print(&format!("{:#}\n", json!(server.tools()))),
                Err(error) => misconfigured(S::NAME, error),
            }
        }
        flags::Mode::Check => check(served, &plan, &environment),
        flags::Mode::Serve => serve(served, plan),
    }
}

/// Reads and decides the settings. Touches nothing but the configuration file.
fn plan<C: serde::de::DeserializeOwned>(
    keys: Vec<Key>,
    section: &str,
    asked: flags::Asked,
    environment: &Environment,
) -> Result<Plan<C>, ConfigErrors> {
    let file =
        asked.config.or_else(|| environment.get("LONGHAUL_CONFIG").filter(|file| !file.is_empty()).map(PathBuf::from));
    let name = file.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
    let text = match &file {
        None => None,
        Some(file) => {
            Some(std::fs::read_to_string(file).map_err(|source| ConfigError::File { file: name.clone(), source })?)
        }
    };
    let sources = Sources {
        flags: asked.given,
        environment: environment.clone(),
        file: text.as_deref().map(|text| (name.as_str(), text)),
    };
    let effective = config::load(&keys, section, sources)?;
    let shared: Shared = effective.read("", section)?;
    let own = effective.read(section, "")?;
    let address = address(&shared, &effective)?;
    let settings = settings(&shared, &effective)?;
    Ok(Plan { keys, effective, shared, own, settings, address, file })
}

/// Where HTTP may listen.
fn address(shared: &Shared, effective: &Effective) -> Result<IpAddr, ConfigError> {
    let wrong = |key: &str, why: &str| ConfigError::Wrong {
        key: key.to_owned(),
        origin: effective.origin(key),
        why: why.to_owned(),
        hint: None,
    };
    if shared.server.platform == Platform::Agentcore {
        let key = "server.platform".to_owned();
        return Err(ConfigError::Planned {
            origin: effective.origin(&key),
            key,
            feature: "the AgentCore contract".into(),
        });
    }
    let host = match shared.server.host.as_str() {
        "localhost" => "127.0.0.1",
        host => host.trim_start_matches('[').trim_end_matches(']'),
    };
    let address: IpAddr = host.parse().map_err(|_| wrong("server.host", "must be an IP address or localhost"))?;
    let open = shared.server.transport == Transport::Http && !address.is_loopback();
    if open && !shared.server.allow_unauthenticated {
        return Err(wrong(
            "server.host",
            "is beyond loopback, where anybody who reaches the port could call; \
            take 127.0.0.1, or set server.allow_unauthenticated where the network keeps strangers out",
        ));
    }
    http::guard::Guard::new(&shared.server, address).map_err(|(key, why)| wrong(key, &why))?;
    Ok(address)
}

/// What the engine is told.
fn settings(shared: &Shared, effective: &Effective) -> Result<Settings, ConfigError> {
    let wrong = |key: &str, why: String| ConfigError::Wrong {
        key: key.to_owned(),
        origin: effective.origin(key),
        why,
        hint: None,
    };
    logs::filter(&shared.logging.level).map_err(|why| wrong("logging.level", why))?;
    let ring =
        shared.handles.keys.as_ref().map(config::sealer).transpose().map_err(|why| wrong("handles.keys", why))?;
    let sealer = match shared.server.transport {
        Transport::Stdio => Some(ring.unwrap_or_else(Sealer::for_stdio)),
        // Without a key, everybody could make the ids of everybody.
        Transport::Http => ring,
    };
    let wait = Duration::from_secs(shared.calls.wait_seconds);
    Ok(Settings { allowed: shared.gates.allow, wait, sealer, ..Settings::default() })
}

fn serve<S: Served>(served: &S, plan: Plan<S::Config>) -> ExitCode {
    let _log = logs::start(&plan.shared.logging);
    let server = match served.build(&plan.shared, &plan.own, plan.settings) {
        Ok(server) => server,
        Err(error) => return misconfigured(S::NAME, error),
    };
    let face = served.face(&plan.own, server.clone());
    let transport = plan.shared.server.transport;
    let ended = in_runtime(transport, async {
        let signals = Signals::listen()?;
        match transport {
            Transport::Stdio => Ok(stdio::serve(server, face, signals).await),
            Transport::Http => {
                let listener = http::bind(plan.address, plan.shared.server.port).await?;
                say(format_args!("listening on http://{}/mcp", listener.local_addr()?));
                let service = http::Service { name: S::NAME, version: S::VERSION, server, face };
                http::serve(service, &plan.shared, plan.address, listener, signals).await
            }
        }
    });
    match ended {
        Ok(Ended::Clean | Ended::Late) => ExitCode::SUCCESS,
        Ok(Ended::Forced) => ExitCode::from(FORCED),
        Err(error) => {
            say(format_args!("{}: {error}", S::NAME));
            ExitCode::from(if error.kind() == std::io::ErrorKind::AddrInUse { MISCONFIGURED } else { FAILED })
        }
    }
}

fn check<S: Served>(served: &S, plan: &Plan<S::Config>, environment: &Environment) -> ExitCode {
    let mut lines = check::process(plan, environment);
    match served.build(&plan.shared, &plan.own, plan.settings.clone()) {
        Ok(server) => lines.push(check::tools(&server)),
        Err(error) => return misconfigured(S::NAME, error),
    }
    let own = in_runtime(Transport::Stdio, async { Ok(served.check(&plan.shared, &plan.own).await) });
    lines.extend(own.unwrap_or_else(|error| vec![crate::CheckLine::failed("process", error.to_string())]));
    let failed = lines.iter().any(|line| line.verdict == crate::Verdict::Failed);
    let shown = print(&lines.iter().map(|line| format!("{line}\n")).collect::<String>());
    if failed { ExitCode::from(FAILED) } else { shown }
}

/// Runs to the end and leaves what still runs behind: a thread that waits for a terminal's next
/// line cannot be called back.
fn in_runtime<T>(transport: Transport, work: impl Future<Output = std::io::Result<T>>) -> std::io::Result<T> {
    let runtime = runtime(transport)?;
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    done
}

/// One client over stdio needs one thread; many over HTTP need them all.
fn runtime(transport: Transport) -> std::io::Result<Runtime> {
    match transport {
        Transport::Stdio => Builder::new_current_thread().enable_all().build(),
        Transport::Http => Builder::new_multi_thread().enable_all().build(),
    }
}

fn misconfigured(name: &str, errors: impl fmt::Display) -> ExitCode {
    for line in errors.to_string().lines() {
        say(format_args!("{name}: {line}"));
    }
    say(format_args!(
        "{name} did not start; `{name} --help` lists the settings, `{name} --print-config` shows what holds"
    ));
    ExitCode::from(MISCONFIGURED)
}

/// A line for the operator. Whoever closed stderr does not want it.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

fn print(text: &str) -> ExitCode {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(FAILED),
    }
}

impl<C> Plan<C> {
    /// Where the value of a key came from.
    pub(crate) fn origin(&self, path: &str) -> Origin {
        self.effective.origin(path)
    }
}
