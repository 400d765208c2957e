//! `scale_sagemaker_endpoint`: a fixed number of instances, or as many as the load needs.

use std::time::Duration;

use sagemaker_mcp::{api::Scaling, names};
use serde_json::{Value, json};

use crate::{
    deploy::{DEPLOY, oak},
    desk::Desk,
    fake::{Fake, stages},
};

const SCALE: &str = "scale_sagemaker_endpoint";

const SCALING: Scaling = Scaling { min: 1, max: 4, invocations_per_instance: Some(100.0) };

fn to(count: u32) -> Value {
    json!({"endpoint_name": "oak", "instance_count": count})
}

fn tracking() -> Value {
    json!({"endpoint_name": "oak", "min_instances": 1, "max_instances": 4, "invocations_per_instance": 100})
}

/// An endpoint with one instance.
async fn deployed(fake: Fake) -> Desk {
    let desk = Desk::open(fake).await;
    assert_eq!(desk.watch(DEPLOY, oak()).await.state(), "succeeded");
    tokio::time::sleep(Duration::from_secs(400)).await;
    desk
}

/// One that is scaled by its load.
async fn tracked(fake: Fake) -> Desk {
    fake.state().scaling = [("oak/AllTraffic".to_owned(), SCALING)].into();
    deployed(fake).await
}

