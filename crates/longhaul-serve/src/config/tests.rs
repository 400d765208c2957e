//! Precedence and errors, for every key.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{flags::About, *};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Own {
    /// Seconds between looks.
    #[schemars(range(min = 1))]
    poll_seconds: u32,
    /// A password.
    password: Option<Secret>,
    /// Names.
    names: Vec<String>,
}

impl Default for Own {
    fn default() -> Self {
        Self { poll_seconds: 30, password: None, names: vec![] }
    }
}

fn keys() -> Vec<Key> {
    let mut keys = keys_of::<Shared>("");
    keys.extend(keys_of::<Own>("kettle"));
    keys
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn decide(flags: &[&str], variables: &[(&str, &str)], file: &str) -> Result<Effective, String> {
    let about = About { name: "kettle", version: "1", about: "" };
    let arguments = std::iter::once(&"kettle").chain(flags).map(Into::into);
    let asked = flags::parse(about, &keys(), arguments).map_err(|error| error.to_string())?;
    let sources = Sources { flags: asked.given, environment: environment(variables), file: Some(("c.yaml", file)) };
    load(&keys(), "kettle", sources).map_err(|errors| errors.to_string())
}

/// Two values of a key that differ from its default and from each other, as text and as YAML.
fn two_values(key: &Key) -> Option<[String; 2]> {
    Some(match &key.kind {
        _ if key.planned.is_some() => return None,
        Kind::Switch => [(key.default != json!(true)).to_string(), (key.default == json!(true)).to_string()],
        Kind::Whole { .. } => ["17".into(), "18".into()],
        Kind::Choice(words) => [words.last()?.clone(), words.first()?.clone()],
        Kind::List(_) => ["[a]".into(), "[b]".into()],
        Kind::Number | Kind::Text | Kind::Json => ["one".into(), "two".into()],
    })
}

#[test]
fn for_every_key_a_flag_beats_the_environment_beats_the_file_beats_the_default() {
    for key in keys() {
        let Some([one, two]) = two_values(&key) else { continue };
        let (section, name) = key.path.rsplit_once('.').unwrap();
        let text = |yaml: &str| yaml.trim_matches(['[', ']']).to_owned();
        let flag = key.flag.as_ref().map(|flag| format!("--{flag}={}", text(&one)));
        let flags: Vec<&str> = flag.iter().map(String::as_str).collect();
        let (in_env, in_file) = (text(&two), format!("{section}:\n  {name}: {one}\n"));
        let origin = |flags: &[&str], variables: &[(&str, &str)], file: &str| {
            decide(flags, variables, file).unwrap().origin(&key.path)
        };
        assert_eq!(origin(&[], &[], ""), Origin::Default);
        assert_eq!(origin(&[], &[], &in_file), Origin::File { file: "c.yaml".into(), line: 2 });
        assert_eq!(origin(&[], &[(&key.env, &in_env)], &in_file), Origin::Env(key.env.clone()));
        assert_eq!(
            origin(&[], &[(&key.env, "")], &in_file),
            Origin::File { file: "c.yaml".into(), line: 2 },
            "empty is not set"
        );
        if let Some(flag) = &key.flag {
            assert_eq!(origin(&flags, &[(&key.env, &in_env)], &in_file), Origin::Flag(flag.clone()));
        }
    }
}

#[test]
fn for_every_key_that_is_not_text_a_wrong_value_names_key_origin_and_what_is_allowed() {
    for key in keys().into_iter().filter(|key| !matches!(key.kind, Kind::Text | Kind::List(_) | Kind::Json)) {
        let (section, name) = key.path.rsplit_once('.').unwrap();
        let allowed = key.kind.allowed();
        let by_env = decide(&[], &[(&key.env, "bogus")], "").unwrap_err();
        assert_eq!(by_env, format!("{} ({}) must be {allowed}, not `bogus`", key.path, key.env));
        let by_file = decide(&[], &[], &format!("{section}:\n  {name}: bogus\n")).unwrap_err();
        assert_eq!(by_file, format!("{} (c.yaml:2) must be {allowed}, not `bogus`", key.path));
        let flag = key.flag.unwrap();
        let by_flag = decide(&[&format!("--{flag}=bogus")], &[], "").unwrap_err();
        assert_eq!(by_flag, format!("{} (--{flag}) must be {allowed}, not `bogus`", key.path));
    }
}

#[test]
fn a_key_whose_feature_comes_later_is_refused_wherever_it_is_set() {
    for key in keys().into_iter().filter(|key| key.planned.is_some()) {
        let error = decide(&[], &[(&key.env, "x")], "").unwrap_err();
        assert!(error.contains(&key.path) && error.contains("does not have yet"), "{error}");
    }
    assert_eq!(keys().iter().filter(|key| key.planned.is_some()).count(), 3);
}

#[test]
fn an_unknown_key_names_its_place_and_the_nearest() {
    let error = decide(&[], &[], "server:\n  prot: 1\nketle:\n  poll_seconds: 1\n").unwrap_err();
    assert_eq!(
        error,
        "server.prot (c.yaml:2) is not a setting; the nearest is server.port\n\
         ketle (c.yaml:3) is not a setting; the nearest is kettle"
    );
    assert_eq!(
        decide(&[], &[], "server: 5\n").unwrap_err(),
        "server (c.yaml:1) is a section and has settings below it, no value"
    );
}

#[test]
fn an_unknown_flag_names_the_nearest() {
    let error = decide(&["--server-prot=1"], &[], "").unwrap_err();
    assert!(error.contains("--server-port"), "{error}");
}

#[test]
fn a_near_miss_in_the_environment_is_a_warning() {
    let variables =
        [("MCP_SERVER_PROT", "1"), ("KETTLE_POLL", "1"), ("MCP_TIMEOUT", "1"), ("LONGHAUL_CONFIG", "x"), ("PATH", "x")];
    let warnings = decide(&[], &variables, "").unwrap().warnings;
    assert_eq!(
        warnings,
        [
            "the environment variable KETTLE_POLL is not known; the nearest is KETTLE_POLL_SECONDS",
            "the environment variable MCP_SERVER_PROT is not known; the nearest is MCP_SERVER_PORT",
        ]
    );
}

#[test]
fn a_variable_that_kubernetes_sets_is_told_as_such() {
    let error = decide(&[], &[("MCP_SERVER_PORT", "tcp://10.0.0.1:80")], "").unwrap_err();
    assert!(error.contains("enableServiceLinks"), "{error}");
}

#[test]
fn all_errors_are_told_at_once() {
    let error =
        decide(&["--kettle-poll-seconds=0"], &[("MCP_SERVER_PORT", "x")], "gates:\n  allow: all\n").unwrap_err();
    assert_eq!(error.lines().count(), 3, "{error}");
}

#[test]
fn the_gates_have_flags_of_their_own_and_only_one_may_be_given() {
    let allow =
        |flags: &[&str]| decide(flags, &[], "").map(|effective| effective.get("gates.allow").unwrap().0.clone());
    assert_eq!(allow(&["--allow-write"]), Ok(json!("write")));
    assert_eq!(allow(&["--allow-destructive"]), Ok(json!("destructive")));
    assert_eq!(allow(&["--read-only"]), Ok(json!("read")));
    assert_eq!(allow(&["--gates-allow=write"]), Ok(json!("write")));
    assert!(allow(&["--read-only", "--allow-write"]).unwrap_err().contains("cannot be used with"));
}

#[test]
fn what_holds_becomes_the_settings_structs() {
    let effective =
        decide(&["--server-port=1", "--server-allow-unauthenticated"], &[("KETTLE_NAMES", "a,b")], "").unwrap();
    let shared: Shared = effective.read("", "kettle").unwrap();
    assert_eq!((shared.server.port, shared.server.allow_unauthenticated), (1, true));
    let own: Own = effective.read("kettle", "").unwrap();
    assert_eq!((own.poll_seconds, own.names), (30, vec!["a".to_owned(), "b".to_owned()]));
}

#[test]
fn what_is_shown_can_be_loaded_again_and_hides_secrets() {
    let file = "server:\n  port: 9000\n";
    let variables = [("KETTLE_PASSWORD", "hunter2"), ("MCP_TRANSPORT", "http"), ("AWS_ACCOUNT_ID", "012345678901")];
    let effective = decide(&["--kettle-names=a: b,#c"], &variables, file).unwrap();
    let shown = show(&keys(), &effective);
    assert!(!shown.contains("hunter2") && shown.contains("# password: (hidden)"), "{shown}");
    assert!(shown.lines().any(|line| line.starts_with("  port: 9000 ") && line.ends_with("# c.yaml:2")), "{shown}");
    assert!(
        shown.lines().any(|line| line.starts_with("  transport: \"http\" ") && line.ends_with("# MCP_TRANSPORT")),
        "{shown}"
    );
    let again = decide(&[], &[], &shown).unwrap();
    for key in keys().iter().filter(|key| !key.secret) {
        assert_eq!(again.get(&key.path).unwrap().0, effective.get(&key.path).unwrap().0, "{}", key.path);
    }
}

#[test]
fn a_wrong_secret_is_not_shown() {
    let error = decide(&[], &[], "kettle:\n  password: 123456\n").unwrap_err();
    assert_eq!(error, "kettle.password (c.yaml:2) must be text");
}
