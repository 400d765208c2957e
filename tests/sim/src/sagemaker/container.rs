//! What an endpoint's containers write to CloudWatch while they start.
//!
//! A stream for each instance, in the second half of the time until it is
//! decided what becomes of the endpoint; before, there is no container yet.

use super::course::{Of, under_way};
use super::endpoint::{Bound, Course, Variant};
use super::outcome::{Outcome, READY, STARTING};
use super::script::On;
use super::state::World;

/// The log group of an endpoint.
pub(crate) fn group(endpoint: &str) -> String {
    format!("/aws/sagemaker/Endpoints/{endpoint}")
}

/// Lets the containers of a course write, `more` after what they write anyway.
pub(crate) fn write(world: &mut World, course: &Course, of: Of<'_>, outcome: Option<Outcome>, more: Vec<String>) {
    let group = group(of.name);
    world.logs.forget_after(of.region, &group, course.since);
    let (decided, status) = decision(course, world.tuning.create_seconds);
    let mut lines = usual_lines(course, outcome, status);
    lines.extend(more);
    if lines.is_empty() {
        return;
    }
    let streams: Vec<String> = instances(of, course.on).map(|variant| stream(world, variant)).collect();
    for stream in streams {
        for (n, line) in lines.iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "a handful of lines")]
            let part = (n + 1) as f64 / lines.len() as f64;
            let due = course.since + decided * f64::midpoint(1.0, part);
            world.logs.write((of.region, &group, &stream), due, None, line.clone());
        }
    }
}

/// When it is decided what becomes of the endpoint, and what that is; where it
/// never is, the usual time and no status.
fn decision(course: &Course, usual: f64) -> (f64, Option<&str>) {
    let mut entered = 0.0;
    for step in &course.timeline {
        if !under_way(&step.status) {
            return (entered, Some(&step.status));
        }
        entered += step.seconds.unwrap_or_default();
    }
    (usual, None)
}

fn usual_lines(course: &Course, outcome: Option<Outcome>, decided: Option<&str>) -> Vec<String> {
    let owned = |lines: std::str::Lines<'_>| lines.map(str::to_owned).collect::<Vec<_>>();
    match (outcome, decided) {
        (Some(outcome), _) => outcome.log_lines().map(str::to_owned).collect(),
        _ if course.on == On::Delete => Vec::new(),
        (None, Some("InService")) => [owned(STARTING.lines()), owned(READY.lines())].concat(),
        // Nobody knows yet what becomes of it.
        (None, None) => owned(STARTING.lines()),
        (None, Some("Failed")) if course.failure_reason.is_none() => {
            Outcome::HealthCheck.log_lines().map(str::to_owned).collect()
        }
        (None, Some(_)) => Vec::new(),
    }
}

/// The variant of every instance that comes with this course.
fn instances(of: Of<'_>, on: On) -> impl Iterator<Item = &Variant> {
    let there = move |variant: &Variant| {
        let before = of.from.filter(|_| on == On::Scale).and_then(|from: &Bound| from.variant(&variant.name));
        before.map_or(0, |before| before.count)
    };
    of.to.variants.iter().flat_map(move |variant| (there(variant)..variant.count).map(move |_| variant))
}

fn stream(world: &mut World, variant: &Variant) -> String {
    // Spreads the numbers, so that they look like those of instances.
    let id = world.next_seq().wrapping_mul(0x9E37_79B9_7F4A_7C15);
    format!("{}/i-0{id:016x}", variant.name)
}
