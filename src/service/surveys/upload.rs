//! What makes an upload the same as another: its bytes, and all that was said of them.
//!
//! The second layer of an archive, or a file with a corrected field map, has the same bytes and is another upload. Its name and what is to be done about a conflict
//! are no part of it: the same again is recognised under any name. Period and level are kept beside the key, because a survey may be moved.

use crate::service::{Stated, hexadecimal};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// The key of a file with that SHA-256, read as it is said to be, its fields mapped so: 64 hexadecimal digits. A field map counts as a set: in what order its pairs
/// were given is no matter.
#[must_use]
pub fn upload_key(sha256: &str, stated: &Stated, map: &[String]) -> String {
    let Stated { crs, layer, encoding, gcj02, empty } = stated;
    let map: BTreeSet<&String> = map.iter().collect();
    let encoding = encoding.as_ref().map(|label| label.trim().to_ascii_lowercase());
    let said = serde_json::json!([sha256, crs.as_ref().map(ToString::to_string), layer, encoding, gcj02, empty, map]);
    hexadecimal(&Sha256::digest(said.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Gcj02;

    #[test]
    fn whatever_is_said_makes_another_upload() {
        let plain = Stated::default();
        let of = |stated: Stated, map: &[&str]| upload_key("ab", &stated, &map.iter().map(|pair| (*pair).to_owned()).collect::<Vec<_>>());
        let keys = [
            of(plain.clone(), &[]),
            upload_key("ac", &plain, &[]),
            of(Stated { crs: Some("EPSG:4527".parse().unwrap()), ..plain.clone() }, &[]),
            of(Stated { crs: Some("EPSG:4528".parse().unwrap()), ..plain.clone() }, &[]),
            of(Stated { layer: Some("图斑".to_owned()), ..plain.clone() }, &[]),
            of(Stated { encoding: Some("图斑".to_owned()), ..plain.clone() }, &[]),
            of(Stated { gcj02: Some(Gcj02::Keep), ..plain.clone() }, &[]),
            of(Stated { gcj02: Some(Gcj02::Remove), ..plain.clone() }, &[]),
            of(Stated { empty: true, ..plain.clone() }, &[]),
            of(plain.clone(), &["patch_id=A"]),
            of(plain.clone(), &["patch_id=A", "county_code="]),
        ];
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
        assert!(keys.iter().all(|key| key.len() == 64));
        assert_eq!(of(plain.clone(), &["county_code=", "patch_id=A"]), keys[10], "in whatever order");
        let gbk = |label: &str| of(Stated { encoding: Some(label.to_owned()), ..Stated::default() }, &[]);
        assert_eq!(gbk("GBK"), gbk("gbk"));
    }
}
