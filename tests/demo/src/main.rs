//! The servers at work, in a terminal, without any cloud: `cargo xtask demo`.
//!
//! Each scene runs a built server through rmcp's MCP client against a simulator on loopback. What
//! is shown is what any MCP client would see; nothing is staged but the simulator's script.
#![expect(clippy::print_stdout, reason = "the demo is what it prints")]
#![expect(clippy::disallowed_methods, reason = "the demo starts the servers and the simulator")]

mod client;
mod processes;
mod sagemaker;
mod screen;

use std::{path::PathBuf, process::ExitCode};

use screen::Screen;

/// What ends a demo early: told as it is.
type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let screen = Screen::new();
    let shown = tokio::select! {
        shown = show(&screen) => shown,
        _ = tokio::signal::ctrl_c() => Err("stopped by Ctrl-C; every process of the demo was ended".into()),
    };
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            screen.say(&format!("\nThe demo did not come to its end: {failure}"));
            ExitCode::FAILURE
        }
    }
}

async fn show(screen: &Screen) -> Result<(), Failure> {
    let programs = programs()?;
    sagemaker::show(screen, &programs).await?;
    screen.title("Try it yourself");
    let server = programs.join("sagemaker-mcp");
    screen.say(&format!("  claude mcp add sagemaker --env AWS_REGION=us-east-1 -- {} --allow-write", server.display()));
    screen.say("  Other clients, the simulator as a backend, and the real cloud: README.md.");
    Ok(())
}

/// The folder of the built programs: the demo's own.
fn programs() -> Result<PathBuf, Failure> {
    let own = std::env::current_exe()?;
    let folder = own.parent().ok_or("the demo's own folder is not known")?.to_path_buf();
    for program in ["sagemaker-mcp", "longhaul-sim"] {
        if !folder.join(program).exists() {
            return Err(format!("{program} is not built; `cargo xtask demo` builds it").into());
        }
    }
    Ok(folder)
}
