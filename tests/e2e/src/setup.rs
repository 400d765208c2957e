//! Flags and environment of a server. Of this machine's own environment it gets nothing: no
//! credentials, no proxy, no home, no instance metadata.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Output, Stdio as Stream},
};

use tokio::process::Command;

use crate::{Http, Sim, Stdio, binaries, process::Process};

/// Flags and environment of a server.
#[derive(Clone, Debug)]
pub struct Setup {
    program: PathBuf,
    flags: Vec<String>,
    environment: BTreeMap<String, String>,
}

impl Setup {
    /// `sagemaker-mcp` on a machine that knows nothing of AWS.
    #[must_use]
    pub fn bare() -> Self {
        Self::of(binaries::program("sagemaker-mcp"))
    }

    /// Any program, with an empty home.
    #[must_use]
    pub fn of(program: PathBuf) -> Self {
        let home = binaries::empty_home().into_os_string().into_string().unwrap();
        Self { program, flags: Vec::new(), environment: BTreeMap::new() }
            .env("HOME", &home)
            .env("AWS_EC2_METADATA_DISABLED", "true")
    }

    /// `sagemaker-mcp` with credentials that somebody accepts, in a region.
    #[must_use]
    pub fn with_credentials() -> Self {
        Self::bare()
            .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMIexample")
            .env("AWS_REGION", "us-east-1")
            .env("SAGEMAKER_POLL_SECONDS", "1")
    }

    /// `sagemaker-mcp` with a simulator behind it, all calls allowed.
    #[must_use]
    pub fn sagemaker(sim: &Sim) -> Self {
        Self::with_credentials().env("AWS_ENDPOINT_URL", sim.url()).flag("--allow-destructive")
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Removes a variable.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    /// Adds a flag.
    #[must_use]
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// Removes all flags.
    #[must_use]
    pub fn without_flags(mut self) -> Self {
        self.flags.clear();
        self
    }

    /// The command; its standard streams are pipes.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.flags).env_clear().envs(&self.environment).kill_on_drop(true);
        command.stdin(Stream::piped()).stdout(Stream::piped()).stderr(Stream::piped());
        command
    }

    /// Starts it on pipes.
    #[must_use]
    pub fn stdio(&self) -> Stdio {
        Stdio::over_pipes(Process::start(self.command()))
    }

    /// Starts it on a port of its own choice.
    pub async fn http(&self) -> Http {
        let setup = self.clone().flag("--server-transport=http").flag("--server-port=0");
        Http::listening(Process::start(setup.command())).await
    }

    /// Runs it to its end without input: exit code, stdout, stderr.
    pub async fn run(&self) -> (i32, String, String) {
        let Output { status, stdout, stderr } = self.command().stdin(Stream::null()).output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }
}
