//! 国土 TXT: the text files of boundary points in which parcels are reported for approval (`[属性描述]`, `[地块坐标]`). They become GeoJSON in the job's folder,
//! which our own reader then reads.
//!
//! A parcel begins with a line `points,area,number,name,shape,sheet,use,code,@`; each line after it is a point: `J1,ring,x,y`. x is the northing, y the easting:
//! surveyors' order. What lies in how many rings of a parcel decides which are holes.

use super::{FeatureBounds, NamedCrs, ReadError, why_not};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use tuban_engine::model::Words;
use tuban_geom::Crs;

/// Rings of a parcel times its points, at most: each ring is held against every other to find which lie in which.
const MOST_NESTING: u64 = 100_000_000;
/// Vertices of a ring by which it is told whether it lies in another.
const ASKED: usize = 9;
/// What the fields of a parcel's line are called, in order; what follows the number of points.
const FIELDS: [&str; 7] = ["地块面积", "地块编号", "地块名称", "图形属性", "图幅号", "地块用途", "地类编码"];

/// What was made of a file.
#[derive(Debug)]
pub struct Translated {
    /// The CRS that it names; none where it names none.
    pub crs: Option<NamedCrs>,
    /// What people should know of it.
    pub notes: Vec<Words>,
    /// Parcels.
    pub parcels: u64,
}

/// Whether a text begins as these files do.
pub fn is_one(head: &[u8]) -> bool {
    let text = decode(&head[..head.len().min(4096)]);
    let first = text.trim_start_matches('\u{FEFF}').trim_start();
    ["[属性描述]", "[地块坐标]"].iter().any(|section| first.starts_with(section))
}

/// Writes the parcels of the file at `from` as GeoJSON to `to`.
///
/// # Errors
/// Where a line is none of theirs, with its number.
pub fn translate(from: &Path, to: &Path, bounds: &FeatureBounds) -> Result<Translated, ReadError> {
    // All of it is held in memory, so that it is bounded as the text of one feature is.
    let most = bounds.text_bytes;
    if std::fs::metadata(from)?.len() > most {
        return Err(refused(0, &format!("文件超过 {most} 字节，请分批上传"), &format!("the file is larger than {most} bytes; upload it in parts")));
    }
    let text = decode(&std::fs::read(from)?);
    let file = File::read(text.trim_start_matches('\u{FEFF}'), bounds)?;
    let crs = file.crs();
    let mut out = std::io::BufWriter::new(std::fs::File::create(to)?);
    out.write_all(br#"{"type":"FeatureCollection","features":["#)?;
    for (index, parcel) in file.parcels.iter().enumerate() {
        out.write_all(if index == 0 { b"" } else { b"," })?;
        serde_json::to_writer(&mut out, &parcel.feature(crs.cut)).map_err(std::io::Error::from)?;
    }
    out.write_all(b"]}")?;
    out.flush()?;
    Ok(Translated { crs: crs.named, notes: crs.notes, parcels: file.parcels.len() as u64 })
}

/// By its byte order mark; else UTF-8 where it can be, else GB18030.
fn decode(bytes: &[u8]) -> String {
    if encoding_rs::Encoding::for_bom(bytes).is_some() {
        return encoding_rs::UTF_8.decode(bytes).0.into_owned();
    }
    // The head of a file may end in the middle of a character.
    let is_utf8 = std::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true);
    if is_utf8 { String::from_utf8_lossy(bytes).into_owned() } else { encoding_rs::GB18030.decode_without_bom_handling(bytes).0.into_owned() }
}

fn refused(line: usize, zh: &str, en: &str) -> ReadError {
    let (at_zh, at_en) = if line == 0 { (String::new(), String::new()) } else { (format!("第 {line} 行："), format!("line {line}: ")) };
    ReadError::refused("land_txt", format!("国土 TXT 坐标文件{at_zh}{zh}"), format!("the file of boundary points (国土 TXT), {at_en}{en}"))
}

/// The file as it stands.
#[derive(Debug, Default)]
struct File<'t> {
    /// `[属性描述]`: names and values.
    described: Vec<(&'t str, &'t str)>,
    parcels: Vec<Parcel<'t>>,
}

/// A parcel.
#[derive(Debug, Default)]
struct Parcel<'t> {
    line: usize,
    points: usize,
    came: u64,
    /// In the order of [`FIELDS`].
    values: Vec<&'t str>,
    /// Number of each ring, and its points as they are written: northing and easting.
    rings: Vec<(&'t str, Vec<[&'t str; 2]>)>,
}

