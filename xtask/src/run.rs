//! Other programs: run to their end, or in the background until they are dropped.

use std::{
    error::Error,
    ffi::OsStr,
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// What a command of ours comes to.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// A command of cargo, the one that runs us.
pub(crate) fn cargo<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(crate::workspace::root());
    command
}

/// Builds everything, with the tests: cargo resolves features anew for each selection of packages,
/// and another selection would compile an SDK of 53 MB once more.
pub(crate) fn build_all(profile: &[&str]) -> Outcome {
    let everything = ["build", "--workspace", "--bins", "--tests", "--examples"];
    run(&mut cargo(everything.iter().chain(profile)))
}

/// Runs to its end; what it prints is seen.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| cannot_start(command, &error))?;
    if status.success() { Ok(()) } else { Err(format!("{} ended with {status}", shown(command)).into()) }
}

/// Runs to its end; what it prints on stdout is the result, what on stderr is seen if it fails.
pub(crate) fn capture(command: &mut Command) -> Outcome<String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| cannot_start(command, &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{} ended with {}\n{}", shown(command), output.status, said.trim_end()).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Whether a program answers to `--version`.
pub(crate) fn exists(program: &str) -> bool {
    let mut command = Command::new(program);
    let command = command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// A process of ours that ends at the latest when this is dropped.
pub(crate) struct Background(pub(crate) Child);

impl Background {
    /// Starts `command` and reads its `stream` until a line holds what `find` looks for; what
    /// comes after that is read and thrown away.
    pub(crate) fn until<T: Send + 'static>(
        command: &mut Command,
        stream: Stream,
        find: impl Fn(&str) -> Option<T> + Send + 'static,
    ) -> Outcome<(Self, T)> {
        let (out, err) = match stream {
            Stream::Out => (Stdio::piped(), Stdio::null()),
            Stream::Err => (Stdio::null(), Stdio::piped()),
        };
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        let mut background = Self(child.map_err(|error| cannot_start(command, &error))?);
        let pipe: Option<Box<dyn Read + Send>> = match stream {
            Stream::Out => background.0.stdout.take().map(|pipe| Box::new(pipe) as _),
            Stream::Err => background.0.stderr.take().map(|pipe| Box::new(pipe) as _),
        };
        let pipe = pipe.ok_or("a pipe is missing")?;
        let (send, found) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                if let Some(what) = find(&line) {
                    // Nobody listens after the first.
                    let _ = send.send(what);
                }
            }
        });
        match found.recv_timeout(Duration::from_secs(30)) {
            Ok(what) => Ok((background, what)),
            Err(_) => Err(format!("{} did not get ready within 30 s", shown(command)).into()),
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where a process says that it is ready.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    Out,
    Err,
}

fn cannot_start(command: &Command, error: &std::io::Error) -> String {
    format!("cannot run {}: {error}", command.get_program().to_string_lossy())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
