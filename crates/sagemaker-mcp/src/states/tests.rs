//! The tables that `states.rs` is judged by.

use super::*;
use crate::api::VariantSeen;

const BORN: Duration = Duration::from_secs(1_800_000_000);

/// Words that AWS may send and nobody knows.
const UNKNOWN: [&str; 6] = ["", "SomeNewState", "inservice", "InService ", "FAILED", "\u{1b}[2J"];

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + BORN + Duration::from_secs(seconds)
}

/// `llama` in a state, serving the configuration `new`.
fn seen(status: &str) -> EndpointSeen {
    EndpointSeen {
        name: "llama".into(),
        arn: "arn:aws:sagemaker:us-east-2:123456789012:endpoint/llama".into(),
        status: status.into(),
        config: "new".into(),
        pending_config: None,
        created: at(0),
        modified: at(750),
        failure_reason: None,
        variants: vec![],
    }
}

fn serving_old(status: &str) -> EndpointSeen {
    EndpointSeen { config: "old".into(), ..seen(status) }
}

fn failed(reason: &str) -> EndpointSeen {
    EndpointSeen { failure_reason: Some(reason.into()), ..seen("Failed") }
}

/// Made when the endpoint was.
fn asked(goal: Goal) -> EndpointHandle {
    EndpointHandle { begun_ms: millis(at(0)), ..EndpointHandle::of(&seen("Creating"), goal) }
}

fn to_serve() -> EndpointHandle {
    asked(Goal::in_service("new"))
}

fn parts() -> Parts {
    Parts { configs: vec!["new".into(), "old".into()], models: vec!["m".into()], others: vec![] }
}

fn to_go() -> EndpointHandle {
    asked(Goal::Gone { parts: parts() })
}

/// `succeeded`, `running <phase>`, `waiting <phase>` for the caller, or `failed <code>`.
fn word(told: &Observation<EndpointResult>) -> String {
    match told {
        Observation::Succeeded(_) => "succeeded".into(),
        Observation::Running(running) if running.waits_for.is_some() => format!("waiting {}", running.phase),
        Observation::Running(running) => format!("running {}", running.phase),
        Observation::Failed(fault) => format!("failed {}", fault.code.as_str()),
    }
}

fn fault(told: Observation<EndpointResult>) -> Fault {
    match told {
        Observation::Failed(fault) => fault,
        Observation::Running(_) | Observation::Succeeded(_) => panic!("no failure: {told:?}"),
    }
}

fn next_tool(fault: &Fault) -> &str {
    fault.next.as_ref().map_or("none", |next| next.tool.as_str())
}

/// How `to_serve` is judged ten minutes on.
#[track_caller]
fn check_serving(seen: Option<&EndpointSeen>, told: &str) {
    assert_eq!(word(&serving(&to_serve(), &Serving::new("new"), seen, at(600))), told, "{seen:?}");
}

#[track_caller]
fn check_going(seen: Option<&EndpointSeen>, parts: &Parts, told: &str) {
    assert_eq!(word(&going(&to_go(), seen, parts)), told, "{seen:?} {parts:?}");
}

#[test]
fn all_nine_states_are_judged_for_an_endpoint_that_is_to_serve() {
    let table = [
        ("InService", "succeeded"),
        ("Creating", "running Creating"),
        ("Updating", "running Updating"),
        ("SystemUpdating", "running SystemUpdating"),
        ("RollingBack", "running RollingBack"),
        ("Failed", "failed operation_failed"),
        ("OutOfService", "failed operation_failed"),
        ("UpdateRollbackFailed", "failed operation_failed"),
        ("Deleting", "failed aborted"),
    ];
    assert!(STATUSES.iter().all(|status| table.iter().any(|(known, _)| known == status)));
    table.iter().for_each(|(status, told)| check_serving(Some(&seen(status)), told));
}

#[test]
fn a_word_that_nobody_knows_is_work_under_way_and_is_kept() {
    UNKNOWN.iter().for_each(|status| check_serving(Some(&seen(status)), &format!("running {status}")));
    UNKNOWN.iter().for_each(|status| check_going(Some(&seen(status)), &parts(), &format!("waiting {status}")));
}

#[test]
fn in_service_with_the_old_configuration_is_a_failed_update() {
    let fault = fault(serving(&to_serve(), &Serving::new("new"), Some(&serving_old("InService")), at(600)));
    assert_eq!((fault.code, fault.status.as_deref()), (FaultCode::OperationFailed, Some("InService")));
    assert!(fault.message.contains("serves old, not new"), "{fault}");
    assert_eq!((next_tool(&fault), fault.leftovers.len()), (calls::DESCRIBE, 0), "it serves: nothing to remove");
}

