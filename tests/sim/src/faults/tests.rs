use super::*;

fn fault(op: &str, times: i64, skip: u64) -> Fault {
    Fault { op: op.to_owned(), resource: None, kind: Kind::Throttle, times, skip, seconds: None, retry_after: None }
}

/// Which of five requests are hit, as crosses and dots.
fn check(fault: Fault, expected: &str) {
    let mut faults = Faults::default();
    faults.add(fault);
    let hit = |_| match faults.take("Describe", Some("e")) {
        Some(_) => 'x',
        None => '.',
    };
    assert_eq!((0..5).map(hit).collect::<String>(), expected);
}

#[test]
fn a_fault_skips_and_then_hits_as_often_as_told() {
    check(fault("Describe", 1, 0), "x....");
    check(fault("*", 2, 0), "xx...");
    check(fault("Describe", 2, 1), ".xx..");
    check(fault("Describe", -1, 2), "..xxx");
    check(fault("Create", -1, 0), ".....");
}

#[test]
fn a_fault_can_wait_for_one_resource() {
    let of = |name: &str| Fault { resource: Some(name.to_owned()), ..fault("*", 1, 0) };
    check(of("e"), "x....");
    check(of("other"), ".....");
}

#[test]
fn faults_come_in_the_order_in_which_they_were_added() {
    let mut faults = Faults::default();
    faults.add(fault("Describe", 1, 0));
    faults.add(Fault { kind: Kind::Reset, ..fault("*", 1, 0) });
    let kinds: Vec<Kind> = (0..2).filter_map(|_| faults.take("Describe", None)).map(|fault| fault.kind).collect();
    assert_eq!(kinds, [Kind::Throttle, Kind::Reset]);
    assert!(faults.pending().is_empty());
}

#[test]
fn a_fault_is_read_from_json() {
    let read = |text: &str| serde_json::from_str::<Fault>(text);
    let fault = read(r#"{"op":"*","kind":"http_503","retry_after":{"date_in_seconds":60}}"#);
    let header = fault.unwrap().retry_after.unwrap().header().unwrap();
    assert!(header.to_str().unwrap().ends_with(" GMT"), "{header:?}");
    assert!(read(r#"{"op":"*","kind":"hang","seconds":0.5,"times":-1,"skip":3}"#).is_ok());
    assert!(read(r#"{"op":"*","kind":"hang","secs":1}"#).is_err());
}

#[tokio::test]
async fn what_a_fault_forbids_is_not_carried_out() {
    for (kind, carried_out) in [
        (Kind::Throttle, false),
        (Kind::Http500Html, false),
        (Kind::Reset, false),
        (Kind::CommitThenReset, true),
        (Kind::Truncate, true),
    ] {
        let fault = Fault { kind, ..fault("*", 1, 0) };
        let mut done = false;
        let work = async {
            done = true;
            Response::default()
        };
        apply(Some(&fault), &Cut::default(), |_| Response::default(), work).await;
        assert_eq!(done, carried_out, "{kind:?}");
    }
}