fn steps(desk: &Desk) -> Vec<String> {
    desk.fake.writes()[3..].iter().map(|write| write.split(' ').next().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_fixed_number_is_followed_until_so_many_run() {
    for count in [3, 1, 100] {
        let desk = deployed(Fake::new()).await;
        let told = desk.watch(SCALE, to(count)).await;
        let (at, expected) = if count == 1 { (1000, vec![]) } else { (1300, vec!["SetInstances".to_owned()]) };
        assert_eq!((told.state(), told.at, steps(&desk)), ("succeeded", at, expected), "{count}");
        let described = desk.call("describe_sagemaker_endpoint", json!({"endpoint_name": "oak"})).await;
        assert_eq!(described.report["result"]["variants"][0]["current_instance_count"], count);
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_call_again_joins() {
    let desk = deployed(Fake::new()).await;
    for _ in 0..3 {
        assert_eq!(desk.call(SCALE, to(3)).await.state(), "running");
    }
    assert_eq!(desk.watch(SCALE, to(3)).await.state(), "succeeded");
    assert_eq!((steps(&desk), desk.watch(SCALE, to(3)).await.state()), (vec!["SetInstances".to_owned()], "succeeded"));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_not_visible_at_first_is_no_failure() {
    let desk = deployed(Fake::new()).await;
    desk.fake.state().unseen = Duration::from_secs(50);
    assert_eq!(desk.watch(SCALE, to(3)).await.state(), "succeeded");
}

#[tokio::test(start_paused = true)]
async fn a_number_that_aws_goes_back_from_is_a_failure() {
    let desk = deployed(Fake::new()).await;
    desk.fake.state().rolls_back = true;
    let told = desk.watch(SCALE, to(3)).await;
    assert_eq!(
        (told.state(), told.code(), told.next().0),
        ("failed", "operation_failed", "describe_sagemaker_endpoint")
    );
    assert!(told.sentence.contains("AllTraffic has not 3 instances"), "{}", told.sentence);
}

#[tokio::test(start_paused = true)]
async fn a_fixed_number_ends_the_scaling_by_load_first() {
    let desk = tracked(Fake::new()).await;
    assert_eq!(desk.watch(SCALE, to(3)).await.state(), "succeeded");
    assert_eq!(
        (steps(&desk), desk.fake.state().scaling.len()),
        (vec!["RemoveScaling".into(), "SetInstances".into()], 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_fixed_number_that_is_there_already_ends_the_scaling_by_load_all_the_same() {
    let desk = tracked(Fake::new()).await;
    assert_eq!(desk.watch(SCALE, to(1)).await.state(), "succeeded");
    assert_eq!((steps(&desk), desk.fake.state().scaling.len()), (vec!["RemoveScaling".to_owned()], 0));
}

#[tokio::test(start_paused = true)]
async fn who_may_not_look_at_the_scaling_can_set_a_number() {
    let desk = deployed(Fake::new().denied("DescribeScalableTargets")).await;
    assert_eq!(desk.watch(SCALE, to(3)).await.state(), "succeeded");
}

#[tokio::test(start_paused = true)]
async fn a_scaling_that_may_not_be_ended_is_refused_before_anything_is_set() {
    let desk = tracked(Fake::new().denied("RemoveScaling")).await;
    assert_eq!(desk.watch(SCALE, to(3)).await.code(), "forbidden");
    assert_eq!(steps(&desk), ["RemoveScaling"]);
}

#[tokio::test(start_paused = true)]
async fn scaling_by_load_is_set_up_and_told() {
    let desk = deployed(Fake::new()).await;
    for _ in 0..2 {
        let told = desk.watch(SCALE, tracking()).await;
        assert_eq!((told.state(), told.at), ("succeeded", 1000));
        let says = "AllTraffic of oak scales from 1 to 4 instances, aiming at 100 invocations a minute and instance.";
        assert_eq!((told.sentence.as_str(), told.text("/result/message")), (says, says));
    }
    assert_eq!(desk.fake.state().scaling["oak/AllTraffic"], SCALING);
}

#[tokio::test(start_paused = true)]
async fn a_variant_that_is_not_there_is_refused_with_those_that_are() {
    let desk = deployed(Fake::new()).await;
    for mut arguments in [to(3), tracking()] {
        arguments["variant_name"] = json!("Blue");
        let told = desk.watch(SCALE, arguments).await;
        assert_eq!((told.code(), steps(&desk).len()), ("invalid_argument", 0));
        assert!(told.sentence.contains("`variant_name`") && told.sentence.contains("AllTraffic"), "{}", told.sentence);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_in_service_can_be_scaled_after_the_call_that_is_named() {
    let desk = Desk::open(Fake::new()).await;
    desk.call(DEPLOY, oak()).await;
    let told = desk.watch(SCALE, to(3)).await;
    assert_eq!(
        (told.code(), told.text("/error/status"), told.next().0),
        ("not_yet", "Creating", "wait_sagemaker_endpoint")
    );
    assert_eq!((desk.go_on(&told).await.state(), steps(&desk).len()), ("succeeded", 0));
    assert_eq!(desk.watch(SCALE, to(3)).await.state(), "succeeded");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_updated_meanwhile_is_joined_with_what_the_update_goes_to() {
    let desk = deployed(Fake::new()).await;
    let wanted = json!({"model_id": "acme-tabular-oak", "endpoint_name": "oak", "instance_type": "ml.c5.xlarge"});
    desk.call("update_sagemaker_endpoint", wanted).await;
    for arguments in [to(1), tracking()] {
        let told = desk.watch(SCALE, arguments).await;
        assert_eq!(told.state(), "succeeded", "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_there_or_is_to_end_is_refused() {
    let told = Desk::open(Fake::new()).await.watch(SCALE, to(3)).await;
    assert_eq!((told.code(), told.next().0), ("not_found", "list_sagemaker_endpoints"));
    let desk = deployed(Fake::new()).await;
    let mark = (names::TAG_ENDING.to_owned(), "2026-11-20T10:00:00Z".to_owned());
    desk.fake.state().endpoints.get_mut("oak").unwrap().tags.extend([mark]);
    for arguments in [to(3), tracking()] {
        assert_eq!((desk.watch(SCALE, arguments).await.code(), steps(&desk).len()), ("conflict", 0));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_neither_a_number_nor_a_range_is_refused() {
    let fake = Fake::new().with("oak", stages(&[(0, "InService")]));
    let desk = Desk::open(fake).await;
    for (more, argument) in [
        (json!({}), "instance_count"),
        (json!({"instance_count": 0}), "instance_count"),
        (json!({"instance_count": 101}), "instance_count"),
        (json!({"instance_count": 2, "max_instances": 3}), "instance_count"),
        (json!({"min_instances": 3, "max_instances": 2, "invocations_per_instance": 1}), "min_instances"),
        (json!({"min_instances": 1, "max_instances": 2}), "invocations_per_instance"),
        (json!({"min_instances": 1, "max_instances": 2, "invocations_per_instance": -1}), "invocations_per_instance"),
    ] {
        let mut arguments = json!({"endpoint_name": "oak"});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let told = desk.watch(SCALE, arguments).await;
        assert_eq!((told.code(), desk.fake.asked("").len()), ("invalid_argument", 0), "{more}");
        assert!(told.sentence.starts_with(&format!("`{argument}`")), "{more}: {}", told.sentence);
    }
}
