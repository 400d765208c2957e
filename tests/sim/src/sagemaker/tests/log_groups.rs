//! CloudWatch Logs, as its clients see it.

use super::*;

fn op(name: &str) -> String {
    format!("Logs_20140328.{name}")
}

async fn with_stream() -> Client {
    let client = Client::start().await;
    client.call_other(&op("CreateLogGroup"), json!({"logGroupName": "g"})).await;
    client.call_other(&op("CreateLogStream"), json!({"logGroupName": "g", "logStreamName": "s"})).await;
    let event = |n: u64| json!({"timestamp": 1000 + n, "message": format!("line {n}")});
    let events: Vec<Value> = (0..5).map(event).collect();
    client.ask(&op("PutLogEvents"), json!({"logGroupName": "g", "logStreamName": "s", "logEvents": events})).await;
    client
}

async fn page(client: &Client, more: Value) -> (String, Value) {
    let mut request = json!({"logGroupName": "g", "logStreamName": "s", "limit": 2});
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = client.ask(&op("GetLogEvents"), request).await;
    let last = |event: &Value| event["message"].as_str().unwrap().chars().last().unwrap();
    let lines = answer["events"].as_array().unwrap().iter().map(last).collect();
    (lines, answer)
}

#[tokio::test]
async fn pages_of_a_stream_run_in_both_directions() {
    let client = with_stream().await;
    let (lines, answer) = page(&client, json!({"startFromHead": true})).await;
    assert_eq!(lines, "01");
    let (lines, answer) = page(&client, json!({"nextToken": answer["nextForwardToken"]})).await;
    assert_eq!(lines, "23");
    let (lines, _) = page(&client, json!({"nextToken": answer["nextBackwardToken"]})).await;
    assert_eq!(lines, "01");
    let (lines, answer) = page(&client, json!({})).await;
    assert_eq!(lines, "34");
    let (lines, end) = page(&client, json!({"nextToken": answer["nextForwardToken"]})).await;
    assert_eq!((lines.as_str(), &end["nextForwardToken"]), ("", &answer["nextForwardToken"]));
}

#[tokio::test]
async fn what_is_absent_or_there_already_is_told() {
    let client = with_stream().await;
    let group = json!({"logGroupName": "g"});
    for (name, request, expected) in [
        ("FilterLogEvents", json!({"logGroupName": "h"}), "ResourceNotFoundException: The specified log group does"),
        ("DescribeLogStreams", json!({"logGroupName": "h"}), "ResourceNotFoundException"),
        (
            "GetLogEvents",
            json!({"logGroupName": "g", "logStreamName": "t"}),
            "The specified log stream does not exist.",
        ),
        ("CreateLogGroup", group.clone(), "ResourceAlreadyExistsException"),
        ("CreateLogGroup", json!({"logGroupName": "a b"}), "InvalidParameterException"),
        ("DescribeLogGroups", json!({"limit": 51}), "InvalidParameterException"),
        ("DescribeLogGroups", json!({"nextToken": "zz"}), "InvalidParameterException"),
    ] {
        let refused = client.refused(&op(name), request).await;
        assert!(refused.contains(expected), "{name}: {refused}");
    }
}

#[tokio::test]
async fn containers_write_while_the_endpoint_is_created() {
    let client = Client::start().await;
    client.deploy(&["e"]).await;
    let groups = || client.ask("Logs_20140328.DescribeLogGroups", json!({"logGroupNamePrefix": "/aws/sagemaker"}));
    client.advance(440).await;
    assert_eq!(groups().await["logGroups"], json!([]));
    client.advance(100).await;
    assert_eq!(groups().await["logGroups"][0]["logGroupName"], "/aws/sagemaker/Endpoints/e");
    let count = || async {
        let request = json!({"logGroupName": "/aws/sagemaker/Endpoints/e"});
        let seen = client.ask("Logs_20140328.FilterLogEvents", request).await;
        seen["events"].as_array().unwrap().len()
    };
    assert_eq!(count().await, 1);
    client.advance(361).await;
    assert_eq!(count().await, 7);
    let request = json!({"logGroupIdentifier": "/aws/sagemaker/Endpoints/e"});
    let streams = client.ask("Logs_20140328.DescribeLogStreams", request).await;
    let name = streams["logStreams"][0]["logStreamName"].as_str().unwrap();
    assert!(name.starts_with("v/i-0") && name.len() == 21, "{name}");
}

#[tokio::test]
async fn reads_lag_behind_what_was_written() {
    let client = with_stream().await;
    client.control("/_sim/settings", json!({"eventual_consistency_seconds": 5})).await;
    let filter = || client.call_other("Logs_20140328.FilterLogEvents", json!({"logGroupName": "g"}));
    assert_eq!(filter().await.json()["__type"], "ResourceNotFoundException");
    client.advance(6).await;
    assert_eq!(filter().await.json()["events"].as_array().unwrap().len(), 5);
}
