//! What a CRS is, from what a file or GDAL says of it: an EPSG code, a name, or the parameters of its well-known text.

use crate::geom::Crs;
use crate::land::Words;

/// A CRS that a file names, as text and as understood.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedCrs {
    /// Its name or code in the file.
    pub found: String,
    /// What it is; or why it cannot be read in.
    pub understood: Result<Crs, Words>,
}

impl NamedCrs {
    /// From the EPSG code GDAL found, if any, and the WKT.
    #[must_use]
    pub fn new(wkt: &str, epsg: Option<u32>) -> Self {
        let found = quoted(wkt, "").unwrap_or_default().to_owned();
        let understood = epsg
            .and_then(Crs::from_epsg)
            .or_else(|| Crs::parse(&found).ok().filter(|crs| agrees(wkt, *crs)))
            .or_else(|| by_parameters(wkt))
            .ok_or_else(|| unknown(wkt, &found));
        Self { found: epsg.map_or(found.clone(), |epsg| format!("{found} (EPSG:{epsg})")), understood }
    }
}

/// Whether a name is not given the lie by the parameters below it.
fn agrees(wkt: &str, crs: Crs) -> bool {
    crs.is_degrees() || by_parameters(wkt).is_none_or(|other| other == crs)
}

/// Transverse Mercator on CGCS2000, whatever it is called; or plain degrees.
fn by_parameters(wkt: &str) -> Option<Crs> {
    let lower = wkt.to_lowercase();
    let ours = |text: &str| {
        ["cgcs2000", "cgcs_2000", "china_2000", "china geodetic coordinate system 2000", "china_geodetic_coordinate_system_2000", "国家2000"]
            .iter()
            .any(|name| text.contains(name))
    };
    if !lower.starts_with("projcs") {
        let degrees = lower.starts_with("geogcs") || lower.starts_with("geogcrs");
        return match degrees {
            true if ours(&lower) => Crs::from_epsg(4490),
            true if lower.contains("wgs_1984") || lower.contains("wgs 84") => Crs::from_epsg(4326),
            _ => None,
        };
    }
    let transverse = lower.contains("transverse_mercator") || lower.contains("gauss_kruger");
    let metres = !lower.contains("us_survey")
        && number(&lower, "scale_factor").is_none_or(|scale| scale == 1.0)
        && number(&lower, "false_northing").is_none_or(|northing| northing == 0.0);
    if !(ours(&lower) && transverse && metres) {
        return None;
    }
    let meridian = number(&lower, "central_meridian")?;
    let zone = meridian / 3.0;
    if zone.fract() != 0.0 || !(25.0..=45.0).contains(&zone) {
        return None;
    }
    let prefixed = match number(&lower, "false_easting")? {
        500_000.0 => false,
        easting if easting == zone * 1e6 + 500_000.0 => true,
        _ => return None,
    };
    Crs::from_epsg(zone as u32 + if prefixed { 4488 } else { 4509 })
}

/// The number of `PARAMETER["name",number]`, in lower-case WKT.
fn number(lower: &str, name: &str) -> Option<f64> {
    let rest = &lower[lower.find(&format!("\"{name}\""))? + name.len() + 2..];
    rest.trim_start_matches([',', ' ']).split([',', ']']).next()?.trim().parse().ok()
}

/// The first text in quotes after `keyword`.
fn quoted<'a>(wkt: &'a str, keyword: &str) -> Option<&'a str> {
    let rest = &wkt[wkt.find(keyword)?..];
    rest.split('"').nth(1)
}

/// Why a CRS cannot be read in, and what to do.
fn unknown(wkt: &str, name: &str) -> Words {
    let lower = wkt.to_lowercase();
    let old = [("xian", "西安 1980", "Xi'an 1980"), ("beijing", "北京 1954", "Beijing 1954")].into_iter().find(|(word, ..)| lower.contains(word));
    if let Some((_, zh, en)) = old {
        return Words::new(
            format!("文件的坐标系是{zh}（{name}），与 CGCS2000 相差可达上百米，且转换参数涉密，本系统不转换；请由数据提供方转换为 CGCS2000 后再上传"),
            format!("the file is in {en} ({name}), which can be a hundred metres off CGCS2000; have whoever issued it convert it to CGCS2000"),
        );
    }
    Words::new(
        format!("不认识文件的坐标系“{name}”，可用的有：{}；若确知其坐标系，请用 --crs 指定", Crs::UNDERSTOOD),
        format!("the CRS “{name}” is not understood; understood are {}; where you know the CRS, give it with --crs", Crs::UNDERSTOOD),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const GEOGRAPHIC: &str = r#"GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]"#;

    fn projected(name: &str, easting: f64, meridian: f64) -> String {
        format!(
            r#"PROJCS["{name}",{GEOGRAPHIC},PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",{easting:?}],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",{meridian:?}],PARAMETER["Scale_Factor",1.0],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]"#
        )
    }

    fn understood(wkt: &str, epsg: Option<u32>) -> Option<String> {
        NamedCrs::new(wkt, epsg).understood.ok().map(|crs| crs.to_string())
    }

    #[test]
    fn what_esri_writes_is_understood() {
        assert_eq!(understood(&projected("CGCS2000_3_Degree_GK_Zone_39", 39_500_000.0, 117.0), None).as_deref(), Some("EPSG:4527"));
        assert_eq!(understood(&projected("CGCS2000_3_Degree_GK_CM_120E", 500_000.0, 120.0), None).as_deref(), Some("EPSG:4549"));
        assert_eq!(understood(GEOGRAPHIC, None).as_deref(), Some("EPSG:4490"));
    }

    #[test]
    fn parameters_count_where_the_name_says_nothing_or_something_else() {
        assert_eq!(understood(&projected("县自定义坐标系", 40_500_000.0, 120.0), None).as_deref(), Some("EPSG:4528"));
        assert_eq!(understood(&projected("CGCS2000_3_Degree_GK_Zone_39", 40_500_000.0, 120.0), None).as_deref(), Some("EPSG:4528"));
        assert_eq!(understood(&projected("local", 500_000.0, 118.5), None), None);
    }

    #[test]
    fn old_datums_are_not_mistaken_for_the_new() {
        let wkt = projected("Xian_1980_3_Degree_GK_Zone_39", 39_500_000.0, 117.0)
            .replace("China_2000", "Xian_1980")
            .replace("CGCS2000", "Xian_1980")
            .replace("China_Geodetic_Coordinate_System_2000", "Xian_1980");
        let words = NamedCrs::new(&wkt, Some(2363)).understood.unwrap_err();
        assert!(words.zh.contains("西安 1980") && words.en.contains("Xi'an 1980"), "{words:?}");
    }
}
