//! SageMaker JumpStart deployments that outlive a request.
//!
//! As a library: [`Endpoints`] starts, changes, follows and removes endpoints; what it starts can
//! be followed as a stream of observations. As a server: `server` builds the MCP server whose
//! tools do the same for an agent.
//!
//! ```no_run
//! use futures_util::StreamExt;
//! use sagemaker_mcp::{Config, Endpoints, longhaul::operation::Observation};
//!
//! # async fn example() -> Result<(), longhaul::fault::Fault> {
//! let endpoints = Endpoints::connect(Config { region: Some("us-east-2".into()), ..Config::default() });
//! let handle = endpoints.find("my-endpoint").await?;
//! let mut looks = std::pin::pin!(endpoints.watch(&handle));
//! while let Some(look) = looks.next().await {
//!     match look {
//!         Ok(Observation::Running(running)) => println!("{}", running.phase),
//!         Ok(Observation::Succeeded(result)) => return Ok(println!("{}", result.message)),
//!         Ok(Observation::Failed(fault)) => return Err(fault),
//!         Err(missed) => println!("could not look: {missed}"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`states`] | what SageMaker's words mean; the file to read first |
//! | [`operation`] | an endpoint and what it is to become |
//! | [`start`], [`removal`] | the steps there and back, each safe to repeat |
//! | [`plan`], [`preflight`] | what a start would send, and what stands in its way |
//! | [`failure`], [`diagnosis`] | why an endpoint failed, by AWS's reason and the container's log |
//! | [`payload`], [`price`] | requests in the form of a model's examples; what instances cost |
//! | [`names`] | derived names and tags: the only memory there is |
//! | [`library`], [`jumpstart`] | a model's published document, and from there to the requests |
//! | [`api`], [`error`] | what is used of AWS, and why it did not do it |
//! | [`tools`], [`calls`] | the MCP tools, and the calls that they name to each other |
//!
//! It never creates a role, never deletes what it did not make, keeps no state of its own and
//! changes nothing outside a call that asks for it.

pub mod api;
pub mod calls;
mod client;
mod config;
pub mod diagnosis;
pub mod error;
pub mod failure;
pub mod jumpstart;
pub mod library;
pub mod names;
pub mod operation;
mod parts;
pub mod payload;
pub mod plan;
pub mod preflight;
pub mod price;
pub mod removal;
#[cfg(feature = "server")]
mod server;
pub mod start;
pub mod states;
pub mod tools;

pub use client::Endpoints;
pub use config::Config;
pub use longhaul;
#[cfg(feature = "server")]
pub use server::{SageMaker, server};
