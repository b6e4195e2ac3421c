//! One feature of a collection, from its text.

use super::Lone;
use super::coordinates::{self, Coordinates};
use crate::formats::json::{self, Cursor, RawText};
use crate::formats::{Fault, FaultKind, FeatureBounds, FieldMap, RawFeature, Values};
use std::{borrow::Cow, collections::BTreeSet};
use tuban_geom::Outline;

/// Reads the feature that the first `length` bytes of `text` are. Only text that is no JSON is an error.
pub(super) fn read<'a>(text: &'a str, length: usize, row: u64, fields: &FieldMap, bounds: &FeatureBounds) -> Result<RawFeature<'a>, json::Fault> {
    let mut cursor = Cursor::beginning(text, length);
    let mut parsing =
        Parsing { fields, bounds, is_feature: false, id: None, attributes: None, values: Values::default(), has_geometry: false, geometry: None, fault: None };
    if cursor.peek() == Some(b'{') {
        cursor.members(|cursor, key| parsing.member(cursor, key))?;
    } else {
        cursor.value()?;
    }
    cursor.expect_end()?;
    Ok(parsing.finish(row))
}

/// Reads the Feature or the geometry that is all of `text`.
pub(super) fn lone(text: &str) -> Result<Lone, json::Fault> {
    let as_feature = read(text, text.len(), 1, &FieldMap::default(), &FeatureBounds::default())?.geometry;
    if !matches!(&as_feature, Err(fault) if fault.kind == FaultKind::NotAFeature) {
        return Ok(Lone { outline: as_feature, in_feature: true });
    }
    let (geometry, _) = geometry(Cursor::new(text), &FeatureBounds::default(), true)?;
    Ok(Lone { outline: areas(geometry).map(|(coordinates, _)| coordinates.outline), in_feature: false })
}

/// Adds the names of the feature's fields to `keys`; none of one that has more than it may have.
pub(super) fn keys(text: &str, length: usize, bounds: &FeatureBounds, keys: &mut BTreeSet<String>) -> Result<(), json::Fault> {
    let mut cursor = Cursor::beginning(text, length);
    if cursor.peek() != Some(b'{') {
        return cursor.value().map(drop);
    }
    cursor.members(|cursor, key| {
        if key.decode() != "properties" || cursor.peek() != Some(b'{') {
            return cursor.value().map(drop);
        }
        if too_many_keys(cursor, bounds)? {
            return cursor.value().map(drop);
        }
        cursor.members(|cursor, key| {
            let key = key.decode();
            if !keys.contains(key.as_ref()) {
                keys.insert(key.into_owned());
            }
            cursor.value().map(drop)
        })
    })
}

/// What is known of a geometry: its type may come after its coordinates.
struct Geometry<'a> {
    kind: Cow<'a, str>,
    coordinates: Option<Result<Coordinates, Fault>>,
    /// Of a collection: its areas, joined; and whether there are points or lines beside them.
    collected: Option<(Result<Coordinates, Fault>, bool)>,
}

struct Parsing<'a, 'm> {
    fields: &'m FieldMap,
    bounds: &'m FeatureBounds,
    is_feature: bool,
    id: Option<String>,
    attributes: Option<&'a str>,
    values: Values<'a>,
    has_geometry: bool,
    geometry: Option<Geometry<'a>>,
    /// The first fault that is not the geometry's own.
    fault: Option<FaultKind>,
}

