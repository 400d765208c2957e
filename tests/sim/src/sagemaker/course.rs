//! What an endpoint goes through once somebody asked for something: what a script
//! says, what it lacks, or what is usual.

use super::container;
use super::endpoint::{Bound, Course};
use super::models;
use super::outcome::{Outcome, Subject};
use super::script::{Ending, On};
use super::state::{Kind, Record, World};
use super::timeline::{Step, VANISHED};

/// The endpoint whose course begins.
#[derive(Clone, Copy)]
pub(crate) struct Of<'a> {
    pub(crate) region: &'a str,
    pub(crate) name: &'a str,
    /// What it is to run.
    pub(crate) to: &'a Bound,
    /// What it runs already.
    pub(crate) from: Option<&'a Bound>,
}

/// Why it fails, and when.
struct Failure {
    outcome: Outcome,
    /// Simulated seconds.
    after: f64,
}

/// Begins a course, and lets its containers write.
pub(crate) fn begin(world: &mut World, on: On, of: Of<'_>) -> Course {
    let script = world.take_script(on, of.name);
    let lines = script.as_ref().map(|script| script.log_lines.clone()).unwrap_or_default();
    let outcome;
    let (timeline, failure_reason) = if let Some(script) = script {
        outcome = script.outcome;
        let part = outcome.map_or(1.0, Outcome::after);
        let timeline = match script.timeline {
            timeline if timeline.is_empty() => failing(world, on, script.ending, world.tuning.create_seconds * part),
            timeline => timeline,
        };
        (timeline, script.failure_reason.or_else(|| Some(outcome?.reason(&subject(world, of)))))
    } else if let Some(failure) = lack(world, on, of) {
        outcome = Some(failure.outcome);
        (failing(world, on, None, failure.after), Some(failure.outcome.reason(&subject(world, of))))
    } else {
        outcome = None;
        usual(world, on)
    };
    let course = Course { on, since: world.now(), timeline, failure_reason };
    container::write(world, &course, of, outcome, lines);
    course
}

/// What is missing for a deployment that nobody has scripted.
fn lack(world: &World, on: On, of: Of<'_>) -> Option<Failure> {
    let create = world.tuning.create_seconds;
    let failure = |outcome: Outcome| Failure { outcome, after: create * outcome.after() };
    let deploys = matches!(on, On::Create | On::Update);
    if let Some(variant) = of.to.lacking()
        && (deploys || grows(of))
    {
        let usual = failure(Outcome::Capacity);
        return Some(Failure { after: variant.provision_timeout.unwrap_or(usual.after), ..usual });
    }
    let gated = deploys && records(world, of).any(|model| models::unaccepted(model).is_some());
    gated.then(|| failure(Outcome::Eula))
}

/// Whether an endpoint gets more instances than it had.
fn grows(of: Of<'_>) -> bool {
    let had = of.from.map(Bound::instances).unwrap_or_default();
    of.to.instances().iter().any(|(kind, count)| had.get(kind).is_none_or(|had| count > had))
}

/// The steps of what fails after so many seconds.
fn failing(world: &World, on: On, ending: Option<Ending>, after: f64) -> Vec<Step> {
    let back = || Step::lasting("RollingBack", world.tuning.create_seconds / 3.0);
    if on == On::Create {
        return vec![Step::lasting("Creating", after), Step::last("Failed")];
    }
    let updating = Step::lasting("Updating", after);
    match ending.unwrap_or(Ending::RolledBack) {
        Ending::RolledBack => vec![updating, back(), Step::last("InService")],
        Ending::RollbackFailed => vec![updating, back(), Step::last("UpdateRollbackFailed")],
        Ending::Failed => vec![updating, Step::last("Failed")],
    }
}

/// What an endpoint goes through that nothing goes against.
fn usual(world: &World, on: On) -> (Vec<Step>, Option<String>) {
    let tuning = &world.tuning;
    let create = |status: &str| vec![Step::lasting(status, tuning.create_seconds), Step::last("InService")];
    match on {
        On::Create => (tuning.timeline.clone().unwrap_or_else(|| create("Creating")), tuning.failure_reason.clone()),
        On::Update | On::Scale | On::Invoke => (create("Updating"), None),
        On::Delete => (vec![Step::lasting("Deleting", tuning.delete_seconds), Step::last(VANISHED)], None),
    }
}

/// The models that it is to run.
fn records<'a>(world: &'a World, of: Of<'a>) -> impl Iterator<Item = &'a Record> {
    let names = of.to.variants.iter().filter_map(|variant| variant.model.as_ref());
    names.filter_map(move |model| world.models.get(&world.arn(Kind::Model, of.region, model)))
}

/// What a reason speaks of: the variant that lacks something, or the first.
fn subject(world: &World, of: Of<'_>) -> Subject {
    let model = records(world, of).next();
    let container = model.and_then(|model| models::containers(model).next());
    let text = |field: &str| container.and_then(|container| container.get(field)?.as_str()).map(str::to_owned);
    let role = model.and_then(|model| model.request.get("ExecutionRoleArn")?.as_str());
    let variant = of.to.lacking().or(of.to.variants.first());
    let gated = records(world, of).find_map(models::unaccepted);
    let data = || container.and_then(|container| models::s3_uris(container).next().map(str::to_owned));
    let nowhere = || format!("s3://jumpstart-cache-prod-{}/model.tar.gz", of.region);
    Subject {
        variant: variant.map(|variant| variant.name.clone()).unwrap_or_default(),
        instance_type: variant.and_then(|variant| variant.instance_type.clone()).unwrap_or_default(),
        image: text("Image").unwrap_or_default(),
        role: role.unwrap_or_default().to_owned(),
        model_data: gated.or_else(data).or_else(|| text("ModelDataUrl")).unwrap_or_else(nowhere),
        download_timeout: variant.and_then(|variant| variant.download_timeout).unwrap_or(3600),
    }
}

/// The reason of a failure that nobody has given one.
pub(crate) fn unexplained(of: &Bound) -> String {
    let variant = of.variants.first().map(|variant| variant.name.clone()).unwrap_or_default();
    let nothing = String::new;
    Outcome::HealthCheck.reason(&Subject {
        variant,
        instance_type: nothing(),
        image: nothing(),
        role: nothing(),
        model_data: nothing(),
        download_timeout: 0,
    })
}

/// Whether a step's status says that work is under way.
pub(crate) fn under_way(status: &str) -> bool {
    matches!(status, "Creating" | "Updating" | "SystemUpdating")
}