/// How the positions of a file are read.
#[derive(Debug, Default)]
struct Placed {
    named: Option<NamedCrs>,
    /// Digits to be cut off the eastings: the number of a 6-degree zone.
    cut: Option<u32>,
    notes: Vec<Words>,
}

impl<'t> File<'t> {
    fn read(text: &'t str, bounds: &FeatureBounds) -> Result<Self, ReadError> {
        let (mut file, mut in_parcels) = (Self::default(), false);
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim_matches(|c: char| c.is_whitespace() || c == '\0');
            if line.is_empty() {
                continue;
            }
            if line.starts_with('[') {
                in_parcels = line.starts_with("[地块坐标]");
            } else if !in_parcels {
                let (name, value) = line.split_once(['=', '＝']).unwrap_or((line, ""));
                file.described.push((name.trim(), value.trim()));
            } else if line.ends_with(['@', '＠']) {
                file.parcel(number, line)?;
            } else {
                file.point(number, line, bounds)?;
            }
        }
        for parcel in &file.parcels {
            parcel.is_whole()?;
        }
        Ok(file)
    }

    fn parcel(&mut self, number: usize, line: &'t str) -> Result<(), ReadError> {
        // A name may have the Chinese comma in it.
        let line_cells: Vec<&str> = line.trim_end_matches(['@', '＠']).split(',').map(str::trim).collect();
        let cells = if line_cells.len() < 4 { cells(line.trim_end_matches(['@', '＠'])) } else { line_cells };
        let points = cells
            .first()
            .and_then(|points| points.parse().ok())
            .ok_or_else(|| refused(number, &format!("“{line}”应以界址点数开头"), &format!("“{line}” should begin with the number of its points")))?;
        let values = FIELDS.iter().enumerate().map(|(index, _)| cells.get(index + 1).copied().unwrap_or_default()).collect();
        self.parcels.push(Parcel { line: number, points, came: 0, values, rings: Vec::new() });
        Ok(())
    }

    fn point(&mut self, number: usize, line: &'t str, bounds: &FeatureBounds) -> Result<(), ReadError> {
        let wrong = || refused(number, &format!("“{line}”不是“界址点号,圈号,X,Y”"), &format!("“{line}” is not “point,ring,x,y”"));
        let cells = cells(line);
        let [_, ring, x, y, ..] = cells[..] else { return Err(wrong()) };
        if [x, y].iter().any(|number| !number.parse().is_ok_and(f64::is_finite)) {
            return Err(wrong());
        }
        let parcel = self
            .parcels
            .last_mut()
            .ok_or_else(|| refused(number, "界址点前没有地块行（以 @ 结尾）", "there is no line of a parcel (which ends in @) before this point"))?;
        // What goes on after a ring has come back to its first point is another one, under whatever number.
        let is_closed = |points: &[[&str; 2]]| points.len() > 3 && points.first() == points.last();
        if parcel.rings.last().is_none_or(|(last, points)| *last != ring || is_closed(points)) {
            parcel.rings.push((ring, Vec::new()));
        }
        if let Some((_, points)) = parcel.rings.last_mut() {
            points.push([x, y]);
        }
        parcel.came += 1;
        parcel.is_within(number, bounds)
    }

    fn value(&self, name: &str) -> &str {
        self.described.iter().find(|(own, _)| *own == name).map_or("", |(_, value)| value)
    }

    /// By 坐标系, 几度分带, 带号 and how many digits the eastings have.
    fn crs(&self) -> Placed {
        let (system, zone) = (self.value("坐标系"), self.value("带号"));
        let is_new = ["2000", "CGCS"].iter().any(|part| system.to_uppercase().contains(part));
        if !system.is_empty() && !is_new {
            let found = system.to_owned();
            return Placed { named: Some(NamedCrs { understood: Err(old(system)), found }), ..Placed::default() };
        }
        let easting = self.parcels.iter().flat_map(|parcel| &parcel.rings).flat_map(|(_, points)| points).find_map(|[_, y]| y.parse::<f64>().ok());
        let easting = easting.unwrap_or(0.0).abs();
        if self.value("计量单位").contains('度') || (easting <= 180.0 && !system.is_empty()) {
            return Placed::of(format!("{system} 经纬度"), Crs::from_epsg(4490));
        }
        let Ok(zone) = zone.trim_end_matches(['带', '号']).parse::<u32>() else { return Placed::default() };
        let (prefixed, found) = (easting >= 1e6, format!("{system} {}度分带 {zone} 带", self.value("几度分带")));
        match self.value("几度分带").trim_end_matches('度') {
            "3" => Placed::of(found, Crs::from_epsg(zone.saturating_add(if prefixed { 4488 } else { 4509 })).filter(|_| (25..=45).contains(&zone))),
            // The projection of 3-degree zone 2·n−1, under another number.
            "6" if (13..=23).contains(&zone) => {
                let same = Crs::from_epsg(2 * zone - 1 + 4509);
                let name = same.map(|crs| crs.to_string()).unwrap_or_default();
                let notes = vec![Words::new(
                    format!("6 度带 {zone} 带与 {name} 是同一投影，已去掉横坐标前的带号按 {name} 读取"),
                    format!("6-degree zone {zone} is the projection of {name}; it was read as that, without the zone's number before the eastings"),
                )];
                Placed { cut: prefixed.then_some(zone), notes, ..Placed::of(found, same) }
            }
            _ => Placed::of(found, None),
        }
    }
}

