//! What an operator sees: exit codes and texts.

use std::process::Output;

use crate::kettle::{OverHttp, command};

fn run(flags: &[&str], environment: &[(&str, &str)]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command(flags, environment).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn help_version_and_settings_are_shown_on_stdout() {
    let (code, out, _) = run(&["--help"], &[]);
    assert!(
        code == 0 && out.contains("--kettle-seconds <NUMBER>") && out.contains("[env: KETTLE_SECONDS] [default: 3]"),
        "{out}"
    );
    assert_eq!(run(&["--version"], &[]), (0, format!("kettle-mcp {}\n", env!("CARGO_PKG_VERSION")), String::new()));
    let (code, out, _) = run(&["--print-config"], &[("KETTLE_PASSWORD", "hunter2"), ("KETTLE_SECONDS", "5")]);
    assert!(code == 0 && out.contains("# KETTLE_SECONDS") && !out.contains("hunter2"), "{out}");
}

#[test]
fn a_check_that_fails_exits_with_one() {
    assert_eq!(run(&["--check"], &[]).0, 0);
    let (code, out, _) = run(&["--check"], &[("KETTLE_SECONDS", "0")]);
    assert!(code == 1 && out.contains("FAILED  kettle"), "{out}");
}

#[test]
fn settings_that_are_not_good_exit_with_two_and_say_why() {
    for (flags, environment, why) in [
        (&["--server-host=0.0.0.0", "--server-transport=http"][..], &[][..], "server.allow_unauthenticated"),
        (&["--server-host=example.com"], &[], "must be an IP address or localhost"),
        (&["--server-platform=agentcore"], &[], "does not have yet"),
        (&["--logging-level=verbose"], &[], "logging.level (--logging-level) must be error"),
        (&[], &[("OAUTH_DISCOVERY_URL", "https://x")], "does not have yet"),
        (&[], &[("LONGHAUL_HANDLE_KEYS", "k:abcd")], "at least 32"),
        (&["--config=/no/such/file.yaml"], &[], "cannot read the configuration file /no/such/file.yaml"),
        (&[], &[("LONGHAUL_CONFIG", "/no/such/file.yaml")], "cannot read the configuration file"),
    ] {
        let (code, out, err) = run(flags, environment);
        assert!(code == 2 && out.is_empty() && err.contains(why), "{flags:?} {environment:?}: {code} {err}");
    }
}

#[test]
fn beyond_loopback_is_served_where_the_operator_says_so() {
    let (code, out, _) =
        run(&["--check", "--server-transport=http", "--server-host=0.0.0.0", "--server-allow-unauthenticated"], &[]);
    assert!(code == 0 && out.contains("http on 0.0.0.0:8000, open to everybody who reaches it"), "{out}");
}

#[test]
fn a_port_that_is_taken_exits_with_two_and_names_the_setting() {
    let server = OverHttp::start(&[], &[]);
    let (code, _, err) = run(&["--server-transport=http", &format!("--server-port={}", server.port)], &[]);
    assert!(code == 2 && err.contains("server.port"), "{code} {err}");
}

#[test]
fn a_near_miss_in_the_environment_is_told_and_changes_nothing() {
    let (code, _, err) = run(&["--check"], &[("MCP_SERVER_PROT", "1")]);
    assert!(code == 0 && err.contains("the nearest is MCP_SERVER_PORT"), "{err}");
}
