//! `handles.keys`: the ring of keys that seal task ids.

use base64::{Engine, engine::general_purpose};
use longhaul::mcp::Sealer;

use super::Secret;

/// The sealer of a ring. The error never shows a key.
pub(crate) fn sealer(keys: &Secret) -> Result<Sealer, String> {
    let keys = keys.expose().split(',').map(str::trim).filter(|key| !key.is_empty()).map(key);
    Sealer::new(keys.collect::<Result<Vec<_>, String>>()?).map_err(|error| error.to_string())
}

fn key(text: &str) -> Result<(String, Vec<u8>), String> {
    let Some((id, key)) = text.split_once(':').filter(|(id, _)| !id.is_empty()) else {
        return Err("must be `id:key`, comma separated".into());
    };
    let bytes = bytes(key).ok_or_else(|| format!("has a key `{id}` that is neither hex nor base64"))?;
    if bytes.len() < 32 {
        return Err(format!(
            "has a key `{id}` of {} bytes; it takes at least 32 (`openssl rand -hex 32` makes them)",
            bytes.len()
        ));
    }
    Ok((id.to_owned(), bytes))
}

/// Hex where it can be hex: 64 hex digits are base64 of something else, too, but nobody means that.
fn bytes(key: &str) -> Option<Vec<u8>> {
    if key.len().is_multiple_of(2) && key.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let pairs = key.as_bytes().chunks_exact(2);
        return pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
    }
    let engines = [general_purpose::STANDARD_PAD_INDIFFERENT, general_purpose::URL_SAFE_PAD_INDIFFERENT];
    engines.iter().find_map(|engine| engine.decode(key).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(keys: &str) -> Result<(), String> {
        sealer(&Secret::new(keys)).map(|_| ())
    }

    #[test]
    fn keys_are_read_in_hex_and_in_both_base64s() {
        let hex = "ab".repeat(32);
        assert_eq!(bytes(&hex), Some(vec![0xab; 32]));
        assert_eq!(bytes(&general_purpose::STANDARD.encode([0xfb; 32])), Some(vec![0xfb; 32]));
        assert_eq!(bytes(&general_purpose::URL_SAFE_NO_PAD.encode([0xfb; 33])), Some(vec![0xfb; 33]));
        assert_eq!(check(&format!("new:{hex}, old:{hex}")), Ok(()));
    }

    #[test]
    fn a_bad_ring_is_refused_without_showing_a_key() {
        let hex = "ab".repeat(32);
        for (ring, why) in [
            ("", "key"),
            (hex.as_str(), "id:key"),
            ("a:abcd", "2 bytes"),
            ("a:not base64 at all!", "neither hex nor base64"),
            (&format!("a:{hex},a:{hex}"), ""),
        ] {
            let error = check(ring).unwrap_err();
            assert!(
                error.contains(why) && !error.contains(&hex) && !error.contains("not base64 at"),
                "{ring}: {error}"
            );
        }
    }
}