impl Placed {
    fn of(found: String, crs: Option<Crs>) -> Self {
        Self { named: Some(NamedCrs { understood: crs.ok_or_else(|| why_not(&found)), found }), ..Self::default() }
    }
}

/// Why an older system is not taken.
fn old(system: &str) -> Words {
    let known = [("80", "西安 1980", "Xi'an 1980"), ("54", "北京 1954", "Beijing 1954")];
    match known.iter().find(|(part, ..)| system.contains(part)) {
        Some((_, zh, en)) => Words::new(
            format!("文件的坐标系是{zh}（{system}），与 CGCS2000 相差可达上百米，且转换参数涉密，本系统不转换；请由数据提供方转换为 CGCS2000 后再上传"),
            format!("the file is in {en} ({system}), which can be a hundred metres off CGCS2000; have whoever issued it convert it to CGCS2000"),
        ),
        None => why_not(system),
    }
}

/// The cells of a line: commas of either kind between them.
fn cells(line: &str) -> Vec<&str> {
    line.split([',', '，']).map(str::trim).collect()
}

impl Parcel<'_> {
    /// That it is no more than a feature may be, as far as it came.
    fn is_within(&self, line: usize, bounds: &FeatureBounds) -> Result<(), ReadError> {
        let (name, points, rings) = (self.values.get(2).copied().unwrap_or_default(), bounds.vertices, self.rings.len());
        if self.came > points {
            let zh = format!("地块“{name}”的界址点超过 {points} 个（单个要素的上限），请拆分");
            return Err(refused(line, &zh, &format!("the parcel “{name}” has more than {points} points, which is as many as a feature may have; split it")));
        }
        if self.came.saturating_mul(rings as u64) > MOST_NESTING {
            let zh = format!("地块“{name}”的界址点和圈数太多（{} 点，{rings} 圈），请拆分", self.came);
            return Err(refused(line, &zh, &format!("the parcel “{name}” has too many points and rings ({}, {rings}); split it", self.came)));
        }
        Ok(())
    }

    /// That it has the points it says it has.
    fn is_whole(&self) -> Result<(), ReadError> {
        let came: usize = self.rings.iter().map(|(_, points)| points.len()).sum();
        // Whether the point that closes a ring counts, writers do not agree.
        let closing = self.rings.iter().filter(|(_, points)| points.len() > 1 && points.first() == points.last()).count();
        if came == self.points || came == self.points + closing {
            return Ok(());
        }
        let (name, points) = (&self.values[2], self.points);
        Err(refused(
            self.line,
            &format!("地块“{name}”应有 {points} 个界址点，实有 {came} 个，文件不完整，请重新导出"),
            &format!("the parcel “{name}” should have {points} points and has {came}; the file is incomplete, export it again"),
        ))
    }

    /// The parcel as a GeoJSON feature; `cut` is the number of a zone that is left out of the eastings.
    fn feature(&self, cut: Option<u32>) -> Value {
        let named = FIELDS.iter().zip(&self.values).map(|(name, value)| ((*name).to_owned(), if value.is_empty() { Value::Null } else { json!(value) }));
        json!({ "type": "Feature", "properties": named.collect::<Map<_, _>>(), "geometry": self.geometry(cut) })
    }

    fn geometry(&self, cut: Option<u32>) -> Value {
        let rings: Vec<Vec<[f64; 2]>> = self.rings.iter().map(|(_, points)| points.iter().map(|at| position(at, cut)).collect()).collect();
        match self.values[3] {
            "点" => json!({ "type": "MultiPoint", "coordinates": rings.concat() }),
            "线" => json!({ "type": "MultiLineString", "coordinates": rings }),
            _ if rings.is_empty() => Value::Null,
            _ => json!({ "type": "MultiPolygon", "coordinates": nested(&rings.into_iter().map(closed).collect::<Vec<_>>()) }),
        }
    }
}

