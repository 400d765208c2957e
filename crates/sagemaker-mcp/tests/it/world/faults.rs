//! What goes wrong between a caller and SageMaker, and when.

use std::time::Duration;

use sagemaker_mcp::error::Why;

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Strike {
    /// Nothing.
    Pass,
    /// It is refused and not carried out.
    Refuse(Why),
    /// It is carried out, but no answer comes.
    Lost,
    /// No answer comes for so long, and it is carried out so much after it was sent.
    Late { answer: Duration, effect: Duration },
    /// It is carried out, no answer comes, and the SDK sends it again.
    Twice,
    /// No answer comes for so long; it is not carried out.
    Hang(Duration),
    /// The process dies: before it is carried out, after it, or while it is on its way.
    Kill(Moment),
}

/// When a process dies, seen from the request that it was sending.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Moment {
    Before,
    After,
    /// The request is carried out so much later.
    Under(Duration),
}

/// How bad the world is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// Share of the requests that something happens to.
    pub(crate) trouble: f64,
    /// Share of the requests at which a process dies, as long as `kills` lasts.
    pub(crate) kill: f64,
    pub(crate) kills: u32,
    /// A request and its answer take up to so many milliseconds each.
    pub(crate) latency_ms: u64,
}

impl Plan {
    /// What happens to this request. Only a `mortal` caller can die.
    pub(crate) fn strike(&mut self, rng: &mut fastrand::Rng, mortal: bool) -> Strike {
        if self.trouble == 0.0 && self.kills == 0 {
            return Strike::Pass;
        }
        let dice = rng.f64();
        if dice < self.kill && self.kills > 0 && mortal {
            self.kills -= 1;
            return Strike::Kill(match rng.u8(0..4) {
                0 => Moment::Before,
                1 | 2 => Moment::After,
                _ => Moment::Under(Duration::from_millis(rng.u64(0..20_000))),
            });
        }
        if dice < self.kill + self.trouble { trouble(rng) } else { Strike::Pass }
    }
}

fn trouble(rng: &mut fastrand::Rng) -> Strike {
    match rng.u8(0..20) {
        0..=4 => Strike::Refuse(Why::Throttled),
        5..=8 => Strike::Refuse(Why::Unreachable),
        9..=13 => Strike::Lost,
        14..=15 => Strike::Twice,
        16..=17 => Strike::Late {
            answer: Duration::from_millis(rng.u64(4_000..30_000)),
            effect: Duration::from_millis(rng.u64(0..40_000)),
        },
        _ => Strike::Hang(Duration::from_millis(rng.u64(4_000..30_000))),
    }
}