#[test]
fn the_configuration_counts_in_service_only_and_a_pending_one_is_not_served_yet() {
    let pending = |status| EndpointSeen { pending_config: Some("new".into()), ..serving_old(status) };
    check_serving(Some(&pending("InService")), "failed operation_failed");
    for status in ["Creating", "Updating", "SystemUpdating", "RollingBack"] {
        check_serving(Some(&pending(status)), &format!("running {status}"));
    }
}

#[test]
fn a_new_endpoint_may_be_invisible_for_a_minute_and_is_gone_after_that() {
    for (seconds, told) in
        [(0, "running Creating"), (59, "running Creating"), (60, "failed gone"), (3600, "failed gone")]
    {
        assert_eq!(word(&serving(&to_serve(), &Serving::new("new"), None, at(seconds))), told, "after {seconds} s");
    }
    let gone = fault(serving(&to_serve(), &Serving::new("new"), None, at(600)));
    assert_eq!(next_tool(&gone), calls::CLEANUP);
}

#[test]
fn a_clock_that_was_set_back_does_not_make_an_endpoint_vanish() {
    let before = SystemTime::UNIX_EPOCH + BORN - Duration::from_secs(3600);
    assert_eq!(word(&serving(&to_serve(), &Serving::new("new"), None, before)), "running Creating");
}

#[test]
fn a_namesake_is_not_the_endpoint_that_was_asked_for_whatever_its_state() {
    for status in STATUSES.iter().chain(&UNKNOWN) {
        let namesake = EndpointSeen { created: at(1), ..seen(status) };
        check_serving(Some(&namesake), "failed superseded");
        check_going(Some(&namesake), &parts(), "failed superseded");
        check_going(Some(&namesake), &Parts::default(), "succeeded");
    }
}

#[test]
fn an_endpoint_that_was_never_seen_has_no_other_identity_to_serve_but_is_not_the_one_to_go() {
    let unseen = |goal| EndpointHandle { created_ms: None, ..asked(goal) };
    let serve = serving(&unseen(to_serve().goal), &Serving::new("new"), Some(&seen("InService")), at(0));
    let go = going(&unseen(to_go().goal), Some(&seen("InService")), &parts());
    assert_eq!((word(&serve), word(&go)), ("succeeded".into(), "failed superseded".into()));
}

#[test]
fn whatever_its_state_an_endpoint_that_is_to_go_waits_for_the_next_step_until_it_is_deleting() {
    for status in STATUSES.into_iter().filter(|status| *status != "Deleting") {
        check_going(Some(&seen(status)), &parts(), &format!("waiting {status}"));
    }
    check_going(Some(&seen("Deleting")), &parts(), "running Deleting");
}

#[test]
fn what_is_behind_an_endpoint_goes_after_it_configurations_first() {
    let models = Parts { configs: vec![], ..parts() };
    check_going(None, &parts(), "waiting RemovingEndpointConfig");
    check_going(None, &models, "waiting RemovingModels");
    check_going(None, &Parts::default(), "succeeded");
}

#[test]
fn a_removal_names_what_is_still_there() {
    let Observation::Running(running) = going(&to_go(), Some(&seen("Deleting")), &parts()) else { panic!() };
    assert_eq!(running.leftovers, ["endpoint llama", "endpoint-config new", "endpoint-config old", "model m"]);
    let Observation::Running(running) = going(&to_go(), None, &parts()) else { panic!() };
    assert_eq!(running.leftovers, ["endpoint-config new", "endpoint-config old", "model m"]);
}

#[test]
fn exactly_two_states_forbid_a_deletion_and_an_unknown_one_is_tried() {
    let refused: Vec<&str> = STATUSES.into_iter().chain(UNKNOWN).filter(|status| undeletable(status)).collect();
    assert_eq!(refused, ["Creating", "SystemUpdating"]);
}

#[test]
fn a_failure_tells_awss_reason_the_state_what_is_left_and_the_call_that_removes_it() {
    let fault = fault(serving(&to_serve(), &Serving::new("new"), Some(&failed("no\u{1b}[31m way")), at(600)));
    assert_eq!(fault.backend.as_ref().and_then(|said| said.text.as_deref()), Some("no\u{fffd}[31m way"));
    assert_eq!((fault.status.as_deref(), next_tool(&fault)), (Some("Failed"), calls::DELETE));
    assert_eq!((fault.leftovers, fault.retryable), (vec!["endpoint llama".to_owned()], false));
}

