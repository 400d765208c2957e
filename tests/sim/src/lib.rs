//! The vendors' back ends, simulated on loopback.
//!
//! A simulator speaks the vendor's real wire format, walks scripted timelines
//! on a clock that can run faster than the wall, and fails on request: with
//! refusals, hangs, cut connections and answers that get lost after the work
//! was done. It knows no type of the servers that it tests, since a shared type
//! would hide a shared misreading, and it is never its own judge: clients of
//! the vendor drive it too (`tests/third-party`).
//!
//! It listens on loopback only, checks no signature and calls nobody.
//!
//! ```
//! # async fn example() -> std::io::Result<()> {
//! let sagemaker = longhaul_sim::sagemaker::start(Default::default()).await?;
//! let endpoint_url = sagemaker.url(); // http://127.0.0.1:<port>
//! sagemaker.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`sagemaker`] | what `sagemaker-mcp` uses of AWS: SageMaker and its runtime, logs, quotas, scaling, prices, STS, IAM, S3 |
//! | [`faults`] | how a request goes wrong, whatever the vendor |
//! | [`log`] | what was asked, in order |
//! | [`clock`] | simulated time |
//! | [`serve`] | listening, and cutting a connection |

pub mod clock;
pub mod faults;
pub mod log;
pub mod sagemaker;
pub mod serve;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a simulator's state. A handler that panicked must not take the whole
/// simulator with it: the test that caused it should see its own failure only.
pub(crate) fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