impl<'a> Parsing<'a, '_> {
    fn member(&mut self, cursor: &mut Cursor<'a>, key: RawText<'a>) -> Result<(), json::Fault> {
        match key.decode().as_ref() {
            "type" => self.is_feature = cursor.plain()?.as_deref() == Some("Feature"),
            "id" => match cursor.peek() {
                Some(b'"' | b'-' | b'0'..=b'9') => self.id = cursor.plain()?.map(Cow::into_owned),
                _ => drop(cursor.value()?),
            },
            "properties" => {
                if self.attributes.is_some() {
                    self.blame(FaultKind::DuplicateMember("properties"));
                }
                self.attributes = Some(self.properties(cursor)?);
            }
            "geometry" => {
                if self.has_geometry {
                    self.blame(FaultKind::DuplicateMember("geometry"));
                }
                self.has_geometry = true;
                let end;
                (self.geometry, end) = geometry(cursor.clone(), self.bounds, true)?;
                cursor.go_to(end);
            }
            _ => drop(cursor.value()?),
        }
        Ok(())
    }

    fn properties(&mut self, cursor: &mut Cursor<'a>) -> Result<&'a str, json::Fault> {
        match cursor.peek() {
            Some(b'{') => {}
            Some(b'n') => {
                cursor.value()?;
                return Ok("{}");
            }
            _ => {
                cursor.value()?;
                self.blame(FaultKind::BadProperties);
                return Ok("{}");
            }
        }
        if too_many_keys(cursor, self.bounds)? {
            self.blame(FaultKind::TooManyKeys(self.bounds.keys));
            cursor.value()?;
            return Ok("{}");
        }
        let (fields, values) = (self.fields, &mut self.values);
        cursor.verbatim(|cursor| cursor.members(|cursor, key| values.read(fields, cursor, key)))
    }

    fn blame(&mut self, kind: FaultKind) {
        self.fault.get_or_insert(kind);
    }

    fn finish(self, row: u64) -> RawFeature<'a> {
        let geometry = if self.is_feature {
            match self.fault {
                Some(kind) => Err(Fault::of(kind)),
                None => areas(self.geometry),
            }
        } else {
            Err(Fault::of(FaultKind::NotAFeature))
        };
        let (geometry, decimals, has_z, mixed) = match geometry {
            Ok((Coordinates { outline, decimals, has_z, .. }, mixed)) => (Ok::<Outline, Fault>(outline), decimals, has_z, mixed),
            Err(fault) => (Err(fault), 0, false, false),
        };
        RawFeature { row, feature_id: self.id, attributes: self.attributes.unwrap_or("{}"), fields: self.values, geometry, decimals, has_z, mixed }
    }
}

/// Whether the object that the cursor stands at has more keys than a feature may have.
fn too_many_keys(cursor: &Cursor<'_>, bounds: &FeatureBounds) -> Result<bool, json::Fault> {
    if !bounds.may_have_too_many_keys(cursor.left()) {
        return Ok(false);
    }
    let mut count = 0;
    cursor.clone().members(|cursor, _| {
        count += 1;
        cursor.value().map(drop)
    })?;
    Ok(count > bounds.keys)
}

/// The coordinates, where the geometry is areas and has some, and whether there are points or lines beside them.
fn areas(geometry: Option<Geometry<'_>>) -> Result<(Coordinates, bool), Fault> {
    let Some(geometry) = geometry else { return Err(Fault::of(FaultKind::NoGeometry)) };
    if let ("GeometryCollection", Some((areas, mixed))) = (geometry.kind.as_ref(), geometry.collected) {
        return areas.map(|areas| (areas, mixed));
    }
    if !matches!(geometry.kind.as_ref(), "Polygon" | "MultiPolygon") {
        return Err(Fault::of(FaultKind::NotAPolygon(geometry.kind.into_owned())));
    }
    geometry.coordinates.unwrap_or_else(|| Err(Fault::of(FaultKind::EmptyGeometry))).map(|coordinates| (coordinates, false))
}

