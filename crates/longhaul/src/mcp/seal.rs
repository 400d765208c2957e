//! [`Sealer`]: handles sealed into task ids.
//!
//! An id carries what any replica needs to look again, so that there is no table of tasks. It is
//! signed, not encrypted: readable, which is why a handle holds no secret. It is bound to the
//! server, its target, the tool, the kind of operation and the caller, and it expires. Whatever
//! is wrong with an id, the answer is the same as for an id that never was.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rmcp::model::{RequestStateCodec, RequestStateError, SealOptions};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::tool::{Class, Principal};

/// How long a task id is good for. The backend keeps the truth for longer; a `wait_…` tool finds it.
pub const TASK_TTL: Duration = Duration::from_secs(24 * 3600);

/// Stands between the tool's name, which is needed to open an id, and the sealed rest.
const SEPARATOR: char = '~';

/// Seals and opens handles.
#[derive(Clone, Debug)]
pub struct Sealer {
    codec: RequestStateCodec,
}

/// What is inside an id.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Sealed<H> {
    /// The handle.
    pub(super) handle: H,
    /// Class of the call that made it: ending the work passes the same gate.
    pub(super) class: Class,
    /// When it was sealed, Unix seconds.
    pub(super) created: u64,
}

/// What an id is bound to beside its content.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bond<'a> {
    pub(super) server: &'a str,
    pub(super) target: &'a str,
    pub(super) tool: &'a str,
    pub(super) kind: &'a str,
    pub(super) principal: &'a Principal,
}

/// Not a task of this caller, whatever the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UnknownTask;

impl Sealer {
    /// A ring of keys, each at least 32 bytes; the first seals, all open.
    ///
    /// # Errors
    /// A key is too short, an id is doubled, or there is none.
    pub fn new(keys: Vec<(String, Vec<u8>)>) -> Result<Self, RequestStateError> {
        let active = keys.first().map(|(id, _)| id.clone()).unwrap_or_default();
        Ok(Self { codec: RequestStateCodec::new_with_keyring(active, keys)? })
    }

    /// For stdio, where whoever can talk to the process has all its power: ids need not be
    /// unguessable there, but should survive the process.
    #[must_use]
    pub fn for_stdio() -> Self {
        Self { codec: RequestStateCodec::new_unchecked(*b"longhaul: stdio ids are not secret") }
    }

    pub(super) fn seal<H: Serialize>(&self, sealed: &Sealed<H>, bond: Bond<'_>) -> Result<String, RequestStateError> {
        let bound_to = bond.bytes();
        let options = SealOptions::new().associated_data(&bound_to).ttl(TASK_TTL);
        let rest = self.codec.seal_json_with(sealed, &options)?;
        Ok(format!("{}{SEPARATOR}{rest}", bond.tool))
    }

    pub(super) fn open<H: DeserializeOwned>(&self, id: &str, bond: Bond<'_>) -> Result<Sealed<H>, UnknownTask> {
        let (_, rest) = id.split_once(SEPARATOR).ok_or(UnknownTask)?;
        self.codec.open_json_with(rest, &bond.bytes()).map_err(|error| {
            tracing::debug!(%error, "a task id was refused");
            UnknownTask
        })
    }
}

/// The tool that made an id. Nothing is proved by it.
pub(super) fn tool_of(id: &str) -> Option<&str> {
    id.split_once(SEPARATOR).map(|(tool, _)| tool)
}

impl Bond<'_> {
    /// Length-prefixed, so that no two bonds have the same bytes.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        for part in [self.server, self.target, self.tool, self.kind, self.principal.as_str()] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }
}

pub(super) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "alice";

    fn bond<'a>(principal: &'a Principal) -> Bond<'a> {
        Bond { server: "s", target: "t", tool: "deploy", kind: "k", principal }
    }

    fn keys(ids: &[&str]) -> Sealer {
        Sealer::new(ids.iter().map(|id| ((*id).to_owned(), format!("{id:>32}").into_bytes())).collect()).unwrap()
    }

    fn sealed() -> Sealed<String> {
        Sealed { handle: "arn:x".into(), class: Class::Write, created: unix_now() }
    }

    #[test]
    fn an_id_opens_only_with_everything_it_is_bound_to() {
        let alice = Principal::new(ALICE);
        let sealer = keys(&["k1"]);
        let id = sealer.seal(&sealed(), bond(&alice)).unwrap();
        assert_eq!(sealer.open::<String>(&id, bond(&alice)).unwrap().handle, "arn:x");
        let mallory = Principal::new("mallory");
        for other in [
            Bond { server: "s2", ..bond(&alice) },
            Bond { target: "t2", ..bond(&alice) },
            Bond { tool: "delete", ..bond(&alice) },
            Bond { kind: "k2", ..bond(&alice) },
            Bond { principal: &mallory, ..bond(&alice) },
            Bond { server: "", target: "st", ..bond(&alice) },
        ] {
            assert!(matches!(sealer.open::<String>(&id, other), Err(UnknownTask)), "{other:?}");
        }
    }

    #[test]
    fn tampered_foreign_and_malformed_ids_are_all_the_same_unknown() {
        let alice = Principal::new(ALICE);
        let sealer = keys(&["k1"]);
        let id = sealer.seal(&sealed(), bond(&alice)).unwrap();
        for at in 0..id.len() {
            let mut bytes = id.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let tampered = String::from_utf8(bytes).unwrap();
            let tool = tool_of(&tampered).unwrap_or_default().to_owned();
            let bond = Bond { tool: &tool, ..bond(&alice) };
            assert!(sealer.open::<String>(&tampered, bond).is_err(), "byte {at}");
        }
        for foreign in ["", "~", "deploy~", "deploy", "deploy~rs2.x.y.z", "x~y~z"] {
            assert!(sealer.open::<String>(foreign, bond(&alice)).is_err(), "{foreign}");
        }
    }

    #[test]
    fn a_key_that_was_rotated_still_opens_and_one_that_was_removed_does_not() {
        let alice = Principal::new(ALICE);
        let id = keys(&["old"]).seal(&sealed(), bond(&alice)).unwrap();
        assert!(keys(&["new", "old"]).open::<String>(&id, bond(&alice)).is_ok());
        assert!(keys(&["new"]).open::<String>(&id, bond(&alice)).is_err());
    }

    #[test]
    fn an_expired_id_is_unknown() {
        let alice = Principal::new(ALICE);
        let sealer = keys(&["k1"]);
        let bound_to = bond(&alice).bytes();
        let options = SealOptions::new().associated_data(&bound_to).ttl(Duration::ZERO);
        let rest = sealer.codec.seal_json_with(&sealed(), &options).unwrap();
        std::thread::sleep(Duration::from_millis(5));
        assert!(sealer.open::<String>(&format!("deploy~{rest}"), bond(&alice)).is_err());
    }

    #[test]
    fn a_short_or_doubled_key_is_refused() {
        let ring = |keys: &[(&str, usize)]| {
            Sealer::new(keys.iter().map(|(id, length)| ((*id).to_owned(), vec![7; *length])).collect()).is_err()
        };
        assert!(ring(&[]) && ring(&[("a", 31)]) && ring(&[("a", 32), ("a", 32)]));
        assert!(!ring(&[("a", 32), ("b", 40)]));
    }
}
