//! The `sagemaker-mcp` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    longhaul_serve::run(sagemaker_mcp::SageMaker)
}
