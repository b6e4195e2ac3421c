//! A feature as its file has it, and what can be wrong with one.

use super::json::{self, Cursor, RawText};
use super::{Field, FieldMap};
use std::borrow::Cow;
use tuban_engine::model::{Place, Reject, Words};
use tuban_geom::Outline;

/// A feature as its file has it: nothing is judged but that its geometry is areas.
#[derive(Debug, Clone, PartialEq)]
pub struct RawFeature<'a> {
    /// Row in the file, from 1.
    pub row: u64,
    /// The feature's own `id`, which is not one of its fields.
    pub feature_id: Option<String>,
    /// All fields: a JSON object, verbatim; `{}` where there are none.
    pub attributes: &'a str,
    /// Values of the fields that were asked for.
    pub fields: Values<'a>,
    /// Its outline in the file's coordinates, rings as they came; or why it has none.
    pub geometry: Result<Outline, Fault>,
    /// The most decimals that a coordinate is written with; 0 where there is no outline.
    pub decimals: u8,
    /// Whether positions had heights or measures, which are dropped.
    pub has_z: bool,
    /// Whether it had points or lines beside its areas, which are dropped.
    pub mixed: bool,
}

/// Values of the fields asked for, as plain text: strings without quotes, numbers as they are written, null as nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Values<'a>([Option<Cow<'a, str>>; Field::ALL.len()]);

impl<'a> Values<'a> {
    /// The value of a field; `None` where it is missing, null, or blank.
    #[must_use]
    pub fn get(&self, field: Field) -> Option<&str> {
        self.0[field as usize].as_deref().map(str::trim).filter(|value| !value.is_empty())
    }

    /// Moves the trimmed value of a field out; `None` where it is absent or empty.
    pub fn take(&mut self, field: Field) -> Option<Cow<'a, str>> {
        let value = match self.0[field as usize].take()? {
            Cow::Borrowed(value) => Cow::Borrowed(value.trim()),
            Cow::Owned(value) => Cow::Owned(value.trim().to_owned()),
        };
        Some(value).filter(|value| !value.is_empty())
    }

    /// Reads the value that the cursor stands at, which `key` names, where it was asked for; else passes over it.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the cursor is to stay in registers")]
    pub(super) fn read(&mut self, fields: &FieldMap, cursor: &mut Cursor<'a>, key: RawText<'a>) -> Result<(), json::Fault> {
        let key = key.decode();
        let mut wanted = fields.fields_of(&key);
        let Some(field) = wanted.next() else { return cursor.value().map(drop) };
        let value = cursor.plain()?;
        for another in wanted {
            self.0[another as usize].clone_from(&value);
        }
        self.0[field as usize] = value;
        Ok(())
    }
}

/// What is wrong with a feature, so that it cannot become a patch or a part of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// Where in its geometry.
    pub place: Place,
}

/// A kind of [`Fault`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// An element of `features` is no Feature.
    NotAFeature,
    /// `properties` is neither an object nor null.
    BadProperties,
    /// A member that must be unique is there twice.
    DuplicateMember(&'static str),
    /// There is no geometry, or null.
    NoGeometry,
    /// There is none that is read, in a file of Esri JSON that has curves.
    Curves,
    /// The geometry is of another type; empty where it names none.
    NotAPolygon(String),
    /// The geometry has no positions.
    EmptyGeometry,
    /// Arrays are nested too deep or not deep enough.
    BadNesting,
    /// A coordinate is no number.
    NotANumber,
    /// A position has fewer than two coordinates.
    ShortPosition,
    /// A coordinate is too large for any number.
    NonFinite,
    /// It has more vertices than this, which is as many as a feature may have.
    TooManyVertices(u64),
    /// Its attributes are longer than this, bytes.
    TooMuchText(u64),
    /// Its attributes have more keys than this.
    TooManyKeys(u64),
}

impl Fault {
    pub(super) fn of(kind: FaultKind) -> Self {
        Self { kind, place: Place::default() }
    }