/// Easting and northing of a point.
fn position([north, east]: &[&str; 2], cut: Option<u32>) -> [f64; 2] {
    let mut prefix = String::new();
    if let Some(zone) = cut {
        let _ = write!(prefix, "{zone}");
    }
    // Cut as text, so that no digit is rounded.
    let number = |text: &str| text.parse().unwrap_or(f64::NAN);
    [number(east.strip_prefix(prefix.as_str()).unwrap_or(east)), number(north)]
}

fn closed(mut ring: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    if let (Some(first), true) = (ring.first().copied(), ring.first() != ring.last()) {
        ring.push(first);
    }
    ring
}

/// Rings to polygons, a shell and its holes each: a ring in an odd number of others is a hole of the smallest of them.
fn nested(rings: &[Vec<[f64; 2]>]) -> Vec<Vec<&Vec<[f64; 2]>>> {
    let areas: Vec<f64> = rings.iter().map(|ring| twice_area(ring).abs()).collect();
    let around = |inner: usize| -> Vec<usize> {
        (0..rings.len()).filter(|outer| *outer != inner && areas[*outer] > areas[inner] && lies_in(&rings[inner], &rings[*outer])).collect()
    };
    let mut shells: Vec<(usize, Vec<&Vec<[f64; 2]>>)> = Vec::new();
    let mut holes = Vec::new();
    for (index, ring) in rings.iter().enumerate() {
        let around = around(index);
        if around.len().is_multiple_of(2) {
            shells.push((index, vec![ring]));
        } else {
            holes.push((around.into_iter().min_by(|a, b| areas[*a].total_cmp(&areas[*b])), ring));
        }
    }
    for (shell, hole) in holes {
        if let Some((_, polygon)) = shells.iter_mut().find(|(index, _)| Some(*index) == shell) {
            polygon.push(hole);
        }
    }
    shells.into_iter().map(|(_, polygon)| polygon).collect()
}

fn twice_area(ring: &[[f64; 2]]) -> f64 {
    let Some([x, y]) = ring.first() else { return 0.0 };
    ring.windows(2).map(|edge| (edge[0][0] - x) * (edge[1][1] - y) - (edge[1][0] - x) * (edge[0][1] - y)).sum()
}