#[test]
fn a_failure_has_the_advice_for_its_reason() {
    for (reason, first) in [
        ("Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity", "no capacity"),
        ("The account-level service limit 'ml.g5.xlarge for endpoint usage' is 0 Instances", "Service Quotas"),
        ("The primary container did not pass the ping health check", "its log tells why"),
        ("Failed to download model data for container from s3://b/k: 403", "EULA"),
        ("", "instance type"),
    ] {
        let advice = failure(&to_serve(), &failed(reason), String::new()).troubleshooting;
        assert!(advice[0].contains(first) && advice.last().is_some_and(|last| last.contains("Delete")), "{advice:?}");
    }
}

#[test]
fn a_failure_names_what_is_there_and_whose_it_is() {
    let ours = EndpointSeen { config: "llama-lh-0123456789ab".into(), ..failed("x") };
    let of = |seen| failure(&to_serve(), seen, String::new()).leftovers;
    assert_eq!(of(&ours), ["endpoint llama", "endpoint-config llama-lh-0123456789ab", "model llama-lh-0123456789ab"]);
    assert_eq!(of(&failed("x")), ["endpoint llama"]);
}

/// Asked to change ten minutes after its creation, when it had last changed a minute after it.
fn to_change(config: &str, instances: Option<(String, u32)>) -> EndpointHandle {
    let serving = Serving { before_ms: Some(millis(at(60))), instances, ..Serving::new(config) };
    EndpointHandle { begun_ms: millis(at(600)), ..asked(Goal::InService(serving)) }
}

#[track_caller]
fn check_change(asked: &EndpointHandle, seen: &EndpointSeen, after: u64, told: &str) {
    let Goal::InService(wanted) = &asked.goal else { panic!() };
    assert_eq!(word(&serving(asked, wanted, Some(seen), at(600 + after))), told, "{seen:?} after {after} s");
}

#[test]
fn an_update_that_is_not_visible_yet_is_under_way_and_one_that_was_taken_back_has_failed() {
    let asked = to_change("new", None);
    let unchanged = EndpointSeen { modified: at(60), ..serving_old("InService") };
    check_change(&asked, &unchanged, 1, "running Updating");
    check_change(&asked, &unchanged, 61, "failed operation_failed");
    check_change(&asked, &serving_old("Updating"), 1, "running Updating");
    check_change(&asked, &serving_old("RollingBack"), 1, "running RollingBack");
    let back = EndpointSeen { modified: at(700), failure_reason: Some("no".into()), ..serving_old("InService") };
    check_change(&asked, &back, 101, "failed operation_failed");
    let Goal::InService(wanted) = &asked.goal else { panic!() };
    let left = fault(serving(&asked, wanted, Some(&back), at(701))).leftovers;
    assert_eq!(left, ["endpoint-config new", "model new"], "what the update was made of");
    check_change(&asked, &seen("InService"), 200, "succeeded");
}

#[test]
fn instances_are_there_when_they_run_and_not_when_they_are_only_wanted() {
    let asked = to_change("new", Some(("v".into(), 3)));
    let with = |status: &str, current, desired, changed| EndpointSeen {
        modified: at(changed),
        variants: vec![VariantSeen {
            name: "v".into(),
            status: None,
            current_instances: Some(current),
            desired_instances: Some(desired),
            instance_types: vec![],
        }],
        ..seen(status)
    };
    check_change(&asked, &with("InService", 1, 1, 60), 1, "running Updating");
    check_change(&asked, &with("Updating", 1, 3, 601), 1, "running Updating");
    check_change(&asked, &with("InService", 3, 3, 700), 101, "succeeded");
    check_change(&asked, &with("InService", 1, 1, 700), 101, "failed operation_failed");
}

/// What a change to `new` finds: `free`, `join` or the code of what is in the way.
#[track_caller]
fn check_update(seen: Option<&EndpointSeen>, ending: Option<&str>, told: &str) {
    let standing = match before_update("llama", seen, "new", ending, &Next::new(calls::UPDATE, "again")) {
        Standing::Free => "free",
        Standing::Join => "join",
        Standing::InTheWay(fault) => fault.code.as_str(),
    };
    assert_eq!(standing, told, "{seen:?} {ending:?}");
}

#[test]
fn an_update_needs_an_endpoint_that_serves_something_else() {
    check_update(None, None, "not_found");
    check_update(Some(&seen("InService")), None, "join");
    for status in ["InService", "UpdateRollbackFailed", "OutOfService"] {
        check_update(Some(&serving_old(status)), None, "free");
        check_update(Some(&serving_old(status)), Some("2026"), "failed_before");
    }
    for status in ["Creating", "Updating", "SystemUpdating", "RollingBack", "SomeNewState"] {
        check_update(Some(&serving_old(status)), None, "not_yet");
    }
    for status in ["Failed", "Deleting"] {
        check_update(Some(&serving_old(status)), None, "failed_before");
    }
}

