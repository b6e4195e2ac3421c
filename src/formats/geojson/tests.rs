//! What files may look like, and what is said of those that may not.

use super::*;
use crate::formats::{FaultKind, Field, Wanted};
use proptest::prelude::*;
use std::io::Cursor;
use tuban_engine::model::Place;
use tuban_geom::Outline;

const SQUARE: &str = r#"{"type":"Polygon","coordinates":[[[118.1,35.1],[118.2,35.1],[118.2,35.2],[118.1,35.1]]]}"#;

fn collection(members: &str) -> String {
    format!(r#"{{"type":"FeatureCollection","features":[{members}]}}"#)
}

fn square(id: usize) -> String {
    format!(r#"{{"type":"Feature","properties":{{"JCBH":"P{id}","XZQDM":371302}},"geometry":{SQUARE}}}"#)
}

fn feature_of(geometry: &str) -> String {
    collection(&format!(r#"{{"type":"Feature","properties":{{}},"geometry":{geometry}}}"#))
}

/// Everything in a file: its head, its CRS, and for each feature row, patch id and geometry.
#[derive(Debug, PartialEq)]
struct Everything {
    head: Head,
    crs: Crs,
    features: Vec<(u64, String, Result<Outline, crate::formats::Fault>)>,
}

/// As many bytes as a feature may have.
const TEXT_BYTES: usize = 64 << 20;

fn read_with(bytes: &[u8], forced: Option<Crs>, limit: usize) -> Result<Everything, ReadError> {
    let mut reader = Reader::new(Box::new(Cursor::new(bytes.to_vec())), forced, FeatureBounds { text_bytes: limit as u64, ..FeatureBounds::default() })?;
    let mut features = Vec::new();
    while let Some(batch) = reader.next_batch()? {
        let fields = FieldMap::resolve(Wanted::Survey, &batch.keys(usize::MAX)?, &[]).unwrap();
        for index in 0..batch.len() {
            let feature = batch.feature(index, &fields)?;
            features.push((feature.row, feature.fields.get(Field::PatchId).unwrap_or_default().to_owned(), feature.geometry));
        }
    }
    assert_eq!(reader.bytes_read(), bytes.len() as u64);
    assert!(reader.next_batch()?.is_none());
    Ok(Everything { head: reader.head().clone(), crs: reader.crs(), features })
}

fn read(text: impl AsRef<[u8]>) -> Result<Everything, ReadError> {
    read_with(text.as_ref(), None, TEXT_BYTES)
}

fn refused(text: impl AsRef<[u8]>) -> (String, Option<u64>, Option<String>) {
    let error = read(text).unwrap_err();
    assert!(!error.words().zh.is_empty() && !error.to_string().is_empty());
    (error.code().to_owned(), error.offset(), error.pointer().map(str::to_owned))
}

/// The one feature of a collection.
fn only<T>(text: &str, look: impl FnOnce(RawFeature<'_>) -> T) -> T {
    let mut reader = Reader::new(Box::new(Cursor::new(text.to_owned())), None, FeatureBounds::default()).unwrap();
    let batch = reader.next_batch().unwrap().unwrap();
    let fields = FieldMap::resolve(Wanted::Survey, &batch.keys(1).unwrap(), &[]).unwrap();
    look(batch.feature(0, &fields).unwrap())
}

fn fault(geometry: &str) -> (&'static str, [Option<u32>; 3]) {
    only(&feature_of(geometry), |feature| {
        let fault = feature.geometry.unwrap_err();
        (fault.code(), [fault.place.part, fault.place.ring, fault.place.vertex])
    })
}

/// A file too large for one batch or one read, with the vertices of each feature.
fn large() -> (String, usize) {
    let ring: Vec<String> = (0..40).map(|i| format!("[118.{i:09},35.{i:09}]")).collect();
    let feature = format!(
        r#"{{"type":"Feature","properties":{{"JCBH":"}}]{{\\\"","MC":"兰山区"}},"geometry":{{"type":"Polygon","coordinates":[[{}]]}}}}"#,
        ring.join(",")
    );
    (collection(&vec![feature; 2500].join(" ,\n")), 40)
}

#[test]
fn features_come_in_order_with_their_rows() {
    let all: Vec<String> = (1..=3).map(square).collect();
    let read = read(collection(&all.join(","))).unwrap();
    assert_eq!(read.features.iter().map(|(row, id, _)| (*row, id.as_str())).collect::<Vec<_>>(), [(1, "P1"), (2, "P2"), (3, "P3")]);
    assert_eq!(read.features[0].2, Ok(Outline::polygon(&[[[118.1, 35.1], [118.2, 35.1], [118.2, 35.2], [118.1, 35.1]]])));
    assert_eq!((read.crs, read.head), (Crs::CRS84, Head::default()));
}

#[test]
fn an_empty_collection_has_no_batches() {
    assert_eq!(read(collection("")).unwrap().features, []);
    assert_eq!(read(collection(" \n ")).unwrap().features, []);
}

#[test]
fn a_large_file_comes_in_batches_of_bounded_size() {
    let (text, vertices) = large();
    let mut reader = Reader::new(Box::new(Cursor::new(text.clone())), None, FeatureBounds::default()).unwrap();
    let (mut row, mut batches) = (1, 0);
    while let Some(batch) = reader.step().unwrap() {
        assert_eq!(batch.first_row(), row);
        assert!(!batch.is_empty() && batch.len() <= BATCH_FEATURES && batch.bytes.len() <= BATCH_BYTES + 4096);
        for index in 0..batch.len() {
            let feature = batch.feature(index, &FieldMap::default()).unwrap();
            assert_eq!(feature.geometry.unwrap().positions.len(), vertices);
            assert_eq!(feature.attributes, r#"{"JCBH":"}]{\\\"","MC":"兰山区"}"#);
        }
        row += batch.len() as u64;
        batches += 1;
    }
    assert_eq!((row, reader.bytes_read()), (2501, text.len() as u64));
    assert!(batches > 4);
}

#[test]
fn members_may_come_in_every_order() {
    let features = format!(r#""features":[{}]"#, square(1));
    let members = [
        r#""type":"FeatureCollection""#,
        r#""crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::4490"}}"#,
        r#""name":"n""#,
        r#""invented":true"#,
        r#""bbox":[1,[2],{"a":"]}"}]"#,
        features.as_str(),
    ];
    let expected = Everything {
        head: Head { crs: Some("4490".parse().unwrap()), name: Some("n".to_owned()), invented: true, ..Head::default() },
        crs: "4490".parse().unwrap(),
        features: read(collection(&square(1))).unwrap().features,
    };
    let mut orders = vec![vec![]];
    for _ in 0..members.len() {
        orders = orders
            .iter()
            .flat_map(|order: &Vec<usize>| {
                (0..members.len()).filter(|next| !order.contains(next)).map(|next| [order.as_slice(), &[next]].concat()).collect::<Vec<_>>()
            })
            .collect();
    }
    assert_eq!(orders.len(), 720);
    for order in orders {
        let text: Vec<&str> = order.iter().map(|member| members[*member]).collect();
        assert_eq!(read(format!("{{{}}}", text.join(" , "))).unwrap(), expected, "{text:?}");
    }
}

#[test]
fn a_features_members_may_come_in_every_order() {
    let last_first = r#"{"geometry":{"coordinates":[[[118.1,35.1],[118.2,35.1],[118.2,35.2],[118.1,35.1]]],"bbox":[1],"type":"Polygon"},"id":7,"properties":null,"type":"Feature"}"#;
    only(&collection(last_first), |feature| {
        assert_eq!(feature.geometry.unwrap().positions.len(), 4);
        assert_eq!((feature.feature_id.as_deref(), feature.attributes), (Some("7"), "{}"));
    });
    assert_eq!(fault(r#"{"coordinates":[1,2],"type":"Point"}"#).0, "not_a_polygon");
    assert_eq!(fault(r#"{"coordinates":[[[1,2],[3]]],"type":"Polygon"}"#), ("short_position", [None, Some(0), Some(1)]));
}

#[test]
fn fields_are_taken_as_plain_text() {
    let text = collection(
        r#"{"type":"Feature","id":"f\u0031","properties":{"jcbh":"a\"\u5170","XZQDM":371302,"XMC":null,"TBLX":" ","MJ":1.50,"QSX":{"x":1},"HSX":20220401.0,"extra":[1]},"geometry":null}"#,
    );
    only(&text, |feature| {
        let get = |field| feature.fields.get(field);
        assert_eq!((get(Field::PatchId), get(Field::CountyCode), get(Field::CountyName), get(Field::ChangeType)), (Some("a\"兰"), Some("371302"), None, None));
        assert_eq!((get(Field::StatedArea), get(Field::DateBefore)), (Some("1.50"), Some(r#"{"x":1}"#)));
        assert_eq!(get(Field::DateAfter), Some("20220401"), "a whole number that a program has written as a real one");
        assert_eq!(feature.feature_id.as_deref(), Some("f1"));
        assert!(feature.attributes.starts_with(r#"{"jcbh":"a\"\u5170""#) && feature.attributes.ends_with("[1]}"));
    });
}

#[test]
fn decimals_and_heights_are_noticed() {
    only(&feature_of(r#"{"type":"Polygon","coordinates":[[[118.123456789,35,9.25],[118.1,35.12,1,2],[118,35,0]]]}"#), |feature| {
        assert_eq!((feature.decimals, feature.has_z), (9, true));
        assert_eq!(feature.geometry.unwrap().positions, [[118.123_456_789, 35.0], [118.1, 35.12], [118.0, 35.0]]);
    });
    only(&feature_of(SQUARE), |feature| assert_eq!((feature.decimals, feature.has_z), (1, false)));
}

#[test]
fn rings_are_kept_as_they_came() {
    only(&feature_of(r#"{"type":"MultiPolygon","coordinates":[[[[1,2],[3,4]],[]],[],[[[5,6]]]]}"#), |feature| {
        let outline = feature.geometry.unwrap();
        assert_eq!((outline.ring_ends, outline.part_ends, outline.multi), (vec![2, 2, 2, 3], vec![2, 3, 4], true));
    });
}

#[test]
fn a_broken_feature_is_its_own_fault_and_not_the_files() {
    for (geometry, code, place) in [
        ("null", "no_geometry", [None; 3]),
        ("7", "no_geometry", [None; 3]),
        ("{}", "not_a_polygon", [None; 3]),
        (r#"{"type":"Point","coordinates":[1,2]}"#, "not_a_polygon", [None; 3]),
        (r#"{"type":"LineString","coordinates":[[1,2],[3,4]]}"#, "not_a_polygon", [None; 3]),
        (r#"{"type":"GeometryCollection","geometries":[]}"#, "not_a_polygon", [None; 3]),
        (r#"{"type":"Polygon"}"#, "empty_geometry", [None; 3]),
        (r#"{"type":"Polygon","coordinates":[]}"#, "empty_geometry", [None; 3]),
        (r#"{"type":"Polygon","coordinates":[[]]}"#, "empty_geometry", [None; 3]),
        (r#"{"type":"MultiPolygon","coordinates":[]}"#, "empty_geometry", [None; 3]),
        (r#"{"type":"Polygon","coordinates":null}"#, "not_a_number", [None, None, None]),
        (r#"{"type":"Polygon","coordinates":[1,2]}"#, "bad_nesting", [None, Some(0), None]),
        (r#"{"type":"Polygon","coordinates":[[1,2],[3,4]]}"#, "bad_nesting", [None, Some(0), Some(0)]),
        (r#"{"type":"Polygon","coordinates":[[[[1,2],[3,4]]]]}"#, "bad_nesting", [None, Some(0), Some(0)]),
        (r#"{"type":"MultiPolygon","coordinates":[[[1,2],[3,4]]]}"#, "bad_nesting", [Some(0), Some(0), Some(0)]),
        (r#"{"type":"MultiPolygon","coordinates":[[[[1,2]]],[[[1,2]],[[1,2],["3",4]]]]}"#, "not_a_number", [Some(1), Some(1), Some(1)]),
        (r#"{"type":"Polygon","coordinates":[[[1,2],[3,null]]]}"#, "not_a_number", [None, Some(0), Some(1)]),
        (r#"{"type":"Polygon","coordinates":[[[1,2],[3]]]}"#, "short_position", [None, Some(0), Some(1)]),
        (r#"{"type":"Polygon","coordinates":[[[1,2],[]]]}"#, "short_position", [None, Some(0), Some(1)]),
        (r#"{"type":"Polygon","coordinates":[[[1,2]],[[1,2],[1e999,4]]]}"#, "non_finite", [None, Some(1), Some(1)]),
        (r#"{"type":"Polygon","coordinates":[[[1,2],[1,2,"z"]]]}"#, "not_a_number", [None, Some(0), Some(1)]),
    ] {
        assert_eq!(fault(geometry), (code, place), "{geometry}");
    }
    let text = collection(&format!("{},5,null,[{{}}],{{}},{}", square(1), square(6)));
    let codes: Vec<_> = read(text).unwrap().features.into_iter().map(|(row, _, geometry)| (row, geometry.map_err(|fault| fault.kind).err())).collect();
    assert_eq!(
        codes,
        [
            (1, None),
            (2, Some(FaultKind::NotAFeature)),
            (3, Some(FaultKind::NotAFeature)),
            (4, Some(FaultKind::NotAFeature)),
            (5, Some(FaultKind::NotAFeature)),
            (6, None)
        ]
    );
}

#[test]
fn a_fault_becomes_a_reject_that_points_to_it() {
    let text = feature_of(r#"{"type":"Polygon","coordinates":[[[1,2],[3]]]}"#);
    let reject = only(&text, |feature| feature.geometry.unwrap_err().reject(13, Some("P13".to_owned())));
    assert_eq!(
        (reject.pointer.as_str(), reject.code.as_str(), reject.ring, reject.vertex),
        ("/features/12/geometry/coordinates/0/1", "short_position", Some(0), Some(1))
    );
    let twice = format!(r#"{{"type":"Feature","geometry":{SQUARE},"geometry":{SQUARE}}}"#);
    let reject = only(&collection(&twice), |feature| feature.geometry.unwrap_err().reject(1, None));
    assert_eq!((reject.pointer.as_str(), reject.code.as_str()), ("/features/0/geometry", "duplicate_member"));
    let bad = format!(r#"{{"type":"Feature","properties":[],"geometry":{SQUARE}}}"#);
    let reject = only(&collection(&bad), |feature| feature.geometry.unwrap_err().reject(2, None));
    assert_eq!((reject.pointer.as_str(), reject.code.as_str()), ("/features/1/properties", "bad_properties"));
}

#[test]
fn finite_nonsense_passes_here_and_is_refused_by_its_crs() {
    only(&feature_of(r#"{"type":"Polygon","coordinates":[[[1e308,35],[1,2],[3,4]]]}"#), |feature| {
        let unplaced = Crs::CRS84.outline_to_degrees(&feature.geometry.unwrap()).unwrap_err();
        assert_eq!(Place::from(unplaced).pointer(1), "/features/0/geometry/coordinates/0/0");
    });
}

#[test]
fn what_is_no_collection_is_refused_with_a_reason() {
    for (text, code) in [
        ("", "empty_file"),
        (" \n", "empty_file"),
        ("\u{feff}", "empty_file"),
        ("hello", "not_json"),
        ("{hello}", "not_json"),
        ("[]", "not_a_feature_collection"),
        ("<html>", "not_a_feature_collection"),
        ("PK\u{3}\u{4}", "not_a_feature_collection"),
        ("{}", "not_a_feature_collection"),
        (r#"{"features":[]}"#, "not_a_feature_collection"),
        (r#"{"features":[],"type":"Feature"}"#, "not_a_feature_collection"),
        (r#"{"features":[],"type":"Topology"}"#, "not_a_feature_collection"),
        (r#"{"type":7,"features":[]}"#, "not_a_feature_collection"),
        (r#"{"type":null,"features":[]}"#, "not_a_feature_collection"),
        (SQUARE, "not_a_feature_collection"),
        (r#"{"type":"GeometryCollection","geometries":[]}"#, "not_a_feature_collection"),
        (r#"{"type":"FeatureCollection"}"#, "missing_features"),
        (r#"{"type":"FeatureCollection","features":{}}"#, "missing_features"),
        (r#"{"type":"FeatureCollection","features":null}"#, "missing_features"),
        (r#"{"type":"FeatureCollection","features":[],"features":[]}"#, "duplicate_member"),
        (r#"{"type":"FeatureCollection","type":"FeatureCollection","features":[]}"#, "duplicate_member"),
        (r#"{"type":"FeatureCollection","features":[]}{"#, "newline_delimited"),
        (r#"{"type":"FeatureCollection","features":[]}]"#, "trailing_garbage"),
        (r#"{"type":"FeatureCollection","features":[]} x"#, "trailing_garbage"),
        ("{\"type\":\"Feature\"}\n{\"type\":\"Feature\"}\n", "newline_delimited"),
        ("\u{1e}{\"type\":\"Feature\"}", "newline_delimited"),
        (r#"{"type":"FeatureCollection","features":[,]}"#, "not_json"),
        (r#"{"type":"FeatureCollection","features":[1,]}"#, "not_json"),
        (r#"{"type":"FeatureCollection","features":[1 2]}"#, "not_json"),
        (r#"{"type":"FeatureCollection","features":[1}]}"#, "not_json"),
        (r#"{"type":"FeatureCollection","features":[{"a":]}]}"#, "not_json"),
        (r#"{"type":"FeatureCollection","features":[],}"#, "not_json"),
        (r#"{"type":"FeatureCollection" "features":[]}"#, "not_json"),
        (r#"{,"type":"FeatureCollection","features":[]}"#, "not_json"),
        (r#"{"type":"FeatureCollection","bbox":NaN,"features":[]}"#, "not_json"),
        (r#"{"type":"FeatureCollection","bbox":[01],"features":[]}"#, "not_json"),
        (r#"{"type":"FeatureCollection","bbox":,"features":[]}"#, "not_json"),
        (r#"{"type":"FeatureCollection","features":["#, "truncated"),
        (r#"{"type":"FeatureCollection","features":[]"#, "truncated"),
        ("{", "truncated"),
    ] {
        assert_eq!(refused(text).0, code, "{text}");
    }
}

#[test]
fn syntax_faults_name_their_byte_and_feature() {
    for (wrong, byte) in [("NaN", 0), ("Infinity", 0), ("+1", 0), ("01", 0), (".5", 0), ("1.", 2), ("1,,2", 2), ("0x1", 1)] {
        let text = collection(&format!(r#"{},{{"type":"Feature","geometry":{{"type":"Polygon","coordinates":[[[{wrong},35.1]]]}}}}"#, square(1)));
        let at = text.find(&format!("[{wrong},35.1]")).unwrap() as u64 + 1 + byte;
        assert_eq!(refused(&text), ("not_json".to_owned(), Some(at), Some("/features/1".to_owned())), "{wrong}");
    }
    let (text, _) = large();
    let at = text.rfind("118.").unwrap();
    let broken = format!("{}x{}", &text[..at], &text[at + 1..]);
    assert_eq!(refused(broken), ("not_json".to_owned(), Some(at as u64), Some("/features/2499".to_owned())));
}

#[test]
fn a_missing_bracket_is_found_where_it_is_missing() {
    let text = collection(&format!(r#"{{"type":"Feature","properties":{{"a":1,"geometry":[}},{}"#, square(2)));
    let (code, at, _) = refused(&text);
    assert_eq!((code.as_str(), at), ("not_json", text.find("[}").map(|at| at as u64 + 1)));
}

#[test]
fn other_encodings_are_refused_by_name() {
    assert_eq!(refused([0xFF, 0xFE, b'{', 0]).0, "utf16");
    assert_eq!(refused([0xFE, 0xFF, 0, b'{']).0, "utf16");
    assert_eq!(refused([b'{', 0, b'"', 0]).0, "utf16");
    // 兰 in GBK, in a field, in a member before and in one after the features.
    let text = square(1).replace("P1", "\u{1}");
    for text in [collection(&text), collection("").replace("Fea", "\u{1}"), r#"{"type":"FeatureCollection","features":[],"name":"@"}"#.replace('@', "\u{1}")] {
        let at = text.find('\u{1}').unwrap();
        let bytes = [&text.as_bytes()[..at], &[0xC0, 0xBC], &text.as_bytes()[at + 1..]].concat();
        let (code, offset, _) = refused(bytes);
        assert_eq!((code.as_str(), offset), ("not_utf8", Some(at as u64)));
    }
    assert_eq!(read(format!("\u{feff}{}", collection(&square(1)))).unwrap().features.len(), 1);
}

#[test]
fn the_files_crs_is_honoured_and_an_unknown_one_is_refused() {
    let with = |crs: &str| format!(r#"{{"type":"FeatureCollection","crs":{crs},"features":[]}}"#);
    for (crs, expected) in [
        (r#"{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::4527"}}"#, "EPSG:4527"),
        (r#"{"type":"EPSG","properties":{"code":4527}}"#, "EPSG:4527"),
        (r#"{"properties":{"x":[],"name":"urn:ogc:def:crs:OGC:1.3:CRS84"},"type":"name"}"#, "OGC:CRS84"),
        (r#""EPSG:4549""#, "EPSG:4549"),
        ("null", "OGC:CRS84"),
    ] {
        assert_eq!(read(with(crs)).unwrap().crs.to_string(), expected, "{crs}");
    }
    for crs in [r#"{"type":"name","properties":{"name":"EPSG:2364"}}"#, r#"{"type":"link","properties":{"href":"x"}}"#, "{}", "[]"] {
        assert_eq!(refused(with(crs)).0, "unknown_crs");
        let forced = "EPSG:4528".parse().unwrap();
        assert_eq!(read_with(with(crs).as_bytes(), Some(forced), TEXT_BYTES).unwrap().crs, forced);
    }
    let late = format!(r#"{{"type":"FeatureCollection","features":[{}],"crs":"EPSG:1"}}"#, square(1));
    let at = late.find(r#""EPSG:1""#).unwrap();
    assert_eq!(refused(late), ("unknown_crs".to_owned(), Some(at as u64), Some("/crs".to_owned())));
}

#[test]
fn a_crs_that_comes_too_late_makes_the_caller_start_over() {
    let text = format!(r#"{{"type":"FeatureCollection","features":[{}],"crs":{{"type":"name","properties":{{"name":"EPSG:4527"}}}}}}"#, square(1));
    let late = "EPSG:4527".parse().unwrap();
    assert!(matches!(read(&text), Err(ReadError::CrsAfterFeatures(crs)) if crs == late));
    let again = read_with(text.as_bytes(), Some(late), TEXT_BYTES).unwrap();
    assert_eq!((again.crs, again.head.crs, again.features.len()), (late, Some(late), 1));
    // Another name of the same ground changes nothing but the name.
    assert_eq!(read(text.replace("4527", "4490")).unwrap().crs, "EPSG:4490".parse().unwrap());
    // Who forces a CRS has the last word, and can see what the file says.
    let forced = "EPSG:4528".parse().unwrap();
    let read = read_with(text.as_bytes(), Some(forced), TEXT_BYTES).unwrap();
    assert_eq!((read.crs, read.head.crs), (forced, Some(late)));
}

#[test]
fn a_single_feature_is_a_collection_of_one() {
    for text in [
        square(1),
        format!("\u{feff} {}\n", square(1)),
        format!(r#"{{"features":7,{}"#, &square(1)[1..]).replace(r#""features":7,"type":"Feature""#, r#""type":"Feature","features":7"#),
    ] {
        let read = read(&text).unwrap();
        assert_eq!((read.features.len(), read.features[0].0, read.features[0].1.as_str()), (1, 1, "P1"), "{text}");
        assert!(read.features[0].2.is_ok());
    }
}

#[test]
fn nothing_is_buffered_beyond_the_limit() {
    let limit = 1 << 20;
    let with = |text: &str| read_with(text.as_bytes(), None, limit).map_err(|error| error.code().to_owned());
    let huge = square(1).replace("P1", &"x".repeat(2 << 20));
    assert_eq!(with(&collection(&huge)), Err("feature_too_large".to_owned()));
    assert_eq!(with(&huge), Err("feature_too_large".to_owned()));
    assert_eq!(with(&collection(&" ".repeat(2 << 20))), Err("feature_too_large".to_owned()));
    // A file larger than the limit is none of its business.
    let (text, _) = large();
    assert!(text.len() > limit && with(&text).is_ok());
}

#[test]
fn a_hundred_thousand_nested_arrays_are_refused() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    for text in [
        collection(&deep),
        feature_of(&deep),
        feature_of(&format!(r#"{{"type":"Polygon","coordinates":{deep}}}"#)),
        format!(r#"{{"bbox":{deep},"type":"FeatureCollection","features":[]}}"#),
    ] {
        assert_eq!(refused(text).0, "not_json");
    }
    assert_eq!(refused(collection(&"[".repeat(100_000))).0, "not_json");
    assert_eq!(refused("{\"a\":".repeat(100_000)).0, "not_json");
}

#[test]
fn a_file_cut_anywhere_is_an_error_and_never_a_panic() {
    let text = format!(
        r#"{{"type":"FeatureCollection","name":"临沂","crs":{{"type":"name","properties":{{"name":"EPSG:4490"}}}},"features":[{},{}],"bbox":[1.5,true,"\u00e9"]}}"#,
        square(1),
        square(2).replace("P2", r#"\ud83d\ude00\"}"#)
    );
    assert_eq!(read(&text).unwrap().features.len(), 2);
    for length in 0..text.len() {
        let error = read(&text.as_bytes()[..length]).unwrap_err();
        let expected = if length == 0 { "empty_file" } else { "truncated" };
        assert_eq!(error.code(), expected, "{length}: {error}");
    }
}

#[test]
fn a_large_file_cut_anywhere_is_truncated() {
    let (text, _) = large();
    for length in (1..text.len()).step_by(text.len() / 23) {
        assert_eq!(refused(&text.as_bytes()[..length]).0, "truncated", "{length}");
    }
}

/// Gives its bytes a few at a time, as a pipe or a slow disk would.
struct Trickle(Cursor<Vec<u8>>, usize);

impl std::io::Read for Trickle {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let length = into.len().min(self.1);
        self.0.read(&mut into[..length])
    }
}

impl std::io::Seek for Trickle {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn it_does_not_matter_how_the_bytes_arrive() {
    let (text, _) = large();
    for step in [7, 4099] {
        let mut reader = Reader::new(Box::new(Trickle(Cursor::new(text.clone().into_bytes()), step)), None, FeatureBounds::default()).unwrap();
        let mut features = 0;
        while let Some(batch) = reader.next_batch().unwrap() {
            features += batch.len();
        }
        assert_eq!(features, 2500);
    }
}

#[test]
fn values_end_where_they_end_wherever_a_read_does() {
    // Every window size from one byte on: escapes and brackets fall on its border.
    let value = r#"{"a\\\"{":["}]",{"b":"\\"}],"c":{}} , "#;
    for size in 1..value.len() {
        let mut source = Source::new(Box::new(std::io::empty()), 1 << 20);
        source.bytes = value.as_bytes()[..size].to_vec();
        let found = source.value();
        if size >= value.len() - 3 {
            assert_eq!(found.unwrap(), 0..value.len() - 3, "{size}");
        } else {
            assert_eq!(found.unwrap_err().code(), "truncated", "{size}");
        }
    }
}

proptest! {
    #[test]
    fn whatever_bytes_are_changed_nothing_panics(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in any::<prop::sample::Index>()) {
        let text = format!(r#"{{"type":"FeatureCollection","crs":{{"type":"name","properties":{{"name":"EPSG:4490"}}}},"features":[{},{}],"bbox":[1.5,true,"\u00e9"]}}"#, square(1), square(2).replace("Polygon\",\"coordinates\":[", "MultiPolygon\",\"coordinates\":[[").replace("]]]}", "]]]]}"));
        let mut bytes = text.into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = read(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        prop_assert!(read(&bytes).is_err());
    }

    #[test]
    fn what_is_read_is_what_serde_json_reads(brackets in r#"[\[\]{}",:\\ 12ea.-]{0,40}"#) {
        // Features that are any text at all: taken only where another parser takes them.
        let text = collection(&brackets);
        let ours = read(&text);
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        if let (Ok(ours), Ok(theirs)) = (&ours, &theirs) {
            prop_assert_eq!(ours.features.len(), theirs["features"].as_array().unwrap().len());
        }
        let overflow = theirs.as_ref().err().is_some_and(|error| error.to_string().contains("out of range"));
        let doubled = ours.as_ref().err().is_some_and(|error| error.code() == "duplicate_member");
        prop_assert!(ours.is_ok() == theirs.is_ok() || overflow || doubled, "{}", text);
    }
}
