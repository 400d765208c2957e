//! What a test says in advance about the next matching request.
//!
//! | `on` | takes | does |
//! |---|---|---|
//! | `create`, `update`, `scale` | `timeline` | walks these steps |
//! | `create` | `outcome` | is Creating, then Failed |
//! | `update`, `scale` | `outcome`, `ending` | is Updating, then ends so; `rolled_back` when left out |
//! | `delete` | `timeline` | walks these steps |
//! | `invoke` | `answer` | InvokeEndpoint answers so |
//!
//! A `timeline` beside an `outcome` takes only its reason and log lines from it.
//! `failure_reason` replaces the outcome's; `log_lines` come after those that the
//! containers write anyway. The names of outcomes are in [`outcome`](super::outcome).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::outcome::Outcome;
use super::timeline::{self, Step};

/// Which request a [`Script`] waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// CreateEndpoint.
    #[default]
    Create,
    /// UpdateEndpoint.
    Update,
    /// UpdateEndpointWeightsAndCapacities.
    Scale,
    /// DeleteEndpoint.
    Delete,
    /// InvokeEndpoint.
    Invoke,
}

/// How an update ends that does not come through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// RollingBack, then InService with the old configuration.
    RolledBack,
    /// RollingBack, then UpdateRollbackFailed.
    RollbackFailed,
    /// Failed.
    Failed,
}

/// How InvokeEndpoint answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Answer {
    /// ModelError 424: what the container answered with.
    ModelError {
        /// `OriginalStatusCode`.
        #[serde(default = "internal_error")]
        status: u16,
        /// `OriginalMessage`.
        #[serde(default = "out_of_memory")]
        message: String,
    },
    /// The usual answer, after so many real seconds.
    Slow {
        /// How many.
        seconds: f64,
    },
    /// JSON of this size.
    Large {
        /// How many bytes.
        bytes: usize,
    },
    /// ServiceUnavailable 503.
    Unavailable,
}

const fn internal_error() -> u16 {
    500
}

fn out_of_memory() -> String {
    "CUDA out of memory. Tried to allocate 512.00 MiB".to_owned()
}

/// What the next matching endpoint does.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The endpoint's name, or `*`.
    pub endpoint: String,
    /// The request that starts it.
    #[serde(default)]
    pub on: On,
    /// What it goes through.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timeline: Vec<Step>,
    /// Why it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// How an update that fails ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    /// The `FailureReason` to show where the status is a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// What its containers write to the log in the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log_lines: Vec<String>,
    /// How it answers an invocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// How many requests it serves; -1 for every one from then on.
    #[serde(default = "once")]
    pub times: i64,
}

const fn once() -> i64 {
    1
}

impl Script {
    /// Says what is wrong with a script that cannot be followed.
    ///
    /// # Errors
    ///
    /// When it has no course, one that cannot be walked, or one that does not fit the request.
    pub fn check(&self) -> Result<(), String> {
        let fails = self.outcome.is_some() || self.ending.is_some();
        match self.on {
            On::Invoke if fails || !self.timeline.is_empty() => Err("an invocation has only an answer".to_owned()),
            On::Invoke => self.check_answer(),
            _ if self.answer.is_some() => Err("only an invocation has an answer".to_owned()),
            On::Delete if fails => Err("a deletion has only a timeline".to_owned()),
            On::Create if self.ending.is_some_and(|ending| ending != Ending::Failed) => {
                Err("a creation cannot be rolled back".to_owned())
            }
            On::Create if self.ending.is_some() && self.outcome.is_none() => {
                Err("a creation that fails needs an outcome".to_owned())
            }
            _ if self.ending.is_some() && !self.timeline.is_empty() => {
                Err("a timeline has its ending already".to_owned())
            }
            _ if fails && self.timeline.is_empty() => Ok(()),
            On::Create | On::Update | On::Scale | On::Delete => timeline::check(&self.timeline),
        }
    }

    fn check_answer(&self) -> Result<(), String> {
        match &self.answer {
            None => Err("an invocation needs an answer".to_owned()),
            Some(Answer::Slow { seconds }) => {
                Duration::try_from_secs_f64(*seconds).map(drop).map_err(|e| format!("seconds: {e}"))
            }
            Some(Answer::ModelError { .. } | Answer::Large { .. } | Answer::Unavailable) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(script: serde_json::Value, expected: &str) {
        let mut all = json!({"endpoint": "*"});
        all.as_object_mut().unwrap().extend(script.as_object().unwrap().clone());
        let checked = serde_json::from_value::<Script>(all).map_err(|e| e.to_string()).and_then(|s| s.check());
        let seen = checked.map_or_else(|why| why, |()| "ok".to_owned());
        assert!(seen.contains(expected), "{script}: {seen}");
    }

    #[test]
    fn a_script_has_a_course_that_fits_its_request() {
        check(json!({"timeline": [{"status": "Failed"}]}), "ok");
        check(json!({"outcome": "capacity"}), "ok");
        check(json!({"on": "update", "ending": "rollback_failed"}), "ok");
        check(json!({"on": "scale", "outcome": "quota", "ending": "failed"}), "ok");
        check(json!({}), "the timeline has no step");
        check(json!({"ending": "rolled_back"}), "cannot be rolled back");
        check(json!({"ending": "failed"}), "needs an outcome");
        check(json!({"on": "delete", "outcome": "capacity"}), "only a timeline");
        check(
            json!({"on": "update", "ending": "failed", "timeline": [{"status": "Failed"}]}),
            "has its ending already",
        );
        check(json!({"outcome": "boredom"}), "unknown variant");
    }

    #[test]
    fn an_invocation_has_only_an_answer() {
        let invoke = |answer: serde_json::Value| json!({"on": "invoke", "answer": answer});
        check(invoke(json!({"kind": "model_error"})), "ok");
        check(invoke(json!({"kind": "slow", "seconds": 0.1})), "ok");
        check(invoke(json!({"kind": "slow", "seconds": -1})), "seconds");
        check(json!({"on": "invoke"}), "needs an answer");
        check(json!({"on": "invoke", "outcome": "capacity"}), "only an answer");
        check(json!({"outcome": "capacity", "answer": {"kind": "unavailable"}}), "only an invocation");
    }
}
