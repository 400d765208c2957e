//! What an operator sees: settings, checks, exit codes.

use std::path::PathBuf;

use longhaul_e2e::{Setup, Sim};

/// A configuration file that lives as long as the test.
struct Config(PathBuf);

impl Config {
    fn new(name: &str, text: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let file = folder.join(format!("{name}-{}.yaml", std::process::id()));
        std::fs::write(&file, text).unwrap();
        Self(file)
    }

    fn flag(&self) -> String {
        format!("--config={}", self.0.display())
    }
}

impl Drop for Config {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

const KEY: &str = "k1:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

#[tokio::test]
async fn print_config_shows_values_origins_and_no_secret_and_can_be_read_again() {
    let file = Config::new("print", "sagemaker:\n  poll_seconds: 7\n  timeout_seconds: 900\n");
    let setup = Setup::bare()
        .env("LONGHAUL_HANDLE_KEYS", KEY)
        .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
        .env("SAGEMAKER_POLL_SECONDS", "9")
        .flag(&file.flag())
        .flag("--allow-write")
        .flag("--print-config");
    let (code, out, err) = setup.run().await;
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(!out.contains("00112233") && !out.contains("wJalr"), "{out}");
    for (setting, origin) in [
        ("poll_seconds: 9", "# SAGEMAKER_POLL_SECONDS"),
        ("timeout_seconds: 900", ".yaml:3"),
        ("allow: \"write\"", "# --allow-write"),
        ("patience_seconds: 300", "# default"),
    ] {
        let line = out.lines().find(|line| line.contains(setting)).unwrap_or_else(|| panic!("{setting}: {out}"));
        assert!(line.contains(origin), "{line}");
    }

    let again = Config::new("again", &out);
    let (code, second, err) = Setup::bare().flag(&again.flag()).flag("--print-config").run().await;
    assert_eq!(code, 0, "{err}");
    let values = |text: &str| -> Vec<String> {
        let lines = text.lines().filter_map(|line| line.split('#').next()).map(|line| line.trim_end().to_owned());
        lines.filter(|line| !line.is_empty()).collect()
    };
    assert_eq!(values(&out), values(&second));
}

#[tokio::test]
async fn check_says_who_one_is_where_everything_is_fine() {
    let sim = Sim::start(&[]).await;
    let (code, out, err) = Setup::sagemaker(&sim).flag("--check").run().await;
    assert_eq!(code, 0, "{out}{err}");
    for word in ["123456789012", "us-east-1", "destructive", "17: ", "deploy_jumpstart_model"] {
        assert!(out.contains(word), "{word}: {out}");
    }
    assert!(!out.contains("FAILED") && !out.contains("wJalr"), "{out}");
    // It looks, and changes nothing.
    assert_eq!((sim.created().await, sim.log().await.len()), ([0, 0, 0], 1));
}

#[tokio::test]
async fn check_fails_and_says_why() {
    let sim = Sim::start(&[]).await;
    let without = |name: &str| Setup::sagemaker(&sim).without(name);
    for (setup, why) in [
        (without("AWS_ACCESS_KEY_ID").without("AWS_SECRET_ACCESS_KEY"), "identity"),
        (without("AWS_REGION"), "AWS_REGION"),
        (Setup::sagemaker(&sim).env("AWS_ACCOUNT_ID", "999999999999"), "999999999999"),
    ] {
        let (code, out, err) = setup.flag("--check").run().await;
        let failed = out.lines().filter(|line| line.starts_with("FAILED")).any(|line| line.contains(why));
        assert!(code == 1 && failed, "{why}: {code}\n{out}{err}");
    }
    sim.fault(serde_json::json!({ "op": "*", "kind": "expired_token", "times": -1 })).await;
    let (code, out, _) = Setup::sagemaker(&sim).flag("--check").run().await;
    assert!(code == 1 && out.contains("FAILED") && out.contains("expired"), "{out}");
}

#[tokio::test]
async fn check_fails_without_a_backend() {
    let mut sim = Sim::start(&[]).await;
    let setup = Setup::sagemaker(&sim).flag("--check");
    sim.kill().await;
    let (code, out, _) = setup.run().await;
    assert!(code == 1 && out.contains("FAILED"), "{out}");
}

#[tokio::test]
async fn unknown_settings_exit_with_two_and_name_the_nearest() {
    let file = Config::new("unknown", "sagemaker:\n  pol_seconds: 7\ngate:\n  allow: write\n");
    let (code, out, err) = Setup::bare().flag(&file.flag()).run().await;
    assert!(code == 2 && out.is_empty(), "{code} {out}");
    // All at once, each with its line.
    for words in [["sagemaker.pol_seconds", "sagemaker.poll_seconds", ".yaml:2"], ["gate", "gates", ".yaml:3"]] {
        let told = err.lines().any(|line| words.iter().all(|word| line.contains(word)));
        assert!(told, "{words:?}: {err}");
    }
    let (code, out, err) = Setup::bare().flag("--sagemaker-pol-seconds=7").run().await;
    assert!(code == 2 && out.is_empty() && err.contains("--sagemaker-poll-seconds"), "{err}");
    let (code, _, err) = Setup::bare().env("SAGEMAKER_POL_SECONDS", "7").flag("--print-config").run().await;
    assert!(code == 0 && err.contains("SAGEMAKER_POLL_SECONDS"), "{err}");
}

#[tokio::test]
async fn values_that_are_not_good_exit_with_two_and_say_what_would_be() {
    for (name, value, why) in [
        ("SAGEMAKER_POLL_SECONDS", "0", "sagemaker.poll_seconds"),
        ("SAGEMAKER_POLL_SECONDS", "soon", "sagemaker.poll_seconds"),
        ("MCP_TRANSPORT", "carrier-pigeon", "server.transport"),
        ("LONGHAUL_GATES_ALLOW", "everything", "gates.allow"),
        ("LONGHAUL_HANDLE_KEYS", "k1:c2hvcnQ=", "handles.keys"),
    ] {
        let (code, out, err) = Setup::bare().env(name, value).run().await;
        assert!(code == 2 && out.is_empty() && err.contains(why) && err.contains(name), "{name}={value}: {code} {err}");
        assert!(!err.contains("c2hvcnQ"), "{err}");
    }
}
