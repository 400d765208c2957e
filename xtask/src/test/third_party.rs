//! Programs that are not ours, installed from pinned lists below `target/third-party`.

use std::{fs, path::PathBuf, process::Command};

use crate::{
    run::{Background, Outcome, Stream, exists, run},
    workspace::{root, target},
};

/// Where the lists and the scripts are.
pub(super) const FOLDER: &str = "tests/third-party";

/// A Python with everything that the scripts need.
pub(super) struct Python {
    bin: PathBuf,
}

impl Python {
    /// Installs what is missing. The error says what the machine lacks, and how to get it.
    pub(super) fn ready() -> Outcome<Self> {
        if !exists("python3") {
            return Err(
                "python3 is missing; install Python 3.11 or newer (apt-get install python3 python3-venv)".into()
            );
        }
        let folder = target()?.join("third-party").join("venv");
        let bin = folder.join("bin");
        let list = root().join(FOLDER).join("requirements.txt");
        let (wanted, stamp) = (fs::read_to_string(&list)?, folder.join("installed.txt"));
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(Self { bin });
        }
        println!("== installing {FOLDER}/requirements.txt below target/third-party");
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))
            .map_err(|error| format!("{error}; venv or pip is missing (apt-get install python3-venv python3-pip)"))?;
        let mut pip = Command::new(bin.join("python"));
        let quiet = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement"];
        run(pip.args(quiet).arg(&list)).map_err(|error| format!("{error}; pip could not install what is pinned"))?;
        fs::write(stamp, wanted)?;
        Ok(Self { bin })
    }

    /// One of our scripts.
    pub(super) fn script(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join("python"));
        command.arg("-u").arg(root().join(FOLDER).join(name)).env("PYTHONDONTWRITEBYTECODE", "1");
        without_aws(&mut command);
        command
    }

    /// moto, an independent back end.
    pub(super) fn moto(&self) -> Outcome<Backend> {
        let mut command = Command::new(self.bin.join("moto_server"));
        command.args(["-H", "127.0.0.1", "-p", "0"]);
        without_aws(&mut command);
        Backend::start(&mut command, Stream::Err, |line| {
            let url = line.split_once("Running on ")?.1.trim();
            url.starts_with("http").then(|| url.to_owned())
        })
    }
}

/// The credentials and settings of whoever runs the tests stay out of them.
pub(super) fn without_aws(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    command.env("AWS_CONFIG_FILE", "none").env("AWS_SHARED_CREDENTIALS_FILE", "none");
}

/// A back end on loopback that ends when this is dropped.
pub(super) struct Backend {
    _process: Background,
    pub(super) url: String,
}

impl Backend {
    fn start(
        command: &mut Command,
        stream: Stream,
        url: impl Fn(&str) -> Option<String> + Send + 'static,
    ) -> Outcome<Self> {
        let (process, url) = Background::until(command, stream, url)?;
        Ok(Self { _process: process, url })
    }
}

/// Our simulator of SageMaker.
pub(super) fn simulator() -> Outcome<Backend> {
    let mut command = Command::new(built("longhaul-sim")?);
    Backend::start(command.args(["sagemaker", "--port", "0"]), Stream::Out, |line| {
        let ready: serde_json::Value = serde_json::from_str(line).ok()?;
        ready.get("ready")?.as_str().map(str::to_owned)
    })
}

/// A binary of the dev profile.
pub(super) fn built(name: &str) -> Outcome<PathBuf> {
    let path = target()?.join("debug").join(name);
    if path.exists() { Ok(path) } else { Err(format!("{name} was not built").into()) }
}