/// Whether most of some vertices of one ring lie within the other: some may lie on its edge.
fn lies_in(inner: &[[f64; 2]], outer: &[[f64; 2]]) -> bool {
    let asked = || inner.iter().step_by(inner.len().div_ceil(ASKED).max(1));
    let within = asked().filter(|[x, y]| {
        let crossings = outer.windows(2).filter(|edge| {
            let [[ax, ay], [bx, by]] = [edge[0], edge[1]];
            (ay > *y) != (by > *y) && *x < (bx - ax) * (y - ay) / (by - ay) + ax
        });
        crossings.count() % 2 == 1
    });
    2 * within.count() > asked().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "[属性描述]\n坐标系=2000国家大地坐标系\n几度分带=3\n带号=39\n[地块坐标]\n";

    fn square(ring: u32, north: f64, east: f64, side: f64) -> String {
        let corners = [(0.0, 0.0), (side, 0.0), (side, side), (0.0, side)];
        corners.iter().enumerate().fold(String::new(), |text, (k, (n, e))| text + &format!("J{},{ring},{:.3},{:.3}\n", k + 1, north + n, east + e))
    }

    fn read(text: &str) -> Result<(Placed, Vec<Value>), ReadError> {
        let file = File::read(text, &FeatureBounds { vertices: 30, ..FeatureBounds::default() })?;
        let crs = file.crs();
        Ok((file.crs(), file.parcels.iter().map(|parcel| parcel.feature(crs.cut)).collect()))
    }

    fn named(text: &str) -> Result<String, String> {
        read(text).unwrap().0.named.unwrap().understood.map(|crs| crs.to_string()).map_err(|words| words.zh)
    }

    #[test]
    fn parcels_are_read_with_their_holes_and_parts() {
        let rings =
            [square(1, 3_875_000.0, 39_609_000.0, 100.0), square(2, 3_875_010.0, 39_609_010.0, 50.0), square(3, 3_875_020.0, 39_609_020.0, 10.0)].concat();
        let (crs, features) = read(&format!("{HEAD}12,1.0,7,地块，一,面,I50,建设用地,0702,@\n{rings}")).unwrap();
        assert_eq!(crs.named.unwrap().understood.unwrap().to_string(), "EPSG:4527");
        let rings = features[0]["geometry"]["coordinates"].as_array().unwrap();
        // A shell with its hole, and an island in that.
        assert_eq!(rings.iter().map(|polygon| polygon.as_array().unwrap().len()).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(rings[0][0][0], json!([39_609_000.0, 3_875_000.0]));
        assert_eq!(rings[0][0].as_array().unwrap().len(), 5);
        assert_eq!(features[0]["properties"]["地块编号"], "7");
    }

    #[test]
    fn the_zone_is_that_which_is_said_under_the_number_that_eastings_have() {
        let one = |head: &str, east: f64| format!("{head}\n[地块坐标]\n4,1.0,1,a,面,,,,@\n{}", square(1, 3_875_000.0, east, 100.0));
        let head = |system: &str, degrees: &str, zone: &str| format!("[属性描述]\n坐标系={system}\n几度分带={degrees}\n带号={zone}");
        // Oracle: the EPSG register: 4528 is zone 40, 4549 CM 120E, 4548 CM 117E, which is that of 6-degree zone 20.
        assert_eq!(named(&one(&head("2000国家大地坐标系", "3", "40"), 40_409_000.0)).as_deref(), Ok("EPSG:4528"));
        assert_eq!(named(&one(&head("CGCS2000", "3", "40"), 409_000.0)).as_deref(), Ok("EPSG:4549"));
        let six = one(&head("2000国家大地坐标系", "6", "20"), 20_609_728.486);
        assert_eq!(named(&six).as_deref(), Ok("EPSG:4548"));
        assert_eq!(read(&six).unwrap().1[0]["geometry"]["coordinates"][0][0][0], json!([609_728.486, 3_875_000.0]));
        assert!(named(&one(&head("80国家大地坐标系", "3", "39"), 39_609_000.0)).unwrap_err().contains("西安 1980"));
        assert_eq!(named(&one(&head("2000国家大地坐标系", "", ""), 118.2)).as_deref(), Ok("EPSG:4490"));
        assert!(read(&one("[属性描述]\n坐标系=2000国家大地坐标系", 39_609_000.0)).unwrap().0.named.is_none());
    }

    #[test]
    fn what_is_missing_or_no_point_is_told_with_its_line() {
        let parcel = "5,1.0,1,村部,面,,,,@\n";
        for (text, line) in [
            (
                format!("{HEAD}{parcel}{}", square(1, 0.0, 0.0, 9.0).lines().take(3).collect::<Vec<_>>().join("\n")),
                "第 6 行：地块“村部”应有 5 个界址点，实有 3 个",
            ),
            (format!("{HEAD}{parcel}J1,1,x,2\n"), "第 7 行：“J1,1,x,2”"),
            (format!("{HEAD}J1,1,1,2\n"), "第 6 行：界址点前没有地块行"),
            (format!("{HEAD}村部,@\n"), "第 6 行：“村部,@”应以界址点数开头"),
            (format!("{HEAD}40,1.0,1,村部,面,,,,@\n{}", square(1, 0.0, 0.0, 9.0).repeat(10)), "第 37 行：地块“村部”的界址点超过 30 个"),
        ] {
            let words = read(&text).unwrap_err().words();
            assert!(words.zh.contains(line), "{}", words.zh);
        }
    }

    #[test]
    fn they_are_known_by_their_first_line() {
        let gbk = encoding_rs::GBK.encode("[属性描述]\r\n格式版本号=1.01").0.into_owned();
        assert!(is_one(&gbk) && is_one("\u{FEFF}\n[地块坐标]".as_bytes()) && !is_one(b"[1,2]") && !is_one(b"[{}]"));
    }
}
