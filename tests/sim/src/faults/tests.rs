use super::*;

fn fault(op: &str, kind: Kind) -> Fault {
    Fault {
        op: op.to_owned(),
        resource: None,
        kind,
        times: 1,
        skip: 0,
        seconds: None,
        retry_after: None,
    }
}
