//! The simulators as a program: one line of JSON on stdout when ready, logs on
//! stderr, until SIGTERM or SIGINT.

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use longhaul_sim::sagemaker::{self, Settings, timeline};
use longhaul_sim::serve::Running;
use tokio::signal::unix::{SignalKind, signal};

/// The vendors' back ends, simulated on loopback.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    vendor: Vendor,
}

#[derive(Subcommand)]
enum Vendor {
    /// SageMaker, what belongs to it, and the JumpStart buckets of S3, on one port.
    Sagemaker(Sagemaker),
}

#[derive(clap::Args)]
struct Sagemaker {
    /// Port on loopback; 0 lets the system choose.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Simulated seconds in a real one.
    #[arg(long)]
    time_factor: Option<f64>,
    /// How long an endpoint is Creating, in simulated seconds.
    #[arg(long)]
    create_seconds: Option<f64>,
    /// How long an endpoint is Deleting, in simulated seconds.
    #[arg(long)]
    delete_seconds: Option<f64>,
    /// What a new endpoint goes through, e.g. `Creating=600,Failed`.
    #[arg(long)]
    timeline: Option<String>,
    /// The FailureReason on that timeline.
    #[arg(long)]
    failure_reason: Option<String>,
    /// How many roles SageMaker may assume.
    #[arg(long)]
    sagemaker_roles: Option<u32>,
    /// Instances of one type that endpoints may use.
    #[arg(long)]
    endpoint_quota: Option<u64>,
    /// JSON file with `settings`, `scripts` and `faults`; flags win over it.
    #[arg(long)]
    script: Option<PathBuf>,
}

impl Sagemaker {
    fn settings(self) -> Result<Settings, Box<dyn Error>> {
        let mut all = match &self.script {
            Some(path) => serde_json::from_slice(&std::fs::read(path)?)?,
            None => Settings::default(),
        };
        all.port = self.port;
        let tuning = &mut all.settings;
        tuning.time_factor = self.time_factor.unwrap_or(tuning.time_factor);
        tuning.create_seconds = self.create_seconds.unwrap_or(tuning.create_seconds);
        tuning.delete_seconds = self.delete_seconds.unwrap_or(tuning.delete_seconds);
        tuning.sagemaker_roles = self.sagemaker_roles.unwrap_or(tuning.sagemaker_roles);
        tuning.endpoint_quota = self.endpoint_quota.or(tuning.endpoint_quota);
        tuning.failure_reason = self.failure_reason.or(tuning.failure_reason.take());
        if let Some(text) = self.timeline {
            tuning.timeline = Some(timeline::parse(&text)?);
        }
        Ok(all)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("longhaul-sim: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<(), Box<dyn Error>> {
    // Registered first, so that a signal that comes early is not missed.
    let mut terminate = signal(SignalKind::terminate())?;
    let running: Running = match cli.vendor {
        Vendor::Sagemaker(args) => sagemaker::start(args.settings()?).await?,
    };
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", serde_json::json!({"ready": running.url()}))?;
    stdout.flush()?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    running.shutdown().await;
    Ok(())
}