    /// A word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.kind {
            FaultKind::NotAFeature => "not_a_feature",
            FaultKind::BadProperties => "bad_properties",
            FaultKind::DuplicateMember(_) => "duplicate_member",
            FaultKind::NoGeometry => "no_geometry",
            FaultKind::Curves => "curves",
            FaultKind::NotAPolygon(_) => "not_a_polygon",
            FaultKind::EmptyGeometry => "empty_geometry",
            FaultKind::BadNesting => "bad_nesting",
            FaultKind::NotANumber => "not_a_number",
            FaultKind::ShortPosition => "short_position",
            FaultKind::NonFinite => "non_finite",
            FaultKind::TooManyVertices(_) => "too_many_vertices",
            FaultKind::TooMuchText(_) => "too_much_text",
            FaultKind::TooManyKeys(_) => "too_many_keys",
        }
    }

    /// A sentence for people.
    #[must_use]
    pub fn reason(&self) -> Words {
        match &self.kind {
            FaultKind::NotAFeature => Words::new("不是要素（Feature）", "this is not a Feature"),
            FaultKind::BadProperties => Words::new("properties 既不是对象也不是 null", "properties is neither an object nor null"),
            FaultKind::DuplicateMember(name) => Words::new(format!("{name} 出现了两次"), format!("{name} is there twice")),
            FaultKind::NoGeometry => Words::new("没有图形", "there is no geometry"),
            FaultKind::Curves => Words::new(
                "没有能读的图形：文件中有曲线（curveRings），本系统不读 Esri JSON 的曲线；请先在 ArcGIS 中把曲线增密为折线（Densify），再导出",
                "there is no geometry that can be read: the file has curves (curveRings), which are not read of Esri JSON; densify them first (Densify in ArcGIS) and export it again",
            ),
            FaultKind::NotAPolygon(kind) if kind.is_empty() => Words::new("图形没有类型", "the geometry names no type"),
            FaultKind::NotAPolygon(kind) => Words::new(
                format!("图形是 {kind}，只接受 Polygon 和 MultiPolygon"),
                format!("the geometry is a {kind}; only Polygon and MultiPolygon are taken"),
            ),
            FaultKind::EmptyGeometry => Words::new("图形没有坐标", "the geometry has no positions"),
            FaultKind::BadNesting => Words::new("坐标数组的层数不对", "arrays of coordinates are not nested as the type wants them"),
            FaultKind::NotANumber => Words::new("坐标不是数字", "a coordinate is not a number"),
            FaultKind::ShortPosition => Words::new("一个点的坐标不足两个", "a position has fewer than two coordinates"),
            FaultKind::NonFinite => Words::new("坐标数值过大，无法表示", "a coordinate is too large for any number"),
            FaultKind::TooManyVertices(most) => Words::too_many_vertices(*most),
            FaultKind::TooMuchText(most) => Words::new(
                format!("属性文字超过 {most} 字节（单个要素的上限）"),
                format!("its attributes are longer than {most} bytes, which is as long as a feature's may be"),
            ),
            FaultKind::TooManyKeys(most) => {
                Words::new(format!("字段超过 {most} 个（单个要素的上限）"), format!("it has more than {most} fields, which is as many as a feature may have"))
            }
        }
    }

    /// The reject of the feature in row `row`.
    #[must_use]
    pub fn reject(&self, row: u64, patch_id: Option<String>) -> Reject {
        let feature = format!("/features/{}", row.saturating_sub(1));
        let pointer = match self.kind {
            FaultKind::NotAFeature => feature,
            FaultKind::BadProperties | FaultKind::TooMuchText(_) | FaultKind::TooManyKeys(_) => feature + "/properties",
            FaultKind::DuplicateMember(name) => format!("{feature}/{name}"),
            _ => self.place.pointer(row),
        };
        Reject { row, patch_id, code: self.code().to_owned(), reason: self.reason(), pointer, ring: self.place.ring, vertex: self.place.vertex }
    }
}
