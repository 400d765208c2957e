//! From a JumpStart model's published document to the three requests that deploy it.
//!
//! [`Manifest`] finds a model in the S3 manifest, [`Model`] reads its document in
//! either published form, [`resolve()`] makes the requests or says in a [`Refusal`]
//! what is in the way. Everything here is a pure function of its arguments: no
//! network, no clock, no AWS SDK type. Nothing is accepted on the caller's behalf;
//! a model under a EULA is refused until the caller accepts that EULA.
//!
//! | module | holds |
//! |---|---|
//! | `regions` | bucket names and addresses of a region |
//! | `manifest` | which version of which model, and where its document lies |
//! | `model` | what a deployment needs to know of a model |
//! | `document` | both published forms, read into one [`Model`] |
//! | `view` | fields by name, in either spelling, through layers |
//! | `choice` | which inference config, which instance type, and what it brings |
//! | `consent` | which EULAs must be accepted |
//! | `container` | image, environment and data |
//! | `resolve` | the rules, put together |
//! | `requests` | the requests, named as the API names them |
//! | `presets` | what a document offers beside: example requests, measurements |
//! | `refusal` | why there are no requests |

mod choice;
mod consent;
mod container;
mod document;
mod manifest;
mod model;
mod presets;
mod refusal;
mod regions;
mod requests;
mod resolve;
mod view;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod mutation;

pub use manifest::{Entry, Manifest, choose_version};
pub use model::{AdditionalSource, Artifact, Config, Eula, Model, Variant};
pub use presets::{Benchmark, Payload};
pub use refusal::{MissingEula, Refusal};
pub use regions::Region;
pub use requests::{
    Channel, Container, CreateEndpoint, CreateEndpointConfig, CreateModel, InstancePool, ModelAccessConfig,
    ModelDataSource, ProductionVariant, Requests, S3DataSource, Tag,
};
pub use resolve::{MOST_FALLBACKS, Names, Wanted, resolve};