/// Reads a geometry, `None` for null and whatever else is no object, and of a collection what is in it unless it is `whole` no longer; and tells where it ends.
fn geometry<'a>(mut cursor: Cursor<'a>, bounds: &FeatureBounds, whole: bool) -> Result<(Option<Geometry<'a>>, usize), json::Fault> {
    if cursor.peek() != Some(b'{') {
        cursor.value()?;
        return Ok((None, cursor.at()));
    }
    let mut geometry = Geometry { kind: Cow::Borrowed(""), coordinates: None, collected: None };
    // Coordinates that came before the type: where they begin.
    let mut waiting = None;
    cursor.members(|cursor, key| {
        match key.decode().as_ref() {
            "type" => geometry.kind = cursor.plain()?.unwrap_or_default(),
            "coordinates" if geometry.kind.is_empty() => {
                waiting = Some(cursor.at());
                cursor.value()?;
            }
            "coordinates" => {
                let (read, end) = coordinates(cursor.clone(), bounds, &geometry.kind)?;
                geometry.coordinates = Some(read);
                cursor.go_to(end);
            }
            "geometries" if whole && cursor.peek() == Some(b'[') => geometry.collected = Some(collection(cursor, bounds)?),
            _ => drop(cursor.value()?),
        }
        Ok(())
    })?;
    if let (None, Some(start)) = (&geometry.coordinates, waiting) {
        let mut again = cursor.clone();
        again.go_to(start);
        geometry.coordinates = Some(coordinates(again, bounds, &geometry.kind)?.0);
    }
    Ok((Some(geometry), cursor.at()))
}

/// Reads the geometries of a collection: its areas as the parts of one outline, and whether there are points or lines beside them. One within another is none of
/// these: no program writes it, and they could be nested without end.
fn collection(cursor: &mut Cursor<'_>, bounds: &FeatureBounds) -> Result<(Result<Coordinates, Fault>, bool), json::Fault> {
    let (mut areas, mut fault, mut mixed) = (None::<Coordinates>, None, false);
    cursor.expect(b'[')?;
    while cursor.peek() != Some(b']') {
        let (part, end) = geometry(cursor.clone(), bounds, false)?;
        cursor.go_to(end);
        match part {
            Some(part) if matches!(part.kind.as_ref(), "Polygon" | "MultiPolygon") => match (part.coordinates, &mut areas) {
                (Some(Ok(part)), Some(areas)) if bounds.is_over(areas.outline.positions.len() + part.outline.positions.len()) => {
                    fault.get_or_insert(Fault::of(FaultKind::TooManyVertices(bounds.vertices)));
                }
                (Some(Ok(part)), Some(areas)) => areas.join(part),
                (Some(Ok(part)), none) => *none = Some(part),
                // Where in a collection it is, is more than a place can say.
                (Some(Err(wrong)), _) => drop(fault.get_or_insert(Fault::of(wrong.kind))),
                (None, _) => drop(fault.get_or_insert(Fault::of(FaultKind::EmptyGeometry))),
            },
            Some(part) if !matches!(part.kind.as_ref(), "Point" | "MultiPoint" | "LineString" | "MultiLineString") => {
                fault.get_or_insert(Fault::of(FaultKind::NotAPolygon(part.kind.into_owned())));
            }
            _ => mixed = true,
        }
        match cursor.peek() {
            Some(b',') => {
                cursor.expect(b',')?;
                // A comma must be followed by another.
                if cursor.peek() == Some(b']') {
                    return Err(cursor.fault_here());
                }
            }
            Some(b']') => {}
            _ => return Err(cursor.fault_here()),
        }
    }
    cursor.expect(b']')?;
    let none = || Fault::of(FaultKind::NotAPolygon("GeometryCollection".to_owned()));
    Ok((fault.map_or_else(|| areas.ok_or_else(none), Err), mixed))
}

/// Reads coordinates, or passes over them where they are not those of areas, strictly in either case; and tells where they end.
fn coordinates(mut cursor: Cursor<'_>, bounds: &FeatureBounds, kind: &str) -> Result<(Result<Coordinates, Fault>, usize), json::Fault> {
    let start = cursor.at();
    let read = match kind {
        "Polygon" | "MultiPolygon" if bounds.too_many_positions(cursor.text().as_bytes(), start, cursor.left()) => {
            Err(Fault::of(FaultKind::TooManyVertices(bounds.vertices)))
        }
        "Polygon" | "MultiPolygon" => coordinates::read(cursor.text(), start, cursor.left(), kind == "MultiPolygon"),
        _ => Err(Fault::of(FaultKind::NotAPolygon(kind.to_owned()))),
    };
    if let Ok(read) = &read {
        cursor.go_to(read.end);
    } else {
        cursor.value()?;
    }
    Ok((read, cursor.at()))
}
