//! The control API under `/_sim/`: what a test says to the simulator itself.
//! It is not logged, and no fault hits it.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::endpoint::Endpoint;
use super::script::Script;
use super::state::Record;
use super::{Parts, Sim, Tuning};
use crate::faults::{Fault, Faults};
use crate::lock;

pub(super) fn router() -> Router<Arc<Sim>> {
    Router::new()
        .route("/log", get(log))
        .route("/state", get(state))
        .route("/reset", post(reset))
        .route("/script", post(script))
        .route("/fault", post(fault).delete(clear_faults))
        .route("/settings", get(settings).post(change_settings))
        .route("/advance", post(advance))
}

/// What the control API does not understand, in words for whoever writes a test.
struct Refused(String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(json!({"error": self.0}))).into_response()
    }
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|e| Refused(e.to_string()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Since {
    #[serde(default)]
    since: u64,
}

async fn log(State(sim): State<Arc<Sim>>, Query(query): Query<Since>) -> Json<Value> {
    Json(json!(sim.log.since(query.since)))
}

/// Back to how it started: nothing exists, nothing is logged, the settings,
/// scripts and faults of the start apply.
async fn reset(State(sim): State<Arc<Sim>>) -> Json<Value> {
    *lock(&sim.parts) = Parts::new(&sim.settings);
    sim.log.clear();
    Json(json!({}))
}

async fn script(State(sim): State<Arc<Sim>>, body: Bytes) -> Result<Json<Value>, Refused> {
    let script: Script = read(&body)?;
    script.check().map_err(Refused)?;
    let scripts = &mut lock(&sim.parts).world.scripts;
    scripts.push(script);
    Ok(Json(json!({"scripts": scripts})))
}

async fn fault(State(sim): State<Arc<Sim>>, body: Bytes) -> Result<Json<Value>, Refused> {
    let fault: Fault = read(&body)?;
    fault.check().map_err(Refused)?;
    let faults = &mut lock(&sim.parts).faults;
    faults.add(fault);
    Ok(Json(json!({"faults": faults.pending()})))
}

async fn clear_faults(State(sim): State<Arc<Sim>>) -> Json<Value> {
    lock(&sim.parts).faults = Faults::default();
    Json(json!({"faults": []}))
}

async fn settings(State(sim): State<Arc<Sim>>) -> Json<Tuning> {
    Json(lock(&sim.parts).world.tuning.clone())
}

/// Changes the settings that are named; the others stay.
async fn change_settings(State(sim): State<Arc<Sim>>, body: Bytes) -> Result<Json<Tuning>, Refused> {
    let changes: serde_json::Map<String, Value> = read(&body)?;
    let world = &mut lock(&sim.parts).world;
    let mut merged = json!(world.tuning);
    if let Some(merged) = merged.as_object_mut() {
        merged.extend(changes);
    }
    let tuning: Tuning = serde_json::from_value(merged).map_err(|e| Refused(e.to_string()))?;
    tuning.check().map_err(Refused)?;
    world.clock.set_factor(tuning.time_factor);
    world.tuning = tuning.clone();
    Ok(Json(tuning))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: f64,
}

/// Lets simulated seconds pass at once.
async fn advance(State(sim): State<Arc<Sim>>, body: Bytes) -> Result<Json<Value>, Refused> {
    let Advance { seconds } = read(&body)?;
    let world = &mut lock(&sim.parts).world;
    world.clock.advance(seconds);
    Ok(Json(json!({"now": world.clock.now()})))
}

async fn state(State(sim): State<Arc<Sim>>) -> Json<Value> {
    let parts = &mut *lock(&sim.parts);
    let world = &mut parts.world;
    world.sweep();
    let now = world.now();
    let plain = |record: &Record| {
        json!({
            "name": record.name,
            "arn": record.arn,
            "region": record.region,
            "created": record.created,
            "tags": record.tags,
            "request": record.request,
        })
    };
    let endpoint = |endpoint: &Endpoint| {
        let mut out = plain(&endpoint.record);
        if let Some(out) = out.as_object_mut() {
            out.insert("status".to_owned(), json!(endpoint.status(now)));
            out.insert("config".to_owned(), json!(endpoint.runs(now).config));
            let wanted = endpoint.wanted.as_ref().map(|wanted| &wanted.config);
            out.insert("wanted_config".to_owned(), json!(wanted));
            out.insert("instances".to_owned(), json!(endpoint.occupies(now)));
        }
        out
    };
    Json(json!({
        "now": world.clock.now(),
        "models": world.models.values().map(plain).collect::<Vec<_>>(),
        "endpoint_configs": world.configs.values().map(plain).collect::<Vec<_>>(),
        "endpoints": world.endpoints.values().map(endpoint).collect::<Vec<_>>(),
        "scaling": world.scaling.overview(),
        "created": world.created,
        "scripts": world.scripts,
        "faults": parts.faults.pending(),
    }))
}