#[test]
fn a_success_tells_how_long_it_took_and_how_to_invoke_it() {
    let Observation::Succeeded(result) = serving(&to_serve(), &Serving::new("new"), Some(&seen("InService")), at(900))
    else {
        panic!()
    };
    let info = result.predictor_info.unwrap();
    assert_eq!(result.deployment_time_minutes, Some(12.5));
    assert_eq!((info.endpoint_name.as_str(), info.content_type.as_str()), ("llama", "application/json"));
    assert!(result.message.contains("llama") && result.usage_note.is_some());
}

#[test]
fn the_detail_tells_what_the_variants_do() {
    let variant = |status: Option<&str>, current, desired| VariantSeen {
        name: "v".into(),
        status: status.map(str::to_owned),
        current_instances: current,
        desired_instances: desired,
        instance_types: vec![],
    };
    let detail = |variants| under_way(&EndpointSeen { variants, ..seen("Updating") }).detail;
    assert_eq!(detail(vec![variant(Some("Baking"), Some(1), Some(2))]), "v Baking, 1 of 2 instances");
    assert_eq!(detail(vec![variant(Some("Creating"), None, Some(2)), variant(None, None, None)]), "v Creating");
    assert!(under_way(&seen("RollingBack")).detail.contains("taken back"));
}

/// What a start that wants `new` finds: `free`, `join` or the code of what is in the way.
#[track_caller]
fn check_start(seen: Option<&EndpointSeen>, ending: Option<&str>, told: &str, next: &str) {
    let again = Next::new(calls::DEPLOY, "again");
    let (standing, call) = match before_start(seen, "new", ending, &again) {
        Standing::Free => ("free", "none".to_owned()),
        Standing::Join => ("join", "none".to_owned()),
        Standing::InTheWay(fault) => (fault.code.as_str(), next_tool(&fault).to_owned()),
    };
    assert_eq!((standing, call.as_str()), (told, next), "{seen:?} {ending:?}");
}

const JOINED: [&str; 5] = ["InService", "Creating", "Updating", "SystemUpdating", "RollingBack"];
const SPENT: [&str; 3] = ["Failed", "OutOfService", "UpdateRollbackFailed"];

#[test]
fn a_start_joins_what_it_wants_and_is_told_what_failed_before() {
    check_start(None, None, "free", "none");
    for status in JOINED.iter().chain(&UNKNOWN) {
        check_start(Some(&seen(status)), None, "join", "none");
    }
    SPENT.iter().for_each(|status| check_start(Some(&seen(status)), None, "failed_before", calls::DELETE));
    assert_eq!(JOINED.len() + SPENT.len() + 1, STATUSES.len(), "and Deleting");
}

#[test]
fn a_start_waits_for_a_name_that_is_being_deleted_whoever_had_it() {
    for seen in [seen("Deleting"), serving_old("Deleting")] {
        check_start(Some(&seen), None, "not_yet", calls::DEPLOY);
        check_start(Some(&seen), Some("2026-11-20T10:00:00Z"), "not_yet", calls::DEPLOY);
    }
}

#[test]
fn a_start_does_not_touch_what_was_asked_for_differently_in_any_state() {
    for status in JOINED.iter().chain(&SPENT).chain(&UNKNOWN) {
        check_start(Some(&serving_old(status)), None, "conflict", calls::DESCRIBE);
        check_start(Some(&serving_old(status)), Some("2026"), "conflict", calls::DESCRIBE);
    }
}

#[test]
fn a_start_joins_an_update_that_goes_to_what_it_wants() {
    let update = EndpointSeen { pending_config: Some("new".into()), ..serving_old("Updating") };
    let other = EndpointSeen { pending_config: Some("third".into()), ..serving_old("Updating") };
    check_start(Some(&update), None, "join", "none");
    check_start(Some(&other), None, "conflict", calls::DESCRIBE);
}

#[test]
fn a_start_does_not_join_what_somebody_wants_to_end() {
    for status in JOINED.iter().chain(&SPENT).chain(&UNKNOWN) {
        check_start(Some(&seen(status)), Some("2026-11-20T10:00:00Z"), "failed_before", calls::DELETE);
    }
}

#[test]
fn times_before_1970_and_beyond_all_clocks_do_no_harm() {
    assert_eq!(millis(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), 0);
    assert_eq!(millis(SystemTime::UNIX_EPOCH + Duration::from_millis(1_500)), 1_500);
    let ancient = EndpointHandle { begun_ms: u64::MAX, ..to_serve() };
    assert_eq!(word(&serving(&ancient, &Serving::new("new"), None, at(0))), "running Creating");
}
